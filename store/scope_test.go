package store_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/store"
)

// viewers are one of each kind, with what the texts a viewer may see have in them.
var viewers = []struct {
	name         string
	viewer       domain.Viewer
	amber, zebra bool // sees the first coach's people, the second one's
	sync         bool // sees sync health
}{
	{"coach of the ambers", domain.Viewer{UserID: "u1", Role: domain.RoleCoach, CoachID: "co-a", Enrolled: true}, true, false, false},
	{"coach of the zebras", domain.Viewer{UserID: "u2", Role: domain.RoleCoach, CoachID: "co-b", Enrolled: true}, false, true, false},
	{"admin", domain.Viewer{UserID: "u3", Role: domain.RoleAdmin}, true, true, true},
	{"product", domain.Viewer{UserID: "u4", Role: domain.RoleProduct}, false, false, true},
	{"nobody", domain.Viewer{}, false, false, false},
	{"coach without an id", domain.Viewer{UserID: "u5", Role: domain.RoleCoach, Enrolled: true}, false, false, false},
	{"product with a coach's id", domain.Viewer{UserID: "u6", Role: domain.RoleProduct, CoachID: "co-a"}, false, false, true},
	{"a role that does not exist", domain.Viewer{UserID: "u7", Role: "ADMIN", CoachID: "co-a"}, false, false, false},
	{"coach who is not enrolled", domain.Viewer{UserID: "u9", Role: domain.RoleCoach, CoachID: "co-a"}, false, false, false},
	{"coach of nobody", domain.Viewer{UserID: "u8", Role: domain.RoleCoach, CoachID: "co-z", Enrolled: true}, false, false, false},
}

// about says which people a probe asks about.
type about int

const (
	nobody about = iota
	anAmber
	aZebra
	everybody
)

// probe calls one method of a Scope and says what it must give. Whatever stands in an answer, it may never hold a text of
// people the viewer does not see.
type probe struct {
	method, name string
	call         func(h *house, sc *store.Scope) (any, error)
	asks         about // viewers who do not see them get the error code missing, or with "" an empty answer
	missing      domain.Code
	tells        about // whose texts stand in the answer for viewers who see them
}

// seen are the people asked about that a viewer may see.
func (a about) seen(amber, zebra bool) (ambers, zebras bool) {
	return amber && (a == anAmber || a == everybody), zebra && (a == aZebra || a == everybody)
}

