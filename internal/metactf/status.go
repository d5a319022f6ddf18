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
	var status Status
	err := c.do(ctx, call{path: "/", public: true}, func(a answer) error {
		status.Took = a.took
		if date, err := http.ParseTime(a.header.Get("Date")); err == nil {
			status.ServerTime = date.UTC()
		}
		return nil
	})
	return status, err
}
