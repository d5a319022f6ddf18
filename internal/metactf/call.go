package metactf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"flagpole/internal/domain"
)

const (
	maxBody      = 16 << 20 // of a good answer; more is malformed
	maxErrorBody = 64 << 10 // of an error answer; the rest is not read
)

// call is one question to the platform.
type call struct {
	path   string // below the base URL
	query  url.Values
	userID string // whom it asks about; kept out of every message
	public bool   // sent without the token
}

func (q call) endpoint() string { return http.MethodGet + " " + q.path }

// fail is a failure of q that has no answer's status.
func (q call) fail(class domain.FailureClass, message string) *domain.CallError {
	return &domain.CallError{Class: class, Endpoint: q.endpoint(), Message: message}
}

// userCall asks about one user.
func userCall(path, id string) call {
	return call{path: path, query: url.Values{"syned_user_id": {id}}, userID: id}
}

// answer is what came back.
type answer struct {
	call
	status int
	header http.Header
	body   []byte
	took   time.Duration // from sending to the last byte
}

func (a answer) ok() bool { return a.status >= 200 && a.status <= 299 }

// malformed is the failure of an answer that cannot be used as a whole.
func (a answer) malformed(message string) *domain.CallError {
	return &domain.CallError{Class: domain.Malformed, Endpoint: a.endpoint(), Status: a.status, Message: message}
}

// askAbout sends q, which is about a user. Without an id there is nothing to ask: the platform must not be left to
// guess whom.
func (c *Client) askAbout(ctx context.Context, q call) (answer, error) {
	if q.userID == "" {
		return answer{}, q.fail(domain.InvalidCall, "there is no game platform id to ask about")
	}
	return c.send(ctx, q)
}

// send waits for the limiter, sends q once and reads the answer. Every answer but a 2xx of bearable size is also a
// *domain.CallError. When ctx ends, the error wraps ctx.Err() and is no CallError: that is not the platform's fault.
func (c *Client) send(ctx context.Context, q call) (answer, error) {
	if err := c.waitTurn(ctx, q); err != nil {
		return answer{}, err
	}
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	a, err := c.exchange(limited, q)
	switch {
	case err != nil && ctx.Err() != nil:
		return answer{}, fmt.Errorf("%s: %w", q.endpoint(), ctx.Err())
	case err != nil:
		return answer{}, brokenCall(q, err)
	case !a.ok():
		return a, c.refusal(a)
	case len(a.body) > maxBody:
		return answer{}, a.malformed(fmt.Sprintf("the answer is larger than %d MiB", maxBody>>20))
	}
	return a, nil
}

func (c *Client) waitTurn(ctx context.Context, q call) error {
	err := c.limiter.Wait(ctx)
	if err == nil {
		return nil
	}
	cause := ctx.Err()
	if cause == nil { // the limiter saw that ctx would end before the turn came, and did not wait for that
		cause = context.DeadlineExceeded
	}
	return fmt.Errorf("%s: waiting for its turn: %w", q.endpoint(), cause)
}

// exchange is the one place where something is sent.
func (c *Client) exchange(ctx context.Context, q call) (answer, error) {
	req, err := c.request(ctx, q)
	if err != nil {
		return answer{}, err
	}
	c.calls.Add(1)
	record := exchangeOf(ctx)
	record.Endpoint, record.StartedAt = q.endpoint(), time.Now()
	defer func() { record.Took = time.Since(record.StartedAt) }()
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	record.Status = resp.StatusCode
	a := answer{call: q, status: resp.StatusCode, header: resp.Header}
	a.body, err = readBody(resp.Body, a.ok())
	a.took = time.Since(record.StartedAt)
	if err != nil && a.bodyDecides() {
		return answer{}, err
	}
	return a, nil
}

func (c *Client) request(ctx context.Context, q call) (*http.Request, error) {
	address := c.base + q.path
	if len(q.query) > 0 {
		address += "?" + q.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("the request could not be made") // err would quote the address with the user's id
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.agent)
	if !q.public {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	return req, nil
}

// readBody reads at most one byte more than allowed: enough to see that it was too much, and to find the end of a
// body that is not, so the connection can be used again.
func readBody(body io.Reader, ok bool) ([]byte, error) {
	limit := int64(maxErrorBody)
	if ok {
		limit = maxBody
	}
	return io.ReadAll(io.LimitReader(body, limit+1))
}

// bodyDecides tells whether an answer that broke off in its body is lost. For 403 and 404 the text says which
// failure it is; every other error status speaks for itself.
func (a answer) bodyDecides() bool {
	return a.ok() || a.status == http.StatusForbidden || a.status == http.StatusNotFound
}
