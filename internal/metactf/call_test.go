package metactf_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
)

func equal(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// failureOf is the CallError in err.
func failureOf(t *testing.T, err error) *domain.CallError {
	t.Helper()
	var failure *domain.CallError
	if !errors.As(err, &failure) {
		t.Fatalf("got %v, want a CallError", err)
	}
	return failure
}

func TestStatusDecidesTheClass(t *testing.T) {
	const (
		blocked   = `{"detail":"User NOT found or not approved"}`
		gone      = `{"detail":"No such record"}`
		badGate   = "<html><body><h1>502 Bad Gateway</h1></body></html>"
		webPage   = "the answer was a web page, not JSON"
		noReason  = "the answer gave no reason"
		notFollow = "redirected to another address, not followed"
	)
	for _, tc := range []struct {
		name, body string
		status     int
		class      domain.FailureClass
		message    string
	}{
		{"unauthorized", `{"detail":"Invalid token"}`, 401, domain.Unauthorized, "Invalid token"},
		{"unauthorized whatever it says", blocked, 401, domain.Unauthorized, "User NOT found or not approved"},
		{"forbidden", `{"detail":"Not allowed"}`, 403, domain.Forbidden, "Not allowed"},
		{"blocked by 403", blocked, 403, domain.Blocked, "User NOT found or not approved"},
		{"blocked by 404", blocked, 404, domain.Blocked, "User NOT found or not approved"},
		{"not found", gone, 404, domain.NotFound, "No such record"},
		{"not found by a proxy", badGate, 404, domain.NotFound, webPage},
		{"conflict", `{"detail":"Exists"}`, 409, domain.Conflict, "Exists"},
		{"bad request", `{"detail":"No"}`, 400, domain.InvalidCall, "No"},
		{"other 4xx", gone, 418, domain.InvalidCall, "No such record"},
		{"too many", `{"detail":"Slow down"}`, 429, domain.RateLimited, "Slow down"},
		{"fault", `{"detail":"Internal Server Error"}`, 500, domain.ServerError, "Internal Server Error"},
		{"bad gateway", badGate, 502, domain.ServerError, webPage},
		{"web page in the detail", `{"detail":"<html>oh</html>"}`, 502, domain.ServerError, webPage},
		{"unavailable", "", 503, domain.ServerError, "the answer was empty"},
		{"plain text", "upstream broke", 504, domain.ServerError, "the answer was not JSON, or not all of it came"},
		{"JSON without a reason", `{"error":1}`, 500, domain.ServerError, noReason},
		{"null as a reason", `{"detail":null}`, 500, domain.ServerError, noReason},
		{"an object as a reason", `{"detail":{"a":1}}`, 500, domain.ServerError, noReason},
		{"moved", "", 302, domain.Malformed, notFollow},
		{"not modified", "", 304, domain.Malformed, notFollow},
		{
			"list of faults",
			`{"detail":[{"loc":["query","after_time_unix"],"msg":"not an integer","type":"int_parsing","input":"x"},
				{"loc":["body",0,"email"],"msg":"missing","type":"missing"},{"loc":[],"msg":"bare","type":"x"}]}`,
			422, domain.InvalidCall, "query.after_time_unix: not an integer; body.0.email: missing; bare",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newClient(t, answering(tc.status, tc.body))
			_, err := c.ODLScores(t.Context(), testUser, time.Time{})
			want := &domain.CallError{
				Class: tc.class, Endpoint: "GET /scores/get_odl_scores", Status: tc.status, Message: tc.message,
			}
			equal(t, want, failureOf(t, err))
		})
	}
}

func TestAnyTwoHundredSucceeds(t *testing.T) {
	for _, status := range []int{200, 201, 202, 299} {
		c := newClient(t, answering(status, `{"metactf_user_status":"approved"}`))
		if _, err := c.User(t.Context(), testUser); err != nil {
			t.Errorf("status %d: %v", status, err)
		}
	}
}

