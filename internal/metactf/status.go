package metactf

import (
	"context"
	"net/http"
	"time"
)

// Status is what the platform's index tells without a token.
type Status struct {
	ServerTime time.Time     // the platform's clock, to the second; zero when it did not say
	Took       time.Duration // from sending to the end of the answer
}

// Status asks for the platform's index: is it there, and what time is it there? The token is not sent.
func (c *Client) Status(ctx context.Context) (Status, error) {
	a, err := c.send(ctx, call{path: "/", public: true})
	if err != nil {
		return Status{}, err
	}
	date, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		date = time.Time{}
	}
	return Status{ServerTime: date.UTC(), Took: a.took}, nil
}
