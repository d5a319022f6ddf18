package handlers

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/store/storetest"
	"flagpole/views"
)

func TestTheSentenceSaysWhatIsWrongSinceWhenForWhom(t *testing.T) {
	now := time.Date(2026, 11, 18, 22, 47, 0, 0, time.UTC)
	at := func(hour, minute int) time.Time { return time.Date(2026, 11, 18, hour, minute, 0, 0, time.UTC) }
	well := func(change ...func(*store.SyncHealth)) store.SyncHealth {
		h := store.SyncHealth{OnPlatform: 357, Synced: 343, Blocked: 14, Coaches: 26, LastTriedAt: at(22, 46)}
		for _, c := range change {
			c(&h)
		}
		return h
	}
	failing := func(list ...store.OpenErrors) func(*store.SyncHealth) {
		return func(h *store.SyncHealth) {
			h.Errors = list
			for _, e := range list {
				h.Failing += e.Competitors
				h.Synced -= e.Competitors
			}
		}
	}
	for _, c := range []struct {
		name           string
		h              store.SyncHealth
		change         func(*circumstances)
		kind, headline string
		sub            string // a part of it
	}{
		{"well", well(), nil, "ok", "All is well", "343 of 357 competitors are in step with the platform. 14 wait for the platform or for data."},
		{"switched off", well(), func(c *circumstances) { c.enabled, c.killed = false, true }, "off", "Syncs are switched off", "An operator does it."},
		{"killed", well(), func(c *circumstances) { c.killed, c.pause.At = true, now }, "bad", "All syncs are stopped", "Product staff"},
		{"paused today", well(), func(c *circumstances) { c.pause = domain.SyncPause{At: at(21, 14), By: "devan", Reason: "maintenance"} },
			"hold", "Syncs are paused since 21:14", "devan paused them: maintenance. Pages show what was stored. An admin resumes them on this page."},
		{"paused before", well(), func(c *circumstances) {
			c.pause = domain.SyncPause{At: at(21, 14).AddDate(0, 0, -1), By: "devan", Reason: "why not?"}
		}, "hold", "Syncs are paused since 17 Nov, 21:14", "why not? Pages"},
		{"nobody", store.SyncHealth{}, nil, "wait", "Nobody is on the platform yet", "roster"},
		{"nobody enrolled", store.SyncHealth{NotEnrolled: 3}, nil, "wait", "No coach has the game platform yet", "rollout"},
		{"token", well(failing(store.OpenErrors{Class: domain.Timeout, Competitors: 1, Coaches: 1}), func(h *store.SyncHealth) { h.TokenRefusedSince = at(21, 14) }), nil,
			"bad", "Nothing is synced since 21:14: the platform refused our token", "An admin does it."},
		{"stalled", well(func(h *store.SyncHealth) {
			h.LastTriedAt, h.Next = at(21, 14), store.NextSyncs{DueNow: 31, OldestDue: at(21, 30)}
		}), nil,
			"bad", "Nobody was synced since 21:14", "31 competitors are due, and nobody was tried for over an hour."},
		{"not stalled: due for less than an hour", well(func(h *store.SyncHealth) {
			h.LastTriedAt, h.Next = at(20, 0), store.NextSyncs{DueNow: 1, OldestDue: at(22, 0)}
		}), nil, "ok", "All is well", ""},
		{"not stalled: others are being tried", well(func(h *store.SyncHealth) {
			h.Next = store.NextSyncs{DueNow: 900, OldestDue: at(12, 0)}
		}), nil, "ok", "All is well", ""},
		{"the first", store.SyncHealth{OnPlatform: 5, Pending: 5, Next: store.NextSyncs{DueNow: 5}}, nil, "run", "The first syncs are under way", "nothing to do"},
		{"failing", well(failing(store.OpenErrors{Class: domain.ServerError, Competitors: 36, Coaches: 9, Since: at(21, 14)})), nil,
			"bad", "Syncs fail since 21:14 for 36 competitors of 9 coaches: the platform had a fault of its own",
			"It is tried again by itself. Nobody has to act. 307 of 357 competitors are in step with the platform."},
		{"failing for long", well(failing(store.OpenErrors{Class: domain.ServerError, Competitors: 36, Coaches: 9, NeedAttention: 1, Since: at(21, 14)})), nil,
			"bad", "Syncs fail since 21:14 for 36 competitors of 9 coaches: the platform had a fault of its own",
			"It has failed several times running, and is still tried. An admin tests the connection, and asks MetaCTF where that works. 307 of 357"},
		{"failing in two ways", well(failing(store.OpenErrors{Class: domain.Timeout, Competitors: 20, Coaches: 1, Since: at(3, 0)}, store.OpenErrors{Class: domain.NotFound, Competitors: 1})), nil,
			"bad", "Syncs fail since 03:00 for 20 competitors of 1 coach: the platform did not answer in time", "1 other fails for another reason."},
		{"mostly well", well(failing(store.OpenErrors{Class: domain.Timeout, Competitors: 2, Coaches: 1, Since: at(21, 14).AddDate(0, 0, -3)})), nil,
			"warn", "Mostly well, but 2 competitors of 1 coach cannot be synced since 15 Nov, 21:14: the platform did not answer in time", ""},
		{"a class without a text", well(failing(store.OpenErrors{Class: "new", Competitors: 300, Coaches: 9, Since: at(21, 14)})), nil,
			"bad", "Syncs fail since 21:14 for 300 competitors of 9 coaches: the sync failed for a reason we have no text for", ""},
	} {
		around := circumstances{enabled: true, now: now, zone: time.UTC}
		if c.change != nil {
			c.change(&around)
		}
		got := syncSentence(c.h, around)
		if got.Kind != c.kind || got.Headline != c.headline || !strings.Contains(got.Sub, c.sub) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestARateIsNeverRoundedUpToAll(t *testing.T) {
	for want, n := range map[string][2]int{"100.0 %": {5, 5}, "99.9 %": {99999, 100000}, "0.0 %": {0, 3}, "97.9 %": {2242, 2289}} {
		if got := rateOf(n[0], n[1]); got != want {
			t.Errorf("%v: %s, want %s", n, got, want)
		}
	}
}

func TestWorkSaysHowFastItIsAndWhenItEnds(t *testing.T) {
	now := storetest.Start.Add(time.Minute)
	p := &pages{clock: func() time.Time { return now }}
	around := circumstances{enabled: true, now: now, zone: time.UTC}
	for name, c := range map[string]struct {
		r    store.Run
		want views.Work
		is   bool
	}{
		"under way": {store.Run{Kind: store.RunCommand, Expected: 118, RoundAt: storetest.Start, HeartbeatAt: now, Counts: domain.RunCounts{Attempted: 84}},
			views.Work{What: "On request, everybody", Done: 84, Of: 118, Rate: "1.4 a second", Ends: "12:01"}, true},
		"a second round": {store.Run{Kind: store.RunSchedule, Expected: 190, RoundAt: now.Add(-10 * time.Second), RoundAttempted: 100, HeartbeatAt: now, Counts: domain.RunCounts{Attempted: 110}},
			views.Work{What: "Schedule", Done: 110, Of: 190, Rate: "1.0 a second", Ends: "12:02"}, true},
		"just begun":    {store.Run{Kind: store.RunCommand, CoachID: "K-1", Expected: 5, RoundAt: now, HeartbeatAt: now}, views.Work{What: "On request, Halima Osei", Of: 5}, true},
		"not known":     {store.Run{Kind: store.RunCommand, Competitor: true, HeartbeatAt: now}, views.Work{What: "On request, one competitor"}, true},
		"waiting":       {store.Run{Kind: store.RunCommand, Queued: true, HeartbeatAt: storetest.Start.AddDate(0, 0, -1)}, views.Work{What: "On request, everybody", Queued: true}, true},
		"a quiet slot":  {store.Run{Kind: store.RunSchedule, Expected: 3, HeartbeatAt: now, Counts: domain.RunCounts{Attempted: 3}}, views.Work{}, false},
		"no life in it": {store.Run{Kind: store.RunCommand, Expected: 3, HeartbeatAt: now.Add(-6 * time.Minute)}, views.Work{}, false},
		"refused token": {store.Run{Kind: store.RunSchedule, Expected: 3, HeartbeatAt: now, Stopped: store.StopTokenRefused}, views.Work{}, false},
	} {
		got, is := p.work(c.r, around, map[string]string{"K-1": "Halima Osei"})
		if is != c.is {
			t.Errorf("%s: shown: %v", name, is)
		}
		if got.Counts = (domain.RunCounts{}); is {
			wantEqual(t, name, got, c.want)
		}
	}
}

// runs are the requests that were made from a page.
func (p *portal) runs() []string {
	p.t.Helper()
	return p.texts(`SELECT requested_by || ' ' || coach_id FROM sync_runs WHERE requested_by <> '' ORDER BY started_at, coach_id`)
}

func TestAnAdminSyncsAllAndOneCoach(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(admin)
		page := b.get("/admin/sync/all")
		wantEqual(t, "title", page.words("h1"), []string{"Sync all 5?"})
		text := strings.Join(page.words(".head p"), " ")
		for _, part := range []string{"5 competitors are synced now, due or not.", "3 calls each, it takes at most 3 s", "3 are left out: they are not on the platform."} {
			if !strings.Contains(text, part) {
				t.Errorf("%q lacks %q", text, part)
			}
		}
		wantEqual(t, "asking alone does nothing", len(p.runs()), 0)
		got := b.post("/admin/sync/all", page.filled("form.confirm"))
		wantEqual(t, "all", []any{got.status, got.header.Get("Location")}, []any{303, "/admin/sync"})
		got = b.post("/admin/sync/all", page.filled("form.confirm"))
		wantStatus(t, got, 409)
		if fault := strings.Join(got.words("#fault"), ""); !strings.Contains(fault, "A sync of everybody is under way already, asked for on 18 Nov, 12:12 UTC; it waits for its turn.") {
			t.Errorf("%q", fault)
		}
		p.clock.Advance(time.Second)
		list := b.get("/admin/sync/coach?q=halima")
		wantEqual(t, "coaches", list.words("#coaches tbody th"), []string{"Halima Osei"})
		page = b.get(list.attr("#coaches tbody a", "href"))
		wantEqual(t, "title", page.words("h1"), []string{"Sync the competitors of Halima Osei?"})
		wantStatus(t, b.post("/admin/sync/coach", page.filled("form.confirm")), 303)
		wantEqual(t, "runs", p.runs(), []string{"page ", "page K-1"})
		wantEqual(t, "audit", p.audited(), []string{"sync.all   " + admin, "sync.coach  coach=K-1 " + admin})
		wantEqual(t, "shown", b.get("/admin/sync").words("#run p b"), []string{"On request, Halima Osei.", "On request, everybody."})
		wantStatus(t, b.get("/admin/sync/coach?coach=K-9"), 404)
		wantStatus(t, b.post("/admin/sync/coach", url.Values{"csrf": {page.attr("[name=csrf]", "value")}, "coach": {"K-9"}}), 404)
	})
}

