package metactf_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
)

// script is a platform without a network: it answers in no time, and keeps when it was asked.
type script struct {
	mu     sync.Mutex
	sent   []time.Time
	answer func(n int, r *http.Request) (*http.Response, error) // n counts from 1
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.sent = append(s.sent, time.Now())
	n := len(s.sent)
	s.mu.Unlock()
	return s.answer(n, r)
}

func (s *script) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sent)
}

// client is one that asks s, at 1000 calls a second.
func (s *script) client(t *testing.T, cfg metactf.Config) *metactf.Client {
	t.Helper()
	cfg.BaseURL, cfg.Transport = "https://platform.example", s
	if cfg.RateLimit == 0 {
		cfg.RateLimit = 1000
	}
	return clientOf(t, cfg, io.Discard)
}

func response(status int, body string, header ...string) *http.Response {
	r := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func good() *http.Response { return response(201, `{"metactf_user_status":"approved"}`) }

// answers gives the listed answers, then good ones.
func answers(first ...func() *http.Response) func(int, *http.Request) (*http.Response, error) {
	return func(n int, _ *http.Request) (*http.Response, error) {
		if n <= len(first) {
			return first[n-1](), nil
		}
		return good(), nil
	}
}

func status(code int, header ...string) func() *http.Response {
	return func() *http.Response { return response(code, `{"detail":"no"}`, header...) }
}

// askMany asks about n users at once and waits for all answers.
func askMany(ctx context.Context, c *metactf.Client, n int) (errs []error) {
	errs = make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { _, errs[i] = c.User(ctx, "syn-"+strconv.Itoa(i)) })
	}
	group.Wait()
	return errs
}

func user(t *testing.T, c *metactf.Client) domain.FailureClass {
	t.Helper()
	_, err := c.User(t.Context(), testUser)
	if err == nil {
		return ""
	}
	return failureOf(t, err).Class
}

func TestPauseHoldsEverybodyBackAndEndsWithOneProbe(t *testing.T) {
	for _, tc := range []struct {
		name  string
		first func() *http.Response
		want  time.Duration
	}{
		{"429 with seconds", status(429, "Retry-After", "90"), 90 * time.Second},
		{"429 with a date", status(429, "Retry-After", "Wed, 04 Mar 2026 15:02:00 GMT", "Date", "Wed, 04 Mar 2026 15:00:00 GMT"), 2 * time.Minute},
		{"429 that does not say", status(429), 30 * time.Second},
		{"429 that asks for a day", status(429, "Retry-After", "86400"), time.Hour},
		{"503 with seconds", status(503, "Retry-After", "7"), 7 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inFlight := make(chan struct{})
				s := &script{}
				s.answer = func(n int, _ *http.Request) (*http.Response, error) {
					switch n {
					case 1:
						return tc.first(), nil
					case 2:
						<-inFlight
					}
					return good(), nil
				}
				c := s.client(t, metactf.Config{})
				began := time.Now()
				if user(t, c) == "" {
					t.Fatal("the first call succeeded")
				}
				if got := c.State(); got.Kind != metactf.Paused || got.Until.Sub(began) != tc.want {
					t.Errorf("got %+v, want paused for %v", got, tc.want)
				}
				done := make(chan []error)
				go func() { done <- askMany(t.Context(), c, 5) }()
				time.Sleep(tc.want - time.Second)
				if s.calls() != 1 {
					t.Errorf("%d calls were sent in the pause", s.calls()-1)
				}
				time.Sleep(time.Minute)
				if s.calls() != 2 {
					t.Errorf("%d calls were sent as probes, want 1", s.calls()-1)
				}
				close(inFlight)
				for _, err := range <-done {
					if err != nil {
						t.Error(err)
					}
				}
				if got := c.State(); got.Kind != metactf.Open || s.calls() != 6 || s.sent[1].Sub(began) != tc.want {
					t.Errorf("got %+v after %d calls, the probe after %v", got, s.calls(), s.sent[1].Sub(began))
				}
			})
		})
	}
}

func TestBadProbeSetsThePauseAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: answers(status(429, "Retry-After", "10"), status(429, "Retry-After", "20"))}
		c := s.client(t, metactf.Config{RateLimit: 100})
		began := time.Now()
		var classes []domain.FailureClass
		for range 3 {
			classes = append(classes, user(t, c))
		}
		equal(t, []domain.FailureClass{domain.RateLimited, domain.RateLimited, ""}, classes)
		if got := time.Since(began); got != 30*time.Second {
			t.Errorf("it took %v, want 10 s and 20 s", got)
		}
		if got := c.State().Rate; got != 50 {
			t.Errorf("rate %v, want it halved once in a pause", got)
		}
	})
}

// Calls that were under way when the pause began must neither end it nor lower the rate again.
func TestCallsUnderWayDoNotEndThePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: func(n int, _ *http.Request) (*http.Response, error) {
			time.Sleep(time.Duration(n) * time.Second)
			if n <= 3 {
				return response(429, "", "Retry-After", "60"), nil
			}
			return good(), nil
		}}
		c := s.client(t, metactf.Config{RateLimit: 100})
		askMany(t.Context(), c, 5)
		if got := c.State(); got.Kind != metactf.Paused || got.Rate != 50 {
			t.Errorf("got %+v, want paused and the rate halved once", got)
		}
	})
}

func TestQuietRaisesTheRateAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: answers(status(429, "Retry-After", "60"))}
		c := s.client(t, metactf.Config{RateLimit: 100})
		user(t, c)
		user(t, c) // after the pause
		for minute, want := range []float64{50, 60, 70, 80, 90, 100, 100} {
			if got := c.State(); got.Rate != want || got.ConfiguredRate != 100 {
				t.Errorf("after %d minutes: %+v, want rate %v", minute, got, want)
			}
			time.Sleep(time.Minute)
		}
	})
}

func TestWaitingCallWhoseContextEndsWasNotTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: answers(status(429, "Retry-After", "60"))}
		c := s.client(t, metactf.Config{})
		user(t, c)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		ctx, all := recorded(ctx)
		for _, err := range askMany(ctx, c, 3) {
			var failure *domain.CallError
			if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &failure) {
				t.Errorf("got %v, want the context's error and no CallError", err)
			}
		}
		if err := c.WaitOpen(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("WaitOpen: got %v, want the context's error", err)
		}
		if s.calls() != 1 || len(*all) != 0 {
			t.Errorf("%d calls, %d exchanges; want nothing sent", s.calls()-1, len(*all))
		}
	})
}

func TestProbeThatIsGivenUpLeavesItsPlaceToTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		s.answer = func(n int, r *http.Request) (*http.Response, error) {
			switch n {
			case 1:
				return response(429, "", "Retry-After", "10"), nil
			case 2:
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return good(), nil
		}
		c := s.client(t, metactf.Config{})
		user(t, c)
		ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
		defer cancel()
		_, err := c.User(ctx, testUser)
		if !errors.Is(err, context.DeadlineExceeded) || c.State().Kind != metactf.Paused {
			t.Errorf("got %v, %+v; want the probe given up and nothing learned", err, c.State())
		}
		if user(t, c) != "" || c.State().Kind != metactf.Open {
			t.Errorf("got %+v, want open after the next probe", c.State())
		}
	})
}

func TestWaitOpenEndsWhenAProbeMayBeSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: answers(status(429, "Retry-After", "10"))}
		c := s.client(t, metactf.Config{})
		if err := c.WaitOpen(t.Context()); err != nil {
			t.Fatal(err)
		}
		user(t, c)
		began := time.Now()
		if err := c.WaitOpen(t.Context()); err != nil || time.Since(began) != 10*time.Second {
			t.Errorf("got %v after %v, want 10 s", err, time.Since(began))
		}
	})
}

func TestRefusedTokenStopsProbesAndResumesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused, status500 := status(401), status(500)
		s := &script{answer: answers(refused, func() *http.Response { return response(200, "{}") }, refused, status500)}
		c := s.client(t, metactf.Config{})
		if got := user(t, c); got != domain.Unauthorized {
			t.Fatalf("got %q, want unauthorized", got)
		}
		began := time.Now()
		if got := c.State(); got.Kind != metactf.TokenRefused || got.Until.Sub(began) != time.Minute {
			t.Errorf("got %+v, want the token refused, and a probe in a minute", got)
		}
		if _, err := c.Status(t.Context()); err != nil || time.Since(began) > time.Second || c.State().Kind != metactf.TokenRefused {
			t.Errorf("the index, which needs no token: %v after %v, %+v", err, time.Since(began), c.State())
		}
		classes := map[domain.FailureClass]int{}
		for _, err := range askMany(t.Context(), c, 10) {
			classes[classOf(err)]++
		}
		equal(t, map[domain.FailureClass]int{domain.Unauthorized: 1, domain.ServerError: 1, "": 8}, classes)
		for i, want := range map[int]time.Duration{2: time.Minute, 3: 2 * time.Minute, 4: 3 * time.Minute} {
			if got := s.sent[i].Sub(began); got != want {
				t.Errorf("call %d was sent after %v, want %v", i, got, want)
			}
		}
		if got := c.State().Kind; got != metactf.Open {
			t.Errorf("got %s, want open again", got)
		}
	})
}

