package metactf

import (
	"context"
	"time"

	"flagpole/internal/domain"
)

// Exchange is what one send looked like on the wire, for whoever keeps a record of them. It holds no user's id. A call
// that was repeated has several.
type Exchange struct {
	Endpoint  string              // method and path, for example "GET /users"
	StartedAt time.Time           // when it was sent, after all waiting
	Took      time.Duration       // from sending to the last byte, or to giving up
	Status    int                 // HTTP status, 0 when there was no answer
	Class     domain.FailureClass // empty: answered well
	Message   string              // what was wrong, without personal data; empty: answered well
}

type exchangesKey struct{}

// WithExchanges has record called for each send of the calls made with the returned context, in their order, before
// the call returns. A call that never got its turn has none.
func WithExchanges(ctx context.Context, record func(Exchange)) context.Context {
	return context.WithValue(ctx, exchangesKey{}, record)
}

func tellCaller(ctx context.Context, e Exchange) {
	if record, ok := ctx.Value(exchangesKey{}).(func(Exchange)); ok {
		record(e)
	}
}

// record tells whoever wants to know of a send.
func (c *Client) record(ctx context.Context, e Exchange) {
	tellCaller(ctx, e)
	if c.observe != nil {
		c.observe(ctx, e)
	}
}
