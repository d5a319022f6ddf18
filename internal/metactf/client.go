// Package metactf calls the game platform's API and reads its answers. It knows HTTP and JSON and nothing of what
// follows from an answer: it stores nothing, repeats nothing and decides nothing about a competitor. It imports the
// standard library, domain and the rate limiter; never store, syncer or anything that makes a page.
package metactf

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"golang.org/x/time/rate"
)

// Config is what a Client needs to know.
type Config struct {
	BaseURL   string        // https, or http to this machine; no user, query or fragment
	Token     string        // the bearer token; it stands in no error and no log line
	RateLimit float64       // requests per second over all calls together, above 0
	Timeout   time.Duration // of one call, counted from when the limiter lets it pass; 0: 20 s
	UserAgent string        // empty: "flagpole"
}

const (
	defaultTimeout   = 20 * time.Second
	defaultUserAgent = "flagpole"
	idleConnections  = 16
	maxHeaderBytes   = 256 << 10
)

// Client calls the platform. It may be used by many goroutines; all calls share one limiter.
type Client struct {
	base    string // without a slash at the end
	token   string
	agent   string
	timeout time.Duration
	limiter *rate.Limiter
	http    *http.Client
	calls   atomic.Int64
	unknown unknownFields
}

// New makes a Client. It sends nothing. Its errors say what is wrong with cfg without repeating any of it, since an
// address may hold a password and the wrong field may hold the token.
func New(cfg Config, log *slog.Logger) (*Client, error) {
	base, err := checkBaseURL(cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	if err := checkToken(cfg.Token); err != nil {
		return nil, err
	}
	if !(cfg.RateLimit > 0) || math.IsInf(cfg.RateLimit, 0) { // written so that NaN is refused, too
		return nil, errors.New("platform rate limit: must be above 0 requests per second")
	}
	if cfg.Timeout < 0 {
		return nil, errors.New("platform timeout: must not be negative")
	}
	c := &Client{
		base:    base,
		token:   cfg.Token,
		agent:   defaultUserAgent,
		timeout: defaultTimeout,
		limiter: rate.NewLimiter(rate.Limit(cfg.RateLimit), 1),
		http:    newHTTPClient(),
		unknown: unknownFields{log: log, counts: map[string]int64{}},
	}
	if cfg.UserAgent != "" {
		c.agent = cfg.UserAgent
	}
	if cfg.Timeout > 0 {
		c.timeout = cfg.Timeout
	}
	return c, nil
}

// Calls is how many API calls were sent so far, answered or not.
func (c *Client) Calls() int64 { return c.calls.Load() }

// checkBaseURL returns the address without a slash at its end.
func checkBaseURL(raw string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil {
		return "", errors.New("platform address: cannot be parsed")
	}
	fault := ""
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		fault = "must begin with https://"
	case u.Hostname() == "":
		fault = "has no host"
	case u.User != nil:
		fault = "must not hold a user or password"
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		fault = "must not hold a query or fragment"
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		fault = "must begin with https://, since the token would be readable on its way; http is for this machine only"
	}
	if fault != "" {
		return "", fmt.Errorf("platform address: %s", fault)
	}
	return strings.TrimRight(u.String(), "/"), nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// checkToken refuses what a header cannot carry, and the usual slip of pasting a line break along.
func checkToken(token string) error {
	if strings.TrimSpace(token) == "" {
		return errors.New("platform token: is empty")
	}
	odd := func(r rune) bool { return r <= ' ' || r > unicode.MaxASCII || !unicode.IsPrint(r) }
	if strings.ContainsFunc(token, odd) {
		return errors.New("platform token: holds white space or a character that is not plain ASCII")
	}
	return nil
}

// newHTTPClient never follows a redirect: the token must not travel to an address nobody configured. The transport
// has no time-outs of its own, because the deadline of each call covers every step of it.
func newHTTPClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext,
			ForceAttemptHTTP2:      true,
			MaxIdleConns:           idleConnections,
			MaxIdleConnsPerHost:    idleConnections,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: maxHeaderBytes,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