func TestNothingIsAskedForWhileCallsAreStopped(t *testing.T) {
	for name, test := range map[string]struct {
		change []func(*Options)
		bring  func(*portal)
		fault  string
	}{
		"switched off": {[]func(*Options){func(o *Options) { o.SyncEnabled = false }}, func(*portal) {}, "Syncs are switched off."},
		"killed":       {nil, func(p *portal) { p.change(store.RolloutChange{Action: store.Kill}) }, "All syncs are stopped at the moment."},
		"paused":       {nil, func(p *portal) { p.pause("a test") }, "Syncs are paused at the moment."},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPortal(t, "sqlite", test.change...)
			test.bring(p)
			b := p.as(admin)
			for _, path := range []string{"/admin/sync/all", "/admin/sync/coach?coach=K-1"} {
				form := b.get(path).filled("form.confirm")
				got := b.post(strings.Split(path, "?")[0], form)
				wantStatus(t, got, 409)
				if fault := strings.Join(got.words("#fault"), ""); !strings.Contains(fault, test.fault) {
					t.Errorf("%s: %q", path, fault)
				}
			}
			wantEqual(t, "runs", len(p.runs()), 0)
		})
	}
}

// pause pauses syncs from elsewhere.
func (p *portal) pause(reason string) {
	p.t.Helper()
	if err := p.store.For(domain.Viewer{UserID: "elsewhere", Role: domain.RoleAdmin}).PauseSyncs(p.t.Context(), reason); err != nil {
		p.t.Fatal(err)
	}
}

