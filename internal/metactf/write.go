package metactf

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"flagpole/internal/domain"
)

// write is the one way in which anything is changed on the platform: fault, where there is one, and a dry run end here, and what is
// sent is logged before it leaves, by the very bytes.
func (c *Client) write(ctx context.Context, q call, fault string, read func(answer) error) error {
	q.method = http.MethodPost
	switch {
	case fault != "":
		return q.fail(domain.InvalidCall, fault)
	case c.dryRun:
		return fmt.Errorf("%s: %w", q.endpoint(), ErrDryRun)
	case c.log == nil:
		return fmt.Errorf("%s: %w", q.endpoint(), ErrNoLog)
	}
	fields, err := json.Marshal(q.body)
	if err != nil {
		return q.fail(domain.InvalidCall, "the request could not be made")
	}
	id, err := c.log.Sending(ctx, domain.Disclosure{Endpoint: q.endpoint(), UserID: q.userID, Fields: fields})
	if err != nil {
		return fmt.Errorf("%s: log what is sent: %w", q.endpoint(), err)
	}
	q.body = json.RawMessage(fields)
	status := domain.NotSent
	err = c.do(WithExchanges(ctx, func(e Exchange) {
		status = e.Status
		tellCaller(ctx, e)
	}), q, read)
	if logErr := c.log.Answered(context.WithoutCancel(ctx), id, status); logErr != nil {
		c.gate.log.Error("cannot log how the platform answered what was sent", "endpoint", q.endpoint(), "disclosure", id, "error", logErr)
	}
	return err
}

// filled says that a value is missing that the platform needs, or "".
func filled(field, value string) string {
	if strings.TrimSpace(value) == "" {
		return field + " is empty"
	}
	return ""
}
