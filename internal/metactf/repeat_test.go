package metactf_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
)

func TestOnlyWhatMayHelpIsRepeated(t *testing.T) {
	broken := func(int, *http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }
	hanging := func(_ int, r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	always := func(code int, body string) func(int, *http.Request) (*http.Response, error) {
		return func(int, *http.Request) (*http.Response, error) { return response(code, body), nil }
	}
	for _, tc := range []struct {
		name   string
		answer func(int, *http.Request) (*http.Response, error)
		class  domain.FailureClass
		sends  int
	}{
		{"server error", always(500, ""), domain.ServerError, 4},
		{"web page of a gateway", always(502, "<html>"), domain.ServerError, 4},
		{"broken connection", broken, domain.Unreachable, 4},
		{"no answer", hanging, domain.Timeout, 4},
		{"malformed", always(200, "{"), domain.Malformed, 1},
		{"too many", always(429, ""), domain.RateLimited, 4}, // each after the pause
		{"refused", always(401, ""), domain.Unauthorized, 1},
		{"not found", always(404, ""), domain.NotFound, 1},
		{"invalid", always(422, ""), domain.InvalidCall, 1},
		{"moved", always(302, ""), domain.Malformed, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answer: tc.answer}
				c := s.client(t, metactf.Config{RetryLimit: 3})
				ctx, all := recorded(t.Context())
				_, err := c.User(ctx, testUser)
				if classOf(err) != tc.class || s.calls() != tc.sends || c.Calls() != int64(tc.sends) || len(*all) != tc.sends {
					t.Errorf("got %v, %d sends, %d recorded; want %s and %d sends", err, s.calls(), len(*all), tc.class, tc.sends)
				}
				for _, e := range *all {
					if e.Class != tc.class || e.Message == "" {
						t.Errorf("recorded %+v, want each send with its class", e)
					}
				}
			})
		})
	}
}

func TestGoodRepeatIsAGoodCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: answers(status(500))}
		ctx, all := recorded(t.Context())
		_, err := s.client(t, metactf.Config{RetryLimit: 1}).User(ctx, testUser)
		if err != nil || len(*all) != 2 || (*all)[0].Class != domain.ServerError || (*all)[1].Class != "" {
			t.Errorf("got %v, %+v; want a failed and a good send", err, *all)
		}
	})
}

func TestBackOffGrowsWithFullJitterUpToItsCeiling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: func(int, *http.Request) (*http.Response, error) { return response(500, ""), nil }}
		c := s.client(t, metactf.Config{RetryLimit: 8, Random: func() float64 { return 0.5 }})
		_, _ = c.User(t.Context(), testUser)
		var gaps []time.Duration
		for i := 1; i < len(s.sent); i++ {
			gaps = append(gaps, s.sent[i].Sub(s.sent[i-1])/time.Millisecond)
		}
		equal(t, []time.Duration{100, 200, 400, 800, 1600, 2500, 2500, 2500}, gaps)
	})
}

func TestBackOffEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: func(int, *http.Request) (*http.Response, error) { return response(500, ""), nil }}
		c := s.client(t, metactf.Config{RetryLimit: 8, Random: func() float64 { return 0.99 }})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := c.User(ctx, testUser); !errors.Is(err, context.DeadlineExceeded) || s.calls() != 1 {
			t.Errorf("got %v after %d sends, want the context's error after one", err, s.calls())
		}
	})
}

func TestWriteCallsAreRepeatedOnlyWhereNothingWasSent(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	for _, tc := range []struct {
		name  string
		how   error // nil: status 500
		sends int
	}{
		{"server error", nil, 1},
		{"broken connection", io.ErrUnexpectedEOF, 1},
		{"reset", &net.OpError{Op: "read", Err: syscall.ECONNRESET}, 1},
		{"no answer in time", context.DeadlineExceeded, 1},
		{"connection refused", refused, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answer: func(int, *http.Request) (*http.Response, error) {
					if tc.how == nil {
						return response(500, ""), nil
					}
					return nil, tc.how
				}}
				err := s.client(t, metactf.Config{RetryLimit: 2}).DeleteTeam(t.Context(), "t-1")
				if err == nil || s.calls() != tc.sends {
					t.Errorf("got %v after %d sends, want %d", err, s.calls(), tc.sends)
				}
			})
		})
	}
}

// Left to itself, net/http sends a GET again when a connection that was kept open breaks: past the limiter and uncounted.
func TestEverySendIsCounted(t *testing.T) {
	var arrived atomic.Int64
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go answerOnce(conn, &arrived)
		}
	}()
	c := clientOf(t, metactf.Config{BaseURL: "http://" + listener.Addr().String(), RetryLimit: 1}, io.Discard)
	for range 10 {
		if _, err := c.User(t.Context(), testUser); err != nil {
			t.Fatal(err)
		}
	}
	if c.Calls() != arrived.Load() || arrived.Load() < 19 {
		t.Errorf("%d calls counted, %d requests arrived; want 19, as every other is left unanswered", c.Calls(), arrived.Load())
	}
}

// answerOnce answers the first request on conn and takes the second one with it into the grave.
func answerOnce(conn net.Conn, arrived *atomic.Int64) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for n := range 2 {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		_ = r.Body.Close()
		arrived.Add(1)
		if n == 0 {
			_, _ = io.WriteString(conn, "HTTP/1.1 201 Created\r\nContent-Length: 34\r\n\r\n"+`{"metactf_user_status":"approved"}`)
		}
	}
}

func TestGetHasNoBody(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); len(body) > 0 || err != nil || r.ContentLength != 0 || len(r.TransferEncoding) > 0 {
			t.Errorf("body %q, %v, length %d, encoding %v; want none", body, err, r.ContentLength, r.TransferEncoding)
		}
		answering(200, "{}")(w, r)
	}))
	defer server.Close()
	if _, err := clientOf(t, metactf.Config{BaseURL: server.URL}, io.Discard).Status(t.Context()); err != nil {
		t.Error(err)
	}
}