func TestMessageIsShortPlainAndNamesNobody(t *testing.T) {
	long := strings.Repeat("é", 300)
	for _, tc := range []struct{ name, id, detail, want string }{
		{"the id", "syn-77", "User syn-77 is broken", "User [user] is broken"},
		{"the id escaped", "a b/c", "bad ?syned_user_id=a+b%2Fc or /a%20b%2Fc or a b/c", "bad ?syned_user_id=[user] or /[user] or [user]"},
		{"an id that is a word of ours", "user", "user gone", "[user] gone"},
		{"an id that is an email", "ada@school.example", "No ada@school.example here", "No [user] here"},
		{"another email", "syn-77", "taken by <bo.li+x@school.example>", "taken by <[email]>"},
		{"an escaped email", "syn-77", "taken by bo%40school.example", "taken by [email]"},
		{"the token", "syn-77", "bad token " + testToken, "bad token [token]"},
		{"many lines", "syn-77", `one\n\ttwo\u0000 \u001b[31mthree`, "one two [31mthree"},
		{"long", "syn-77", long, long[:2*199] + "…"},
		{"long, with the id across the cut", "syn-77", strings.Repeat("x", 197) + " syn-77", strings.Repeat("x", 197) + " […"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newClient(t, answering(400, `{"detail":"`+tc.detail+`"}`))
			_, err := c.User(t.Context(), tc.id)
			equal(t, tc.want, failureOf(t, err).Message)
		})
	}
}

func TestRetryAfter(t *testing.T) {
	const date = "Wed, 04 Mar 2026 15:00:00 GMT"
	for _, tc := range []struct {
		name, value string
		status      int
		want        time.Duration
	}{
		{"seconds", "30", 429, 30 * time.Second},
		{"seconds on 503", " 30 ", 503, 30 * time.Second},
		{"date", "Wed, 04 Mar 2026 15:01:30 GMT", 429, 90 * time.Second},
		{"date in the older form", "Wednesday, 04-Mar-26 15:01:30 GMT", 429, 90 * time.Second},
		{"nothing", "", 429, 0},
		{"nonsense", "soon", 429, 0},
		{"negative", "-5", 429, 0},
		{"past date", "Wed, 04 Mar 2026 14:00:00 GMT", 429, 0},
		{"too long", "86400", 429, time.Hour},
		{"so long that it overflows a duration", "9223372036854775807", 429, time.Hour},
		{"so long that it overflows a number", "99999999999999999999", 429, time.Hour},
		{"far date", "Thu, 05 Mar 2026 15:00:00 GMT", 429, time.Hour},
		{"other status", "30", 500, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", date)
				w.Header().Set("Retry-After", tc.value)
				w.WriteHeader(tc.status)
			})
			_, err := c.User(t.Context(), testUser)
			equal(t, tc.want, failureOf(t, err).RetryAfter)
		})
	}
}

func TestRetryAfterWithoutTheServersClock(t *testing.T) {
	c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Date"] = nil
		w.Header().Set("Retry-After", time.Now().Add(30*time.Minute).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	_, err := c.User(t.Context(), testUser)
	if got := failureOf(t, err).RetryAfter; got < 25*time.Minute || got > 30*time.Minute {
		t.Errorf("got %v, want about 30 minutes", got)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	reached := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		c := newClient(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, status) })
		_, err := c.User(t.Context(), testUser)
		failure := failureOf(t, err)
		if failure.Class != domain.Malformed || strings.Contains(failure.Error(), elsewhere.URL) {
			t.Errorf("status %d: got %v, want malformed, without the address", status, failure)
		}
		if err := c.CheckToken(t.Context()); err == nil {
			t.Errorf("status %d: a redirect passed as a good token", status)
		}
	}
	if reached {
		t.Error("the other address was called")
	}
}

func TestBodyIsBounded(t *testing.T) {
	endless := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			chunk := bytes.Repeat([]byte(" "), 1<<20)
			for range 64 {
				if _, err := w.Write(chunk); err != nil {
					return // the client has seen enough
				}
			}
		}
	}
	_, err := newClient(t, endless(200)).User(t.Context(), testUser)
	if f := failureOf(t, err); f.Class != domain.Malformed || !strings.Contains(f.Message, "16 MiB") {
		t.Errorf("got %v, want malformed, for its size", f)
	}
	_, err = newClient(t, endless(500)).User(t.Context(), testUser)
	if f := failureOf(t, err); f.Class != domain.ServerError {
		t.Errorf("got %v, want server_error", f)
	}
}

