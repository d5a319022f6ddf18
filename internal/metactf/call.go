package metactf

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"syscall"
	"time"

	"flagpole/internal/domain"
)

const (
	maxBody      = 16 << 20 // of a good answer; more is malformed
	maxErrorBody = 64 << 10 // of an error answer; the rest is not read
)

// call is one question to the platform, or one order.
type call struct {
	method  string // empty: GET
	path    string // below the base URL
	query   url.Values
	body    any      // sent as JSON; nil for a GET
	userID  string   // whom it is about; kept out of every message
	private []string // what else is personal, and kept out of every message
	public  bool     // sent without the token

	// accepts tells of a refusal that is an answer all the same; nil: none is.
	accepts func(answer, *domain.CallError) bool
}

func (q call) verb() string { return cmp.Or(q.method, http.MethodGet) }

func (q call) endpoint() string { return q.verb() + " " + q.path }

// fail is a failure of q that has no answer's status.
func (q call) fail(class domain.FailureClass, message string) *domain.CallError {
	return &domain.CallError{Class: class, Endpoint: q.endpoint(), Message: message}
}

// given is the failure of a call that the caller did not wait for. It is no CallError: that is not the platform's fault.
func (q call) given(what string, cause error) error {
	return fmt.Errorf("%s: %s%w", q.endpoint(), what, cause)
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
	token  string        // it was asked with; "" for a public call
}

func (a answer) ok() bool { return a.status >= 200 && a.status <= 299 }

// malformed is the failure of an answer that cannot be used as a whole.
func (a answer) malformed(message string) *domain.CallError {
	return &domain.CallError{Class: domain.Malformed, Endpoint: a.endpoint(), Status: a.status, Message: message}
}

// askAbout makes a call about a user. Without an id there is nothing to ask: the platform must not be left to guess whom.
func (c *Client) askAbout(ctx context.Context, q call, read func(answer) error) error {
	if q.userID == "" {
		return q.fail(domain.InvalidCall, "there is no game platform id to ask about")
	}
	return c.do(ctx, q, read)
}

// do makes a call, and repeats it where that is safe and may help. read takes the 2xx answer; its error is the call's,
// and is a *domain.CallError as every failure of the platform is. When ctx ends, the error wraps ctx.Err() and is no
// CallError.
func (c *Client) do(ctx context.Context, q call, read func(answer) error) error {
	for repeats := 0; ; repeats++ {
		again, err := c.once(ctx, q, read)
		if errors.Is(err, errNextToken) { // not a repeat: the call was not looked at
			repeats--
			continue
		}
		if !again || repeats >= c.retryLimit {
			return err
		}
		select {
		case <-c.gate.after(c.backOff(repeats)):
		case <-ctx.Done():
			return q.given("waiting to try again: ", ctx.Err())
		}
	}
}

const (
	firstBackOff = 200 * time.Millisecond
	mostBackOff  = 5 * time.Second
)

// backOff is exponential with full jitter: a random part of a bound that doubles with each repeat.
func (c *Client) backOff(repeats int) time.Duration {
	bound := mostBackOff
	if repeats < 5 { // beyond it the doubled bound is above the ceiling
		bound = min(bound, firstBackOff<<repeats)
	}
	return time.Duration(c.random() * float64(bound))
}

// repeatable tells whether a failed call may be sent once more. An order may have been carried out although its answer
// got lost, so it is repeated only where nothing can have been sent. After a 429 the gate makes the repeat wait for as
// long as the platform asked.
func (q call) repeatable(class domain.FailureClass, cause error) bool {
	if q.verb() != http.MethodGet {
		var step *net.OpError
		return errors.As(cause, &step) && step.Op == "dial" && errors.Is(cause, syscall.ECONNREFUSED)
	}
	return class.OfPlatform() || class == domain.RateLimited
}