func probes() []probe {
	competitor := func(id string) func(*house, *store.Scope) (any, error) {
		return func(h *house, sc *store.Scope) (any, error) {
			return sc.Competitor(h.t.Context(), id, h.clock.Now().AddDate(-1, 0, 0), time.UTC)
		}
	}
	list := func(p store.Page) func(*house, *store.Scope) (any, error) {
		return func(h *house, sc *store.Scope) (any, error) {
			rows, _, err := sc.CompetitorsPage(h.t.Context(), store.CompetitorQuery{}, p)
			return rows, err
		}
	}
	solves := func(id string, p store.Page) func(*house, *store.Scope) (any, error) {
		return func(h *house, sc *store.Scope) (any, error) {
			return sc.SolvesPage(h.t.Context(), store.SolveQuery{CompetitorID: id}, p)
		}
	}
	export := func(id string) func(*house, *store.Scope) (any, error) {
		return func(h *house, sc *store.Scope) (any, error) {
			var rows []store.SolveRow
			err := sc.EachSolve(h.t.Context(), store.SolveQuery{CompetitorID: id}, func(r store.SolveRow) error { rows = append(rows, r); return nil })
			return rows, err
		}
	}
	key := odl(1).SolveKey.Cursor()
	own := []probe{
		{"Competitor", "an amber", competitor("cp-a1"), anAmber, domain.NoSuch, anAmber},
		{"Competitor", "a zebra", competitor("cp-b1"), aZebra, domain.NoSuch, aZebra},
		{"Competitor", "one who does not exist", competitor("cp-z"), nobody, domain.NoSuch, nobody},
		{"Competitor", "hostile", competitor("cp-a1\x00' OR 1=1 --\xff"), nobody, domain.NoSuch, nobody},
		{"CompetitorsPage", "the first", list(store.Page{Limit: 50}), everybody, "", everybody},
		{"CompetitorsPage", "after an amber", list(store.Page{After: "cp-a1", Limit: 50}), anAmber, domain.Invalid, everybody},
		{"CompetitorsPage", "before a zebra", list(store.Page{Before: "cp-b2", Limit: 50}), aZebra, domain.Invalid, everybody},
		{"CompetitorsPage", "after one who does not exist", list(store.Page{After: "cp-z", Limit: 50}), nobody, domain.Invalid, nobody},
		{"CompetitorsPage", "hostile", list(store.Page{After: "\x00\xff", Limit: 50}), nobody, domain.Invalid, nobody},
		{"EachCompetitor", "all", func(h *house, sc *store.Scope) (any, error) {
			var rows []store.CompetitorRow
			err := sc.EachCompetitor(h.t.Context(), store.CompetitorQuery{}, func(r store.CompetitorRow) error { rows = append(rows, r); return nil })
			return rows, err
		}, everybody, "", everybody},
		{"SolvesPage", "of an amber", solves("cp-a1", store.Page{Limit: 50}), anAmber, "", anAmber},
		{"SolvesPage", "of a zebra", solves("cp-b1", store.Page{Limit: 50}), aZebra, "", aZebra},
		{"SolvesPage", "before an amber's solve", solves("cp-a1", store.Page{Before: key, Limit: 50}), anAmber, domain.Invalid, anAmber},
		{"EachSolve", "of an amber", export("cp-a1"), anAmber, "", anAmber},
		{"EachSolve", "of a zebra", export("cp-b1"), aZebra, "", aZebra},
		{"EachSolve", "hostile", export("\x00\xff"), nobody, "", nobody},
		{"CompetitorSums", "", func(h *house, sc *store.Scope) (any, error) { return sc.CompetitorSums(h.t.Context(), "", h.bounds()) }, nobody, "", nobody},
		{"LastRuns", "", func(h *house, sc *store.Scope) (any, error) { return sc.LastRuns(h.t.Context(), 50) }, nobody, "", nobody},
		{"Audit", "", func(h *house, sc *store.Scope) (any, error) { return nil, sc.Audit(h.t.Context(), "test", "cp-a1", "") }, nobody, "", nobody},
		{"SeeIntroduction", "", func(h *house, sc *store.Scope) (any, error) { return nil, sc.SeeIntroduction(h.t.Context()) }, nobody, "", nobody},
		{"Rollout", "", func(_ *house, sc *store.Scope) (any, error) { // it knows coaches, and is refused to all but the staff: rollout_test.go
			_, err := sc.Rollout()
			return domain.CodeOf(err), nil
		}, nobody, "", nobody},
		{"Viewer", "", func(_ *house, sc *store.Scope) (any, error) { return sc.Viewer(), nil }, nobody, "", nobody},
	}
	return slices.Concat(own, listProbes(), personProbes(), auditProbes(), healthProbes(), failureProbes(), editProbes(), requestProbes(), alertProbes(), problemProbes())
}

// bothCoaches gives both coaches' people solves, events, runs and states in which their own texts stand.
func bothCoaches(h *house) {
	h.people()
	run := h.begunRun(true)
	for id, text := range map[string]string{"gp-a1": "Amber", "gp-a2": "Amber", "gp-b1": "Zebra", "gp-b2": "Zebra"} {
		named := func(s *domain.Solve) { s.Title, s.Category = text, text }
		p := h.pull(id)
		p.RunID = run
		p.ODL = h.snapshot(odl(1, named), odl(2, named))
		p.ODL.Malformed = []domain.Quarantined{malformed(domain.SourceODL, text)}
		event := took(domain.FlashEvent{Name: text, StartsAt: springCTF.StartsAt}, 1)
		named(&event.Solves[0])
		p.Flash = h.flash(event)
		p.Result, p.Failure = domain.SyncFailure, &domain.CallError{Class: domain.Timeout, Endpoint: "GET /scores/get_odl_scores", Message: text}
		p.Attempts = []store.Attempt{{Endpoint: text, Message: text, Class: domain.Timeout}}
		h.store(p)
	}
}

