package metactf

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"flagpole/internal/domain"
)

// write is the one way in which anything is changed on the platform: fault, where there is one, and a dry run end here.
func (c *Client) write(ctx context.Context, q call, fault string, read func(answer) error) error {
	q.method = http.MethodPost
	if fault != "" {
		return q.fail(domain.InvalidCall, fault)
	}
	if c.dryRun {
		return fmt.Errorf("%s: %w", q.endpoint(), ErrDryRun)
	}
	return c.do(ctx, q, read)
}

// filled says that a value is missing that the platform needs, or "".
func filled(field, value string) string {
	if strings.TrimSpace(value) == "" {
		return field + " is empty"
	}
	return ""
}