func TestBodyOfExactlyTheBoundIsRead(t *testing.T) {
	body := `{"metactf_user_status":"approved"}`
	c := newClient(t, answering(200, body+strings.Repeat(" ", 16<<20-len(body))))
	if _, err := c.User(t.Context(), testUser); err != nil {
		t.Error(err)
	}
}

func TestDeadlineOfACall(t *testing.T) {
	for name, begin := range map[string]func(w http.ResponseWriter){
		"before the answer": func(http.ResponseWriter) {},
		"within the answer": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, "{")
			w.(http.Flusher).Flush()
		},
	} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				begin(w)
				<-release
			}))
			defer server.Close()
			defer close(release)
			c := clientOf(t, metactf.Config{BaseURL: server.URL, Timeout: 50 * time.Millisecond}, io.Discard)
			_, err := c.User(t.Context(), testUser)
			equal(t, &domain.CallError{
				Class: domain.Timeout, Endpoint: "GET /users", Message: "no whole answer came within the time limit",
			}, failureOf(t, err))
		})
	}
}

func TestEndOfTheCallersContextIsNoFailureOfThePlatform(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	c := newClient(t, func(http.ResponseWriter, *http.Request) {
		cancel()
		<-release
	})
	defer close(release)
	_, err := c.User(ctx, testUser)
	var failure *domain.CallError
	if !errors.Is(err, context.Canceled) || errors.As(err, &failure) {
		t.Errorf("got %v, want context.Canceled and no CallError", err)
	}
	if strings.Contains(err.Error(), testUser) {
		t.Errorf("the error names the user: %v", err)
	}
}

// hangUp closes the connection after sending head.
func hangUp(head string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, head)
		_ = conn.Close()
	}
}

func TestUnreachable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + listener.Addr().String()
	_ = listener.Close()

	quiet := log.New(io.Discard, "", 0)
	untrusted := httptest.NewUnstartedServer(answering(200, "{}"))
	untrusted.Config.ErrorLog = quiet
	untrusted.StartTLS()
	defer untrusted.Close()
	ancient := httptest.NewUnstartedServer(answering(200, "{}"))
	ancient.Config.ErrorLog = quiet
	ancient.TLS = &tls.Config{MaxVersion: tls.VersionTLS11}
	ancient.StartTLS()
	defer ancient.Close()
	plain := httptest.NewServer(answering(200, "{}"))
	defer plain.Close()
	silent := httptest.NewServer(hangUp(""))
	defer silent.Close()
	broken := httptest.NewServer(hangUp("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"metactf_"))
	defer broken.Close()
	notFound := httptest.NewServer(hangUp("HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\n{\"detail"))
	defer notFound.Close()
	garbage := httptest.NewServer(hangUp("what " + testUser + " and " + testToken + "\r\n\r\n"))
	defer garbage.Close()

	for _, tc := range []struct{ name, base, want string }{
		{"refused", closed, "the connection was refused"},
		{"no such host, and none that a resolver would be asked for", "https://platform..invalid", "the platform's host name could not be resolved"},
		{"unknown certificate", untrusted.URL, "the platform's TLS certificate was not accepted"},
		{"too old a TLS", ancient.URL, "no TLS connection could be agreed on"},
		{"no TLS", strings.Replace(plain.URL, "http:", "https:", 1), "no TLS connection could be agreed on"},
		{"no answer", silent.URL, "the connection broke off"},
		{"half an answer", broken.URL, "the connection broke off"},
		{"half of a 404, which might say blocked", notFound.URL, "the connection broke off"},
		{"not HTTP", garbage.URL, "the connection failed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := clientOf(t, metactf.Config{BaseURL: tc.base}, io.Discard)
			_, err := c.FlashProgress(t.Context(), testUser)
			equal(t, &domain.CallError{
				Class: domain.Unreachable, Endpoint: "GET /scores/get_flash_ctf_progress", Message: tc.want,
			}, failureOf(t, err))
		})
	}
}