func TestEveryMethodOfAScopeShowsAViewerOnlyTheOwn(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		bothCoaches(h)
		h.clock.Advance(time.Hour) // so that a refresh may be asked for
		anAlert(h)
		problems(h)
		for _, p := range probes() {
			for _, v := range viewers {
				what := fmt.Sprintf("%s %s as %s", p.method, p.name, v.name)
				result, err := p.call(h, h.s.For(v.viewer))
				text := fmt.Sprintf("%#v %v", result, err)
				mayAmber, mayZebra := p.asks.seen(v.amber, v.zebra)
				wantCode, wantAmber, wantZebra := p.missing, false, false
				if mayAmber || mayZebra {
					wantCode = ""
					wantAmber, wantZebra = p.tells.seen(v.amber, v.zebra)
				}
				if got := strings.Contains(text, "Amber"); got != wantAmber {
					t.Errorf("%s: shows the ambers: %v, want %v", what, got, wantAmber)
				}
				if got := strings.Contains(text, "Zebra"); got != wantZebra {
					t.Errorf("%s: shows the zebras: %v, want %v", what, got, wantZebra)
				}
				if domain.CodeOf(err) != wantCode || (wantCode == "") != (err == nil) {
					t.Errorf("%s: error %v, want code %q", what, err, wantCode)
				}
			}
		}
	})
}

func TestTheScopesProbesCallEveryExportedMethod(t *testing.T) {
	var probed []string
	for _, p := range probes() {
		probed = append(probed, p.method)
	}
	scope := reflect.TypeFor[*store.Scope]()
	for i := range scope.NumMethod() {
		if name := scope.Method(i).Name; !slices.Contains(probed, name) {
			t.Errorf("Scope.%s has no probe: say in probes() what each viewer may see of it", name)
		}
	}
}

func TestAnotherCoachsRecordReadsLikeOneThatDoesNotExist(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		bothCoaches(h)
		sc := h.coach("co-a")
		errorsOf := func(id string) []string {
			_, err1 := sc.Competitor(t.Context(), id, h.clock.Now().AddDate(-1, 0, 0), time.UTC)
			_, _, err2 := sc.CompetitorsPage(t.Context(), store.CompetitorQuery{}, store.Page{After: id, Limit: 9})
			_, _, err3 := sc.CompetitorsPage(t.Context(), store.CompetitorQuery{}, store.Page{Before: id, Limit: 9})
			_, err4 := sc.SolvesPage(t.Context(), store.SolveQuery{CompetitorID: id}, store.Page{Limit: 9})
			_, err5 := sc.SolvesPage(t.Context(), store.SolveQuery{CompetitorID: id}, store.Page{After: odl(1).SolveKey.Cursor(), Limit: 9})
			var texts []string
			for _, err := range []error{err1, err2, err3, err4, err5} {
				texts = append(texts, fmt.Sprintf("%s %v", domain.CodeOf(err), err))
			}
			return texts
		}
		other, missing := errorsOf("cp-b1"), errorsOf("cp-z")
		if !slices.Equal(other, missing) {
			t.Errorf("another coach's: %q\nmissing: %q", other, missing)
		}
	})
}

func TestSyncHealthIsForAdminsAndProductStaff(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		bothCoaches(h)
		for _, v := range viewers {
			sc := h.s.For(v.viewer)
			health, err1 := sc.SyncHealth(t.Context(), h.clock.Now())
			runs, err2 := sc.LastRuns(t.Context(), 9)
			want := [3]int{}
			if v.sync {
				want = [3]int{4, 1, 4}
			}
			counts := [3]int{health.OnPlatform, health.NotOnPlatform, health.Failing}
			if counts != want || (len(runs) == 1) != v.sync || errors.Join(err1, err2) != nil || (len(health.Hours) > 0) != v.sync {
				t.Errorf("%s: counts %+v, %d runs, errors %v %v", v.name, counts, len(runs), err1, err2)
			}
		}
	})
}

func TestTheAuditSaysWhoSawWhomAndWhen(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		for range 2 {
			if err := h.coach("co-a").Audit(t.Context(), "competitor.view", "cp-a1", "sort=points"); err != nil {
				t.Fatal(err)
			}
		}
		const row = "0|u-co-a|competitor.view|cp-a1|sort=points"
		h.want("audit", `SELECT `+minutes("at")+`, user_id, action, competitor_id, detail FROM audit_log`, row, row)
	})
}
