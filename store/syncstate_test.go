package store_test

import (
	"strings"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/store/storetest"
)

// cursor is a competitor's cursor in minutes since the tests began, a dash for none.
func cursor(h *house, id string) string {
	h.t.Helper()
	return strings.Join(h.lines(`SELECT `+minutes("odl_cursor_at")+` FROM game_platform_sync_state WHERE syned_user_id = '`+id+`'`), " ")
}

func TestTheCursorIsTheNewestODLSolveUpToTheRequest(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		ahead := func(d time.Duration) func(*domain.Solve) { return solvedAt(storetest.Start.Add(d)) }
		failed := func(p *store.Pull) {
			p.Result, p.Failure = domain.SyncFailure, &domain.CallError{Class: domain.ServerError}
		}
		steps := []struct { // each a minute after the one before
			name string
			pull func(*store.Pull)
			want string
		}{
			{"no solve, no cursor", func(p *store.Pull) { p.ODL = h.snapshot() }, "-"},
			{"the newest of several", func(p *store.Pull) { p.ODL = h.snapshot(odl(30), odl(20), odl(40)) }, "-20"},
			{"a newer one moves it", func(p *store.Pull) { p.ODL = h.since(odl(20), odl(10)) }, "-10"},
			{"an answer without solves leaves it", func(p *store.Pull) { p.ODL = h.since() }, "-10"},
			{"a late one leaves it", func(p *store.Pull) { p.ODL = h.since(odl(25)) }, "-10"},
			{"a flash solve never moves it", func(p *store.Pull) {
				late := took(springCTF, 1)
				late.Solves[0].SolvedAt = storetest.Start
				p.ODL, p.Flash = h.since(), h.flash(late)
			}, "-10"},
			{"a flash answer alone leaves it", func(p *store.Pull) { p.Flash = h.flash() }, "-10"},
			{"a failure leaves it", failed, "-10"},
			{"being blocked leaves it", func(p *store.Pull) {
				p.Result, p.Failure = domain.SyncBlocked, &domain.CallError{Class: domain.Blocked}
			}, "-10"},
			{"a solve dated after the request does not move it",
				func(p *store.Pull) {
					p.ODL = h.since(odl(5), odl(1, ahead(90*time.Minute)), odl(2, ahead(11*time.Minute)))
				}, "-5"},
			{"nor does the next answer", func(p *store.Pull) { p.ODL = h.since() }, "-5"},
			{"until its time has come", func(p *store.Pull) { p.ODL = h.since() }, "11"},
			{"an ODL answer moves it although the flash part failed", func(p *store.Pull) { failed(p); p.ODL = h.since(odl(3, ahead(12*time.Minute))) }, "12"},
			{"a record that could not be read does not hold it up", func(p *store.Pull) {
				p.ODL = h.since(odl(4, ahead(13*time.Minute)))
				p.ODL.Malformed = []domain.Quarantined{malformed(domain.SourceODL, "{}")}
			}, "13"},
		}
		for _, step := range steps {
			p := h.pull("gp-a1")
			step.pull(&p)
			if p.ODL != nil {
				p.ODL.RequestedAt = h.clock.Now()
			}
			h.store(p)
			if got := cursor(h, "gp-a1"); got != step.want {
				t.Errorf("%s: %s, want %s", step.name, got, step.want)
			}
		}
	})
}

func TestTheCursorIsTheRequestsTimeAtMost(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		part := h.snapshot(odl(1, solvedAt(storetest.Start)), odl(2, solvedAt(storetest.Start.Add(time.Second))))
		h.clock.Advance(time.Hour) // the answer took long
		h.storeODL("gp-a1", part)
		if got := cursor(h, "gp-a1"); got != "0" {
			t.Errorf("cursor %s, want 0", got)
		}
	})
}

func TestACursorIsTheCompetitorsOwn(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.storeODL("gp-a1", h.snapshot(odl(10)))
		h.storeODL("gp-a2", h.snapshot(odl(5)))
		if a, b := cursor(h, "gp-a1"), cursor(h, "gp-a2"); a != "-10" || b != "-5" {
			t.Errorf("cursors %s and %s", a, b)
		}
	})
}

// stateQuery is a state row with its times in minutes.
var stateQuery = `SELECT last_result, error_class, error_endpoint, error_message, failed_in_a_row, ` +
	strings.Join([]string{minutes("last_attempt_at"), minutes("last_success_at"), minutes("last_full_pull_at"), minutes("last_odl_synced_at"),
		minutes("last_flash_ctf_synced_at"), minutes("last_remote_accessed_at"), minutes("odl_cursor_at"), minutes("next_due_at")}, ", ") +
	` FROM game_platform_sync_state`