func TestAPauseIsSaidOnEveryPageAndLifted(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(admin)
		form := b.get("/admin/sync/pause").filled("form.confirm")
		form.Set("reason", "  ")
		got := b.post("/admin/sync/pause", form)
		wantStatus(t, got, 422)
		form.Set("reason", "maintenance")
		wantStatus(t, b.post("/admin/sync/pause", form), 303)
		got = b.post("/admin/sync/pause", form)
		wantStatus(t, got, 409)
		if fault := strings.Join(got.words("#fault"), ""); !strings.Contains(fault, "admin did it on 18 Nov 2026, 12:12 UTC, because: maintenance") {
			t.Errorf("%q", fault)
		}
		wantEqual(t, "what was typed", got.attr("[name=reason]", "value"), "maintenance")
		const why = "Syncs are paused since 18 Nov, 12:12 by admin. maintenance"
		const that = "Syncs are paused by the programme's staff. Pages show what was stored."
		for who, pages := range map[string]map[string]string{
			admin: {"/competitors": why, "/admin/sync": why, "/admin/sync/all": why}, product: {"/rollout": why, "/admin/sync": why},
			owner: {"/competitors/C-1": that, "/account": that}, newcomer: {"/competitors": that},
		} {
			for path, want := range pages {
				wantEqual(t, path+" as "+who, p.as(who).get(path).words(".band"), []string{want})
			}
		}
		page := b.get("/admin/sync")
		wantEqual(t, "headline", page.words("h1, .head p"), []string{"Syncs are paused since 12:12", "admin paused them: maintenance. Pages show what was stored. An admin resumes them on this page."})
		wantEqual(t, "buttons", page.words("#health .head .acts a"), []string{"Resume syncs…"})
		refused := p.as(owner).post("/competitors/C-1/refresh", nil, "Sec-Fetch-Site", "same-origin")
		wantStatus(t, refused, 409)
		wantStatus(t, b.post("/admin/sync/resume", b.get("/admin/sync/resume").filled("form.confirm")), 303)
		wantEqual(t, "no band", len(p.as(owner).get("/competitors").words(".band")), 0)
	})
}