// once waits for the gate, sends q, reads the answer, and tells the gate and the caller's record how it went.
func (c *Client) once(ctx context.Context, q call, read func(answer) error) (again bool, err error) {
	probe, err := c.gate.enter(ctx, q.public)
	if err != nil {
		return false, q.given("waiting for its turn: ", err)
	}
	record := Exchange{Endpoint: q.endpoint(), StartedAt: c.gate.clock()}
	began := time.Now()
	a, cause := c.exchange(ctx, q)
	record.Status, record.Took = a.status, time.Since(began)
	a.took = record.Took
	fault := c.judge(a, cause, read)
	other := c.heedToken(a, cause, fault)
	if ctx.Err() == nil || cause == nil {
		c.gate.settle(end{q: q, probe: probe, fault: fault, otherToken: other})
	} else {
		c.gate.settle(end{q: q, probe: probe, givenUp: true})
		fault, err = q.fail(domain.Timeout, "the caller did not wait for the answer"), q.given("", ctx.Err())
	}
	if fault != nil {
		record.Class, record.Message = fault.Class, fault.Message
	}
	c.record(ctx, record)
	switch {
	case fault == nil:
		return false, nil
	case err != nil:
		return false, err
	case other:
		return true, errNextToken
	}
	return q.repeatable(fault.Class, cause), fault
}

// errNextToken says that a call was refused for its token, and that there is another one to try it with.
var errNextToken = errors.New("the token was refused, and there is another one")

// heedToken learns from an answer whether the platform takes the token it was asked with. other says that it does not, and
// that there is one it has not refused.
func (c *Client) heedToken(a answer, cause error, fault *domain.CallError) (other bool) {
	switch {
	case a.token == "" || cause != nil:
		return false
	case fault != nil && fault.Class == domain.Unauthorized:
		return c.tokens.refused(a.token)
	}
	c.tokens.accepted(a.token)
	return false
}

// judge says what is wrong with an answer, or with that there is none because of cause; nil when it could be read.
func (c *Client) judge(a answer, cause error, read func(answer) error) (fault *domain.CallError) {
	defer func() { // the gate must hear of every call's end, also of one that nobody foresaw
		if r := recover(); r != nil {
			c.gate.log.Error("reading an answer panicked", "endpoint", a.endpoint(), "stack", string(debug.Stack()))
			fault = a.malformed("the answer could not be read")
		}
	}()
	switch {
	case cause != nil:
		return brokenCall(a.call, cause)
	case !a.ok():
		if refusal := c.refusal(a); a.accepts == nil || !a.accepts(a, refusal) {
			return refusal
		}
		return nil
	case len(a.body) > maxBody:
		return a.malformed(fmt.Sprintf("the answer is larger than %d MiB", maxBody>>20))
	}
	err := read(a)
	if err == nil {
		return nil
	}
	if !errors.As(err, &fault) {
		fault = a.malformed("the answer could not be read")
	}
	return fault
}

// exchange is the one place where something is sent.
func (c *Client) exchange(ctx context.Context, q call) (answer, error) {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	a := answer{call: q}
	if !q.public {
		a.token = c.tokens.use()
	}
	req, err := c.request(limited, q, a.token)
	if err != nil {
		return a, err
	}
	c.calls.Add(1)
	resp, err := c.http.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	a.status, a.header = resp.StatusCode, resp.Header
	a.body, err = readBody(resp.Body, a.ok())
	if err != nil && a.bodyDecides() {
		return a, err
	}
	return a, nil
}

func (c *Client) request(ctx context.Context, q call, token string) (*http.Request, error) {
	address := c.base + q.path
	if len(q.query) > 0 {
		address += "?" + q.query.Encode()
	}
	body, err := q.payload()
	if err != nil {
		return nil, errors.New("the request could not be made")
	}
	req, err := http.NewRequestWithContext(ctx, q.verb(), address, body)
	if err != nil {
		return nil, errors.New("the request could not be made") // err would quote the address with the user's id
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.agent)
	if q.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if !q.public {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req, nil
}

// payload is the body of the request. For a GET it is one that is empty but not absent: a GET without a body net/http
// sends again by itself when a connection that was kept open breaks, past the gate and uncounted.
func (q call) payload() (io.Reader, error) {
	if q.body == nil {
		return emptyBody{}, nil
	}
	raw, err := json.Marshal(q.body)
	return bytes.NewReader(raw), err
}

type emptyBody struct{}

func (emptyBody) Read([]byte) (int, error) { return 0, io.EOF }

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
