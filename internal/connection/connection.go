// Package connection keeps how the connection with the platform is, for the page that shows it, and tries it when somebody asks.
// It imports domain, metactf and store.
package connection

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
	"flagpole/store"
)

const (
	lookEvery  = time.Second
	sayEvery   = 15 * time.Second // that nothing has changed
	tryEvery   = time.Hour        // the connection is tried by itself
	testWithin = time.Minute      // a test that takes longer has failed
)

// Recorder stores what one client learns of the connection.
type Recorder struct {
	store  *store.System
	client *metactf.Client
	clock  domain.Clock
	log    *slog.Logger

	mu     sync.Mutex // what follows is used by who records and by who tests
	last   metactf.State
	saidAt time.Time
	fields map[metactf.Field]int64 // as they are stored
}

// New makes a Recorder; it starts nothing.
func New(s *store.System, client *metactf.Client, clock domain.Clock, log *slog.Logger) *Recorder {
	return &Recorder{store: s, client: client, clock: clock, log: log, fields: map[metactf.Field]int64{}}
}

// Run records until ctx ends, and once more then. It is for the process that calls the platform.
func (r *Recorder) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
			defer cancel()
			r.record(closing)
			return
		case <-tick.C:
			r.record(ctx)
		}
	}
}

// Serve records as Run does, and makes the tests of the connection that are asked for, and one an hour.
func (r *Recorder) Serve(ctx context.Context) {
	var recording sync.WaitGroup
	recording.Go(func() { r.Run(ctx) })
	defer recording.Wait()
	look, hourly := time.NewTicker(lookEvery), time.NewTicker(tryEvery)
	defer look.Stop()
	defer hourly.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-hourly.C:
			err = r.store.AskTest(ctx, "schedule")
		case <-look.C:
			err = r.takeTests(ctx)
		}
		if err != nil && ctx.Err() == nil {
			r.log.Error("cannot test the connection; it is tried again", "error", err)
		}
	}
}

// record stores how the connection is, where that has changed or has not been said for a while.
func (r *Recorder) record(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client.Calls() == 0 { // another process may know better
		return
	}
	state, now := r.client.State(), r.clock()
	news, changed := r.news(state, now)
	if !changed && now.Sub(r.saidAt) < sayEvery {
		return
	}
	if err := r.store.NoteConnection(ctx, news); err != nil {
		if ctx.Err() == nil {
			r.log.Error("cannot store how the connection is; it is tried again", "error", err)
		}
		return
	}
	r.last, r.saidAt = state, now
	for _, f := range news.Fields {
		r.fields[metactf.Field{Name: f.Field, Fault: metactf.FieldFault(f.Fault)}] += f.Times
	}
}

func (r *Recorder) news(s metactf.State, now time.Time) (n store.ConnectionNews, changed bool) {
	n.Connection = store.Connection{
		SeenAt: now, State: string(s.Kind), Until: s.Until, Rate: s.Rate, ConfiguredRate: s.ConfiguredRate,
		Token: store.TokenUse{Fingerprint: s.Token.Fingerprint, Source: s.Token.Name},
	}
	fresh := s.Token.Fingerprint != r.last.Token.Fingerprint
	if s.Token.Refused {
		n.Refused = now
	} else if s.Token.Taken > 0 && (fresh || s.Token.Taken != r.last.Token.Taken) {
		n.Accepted = now
	}
	for _, w := range s.Waits {
		if !slices.Contains(r.last.Waits, w) {
			n.Waits = append(n.Waits, store.Wait{State: string(w.Kind), BeganAt: w.BeganAt, Until: w.Until, EndedAt: w.EndedAt})
		}
	}
	for field, times := range r.client.Fields() {
		if more := times - r.fields[field]; more > 0 {
			n.Fields = append(n.Fields, store.FieldSeen{Field: field.Name, Fault: string(field.Fault), FirstAt: now, LastAt: now, Times: more})
		}
	}
	changed = r.saidAt.IsZero() || fresh || s.Kind != r.last.Kind || s.Rate != r.last.Rate || s.Token.Refused != r.last.Token.Refused || len(n.Waits) > 0
	return n, changed
}

func (r *Recorder) takeTests(ctx context.Context) error {
	for {
		id, found, err := r.store.NextTest(ctx)
		if err != nil || !found {
			return err
		}
		test := Test(ctx, r.client, r.clock)
		if ctx.Err() != nil {
			return nil // whoever comes next takes it up again
		}
		test.ID = id
		r.record(ctx)
		if err := r.store.FinishTest(ctx, test); err != nil {
			return err
		}
	}
}

// Test tries the connection: is the platform there, what time is it there, and does it take our token? It waits for a minute at
// most.
func Test(ctx context.Context, client *metactf.Client, clock domain.Clock) store.ConnectionTest {
	limited, cancel := context.WithTimeout(ctx, testWithin)
	defer cancel()
	var test store.ConnectionTest
	status, err := client.Status(limited)
	test.Answer = status.Took
	if err != nil {
		test.Reachable = why(err)
	} else if !status.ServerTime.IsZero() {
		skew := status.ServerTime.Sub(clock()).Round(time.Second)
		test.Skew = &skew
	}
	if err := client.CheckToken(limited); err != nil {
		test.Token = why(err)
	}
	return test
}

// why says what happened, what to do and who does it.
func why(err error) string {
	var call *domain.CallError
	switch {
	case errors.As(err, &call):
		return domain.AdviceFor(call.Class).String() + " (" + call.Error() + ")"
	case errors.Is(err, context.DeadlineExceeded):
		return "Calls are held back at the moment, so this one did not get its turn within a minute."
	}
	return err.Error()
}