func TestBrokenBodyOfAnErrorKeepsItsClass(t *testing.T) {
	c := newClient(t, hangUp("HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 100\r\n\r\n{\"detail"))
	_, err := c.User(t.Context(), testUser)
	if f := failureOf(t, err); f.Class != domain.RateLimited || f.RetryAfter != 7*time.Second {
		t.Errorf("got %+v, want rate_limited for 7 s", f)
	}
}

func TestCheckToken(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status int
		body   string
		want   domain.FailureClass // empty: the token was taken
	}{
		{"no assignments", 200, `{"assignments":[],"total_count":0}`, ""},
		{"created", 201, ``, ""},
		{"no such team", 404, `{"detail":"Team not found"}`, ""},
		{"no such team, in the words for users", 404, `{"detail":"User not found or not approved"}`, ""},
		{"not a team id", 422, `{"detail":[]}`, ""},
		{"team not approved", 403, `{"detail":"Team not approved"}`, ""},
		{"in the words for users", 403, `{"detail":"User not found or not approved"}`, ""},
		{"refused", 401, `{"detail":"Invalid token"}`, domain.Unauthorized},
		{"forbidden", 403, `{"detail":"Forbidden"}`, domain.Forbidden},
		{"slow down", 429, ``, domain.RateLimited},
		{"fault", 500, ``, domain.ServerError},
		{"bad request", 400, ``, domain.InvalidCall},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var query string
			c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
				query = r.URL.Query().Get("syned_team_id")
				answering(tc.status, tc.body)(w, r)
			})
			err := c.CheckToken(t.Context())
			if tc.want == "" {
				if err != nil {
					t.Errorf("got %v, want the token taken", err)
				}
			} else if f := failureOf(t, err); f.Class != tc.want {
				t.Errorf("got %v, want %s", f, tc.want)
			}
			if query == "" {
				t.Error("it asked for every team's assignments")
			}
		})
	}
}

func TestNobodyIsNotAskedAbout(t *testing.T) {
	c := newClient(t, func(http.ResponseWriter, *http.Request) { t.Error("a call was sent") })
	_, err := c.ODLScores(t.Context(), "", time.Time{})
	if f := failureOf(t, err); f.Class != domain.InvalidCall {
		t.Errorf("got %v, want invalid", f)
	}
}

// A server that repeats the request in all it says must not get the token or the user's id into an error or a log.
func TestNoErrorAndNoLogHoldsTheToken(t *testing.T) {
	var logged bytes.Buffer
	var said []string
	for _, status := range []int{200, 201, 302, 400, 401, 403, 404, 409, 422, 429, 500, 503} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			echo := r.Header.Get("Authorization") + " " + r.URL.String()
			w.Header().Set("Location", "/"+testToken)
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, `{"detail":%q,"extra":%q}`, echo, echo)
		}))
		cfg := hurried(metactf.Config{BaseURL: server.URL}) // some statuses ask for a pause
		c := clientOf(t, cfg, &logged)
		_, user := c.User(t.Context(), testUser)
		_, odl := c.ODLScores(t.Context(), testUser, time.Unix(1, 0))
		_, flash := c.FlashProgress(t.Context(), testUser)
		for _, err := range []error{user, odl, flash, c.CheckToken(t.Context())} {
			said = append(said, fmt.Sprintf("%v %+v", err, err))
		}
		for _, write := range writes(t, c) {
			said = append(said, fmt.Sprint(write()))
		}
		server.Close()
		_, gone := c.User(t.Context(), testUser)
		said = append(said, gone.Error())
	}
	all := strings.Join(said, "\n") + logged.String()
	for _, secret := range []string{testToken, testUser} {
		if strings.Contains(all, secret) {
			t.Errorf("%q stands in:\n%s", secret, all)
		}
	}
}