// failing is a platform on which the first n users fail in the given way.
func failing(n int, how func(r *http.Request) (*http.Response, error)) *script {
	return &script{answer: func(_ int, r *http.Request) (*http.Response, error) {
		i, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Query().Get("syned_user_id"), "syn-"))
		if i < n {
			return how(r)
		}
		return good(), nil
	}}
}

func TestBreakerOpensWhenHalfOfTenUsersFail(t *testing.T) {
	broken := func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }
	hanging := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	fault := func(*http.Request) (*http.Response, error) { return response(502, "<html>"), nil }
	with := func(code int) func(*http.Request) (*http.Response, error) {
		return func(*http.Request) (*http.Response, error) { return response(code, ""), nil }
	}
	for _, tc := range []struct {
		name          string
		users, failed int
		how           func(*http.Request) (*http.Response, error)
		want          metactf.StateKind
	}{
		{"server errors", 10, 5, fault, metactf.BreakerOpen},
		{"broken connections", 10, 5, broken, metactf.BreakerOpen},
		{"no answers", 10, 5, hanging, metactf.BreakerOpen},
		{"fewer than half", 11, 5, fault, metactf.Open},
		{"too few users", 9, 9, fault, metactf.Open},
		{"not found", 20, 20, with(404), metactf.Open},
		{"invalid", 20, 20, with(422), metactf.Open},
		{"malformed", 20, 20, with(200), metactf.Open},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := failing(tc.failed, tc.how).client(t, metactf.Config{})
				askMany(t.Context(), c, tc.users)
				if got := c.State().Kind; got != tc.want {
					t.Errorf("got %s, want %s", got, tc.want)
				}
			})
		})
	}
}

func TestOneUserNeverOpensTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := failing(1, func(*http.Request) (*http.Response, error) { return response(500, ""), nil })
		c := s.client(t, metactf.Config{RetryLimit: 3})
		askMany(t.Context(), c, 10)
		for range 50 {
			_, _ = c.User(t.Context(), "syn-0")
		}
		if got := c.State().Kind; got != metactf.Open {
			t.Errorf("got %s, want open", got)
		}
	})
}

func TestBreakerDoublesUpToFiveMinutesAndClosesAfterAGoodProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: func(n int, _ *http.Request) (*http.Response, error) {
			if n <= 10+5 {
				return response(500, ""), nil
			}
			return good(), nil
		}}
		c := s.client(t, metactf.Config{})
		askMany(t.Context(), c, 10)
		for _, want := range []time.Duration{30, 60, 120, 240, 300, 300} {
			before := time.Now()
			if got := c.State().Until.Sub(before); got != want*time.Second {
				t.Errorf("open for %v, want %v", got, want*time.Second)
			}
			_, _ = c.User(t.Context(), "syn-x")
			if got := time.Since(before); got != want*time.Second {
				t.Errorf("probed after %v, want %v", got, want*time.Second)
			}
		}
		if got := c.State().Kind; got != metactf.Open {
			t.Errorf("got %s, want open after a good probe", got)
		}
	})
}

func TestStateIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		c, err := metactf.New(metactf.Config{
			BaseURL: "https://platform.example", Tokens: []metactf.Token{{Name: "token", Value: testToken}}, RateLimit: 10,
			Transport: &script{answer: answers(status(429), status(429))},
		}, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			_, _ = c.User(t.Context(), testUser)
		}
		if got := log.String(); strings.Count(got, "calls of the platform") != 2 || !strings.Contains(got, "state=paused") ||
			!strings.Contains(got, "was=paused") || strings.Contains(got, testUser) {
			t.Errorf("got\n%s\nwant one line for the pause and one for its end", got)
		}
	})
}
