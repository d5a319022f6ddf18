package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"flagpole/internal/domain"
)

// Webhook is an address that takes messages as JSON.
type Webhook struct {
	URL    string // empty: none
	Secret string // signs what is sent
}

type webhook struct {
	conf   Webhook
	client *http.Client
	clock  domain.Clock
}

// payload is what a webhook gets.
type payload struct {
	ID      int64              `json:"id"` // of the message: the same in every try
	Kind    domain.MessageKind `json:"kind"`
	At      time.Time          `json:"at"`
	Subject string             `json:"subject"`
	Text    string             `json:"text"`
	Link    string             `json:"link"`
	Alerts  []payloadAlert     `json:"alerts"`
}

type payloadAlert struct {
	Rule     domain.AlertRule  `json:"rule"`
	Title    string            `json:"title"`
	State    domain.AlertState `json:"state"`
	Since    time.Time         `json:"since"`
	Evidence string            `json:"evidence"`
}

func (w *webhook) send(ctx context.Context, m domain.Message, _ string) error {
	p := payload{ID: m.ID, Kind: m.Kind, At: m.At.UTC(), Subject: m.Subject, Text: m.Body, Link: m.Link, Alerts: []payloadAlert{}}
	for _, a := range m.Alerts {
		p.Alerts = append(p.Alerts, payloadAlert{a.Rule, a.Rule.Title(), a.State, a.Since.UTC(), a.Evidence})
	}
	body, err := json.Marshal(p)
	if err != nil {
		return errors.New("the message could not be written")
	}
	at := strconv.FormatInt(w.clock().Unix(), 10)
	return post(ctx, w.client, w.conf.URL, body, http.Header{
		"X-Flagpole-Delivery":  {strconv.FormatInt(m.ID, 10)},
		"X-Flagpole-Signature": {"t=" + at + ",v1=" + sign(w.conf.Secret, at, body)},
	})
}

// sign is the HMAC-SHA256 of "time.body" in hex: with the time in it, an old message cannot be sent again as a new one.
func sign(secret, at string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(at + "."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

type slack struct {
	url    string
	client *http.Client
}

// escaped is what Slack's texts must not hold as it is.
var escaped = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func (s *slack) send(ctx context.Context, m domain.Message, _ string) error {
	text := strings.TrimSuffix(strings.TrimSpace(m.Body), m.Link)
	body, err := json.Marshal(map[string]string{
		"text": "*" + escaped.Replace(m.Subject) + "*\n" + escaped.Replace(text) + "<" + m.Link + "|Open the page of alerts>",
	})
	if err != nil {
		return errors.New("the message could not be written")
	}
	return post(ctx, s.client, s.url, body, nil)
}

// post sends JSON; every status but 2xx is an error.
func post(ctx context.Context, client *http.Client, url string, body []byte, header http.Header) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address cannot be used")
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "flagpole")
	resp, err := client.Do(req)
	if err != nil {
		return plainHTTPError(ctx, err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("the receiver answered with status %d", resp.StatusCode)
	}
	return nil
}

// errPrivate says that an address leads where nobody has allowed it to.
var errPrivate = errors.New("the address leads to a private network; FLAGPOLE_ALERT_PRIVATE_ADDRESSES=true allows that")

// plainHTTPError says what went wrong in words of our own: an error of net/http quotes the address, which is a secret.
func plainHTTPError(ctx context.Context, err error) error {
	var name *net.DNSError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errPrivate):
		return errPrivate
	case errors.As(err, &name):
		return errors.New("the receiver's host name could not be resolved")
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("the receiver refused the connection")
	}
	return errors.New("the receiver could not be reached")
}

// newHTTPClient follows no redirect and takes no proxy, since both would lead past the check of the address; that is made when
// the host's name has been resolved, so that a name cannot stand for another address later.
func newHTTPClient(allowPrivate bool) *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	if !allowPrivate {
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			if at, err := netip.ParseAddrPort(address); err != nil || !public(at.Addr()) {
				return errPrivate
			}
			return nil
		}
	}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// notPublic are networks that netip has no word for: shared by providers, for benchmarks and documentation, and the ways in which
// IPv6 wraps IPv4.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("2001:db8::/32"),
}

func public(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	for _, network := range notPublic {
		if network.Contains(ip) {
			return false
		}
	}
	return ip.IsGlobalUnicast() && !ip.IsPrivate()
}
