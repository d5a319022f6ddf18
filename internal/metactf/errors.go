package metactf

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"flagpole/internal/domain"
)

const (
	maxMessage    = 200 // runes
	maxRetryAfter = time.Hour
	blockedText   = "not found or not approved" // the platform's one text for unknown and for not yet approved users
)

// brokenCall is the failure of a call that got no whole answer. Words of our own, not err's: an error of net/http
// quotes the address, and that holds the user's id.
func brokenCall(q call, err error) *domain.CallError {
	var slow net.Error
	if errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &slow) && slow.Timeout()) {
		return q.fail(domain.Timeout, "no whole answer came within the time limit")
	}
	return q.fail(domain.Unreachable, whyUnreachable(err))
}

func whyUnreachable(err error) string {
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	var step *net.OpError
	switch {
	case errors.As(err, &name):
		return "the platform's host name could not be resolved"
	case errors.As(err, &certificate):
		return "the platform's TLS certificate was not accepted"
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &step) && step.Op == "remote error": // a TLS alert
		return "no TLS connection could be agreed on"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF),
		errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection broke off"
	}
	return "the connection failed"
}

// refusal is the failure that an answer other than 2xx stands for.
func (c *Client) refusal(a answer) *domain.CallError {
	reason := refusalText(a)
	e := &domain.CallError{
		Class:    classOf(a.status, reason),
		Endpoint: a.endpoint(),
		Status:   a.status,
		Message:  c.plain(reason, a.call),
	}
	if a.status == http.StatusTooManyRequests || a.status == http.StatusServiceUnavailable {
		e.RetryAfter = retryAfter(a.header, c.gate.clock())
	}
	return e
}

func classOf(status int, reason string) domain.FailureClass {
	switch {
	case (status == http.StatusForbidden || status == http.StatusNotFound) && containsFold(reason, blockedText):
		return domain.Blocked
	case status == http.StatusUnauthorized:
		return domain.Unauthorized
	case status == http.StatusForbidden:
		return domain.Forbidden
	case status == http.StatusNotFound:
		return domain.NotFound
	case status == http.StatusConflict:
		return domain.Conflict
	case status == http.StatusTooManyRequests:
		return domain.RateLimited
	case status >= 500:
		return domain.ServerError
	case status >= 400:
		return domain.InvalidCall
	}
	return domain.Malformed // 3xx: not an answer of the API
}

func containsFold(s, lower string) bool { return strings.Contains(strings.ToLower(s), lower) }

// refusalText is the platform's own reason where it gives one. It may hold personal data and anything else.
func refusalText(a answer) string {
	if a.status >= 300 && a.status <= 399 {
		return "redirected to another address, not followed"
	}
	var said struct {
		Detail json.RawMessage `json:"detail"`
	}
	if err := json.Unmarshal(a.body, &said); err != nil {
		return notJSON(a.body)
	}
	if text := detailText(said.Detail); text != "" {
		return text
	}
	return "the answer gave no reason"
}

// detailText reads both documented forms: a text, and the list that comes with a 422. Of the list it takes where
// and what, never the value, which would be personal data.
func detailText(detail json.RawMessage) string {
	var text string
	if json.Unmarshal(detail, &text) == nil {
		if looksLikeHTML([]byte(text)) {
			return notJSON([]byte(text))
		}
		return strings.TrimSpace(text)
	}
	var faults []struct {
		Loc []any  `json:"loc"`
		Msg string `json:"msg"`
	}
	if json.Unmarshal(detail, &faults) != nil {
		return ""
	}
	parts := make([]string, 0, len(faults))
	for _, f := range faults {
		parts = append(parts, strings.TrimPrefix(location(f.Loc)+": "+f.Msg, ": "))
	}
	return strings.Join(parts, "; ")
}

func location(loc []any) string {
	parts := make([]string, 0, len(loc))
	for _, l := range loc {
		parts = append(parts, fmt.Sprint(l))
	}
	return strings.Join(parts, ".")
}

func notJSON(body []byte) string {
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return "the answer was empty"
	case looksLikeHTML(body):
		return "the answer was a web page, not JSON"
	}
	return "the answer was not JSON, or not all of it came"
}

func looksLikeHTML(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) }

var emailLike = regexp.MustCompile(`[^\s@"'<>()\[\],;:=]+(?:@|%40)[^\s@"'<>()\[\],;:=]+`)

// plain makes text fit to store and to show: one line, short, without the token, the user q is about, what else is
// personal in q, and anything that looks like an email.
func (c *Client) plain(text string, q call) string {
	for _, token := range c.tokens.values() {
		text = hide(text, token, "[token]")
	}
	text = hide(text, q.userID, "[user]")
	for _, p := range q.private {
		text = hide(text, p, "[private]")
	}
	text = emailLike.ReplaceAllString(text, "[email]")
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(text, ""))
	return shorten(strings.Join(strings.Fields(text), " "), maxMessage)
}

// hide replaces secret in each form in which an answer may repeat it.
func hide(text, secret, with string) string {
	if secret == "" {
		return text
	}
	return strings.NewReplacer(secret, with, url.QueryEscape(secret), with, url.PathEscape(secret), with).Replace(text)
}

// shorten cuts s to at most n runes, the last of which then is an ellipsis.
func shorten(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// retryAfter reads both forms, seconds and date, and is between 0 and maxRetryAfter. A date is compared with the
// answer's own Date where it has one, so that a clock that is off on either side does no harm.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		seconds = min(max(seconds, 0), int64(maxRetryAfter/time.Second)) // before it is multiplied: it may be huge
		return time.Duration(seconds) * time.Second
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(until.Sub(now), 0), maxRetryAfter)
}
