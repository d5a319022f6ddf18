package handlers

import (
	"strings"
	"testing"
)

// fields are the values of a form as the page shows it, to be sent with changes.
func (a answer) fields(form string, changes ...string) []string {
	a.t.Helper()
	var list []string
	changed := map[string]string{}
	for i := 0; i+1 < len(changes); i += 2 {
		changed[changes[i]] = changes[i+1]
	}
	doc := a.doc().Find(form)
	for _, s := range doc.Find("input, select").EachIter() {
		name := s.AttrOr("name", "")
		value := s.AttrOr("value", "")
		if s.Is("select") {
			value = s.Find("option[selected]").AttrOr("value", "")
		}
		if v, ok := changed[name]; ok {
			value = v
		}
		list = append(list, name, value)
	}
	return list
}

func TestAFormThatSomebodyElseHasOvertakenKeepsWhatWasTyped(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(admin)
		page := b.get("/competitors/C-1/edit")
		wantStatus(t, b.press("/competitors/C-1/edit", page.fields("#edit", "grade", "9")...), 303)
		got := b.press("/competitors/C-1/edit", page.fields("#edit", "grade", "10", "email", "mine@pupil.example")...)
		wantStatus(t, got, 409)
		wantEqual(t, "typed", got.attr("#edit-email", "value"), "mine@pupil.example")
		wantEqual(t, "stored", p.texts("SELECT grade FROM competitors WHERE competitor_id = 'C-1'"), []string{"9"})
		wantEqual(t, "history", got.words("#history-title ~ table tbody tr:first-child > *")[:3], []string{"Grade", "11", "9"})
		wantStatus(t, b.press("/competitors/C-1/edit", got.fields("#edit")...), 303)
		wantEqual(t, "saved again", p.texts("SELECT grade || ' ' || email FROM competitors WHERE competitor_id = 'C-1'"), []string{"10 mine@pupil.example"})
	})
}

func TestSomebodyOfTheSameNameIsPointedOutBeforeOneIsAdded(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(admin)
		typed := []string{"coach_email", other, "first_name", "AMARA", "last_name", "Nwosu", "division", "college", "status", "pending"}
		got := b.press("/admin/competitors/new", typed...)
		wantStatus(t, got, 409)
		wantEqual(t, "pointed out", got.words("#edit .note li"), []string{"Amara Nwosu, coach Halima Osei, amara@pupil.example"})
		wantStatus(t, b.press("/admin/competitors/new", append(typed, "anyway", "yes")...), 303)
		wantEqual(t, "added", p.texts("SELECT coach_id FROM competitors WHERE first_name = 'AMARA'"), []string{"K-2"})
		wantStatus(t, b.press("/admin/competitors/new", "coach_email", "nobody@x.example", "first_name", "A", "last_name", "B"), 422)
	})
}

func TestAMoveSaysWhatMetaCTFCannotFollow(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(admin)
		text := strings.Join(b.get("/competitors/C-1/move").words("main p"), " ")
		for _, want := range []string{"The team Salt & Hash belongs to Halima Osei", "MetaCTF cannot follow: the account stays under Halima Osei there."} {
			if !strings.Contains(text, want) {
				t.Errorf("the page does not say %q: %s", want, text)
			}
		}
		wantStatus(t, b.press("/competitors/C-1/move", "coach_email", owner), 409)
		wantStatus(t, b.press("/competitors/C-1/move", "coach_email", other), 303)
		wantStatus(t, p.as(other).get("/competitors/C-1"), 200)
		wantStatus(t, p.as(owner).get("/competitors/C-1"), 404)
	})
}

func TestADeactivatedCompetitorSaysSoAndComesBack(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(admin)
		wantStatus(t, b.press("/competitors/C-1/active", "active", "no"), 303)
		page := p.as(owner).get("/competitors/C-1")
		wantEqual(t, "the coach reads", page.words("#sync .s"), []string{"Deactivated"})
		wantEqual(t, "asks", b.get("/competitors/C-1/active").words("h1"), []string{"Activate Amara Nwosu again?"})
		wantStatus(t, b.press("/competitors/C-1/active", "active", "yes"), 303)
		wantEqual(t, "back", p.as(owner).get("/competitors/C-1").words("#sync .s"), []string{"Synced"})
	})
}

func TestTeamsAndCoachesAreEditedByForms(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(admin)
		got := b.press("/admin/teams/new?coach=K-1", "coach", "K-1", "team", "Fresh Team")
		wantStatus(t, got, 303)
		path := strings.TrimSuffix(got.header.Get("Location"), "/edit?done=added")
		again := b.press("/admin/teams/new?coach=K-1", "coach", "K-1", "team", "FRESH TEAM")
		wantEqual(t, "the same name", again.words("#edit-team-note"), []string{"the coach has a team of this name already"})
		page := b.get(path + "/edit")
		wantStatus(t, b.press(path+"/edit", page.fields("#edit", "team", "Fresher Team")...), 303)
		wantStatus(t, b.press(path+"/delete"), 303)
		wantStatus(t, b.get(path), 404)

		coach := b.get("/coaches/K-3/edit")
		wantStatus(t, b.press("/coaches/K-3/edit", coach.fields("#edit", "school", "Westfield")...), 303)
		wantEqual(t, "school", p.texts("SELECT school FROM coaches WHERE coach_id = 'K-3'"), []string{"Westfield"})
		wantStatus(t, b.press("/coaches/K-3/active", "active", "no"), 303)
		wantStatus(t, b.press("/coaches/K-1/active", "active", "no"), 409)
	})
}
