// Package metactf calls the game platform's API and reads its answers. It keeps the platform from being asked too often,
// or at all while that is of no use, and knows nothing of what follows from an answer: it stores nothing and decides
// nothing about a competitor. It imports the standard library and domain; never store, syncer or anything that makes a
// page.
package metactf

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"flagpole/internal/domain"
)

// Config is what a Client needs to know.
type Config struct {
	BaseURL    string        // https, or http to this machine; no user, query or fragment
	Tokens     []Token       // bearer tokens, the first one that is not refused is used; they stand in no error and no log line
	RateLimit  float64       // requests per second over all calls together, above 0
	RetryLimit int           // repeats of one call; 0: none
	Timeout    time.Duration // of one send, counted from when it is let through; 0: 20 s
	UserAgent  string        // empty: "flagpole"
	DryRun     bool          // write calls fail with ErrDryRun and are never sent
	Log        DisclosureLog // of what write calls send; without it they fail with ErrNoLog and are never sent

	Observe func(context.Context, Exchange) // is told of every send when it is over; nil: nobody

	// What tests replace; nil is the usual one.
	Clock     domain.Clock                         // time.Now; a replaced one needs After to match
	After     func(time.Duration) <-chan time.Time // time.After: the one way in which the client waits
	Random    func() float64                       // from 0 up to, but not including, 1
	Transport http.RoundTripper                    // how requests are sent
}

// ErrDryRun is the error of a write call while Config.DryRun is set.
var ErrDryRun = errors.New("dry run: nothing is written on the platform")

// ErrNoLog is the error of a write call where there is no Config.Log.
var ErrNoLog = errors.New("there is no log of what is sent, so nothing is written on the platform")

// DisclosureLog keeps what write calls send about people.
type DisclosureLog interface {
	// Sending notes what is about to be sent. With an error of it nothing is sent.
	Sending(context.Context, domain.Disclosure) (id int64, err error)
	// Answered notes the HTTP status of the answer: 0 where none came, domain.NotSent where nothing was sent after all.
	Answered(ctx context.Context, id int64, status int) error
}

const (
	defaultTimeout   = 20 * time.Second
	defaultUserAgent = "flagpole"
	idleConnections  = 16
	maxHeaderBytes   = 256 << 10
)

// Client calls the platform. It may be used by many goroutines; all calls pass one gate.
type Client struct {
	base       string // without a slash at the end
	tokens     *tokens
	observe    func(context.Context, Exchange)
	agent      string
	timeout    time.Duration
	retryLimit int
	dryRun     bool
	log        DisclosureLog
	random     func() float64
	gate       *gate
	http       *http.Client
	calls      atomic.Int64
	fields     strangeFields
}

// New makes a Client. It sends nothing. Its errors say what is wrong with cfg without repeating any of it, since an
// address may hold a password and the wrong field may hold the token.
func New(cfg Config, log *slog.Logger) (*Client, error) {
	base, err := checkBaseURL(cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	tokens, err := newTokens(cfg.Tokens)
	if err != nil {
		return nil, err
	}
	if !(cfg.RateLimit > 0) || math.IsInf(cfg.RateLimit, 0) { // written so that NaN is refused, too
		return nil, errors.New("platform rate limit: must be above 0 requests per second")
	}
	if cfg.Timeout < 0 || cfg.RetryLimit < 0 {
		return nil, errors.New("platform timeout and retry limit: must not be negative")
	}
	cfg.complete()
	return &Client{
		base:       base,
		tokens:     tokens,
		observe:    cfg.Observe,
		agent:      cfg.UserAgent,
		timeout:    cfg.Timeout,
		retryLimit: cfg.RetryLimit,
		dryRun:     cfg.DryRun,
		log:        cfg.Log,
		random:     cfg.Random,
		gate:       newGate(cfg.RateLimit, cfg.Clock, cfg.After, log),
		http:       newHTTPClient(cfg.Transport),
		fields:     strangeFields{log: log, counts: map[Field]int64{}},
	}, nil
}

// complete fills in what was left open.
func (cfg *Config) complete() {
	cfg.Timeout = cmp.Or(cfg.Timeout, defaultTimeout)
	cfg.UserAgent = cmp.Or(cfg.UserAgent, defaultUserAgent)
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.After == nil {
		cfg.After = time.After
	}
	if cfg.Random == nil {
		cfg.Random = rand.Float64
	}
	if cfg.Transport == nil {
		cfg.Transport = newTransport()
	}
}

// Calls is how many requests were sent so far, answered or not; each repeat counts.
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

// newHTTPClient never follows a redirect: the token must not travel to an address nobody configured.
func newHTTPClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// newTransport has no time-outs of its own, because the deadline of each send covers every step of it. It speaks HTTP/1.1
// only, where the empty body of a GET leaves no trace; over HTTP/2 it would be a frame of its own.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext,
		MaxIdleConns:           idleConnections,
		MaxIdleConnsPerHost:    idleConnections,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
}
