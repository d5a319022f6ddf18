package metactf

import (
	"context"
	"time"
)

// Exchange is what one call looked like on the wire, for whoever keeps a record of calls. It holds no user's id.
type Exchange struct {
	Endpoint  string        // method and path, for example "GET /users"
	StartedAt time.Time     // when it was sent, after waiting for the limiter
	Took      time.Duration // from sending to the last byte, or to giving up
	Status    int           // HTTP status, 0 when there was no answer
}

type exchangeKey struct{}

// WithExchange has the next call made with the returned context fill in e.
func WithExchange(ctx context.Context, e *Exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, e)
}

// exchangeOf is the record that the caller asked for, or one that nobody reads.
func exchangeOf(ctx context.Context) *Exchange {
	if e, ok := ctx.Value(exchangeKey{}).(*Exchange); ok {
		return e
	}
	return &Exchange{}
}
