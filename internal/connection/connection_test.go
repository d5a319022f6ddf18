package connection

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
	"flagpole/internal/metactf/simulator"
	"flagpole/store"
	"flagpole/store/storetest"
)

var admin = domain.Viewer{UserID: "u-1", Role: domain.RoleAdmin}

// setting is a recorder over the simulated platform.
type setting struct {
	t     *testing.T
	s     *store.Store
	clock *storetest.Clock
	sim   *simulator.Simulator
	r     *Recorder
	c     *metactf.Client
	user  string
}

func inBoth(t *testing.T, test func(w *setting)) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		sim, err := simulator.New(simulator.Options{Seed: 3, Competitors: 10, Coaches: 2, Teams: 2, Token: "sim-token", Flawless: true, Start: storetest.Start, Clock: clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(sim)
		t.Cleanup(server.Close)
		w := &setting{t: t, s: s, clock: clock, sim: sim, user: sim.CoachIDs()[0]}
		w.c = w.client(server.URL+simulator.BaseURLPath, metactf.Token{Name: "FIRST", Value: "an-old-one"}, metactf.Token{Name: "NEXT", Value: "sim-token"})
		w.r = New(s.System(), w.c, clock.Now, slog.New(slog.DiscardHandler))
		test(w)
	})
}

func (w *setting) client(url string, tokens ...metactf.Token) *metactf.Client {
	w.t.Helper()
	c, err := metactf.New(metactf.Config{BaseURL: url, Tokens: tokens, RateLimit: 1000, Timeout: 10 * time.Second}, slog.New(slog.DiscardHandler))
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *setting) page() store.ConnectionPage {
	w.t.Helper()
	page, err := w.s.For(admin).Connection(w.t.Context(), w.clock.Now(), w.clock.Now().Add(-time.Hour))
	if err != nil {
		w.t.Fatal(err)
	}
	return page
}

func TestNothingIsSaidBeforeTheFirstCall(t *testing.T) {
	inBoth(t, func(w *setting) {
		w.r.record(t.Context())
		if page := w.page(); !page.SeenAt.IsZero() {
			w.t.Errorf("%+v", page)
		}
	})
}

func TestTheTokenInUseTheWaitsAndTheFieldsAreKept(t *testing.T) {
	inBoth(t, func(w *setting) {
		if _, err := w.c.User(w.t.Context(), w.user); err != nil {
			w.t.Fatal(err)
		}
		w.r.record(w.t.Context())
		page := w.page()
		if page.State != "open" || page.Token.Source != "NEXT" || page.Token.AcceptedAt.IsZero() || !page.Token.RefusedAt.IsZero() || page.ConfiguredRate != 1000 {
			w.t.Errorf("%+v", page.Connection)
		}
		if err := w.sim.SetFaults(simulator.Faults{Rules: []simulator.FaultRule{{Fault: simulator.UnknownFields}}}); err != nil {
			w.t.Fatal(err)
		}
		for range 2 {
			_, _ = w.c.User(w.t.Context(), w.user)
			w.clock.Advance(time.Minute)
			w.r.record(w.t.Context())
		}
		page = w.page()
		if len(page.Fields) == 0 || page.Fields[0].Times != 2 || page.Fields[0].Fault != "unknown" || !page.Fields[0].LastAt.Equal(w.clock.Now()) || !page.Fields[0].FirstAt.Before(page.Fields[0].LastAt) {
			w.t.Errorf("fields: %+v", page.Fields)
		}
		if err := w.sim.SetFaults(simulator.Faults{Rules: []simulator.FaultRule{{Fault: simulator.RateLimited, Amount: time.Hour}}}); err != nil {
			w.t.Fatal(err)
		}
		limited, cancel := context.WithTimeout(w.t.Context(), time.Second)
		defer cancel()
		_, _ = w.c.User(limited, w.user)
		w.r.record(w.t.Context())
		w.r.record(w.t.Context())
		page = w.page()
		if page.State != "paused" || len(page.Waits) != 1 || page.Waits[0].State != "paused" || !page.Waits[0].EndedAt.IsZero() || page.Rate >= page.ConfiguredRate {
			w.t.Errorf("%+v, waits %+v", page.Connection, page.Waits)
		}
	})
}

func TestATestSaysWhatIsWrong(t *testing.T) {
	inBoth(t, func(w *setting) {
		good := Test(w.t.Context(), w.c, w.clock.Now)
		if good.Reachable != "" || good.Token != "" || good.Answer <= 0 || good.Skew == nil {
			w.t.Errorf("%+v", good)
		}
		server := httptest.NewServer(w.sim)
		wrong := Test(w.t.Context(), w.client(server.URL+simulator.BaseURLPath, metactf.Token{Name: "X", Value: "wrong-one"}), w.clock.Now)
		if wrong.Reachable != "" || !strings.Contains(wrong.Token, "The platform refused our token.") || strings.Contains(wrong.Token, "wrong-one") {
			w.t.Errorf("%+v", wrong)
		}
		server.Close()
		gone := Test(w.t.Context(), w.client(server.URL, metactf.Token{Name: "X", Value: "wrong-one"}), w.clock.Now)
		if !strings.Contains(gone.Reachable, "could not be reached") || gone.Token == "" || gone.Skew != nil {
			w.t.Errorf("%+v", gone)
		}
	})
}

func TestATestThatIsAskedForIsMade(t *testing.T) {
	inBoth(t, func(w *setting) {
		ctx, cancel := context.WithCancel(w.t.Context())
		var done sync.WaitGroup
		done.Go(func() { w.r.Serve(ctx) })
		defer done.Wait()
		defer cancel()
		if err := w.s.For(admin).TestConnection(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			if tests := w.page().Tests; len(tests) == 1 && !tests[0].FinishedAt.IsZero() {
				if tests[0].Reachable != "" || tests[0].Token != "" {
					w.t.Errorf("%+v", tests[0])
				}
				return
			}
			if time.Now().After(end) {
				w.t.Fatal("it was never made")
			}
		}
	})
}
