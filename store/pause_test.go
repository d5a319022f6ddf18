package store_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/store/storetest"
)

// wantCode wants an error of a kind, "" for none.
func wantCode(t *testing.T, what string, err error, want domain.Code) {
	t.Helper()
	if domain.CodeOf(err) != want || (want == "") != (err == nil) {
		t.Errorf("%s: %v, want code %q", what, err, want)
	}
}

func TestOnlyAdminsPauseAndAskForSyncs(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		for _, v := range viewers {
			sc := h.s.For(v.viewer)
			var want domain.Code
			if v.viewer.Role != domain.RoleAdmin {
				want = domain.Denied
			}
			_, all := sc.RequestSync(t.Context(), "")
			_, coach := sc.RequestSync(t.Context(), "co-a")
			_, plan := sc.SyncPlan(t.Context(), "co-a")
			for what, err := range map[string]error{"sync all": all, "sync a coach": coach, "plan": plan, "pause": sc.PauseSyncs(t.Context(), "a test"), "resume": sc.ResumeSyncs(t.Context())} {
				wantCode(t, v.name+": "+what, err, want)
			}
		}
		looking := domain.Viewer{UserID: "u3", Role: domain.RoleCoach, CoachID: "co-a", Enrolled: true, ViewingAs: true}
		wantCode(t, "an admin who looks as a coach", h.s.For(looking).PauseSyncs(t.Context(), "a test"), domain.Denied)
		h.want("audit", `SELECT user_id, action, detail FROM audit_log ORDER BY audit_id`,
			"u3|sync.all|", "u3|sync.coach|coach=co-a", "u3|sync.pause|a test", "u3|sync.resume|")
	})
}

func TestAPauseSurvivesARestartAndNamesWhoWasFirst(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		user, err := h.s.Accounts().AddUser(t.Context(), "devan@flagpole.example", domain.RoleAdmin, "hash")
		if err != nil {
			t.Fatal(err)
		}
		devan := h.s.For(domain.Viewer{UserID: user, Role: domain.RoleAdmin})
		wantCode(t, "no reason", devan.PauseSyncs(t.Context(), "  "), domain.Invalid)
		wantCode(t, "too long", devan.PauseSyncs(t.Context(), strings.Repeat("x", 301)), domain.Invalid)
		wantCode(t, "pause", devan.PauseSyncs(t.Context(), " maintenance at MetaCTF "), "")

		again := storetest.Open(t, h.address, h.clock)
		pause, err := again.System().Paused(t.Context())
		if want := (domain.SyncPause{At: storetest.Start, By: "devan", Reason: "maintenance at MetaCTF"}); err != nil || pause != want {
			t.Errorf("%+v, %v", pause, err)
		}
		if stopped, err := again.System().Stopped(t.Context()); err != nil || stopped != store.StopPaused {
			t.Errorf("stopped %q, %v", stopped, err)
		}
		h.clock.Advance(time.Hour)
		second := again.For(domain.Viewer{UserID: "u-other", Role: domain.RoleAdmin})
		err = second.PauseSyncs(t.Context(), "mine")
		wantCode(t, "a second one", err, domain.Clash)
		for _, part := range []string{"devan", "18 Nov 2026, 12:00", "maintenance at MetaCTF"} {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%v does not say %q", err, part)
			}
		}
		_, err = second.RequestSync(t.Context(), "")
		wantCode(t, "sync all while paused", err, domain.Clash)
		_, err = h.coach("co-a").RequestRefresh(t.Context(), "cp-a1")
		wantCode(t, "refresh while paused", err, domain.Clash)
		wantCode(t, "resume", second.ResumeSyncs(t.Context()), "")
		wantCode(t, "resume twice", second.ResumeSyncs(t.Context()), domain.Clash)
		if stopped, err := h.sys.Stopped(t.Context()); err != nil || stopped != "" {
			t.Errorf("stopped %q, %v", stopped, err)
		}
		_, err = h.coach("co-a").RequestRefresh(t.Context(), "cp-a1")
		wantCode(t, "refresh afterwards", err, "")
		h.want("audit", `SELECT action FROM audit_log WHERE action LIKE 'sync%' ORDER BY audit_id`, "sync.pause", "sync.resume")
	})
}