func TestASyncWritesOnlyWhatItLearned(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		timeout := &domain.CallError{Class: domain.Timeout, Endpoint: "GET /users", Message: "no answer in 10 s"}
		steps := []struct { // each a minute after the one before
			name string
			pull func(*store.Pull)
			want string
		}{
			{"a failure first", func(p *store.Pull) { p.Result, p.Failure = domain.SyncFailure, timeout },
				"failure|timeout|GET /users|no answer in 10 s|1|0|-|-|-|-|-|-|60"},
			{"and again", func(p *store.Pull) { p.Result, p.Failure = domain.SyncFailure, timeout },
				"failure|timeout|GET /users|no answer in 10 s|2|1|-|-|-|-|-|-|61"},
			{"a full success", func(p *store.Pull) {
				p.Full, p.ODL, p.Flash = true, h.snapshot(odl(10)), h.flash()
				p.ODL.LastAccessedAt = storetest.Start.Add(-30 * time.Minute)
			}, "success||||0|2|2|2|2|2|-30|-10|62"},
			{"the ODL part alone", func(p *store.Pull) { p.ODL = h.since() }, "success||||0|3|3|2|3|2|-30|-10|63"},
			{"the flash part alone", func(p *store.Pull) { p.Flash = h.flash() }, "success||||0|4|4|2|3|4|-30|-10|64"},
			{"a failure keeps what was learned", func(p *store.Pull) { p.Result, p.Failure = domain.SyncFailure, timeout },
				"failure|timeout|GET /users|no answer in 10 s|1|5|4|2|3|4|-30|-10|65"},
			{"blocked is no failure and no success", func(p *store.Pull) {
				p.Result, p.Failure = domain.SyncBlocked, &domain.CallError{Class: domain.Blocked, Endpoint: "GET /x", Message: "not approved"}
			}, "blocked|blocked|GET /x|not approved|0|6|4|2|3|4|-30|-10|66"},
			{"last seen moves when the platform says so", func(p *store.Pull) {
				p.ODL = h.since()
				p.ODL.LastAccessedAt = storetest.Start.Add(-5 * time.Minute)
			}, "success||||0|7|7|2|7|4|-5|-10|67"},
		}
		for _, step := range steps {
			p := h.pull("gp-a1")
			step.pull(&p)
			if p.ODL != nil {
				p.ODL.RequestedAt = h.clock.Now()
			}
			if p.Flash != nil {
				p.Flash.RequestedAt = h.clock.Now()
			}
			h.store(p)
			h.want(step.name, stateQuery, step.want)
		}
	})
}

func TestFailuresInARowAreCountedUntilASuccess(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		var got []int
		for _, result := range []domain.SyncResult{domain.SyncFailure, domain.SyncFailure, domain.SyncFailure, domain.SyncSuccess,
			domain.SyncFailure, domain.SyncBlocked, domain.SyncFailure} {
			p := h.pull("gp-a1")
			p.Result = result
			p.NextDue = func(a store.Activity) time.Time { got = append(got, a.FailedInARow); return h.clock.Now() }
			h.store(p)
		}
		want := []int{1, 2, 3, 0, 1, 0, 1}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("counts %v, want %v", got, want)
			}
		}
	})
}

func TestNextDueIsAskedWithTheFactsAsTheyAreAfterStoring(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		seen := storetest.Start.Add(-3 * time.Minute)
		ask := func(name string, part *store.ODLPull, want store.Activity) {
			t.Helper()
			p := h.pull("gp-a1")
			p.ODL = part
			var got store.Activity
			p.NextDue = func(a store.Activity) time.Time { got = a; return h.clock.Now() }
			h.store(p)
			if got != want {
				t.Errorf("%s: %+v, want %+v", name, got, want)
			}
		}
		ask("nothing yet", nil, store.Activity{})
		part := h.snapshot(odl(10), odl(20))
		part.LastAccessedAt = seen
		ask("in the same sync", part, store.Activity{LastSolveAt: odl(10).SolvedAt, LastSeenAt: seen})
		ask("kept from before", nil, store.Activity{LastSolveAt: odl(10).SolvedAt, LastSeenAt: seen})
	})
}

func TestOnlyTheVendorChangesTheVendorsStatus(t *testing.T) {
	const query = `SELECT metactf_user_id, metactf_username, metactf_user_status FROM game_platform_users`
	inBoth(t, func(t *testing.T, h *house) {
		user := func(status domain.PlatformStatus, id int64, name string, login time.Time) func(*store.Pull) {
			return func(p *store.Pull) {
				p.User = &domain.PlatformUser{MetaCTFUserID: id, Username: name, Status: status, LastLoginAt: login}
			}
		}
		never, login := time.Time{}, storetest.Start.Add(-8*time.Minute)
		success := func(p *store.Pull) { p.Full, p.ODL, p.Flash = true, h.snapshot(odl(1)), h.flash() }
		steps := []struct {
			name   string
			change func(*store.Pull)
			want   []string
			login  []string
		}{
			{"a success tells nothing", success, nil, nil},
			{"the first word", user(domain.PlatformPendingApproval, 5, "ada", never), []string{"5|ada|pending_approval"}, []string{"-|1"}},
			{"a success leaves it", success, []string{"5|ada|pending_approval"}, []string{"-|1"}},
			{"being blocked leaves it", func(p *store.Pull) { p.Result = domain.SyncBlocked }, []string{"5|ada|pending_approval"}, []string{"-|1"}},
			{"the next word", user(domain.PlatformApproved, 5, "ada.l", login), []string{"5|ada.l|approved"}, []string{"-8|4"}},
			{"an unknown account keeps its name", user(domain.PlatformUnknown, 0, "", never), []string{"5|ada.l|unknown"}, []string{"-8|5"}},
			{"a word nobody listed", user("suspended", 6, "ada", never), []string{"6|ada|suspended"}, []string{"-8|6"}},
		}
		for _, step := range steps {
			p := h.pull("gp-a1")
			step.change(&p)
			h.store(p)
			h.want(step.name, query, step.want...)
			h.want(step.name, `SELECT `+minutes("last_login_at")+`, `+minutes("checked_at")+` FROM game_platform_users`, step.login...)
		}
	})
}