func TestProductStaffHaveNoButtons(t *testing.T) {
	p := newPortal(t, "sqlite")
	wantEqual(t, "buttons", len(p.as(product).get("/admin/sync").words("#health .head .acts")), 0)
	wantEqual(t, "an admin's", p.as(admin).get("/admin/sync").words("#health .head .acts a"), []string{"Sync all 5…", "Sync one coach…", "Pause with a reason…"})
}

func TestTheHealthRegionAsksForItselfUnlessItShowsOlderRuns(t *testing.T) {
	p := newPortal(t, "sqlite")
	b := p.as(product)
	wantEqual(t, "idle", b.get("/admin/sync").attr("#health", "hx-trigger"), "every 15s")
	region := b.get("/admin/sync", "HX-Request", "true", "HX-Target", "health")
	wantEqual(t, "region", []any{len(region.words("header")), region.attr("#health", "hx-get")}, []any{0, "/admin/sync"})
	var first string
	for range runsShown + 1 {
		id, err := p.store.System().QueueRun(t.Context(), store.RunRequest{By: "api"})
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = id
		}
		p.clock.Advance(time.Second)
	}
	page := b.get("/admin/sync")
	wantEqual(t, "while something waits", page.attr("#health", "hx-trigger"), "every 2s")
	wantEqual(t, "rows", len(page.words("#runs tbody tr")), runsShown)
	older := b.get(strings.TrimSuffix(page.attr("#runs-older", "href"), "#runs"))
	wantEqual(t, "older rows", len(older.words("#runs tbody tr")), 1)
	wantEqual(t, "older asks for itself", older.attr("#health", "hx-trigger"), "(none)")
	wantEqual(t, "way back", older.attr("#runs-newest", "href"), "/admin/sync#runs")
	wantStatus(t, b.get("/admin/sync?before="+first), 200)
	wantStatus(t, b.get("/admin/sync?before=nonsense"), 422)
}