// holdInserts lets nobody write to a table, who may all read it, until it is released. SQLite has one writer anyway.
func (h *house) holdInserts(table string) (release func()) {
	h.t.Helper()
	if h.kind == "sqlite" {
		return func() {}
	}
	tx, err := h.raw.BeginTx(h.t.Context(), nil)
	if err == nil {
		_, err = tx.ExecContext(h.t.Context(), `LOCK TABLE `+table+` IN SHARE MODE`)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(); err != nil {
			h.t.Error(err)
		}
	}
}

func TestSyncAllPressedByTwoIsOneRun(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		var pressed sync.WaitGroup
		errs := make([]error, 12)
		release := h.holdInserts("sync_runs")
		for i := range errs {
			pressed.Go(func() { _, errs[i] = h.admin().RequestSync(t.Context(), "") })
		}
		time.Sleep(300 * time.Millisecond) // all of them have come as far as they can
		release()
		pressed.Wait()
		clashes := 0
		for _, err := range errs {
			if err != nil {
				wantCode(t, "the others", err, domain.Clash)
				clashes++
			}
		}
		h.want("runs", `SELECT kind, queued, requested_by, coach_id, full_pull FROM sync_runs`, "command|1|page||0")
		if clashes != 11 {
			t.Errorf("%d of 12 were refused", clashes)
		}
		// A coach's is another one.
		_, err := h.admin().RequestSync(t.Context(), "co-b")
		wantCode(t, "a coach meanwhile", err, "")
		_, err = h.admin().RequestSync(t.Context(), "co-b")
		wantCode(t, "the same coach", err, domain.Clash)
		if err == nil || !strings.Contains(err.Error(), "Coach Zebra's competitors") {
			t.Errorf("it names nobody: %v", err)
		}
		_, err = h.admin().RequestSync(t.Context(), "co-z")
		wantCode(t, "no such coach", err, domain.NoSuch)
		plan, err := h.admin().SyncPlan(t.Context(), "")
		if want := (store.SyncPlan{Competitors: 4, NotOnPlatform: 1}); err != nil || plan != want {
			t.Errorf("%+v, %v", plan, err)
		}
	})
}

func TestThereMustBeSomebodyToSync(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		h.roster2nd()
		_, err := h.admin().RequestSync(t.Context(), "co-late")
		wantCode(t, "a coach who is not enrolled", err, domain.Clash)
		plan, err := h.admin().SyncPlan(t.Context(), "co-late")
		if want := (store.SyncPlan{Coach: "Late", NotEnrolled: 2}); err != nil || plan != want {
			t.Errorf("%+v, %v", plan, err)
		}
	})
}

func TestWhoPausesWhileSomebodyResumesHasPaused(t *testing.T) {
	t.Parallel() // on Postgres only: SQLite has one writer
	h := newHouse(t, "postgres")
	if err := h.admin().PauseSyncs(t.Context(), "before"); err != nil {
		t.Fatal(err)
	}
	as := func(s *store.Store, user string) *store.Scope {
		return s.For(domain.Viewer{UserID: user, Role: domain.RoleAdmin})
	}
	queueBehind(t, h, "LOCK TABLE users IN ACCESS EXCLUSIVE MODE", nil, // which whoever comes second reads for who was first
		func(s *store.Store) error { return as(s, "u-2").PauseSyncs(t.Context(), "after") },
		func(s *store.Store) error { return as(s, "u-3").ResumeSyncs(t.Context()) })
	h.want("paused", `SELECT paused_by, reason FROM sync_pause`, "u-2|after")
}
