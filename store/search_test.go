package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
)

// found are the first names of the people and what stands in their other texts, by id.
var found = []struct{ id, first, last, email, team, username string }{
	{"accents", "Zoë", "Ångström", "zoe@quill.example", "", ""},
	{"case", "ADA", "McLane", "Ada.Lane@Quill.Example", "Blue Herons", ""},
	{"percent", "100%", "Sure", "p@quill.example", "", ""},
	{"underscore", "snake_case", "Kid", "u@quill.example", "", ""},
	{"backslash", `back\slash`, "Kid", "b@quill.example", "", ""},
	{"quote", `O'Brien "Q"`, "Kid", "q@quill.example", "", ""},
	{"username", "Uma", "Stone", "s@quill.example", "Red Kites", "n00b_Slayer"},
	{"long", strings.Repeat("ab", 100), "Long", "l@quill.example", "", ""},
	{"rtl", "محمد", "العربي", "r@quill.example", "", ""},
	{"emoji", "🦄 Rainbow", "👩‍🚀", "e@quill.example", "", ""},
	{"sharp", "Weiß", "Straße", "w@quill.example", "", ""},
	{"wide", "Ｗｉｄｅ", "ﬁsh", "x@quill.example", "", ""},
	{"spaces", "Mary  Ann", "Lee", "m@quill.example", "", ""},
}

func TestASearchFindsWhereEveryWordStandsSomewhere(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		var rows []roster.Row
		for _, f := range found {
			r := roster.Row{CoachID: "co-a", CoachEmail: "coach@fern.example", CoachName: "Cora", CompetitorID: f.id, FirstName: f.first, LastName: f.last,
				Email: f.email, Division: domain.College, Status: domain.ProfilePending, GamePlatformID: "gp-" + f.id}
			if f.team != "" {
				r.TeamID, r.Team = "t-"+f.id, f.team
			}
			rows = append(rows, r)
		}
		h.roster(rows...)
		for _, f := range found {
			if f.username != "" {
				p := h.pull("gp-" + f.id)
				p.User = &domain.PlatformUser{MetaCTFUserID: 1, Username: f.username, Status: domain.PlatformApproved}
				h.store(p)
			}
		}
		var everybody []string
		for _, f := range found {
			everybody = append(everybody, f.id)
		}
		for _, c := range []struct {
			search string
			want   []string
		}{
			{"zoe", []string{"accents"}},
			{"ZOË angstrom", []string{"accents"}},
			{"Zoe\u0308 A\u030angstro\u0308m", []string{"accents"}},
			{"ada", []string{"case"}},
			{"mclane ADA", []string{"case"}},
			{"ada lee", nil},
			{"lane@quill", []string{"case"}},
			{"herons ada", []string{"case"}},
			{"kites", []string{"username"}},
			{"N00B_s", []string{"username"}},
			{"%", []string{"percent"}},
			{"100%", []string{"percent"}},
			{"1%0", nil},
			{"_", []string{"underscore", "username"}},
			{"snake_c", []string{"underscore"}},
			{"snakeXc", nil},
			{`\`, []string{"backslash"}},
			{`k\s`, []string{"backslash"}},
			{`\%`, nil},
			{`o'brien "q"`, []string{"quote"}},
			{"' OR 1=1 --", nil},
			{strings.Repeat("ab", 100), []string{"long"}},
			{strings.Repeat("ab", 101), nil},
			{"محمد", []string{"rtl"}},
			{"العربي محمد", []string{"rtl"}},
			{"🦄", []string{"emoji"}},
			{"👩‍🚀 rainbow", []string{"emoji"}},
			{"strasse WEISS", []string{"sharp"}},
			{"wide fish", []string{"wide"}},
			{"mary ann", []string{"spaces"}},
			{"\tann\n\u00a0mary ", []string{"spaces"}},
			{"cora", nil},      // the coach's name
			{"adamclane", nil}, // over the end of a word
			{"lee\nm@", []string{"spaces"}},
			{"\x00", nil},
			{"ada\x00", nil},
			{"\xff\xfe", nil},
			{"\ufffd", nil},
			{"", everybody},
			{" \t\n", everybody},
			{"quill.example", everybody},
			{strings.Repeat("e ", 5000), everybody},
			{strings.Repeat("q", 100_000), nil},
		} {
			q := store.CompetitorQuery{Search: c.search}
			what := fmt.Sprintf("%.40q", c.search)
			got := map[string]bool{}
			for _, id := range idsOf(h, h.admin(), q) {
				got[id] = true
			}
			want := map[string]bool{}
			for _, id := range c.want {
				want[id] = true
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
	})
}

func TestTeamsAndCoachesAreFoundByTheirNames(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		for search, want := range map[string][2]int{"": {3, 2}, "team": {3, 0}, "AMBER téam": {2, 0}, "coach": {0, 2}, "zebra": {1, 1}, "%": {0, 0}, "\x00": {0, 0},
			"' OR 1=1 --": {0, 0}, strings.Repeat("q", 100_000): {0, 0}} {
			_, teams, err1 := h.admin().TeamsPage(t.Context(), store.TeamQuery{Search: search}, store.Page{Limit: 9})
			_, coaches, err2 := h.admin().CoachesPage(t.Context(), search, store.Page{Limit: 9})
			if got := [2]int{teams.Total, coaches.Total}; got != want || err1 != nil || err2 != nil {
				t.Errorf("%.40q: %v (%v, %v), want %v", search, got, err1, err2, want)
			}
		}
	})
}
