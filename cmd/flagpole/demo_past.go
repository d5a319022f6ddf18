package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"flagpole/internal/config"
	"flagpole/internal/domain"
	"flagpole/internal/metactf"
	"flagpole/internal/roster"
	"flagpole/internal/syncer"
	"flagpole/store"
)

// The demo's rollout: how long ago each phase began, after which the next one's gates could pass.
const (
	demoSince = 6*24*time.Hour + 2*time.Hour // the pilot
	demoTenth = 90 * time.Hour
	demoHalf  = 38 * time.Hour
)

// demoClock is behind the real time by what is left of the demo's past.
type demoClock struct{ behind atomic.Int64 }

func newDemoClock(behind time.Duration) *demoClock {
	c := &demoClock{}
	c.behind.Store(int64(behind))
	return c
}

// Now is the time of the demo, for the portal's database and for the platform alike.
func (c *demoClock) Now() time.Time { return time.Now().Add(-c.left()) }

func (c *demoClock) left() time.Duration { return time.Duration(c.behind.Load()) }

// pass lets some of the past go by.
func (c *demoClock) pass(d time.Duration) { c.behind.Store(int64(max(0, c.left()-d))) }

// demoPast lives through the days before the demo begins: what its pages say of them comes of syncs, as in a real portal.
type demoPast struct {
	store  *store.Store
	rules  store.AlertRules
	clock  *demoClock
	syncer *syncer.Syncer
}

func newDemoPast(s *store.Store, conf config.Config, clock *demoClock) (*demoPast, error) {
	conf.RateLimit = 10_000 // days go by in seconds
	quiet := slog.New(slog.DiscardHandler)
	client, err := metactf.New(metactf.Config{BaseURL: conf.APIBaseURL, Tokens: tokens(conf), RateLimit: conf.RateLimit, Timeout: conf.CallTimeout, Clock: clock.Now}, quiet)
	if err != nil {
		return nil, err
	}
	return &demoPast{s, alertRules(conf), clock, newSyncer(s, client, conf, clock.Now, observer{log: quiet})}, nil
}

// rollOut begins with two pilots and ends now, in the phase of half of all coaches.
func (d *demoPast) rollOut(ctx context.Context, rows []roster.Row) error {
	r := d.store.System().Rollout("demo")
	if err := d.choosePilots(ctx, r, rows); err != nil {
		return err
	}
	for _, p := range []struct {
		name, reason string
		until        time.Duration
	}{
		{"pilot", "Two coaches begin", demoTenth},
		{"10 %", "The pilots are content, and so are the gates", demoHalf},
		{"50 %", "Nobody has reported anything", 0},
	} {
		if _, err := r.Apply(ctx, store.RolloutChange{Action: store.EnterPhase, Phase: p.name, Reason: p.reason, Seen: -1, Override: true}); err != nil {
			return err
		}
		if err := d.live(ctx, p.until); err != nil {
			return err
		}
	}
	return nil
}

// choosePilots takes the first two coaches who are ready, once they have a login and use it.
func (d *demoPast) choosePilots(ctx context.Context, r *store.Rollout, rows []roster.Row) error {
	st, err := r.State(ctx)
	if err != nil {
		return err
	}
	chosen := 0
	for _, c := range st.Coaches {
		c.SignedInAt = d.clock.Now() // as it will be
		if chosen == 2 || !c.Candidate().Ready(d.clock.Now()) {
			continue
		}
		chosen++
		i := slices.IndexFunc(rows, func(r roster.Row) bool { return r.CoachID == c.ID })
		if err := d.signIn(ctx, rows[i].CoachEmail); err != nil {
			return err
		}
		_, err := r.Apply(ctx, store.RolloutChange{Action: store.AddPilot, CoachID: c.ID, Reason: "Looks at every page, and tells us what is odd", Seen: -1, Override: true})
		if err != nil {
			return err
		}
	}
	return nil
}

// signIn adds a coach's login, whose password nobody knows, and uses it once.
func (d *demoPast) signIn(ctx context.Context, email string) error {
	if err := addUser(ctx, d.store, email, domain.RoleCoach, rand.Text()); err != nil {
		return err
	}
	accounts := d.store.Accounts()
	user, err := accounts.UserByEmail(ctx, email)
	if err != nil {
		return err
	}
	session := rand.Text()
	if err := accounts.StartSession(ctx, session, "", store.Proof{UserID: user.ID, Password: user.PasswordHash}, d.clock.Now().Add(time.Hour)); err != nil {
		return err
	}
	return accounts.EndSession(ctx, session)
}

// live syncs whoever is due every six hours, and asks alerts and gates after it, until so much of the past is left.
func (d *demoPast) live(ctx context.Context, until time.Duration) error {
	for d.clock.left() > until {
		if _, err := d.syncer.Do(ctx, store.RunRequest{By: "command"}); err != nil {
			return err
		}
		for _, passes := range []time.Duration{time.Minute, 6*time.Hour - time.Minute} {
			d.clock.pass(min(passes, d.clock.left()-until))
			if _, err := d.store.System().EvaluateAlerts(ctx, d.clock.Now(), d.rules); err != nil {
				return err
			}
			if _, err := d.store.System().GuardRollout(ctx, d.clock.Now()); err != nil {
				return err
			}
		}
	}
	return nil
}
