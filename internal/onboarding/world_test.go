package onboarding

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
	"flagpole/internal/metactf/simulator"
	"flagpole/internal/roster"
	"flagpole/internal/syncer"
	"flagpole/store"
	"flagpole/store/storetest"
)

const token = "test-token"

// world is a portal with a roster of its own, and a platform that knows nobody of it.
type world struct {
	t        *testing.T
	store    *store.Store
	sys      *store.System
	admin    *store.Scope
	clock    *storetest.Clock
	platform *simulator.Simulator
	url      string
	rules    store.OnboardingRules
	dryRun   bool
	cut      *cut
	onboard  *Onboarder
	syncs    *syncer.Syncer
}

// cut breaks the connection at one call, before the platform has it or after, and ends the process that made the call.
type cut struct {
	calls, at int // at 0: never
	after     bool
	end       context.CancelFunc
	before    func(*http.Request) // called before each call leaves; nil: nothing
}

// RoundTrip implements http.RoundTripper.
func (c *cut) RoundTrip(r *http.Request) (*http.Response, error) {
	c.calls++
	if c.before != nil {
		c.before(r)
	}
	if c.calls != c.at {
		return http.DefaultTransport.RoundTrip(r)
	}
	if c.after {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		_ = resp.Body.Close()
	}
	c.end()
	return nil, errors.New("the process was ended")
}

// newWorld has two coaches, Mara Quill (co-1) and Nils Orr (co-2), both enrolled and known to nobody over there.
func newWorld(t *testing.T, s *store.Store, clock *storetest.Clock, behaviour simulator.Behaviour, c *cut) *world {
	t.Helper()
	platform, err := simulator.New(simulator.Options{
		Seed: 3, Competitors: 1, Coaches: 1, Teams: 1, Token: token, Clock: clock.Now, Behaviour: behaviour, Flawless: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(platform)
	t.Cleanup(server.Close)
	w := &world{
		t: t, store: s, sys: s.System(), clock: clock, platform: platform, url: server.URL + simulator.BaseURLPath, cut: c,
		admin: s.For(domain.Viewer{UserID: "u-admin", Role: domain.RoleAdmin}),
		rules: store.OnboardingRules{Enabled: true, Earliest: domain.ProfileComplete, Removals: 1},
	}
	w.roster(
		"co-1,mara@quill.example,Mara Quill,Harbor High,cp-1,Ada,Fennimore,ada@harbor.example,complete,t-1,Red",
		"co-1,mara@quill.example,Mara Quill,Harbor High,cp-2,Bo,Tarn,bo@harbor.example,complete,t-1,Red",
		"co-1,mara@quill.example,Mara Quill,Harbor High,cp-3,Cy,Vane,cy@harbor.example,complete,,",
		"co-1,mara@quill.example,Mara Quill,Harbor High,cp-4,Dot,Early,dot@harbor.example,profile,t-1,Red",
		"co-1,mara@quill.example,Mara Quill,Harbor High,cp-5,Eli,Mailless,,complete,,",
		"co-2,nils@orr.example,Nils Orr,Quay College,cp-6,Fay,Noor,fay@quay.example,complete,,",
	)
	storetest.EnrolAll(t, s)
	w.start()
	return w
}

// roster imports lines: coach, coach's email, name and school, competitor, first and last name, email, status, team, its name.
func (w *world) roster(lines ...string) {
	w.t.Helper()
	var rows []roster.Row
	for i, line := range lines {
		c := strings.Split(line, ",")
		rows = append(rows, roster.Row{
			Line: i + 2, CoachID: c[0], CoachEmail: c[1], CoachName: c[2], School: c[3], CompetitorID: c[4], FirstName: c[5], LastName: c[6],
			Email: c[7], Status: domain.ProfileStatus(c[8]), TeamID: c[9], Team: c[10], Division: domain.HighSchool,
		})
	}
	if _, bad, err := w.sys.ImportRoster(w.t.Context(), rows, false); err != nil || len(bad) > 0 {
		w.t.Fatal(bad, err)
	}
}

// start starts the program anew.
func (w *world) start() {
	w.t.Helper()
	client := func(transport http.RoundTripper) *metactf.Client {
		c, err := metactf.New(metactf.Config{
			BaseURL: w.url, Tokens: []metactf.Token{{Name: "token", Value: token}}, RateLimit: 1e6, Transport: transport, DryRun: w.dryRun, Log: w.sys, Timeout: 5 * time.Second,
		}, slog.New(slog.DiscardHandler))
		if err != nil {
			w.t.Fatal(err)
		}
		return c
	}
	var transport http.RoundTripper
	if w.cut != nil {
		transport = w.cut
	}
	w.onboard = New(w.sys, client(transport), w.rules, w.clock.Now, slog.New(slog.DiscardHandler))
	w.syncs = syncer.New(w.sys, client(nil), syncer.Settings{
		Concurrency: 1, RateLimit: 1e6, Overlap: time.Hour, Every: time.Minute, AtMost: time.Hour, Zone: time.UTC,
	}, w.clock.Now, slog.New(slog.DiscardHandler))
}

// round lets the onboarding do what it would in some minutes. A process that is ended is started again.
func (w *world) rounds() {
	w.t.Helper()
	for range 4 {
		ctx, end := context.WithCancel(w.t.Context())
		if w.cut != nil {
			w.cut.end = end
		}
		err := w.onboard.Round(ctx)
		ended := ctx.Err() != nil
		end()
		switch {
		case ended:
			w.start()
			w.clock.Advance(time.Second)
		case err != nil:
			w.t.Fatal(err)
		}
		w.clock.Advance(time.Minute)
	}
}

// sync pulls everybody.
func (w *world) sync() {
	w.t.Helper()
	if _, err := w.syncs.Do(w.t.Context(), store.RunRequest{By: "command", Full: true}); err != nil {
		w.t.Fatal(err)
	}
}

// confirm agrees to what is sent about a coach's people, having looked.
func (w *world) confirm(coach string) store.OnboardingPreview {
	w.t.Helper()
	p, err := w.admin.OnboardingPreview(w.t.Context(), w.rules, coach)
	if err == nil {
		err = w.admin.ConfirmOnboarding(w.t.Context(), w.rules, coach, p.Digest())
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// says has the platform change its mind about somebody.
func (w *world) says(status domain.PlatformStatus, ids ...string) {
	w.t.Helper()
	for _, id := range ids {
		if !w.platform.SetStatus(id, status) {
			w.t.Fatalf("the platform knows no %s", id)
		}
	}
}

// done are the orders that changed something on the platform, as "endpoint body": what is there already is answered 200 at most.
func (w *world) done() []string {
	var list []string
	for _, o := range w.platform.Orders() {
		if o.Status == http.StatusCreated || o.Status == http.StatusOK && strings.Contains(o.Endpoint, "delete") {
			list = append(list, o.Endpoint+" "+o.Body)
		}
	}
	return list
}

// must fails the test for an error.
func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// post gives an order past the portal, as the vendor's staff would.
func post(t *testing.T, address, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}
