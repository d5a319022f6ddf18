package domain

import "testing"

func TestWhatAReportedPageIs(t *testing.T) {
	for path, want := range map[string]struct {
		kind       PageKind
		competitor string
	}{
		"/": {PageStart, ""}, "": {PageStart, ""}, "/competitors": {PageCompetitors, ""}, "/competitors/": {PageCompetitors, ""}, "/competitors/C-1": {PageCompetitor, "C-1"},
		"/competitors/a%2Fb%20c": {PageCompetitor, "a/b c"}, "/competitors/C-1/edit": {PageCompetitor, "C-1"}, "/competitors/%zz": {PageCompetitor, ""}, "/competitors/..%252f": {PageCompetitor, "..%2f"},
		"/teams": {PageTeams, ""}, "/teams/T-1": {PageTeam, ""}, "/events": {PageEvents, ""}, "/events/e": {PageEvent, ""}, "/numbers": {PageNumbers, ""}, "/account": {PageAccount, ""},
		"/problems": {PageProblems, ""}, "/problems/new": {PageProblems, ""}, "/admin/sync": {PageOther, ""}, "/competitorsx": {PageOther, ""},
	} {
		if kind, id := PageKindOf(path), PageCompetitorID(path); kind != want.kind || id != want.competitor {
			t.Errorf("%q: %q, %q", path, kind, id)
		}
	}
}
