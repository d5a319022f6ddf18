package syncer

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
	"flagpole/internal/metactf/simulator"
	"flagpole/internal/roster"
	"flagpole/store"
	"flagpole/store/storetest"
)

// The property: whatever faults, kills, restarts and repeats come in whatever order, once the faults stop the portal ends up
// with exactly the platform's solves and totals. FLAGPOLE_PROPERTY_SEED replays one seed, FLAGPOLE_PROPERTY_SEEDS says how
// many are tried.
const (
	usualSeeds = 6
	worldSteps = 30
	liveEvery  = 7 * time.Minute
)

func TestAnyInterleavingOfFaultsEndsExact(t *testing.T) {
	for _, seed := range seeds(t) {
		for _, kind := range []string{"sqlite", "postgres"} {
			t.Run(fmt.Sprintf("%s/seed=%d", kind, seed), func(t *testing.T) {
				t.Logf("replay with FLAGPOLE_PROPERTY_SEED=%d", seed)
				w := newChaos(t, seed, storetest.URL(t, kind))
				for range worldSteps {
					w.step()
					w.checkSums()
				}
				w.calm()
				w.checkExact()
			})
		}
	}
}

func seeds(t *testing.T) []uint64 {
	t.Helper()
	if text := os.Getenv("FLAGPOLE_PROPERTY_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return []uint64{seed}
	}
	n := usualSeeds
	if text := os.Getenv("FLAGPOLE_PROPERTY_SEEDS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	list := make([]uint64, n)
	for i := range list {
		list[i] = rand.Uint64()
	}
	return list
}

// chaos is a portal and a platform to which anything may happen.
type chaos struct {
	t       *testing.T
	random  *rand.Rand
	clock   *storetest.Clock
	sim     *simulator.Simulator
	url     string
	address string
	store   *store.Store
	syncer  *Syncer
	people  []roster.Row
	fuse    atomic.Int64 // calls until kill is called; below 0: never
	kill    atomic.Pointer[context.CancelFunc]
}

func newChaos(t *testing.T, seed uint64, address string) *chaos {
	t.Helper()
	w := &chaos{t: t, random: rand.New(rand.NewPCG(seed, 1)), clock: storetest.NewClock(), address: address}
	var err error
	w.sim, err = simulator.New(simulator.Options{
		Seed: int64(seed >> 1), Competitors: 10, Coaches: 2, Teams: 3, Token: "t", Flawless: true,
		Start: storetest.Start, LiveEvery: liveEvery, Clock: w.clock.Now, Behaviour: w.behaviour(),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.fuse.Add(-1) == 0 {
			(*w.kill.Load())()
		}
		w.sim.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	w.url = server.URL + simulator.BaseURLPath
	w.restart()
	w.importRoster()
	return w
}

// behaviour settles by chance what nobody knows of the platform.
func (w *chaos) behaviour() simulator.Behaviour {
	coin := func() bool { return w.random.IntN(2) == 0 }
	return simulator.Behaviour{AfterExclusive: coin(), TotalsFiltered: coin(), OmitUserID: coin(), FlashEmptyList: coin()}
}

// restart is a new process: nothing but the database is left.
func (w *chaos) restart() {
	w.t.Helper()
	w.store = storetest.Open(w.t, w.address, w.clock)
	w.syncer = New(w.store.System(), w.client(), Settings{
		Concurrency: 1 + w.random.IntN(6), RateLimit: 1e6, Overlap: 48 * time.Hour, Every: 30 * time.Minute, AtMost: 8 * time.Hour, Zone: time.UTC,
	}, w.clock.Now, slog.New(slog.DiscardHandler))
}

// client waits in the clock's time, which costs the test none.
func (w *chaos) client() *metactf.Client {
	w.t.Helper()
	client, err := metactf.New(metactf.Config{
		BaseURL: w.url, Tokens: []metactf.Token{{Name: "token", Value: "t"}}, RateLimit: 1e6, RetryLimit: w.random.IntN(3), Timeout: 250 * time.Millisecond, Clock: w.clock.Now,
		After: func(d time.Duration) <-chan time.Time {
			w.clock.Advance(d)
			now := make(chan time.Time, 1)
			now <- w.clock.Now()
			return now
		},
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		w.t.Fatal(err)
	}
	return client
}

func (w *chaos) importRoster() {
	w.t.Helper()
	var bad []roster.LineError
	if w.people == nil {
		file := &bytes.Buffer{}
		if err := w.sim.WriteRoster(file); err != nil {
			w.t.Fatal(err)
		}
		var err error
		if w.people, bad, err = roster.Read(file); err != nil || len(bad) > 0 {
			w.t.Fatal(err, bad)
		}
	}
	if _, bad, err := w.store.System().ImportRoster(w.t.Context(), w.people, false); err != nil || len(bad) > 0 {
		w.t.Fatal(err, bad)
	}
	storetest.EnrolAll(w.t, w.store)
}

// step is one thing that happens.
func (w *chaos) step() {
	w.t.Helper()
	switch w.random.IntN(10) {
	case 0:
		w.restart()
	case 1:
		w.importRoster()
	case 2:
		if _, err := w.store.System().CleanSyncState(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	case 3, 4:
		w.clock.Advance(time.Duration(w.random.Int64N(int64(10 * time.Hour))))
	case 5:
		w.setFaults()
	default:
		w.setFaults()
		w.sync()
	}
}

// setFaults draws some rules, each for some of the calls.
func (w *chaos) setFaults() {
	w.t.Helper()
	var faults simulator.Faults
	for range w.random.IntN(4) {
		known := simulator.KnownFaults()
		name := simulator.Fault(known[w.random.IntN(len(known))])
		if name == simulator.Latency || name == simulator.Hang {
			faults.Rules = append(faults.Rules, simulator.FaultRule{Fault: name, Rate: 0.02}) // these take real time
			continue
		}
		faults.Rules = append(faults.Rules, simulator.FaultRule{Fault: name, Rate: w.random.Float64()})
	}
	if err := w.sim.SetFaults(faults); err != nil {
		w.t.Fatal(err)
	}
}

// sync is a run of some kind, which may be killed after some calls.
func (w *chaos) sync() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	w.kill.Store(&cancel)
	w.fuse.Store(-1)
	if w.random.IntN(3) == 0 {
		w.fuse.Store(1 + w.random.Int64N(40))
	}
	req := store.RunRequest{Full: w.random.IntN(3) == 0, DryRun: w.random.IntN(8) == 0, By: "command"}
	if w.random.IntN(4) == 0 {
		req.Selection.CompetitorID = w.people[w.random.IntN(len(w.people))].CompetitorID
	}
	var err error
	if w.random.IntN(3) == 0 {
		err = w.syncer.Dispatch(ctx)
	} else {
		_, err = w.syncer.Do(ctx, req)
	}
	w.fuse.Store(-1)
	if err != nil && ctx.Err() == nil && !errors.Is(err, ErrTokenRefused) {
		w.t.Fatalf("a run failed: %v", err)
	}
}

// calm stops the faults and syncs often enough for two whole snapshots, at a moment when nobody is about to solve anything.
func (w *chaos) calm() {
	w.t.Helper()
	if err := w.sim.SetFaults(simulator.Faults{}); err != nil {
		w.t.Fatal(err)
	}
	w.restart()
	later := w.clock.Now().Add(25 * time.Hour).Sub(storetest.Start)
	w.clock.Advance(later.Truncate(liveEvery) + 3*time.Minute - w.clock.Now().Sub(storetest.Start))
	for range 3 {
		if _, err := w.syncer.Do(w.t.Context(), store.RunRequest{Full: true, By: "command"}); err != nil {
			w.t.Fatal(err)
		}
		w.clock.Advance(time.Second)
	}
}

func (w *chaos) scope() *store.Scope {
	return w.store.For(domain.Viewer{UserID: "admin", Role: domain.RoleAdmin})
}

// stored is what the portal holds of a competitor, in the order of keys.
func (w *chaos) stored(id string) (solves []domain.Solve) {
	w.t.Helper()
	err := w.scope().EachSolve(w.t.Context(), store.SolveQuery{CompetitorID: id}, func(r store.SolveRow) error {
		solves = append(solves, r.Solve)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.SortFunc(solves, func(a, b domain.Solve) int { return a.SolveKey.Compare(b.SolveKey) })
	return solves
}

// checkSums holds the totals against the rows: they are written together, so they agree at every moment.
func (w *chaos) checkSums() {
	w.t.Helper()
	err := w.scope().EachCompetitor(w.t.Context(), store.CompetitorQuery{}, func(r store.CompetitorRow) error {
		var n, points int64
		for _, s := range w.stored(r.ID) {
			n++
			points += s.Points
		}
		if r.Solves() != n || r.Points() != points {
			return fmt.Errorf("%s: totals %d and %d, rows %d and %d", r.ID, r.Solves(), r.Points(), n, points)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// checkExact holds what is stored against what the platform says now.
func (w *chaos) checkExact() {
	w.t.Helper()
	client := w.client()
	for _, person := range w.people {
		truth, err := client.ODLScores(w.t.Context(), person.GamePlatformID, time.Time{})
		if err != nil {
			w.t.Fatal(err)
		}
		flash, err := client.FlashProgress(w.t.Context(), person.GamePlatformID)
		if err != nil {
			w.t.Fatal(err)
		}
		want := truth.Solves
		var events []store.EventResult
		for _, r := range flash.Results {
			want = append(want, r.Solves...)
			events = append(events, store.EventResult{Name: r.Event.Name, StartsAt: r.Event.StartsAt, Rank: r.Rank,
				ChallengesSolved: r.ChallengesSolved, Points: r.PointsEarned, MaxPoints: r.MaxPoints})
		}
		slices.SortFunc(want, func(a, b domain.Solve) int { return a.SolveKey.Compare(b.SolveKey) })
		if diff := gocmp.Diff(want, w.stored(person.CompetitorID), cmpopts.EquateEmpty(), cmpopts.EquateApproxTime(0)); diff != "" {
			w.t.Errorf("%s: solves (-platform +stored):\n%s", person.CompetitorID, diff)
		}
		detail, err := w.scope().Competitor(w.t.Context(), person.CompetitorID, storetest.Start.AddDate(-1, 0, 0), time.UTC)
		if err != nil {
			w.t.Fatal(err)
		}
		byStart := func(a, b store.EventResult) int {
			return cmp.Or(a.StartsAt.Compare(b.StartsAt), cmp.Compare(a.Name, b.Name))
		}
		slices.SortFunc(events, byStart)
		slices.SortFunc(detail.Results, byStart)
		if diff := gocmp.Diff(events, detail.Results, cmpopts.IgnoreFields(store.EventResult{}, "EventID"), cmpopts.EquateEmpty(), cmpopts.EquateApproxTime(0)); diff != "" {
			w.t.Errorf("%s: flash CTF results (-platform +stored):\n%s", person.CompetitorID, diff)
		}
		if detail.Quarantined != 0 || detail.Sync.Result != domain.SyncSuccess {
			w.t.Errorf("%s: %d in quarantine, state %+v", person.CompetitorID, detail.Quarantined, detail.Sync)
		}
	}
}
