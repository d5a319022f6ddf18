package handlers

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"flagpole/store"
)

// changes is how many changes of the rollout are stored.
func (p *portal) changes() int {
	p.t.Helper()
	return len(p.texts(`SELECT actor FROM rollout_changes`))
}

func (p *portal) standing() store.RolloutState {
	p.t.Helper()
	st, err := p.store.System().Rollout("test").State(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return st
}

// change applies a change from elsewhere.
func (p *portal) change(c store.RolloutChange) {
	p.t.Helper()
	c.Reason, c.Seen, c.Override = "from elsewhere", -1, true
	if _, err := p.store.System().Rollout("test").Apply(p.t.Context(), c); err != nil {
		p.t.Fatal(err)
	}
}

// filled is a page's form as a browser would send it with the button that saves.
func (a answer) filled(form string) url.Values {
	a.t.Helper()
	found := a.doc().Find(form)
	if found.Length() != 1 {
		a.t.Fatalf("%d forms %s in\n%s", found.Length(), form, a.body)
	}
	values := url.Values{}
	found.Find("input[name], button[name]").Each(func(_ int, s *goquery.Selection) {
		kind, _ := s.Attr("type")
		if _, checked := s.Attr("checked"); checked || kind != "radio" && kind != "checkbox" {
			values.Set(s.AttrOr("name", ""), s.AttrOr("value", ""))
		}
	})
	return values
}

func TestAMoveIsShownBeforeItIsSaved(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(product)
		for address, want := range map[string]string{
			"/rollout":                      "100 % → 3 of 3 coaches (+0 / −0)",
			"/rollout?percent=34":           "34 % → 2 of 3 coaches (+0 / −1)",
			"/rollout?percent=34&keep=yes":  "34 % → 3 of 3 coaches (+0 / −0)",
			"/rollout?percent=0":            "0 % → 0 of 3 coaches (+0 / −3)",
			"/rollout?percent=off":          "Off → 0 of 3 coaches (+0 / −3)",
			"/rollout?percent=34&off=yes":   "Off → 0 of 3 coaches (+0 / −3)",
			"/rollout?percent=off&keep=yes": "Off → 0 of 3 coaches (+0 / −3)", // nobody has it, so nobody keeps it
		} {
			page := b.get(address)
			wantStatus(t, page, 200)
			wantEqual(t, address, page.words("#say"), []string{want})
			region := b.get(address, "HX-Request", "true", "HX-Target", "preview")
			wantEqual(t, address+", the region", region.words("#say"), []string{want})
			wantEqual(t, address+", the region's frame", len(region.words("header, h1, #reason")), 0)
			wantEqual(t, address+" announces", region.attr("#preview", "data-say"), want)
		}
		for _, wrong := range []string{"101", "-1", "ten", "1e1"} {
			wantStatus(t, b.get("/rollout?percent="+wrong), 422)
		}
		wantEqual(t, "nothing is stored", p.changes(), 1)

		page := b.get("/rollout?percent=0&reason=summer")
		text := strings.Join(page.words("#preview"), "")
		for _, part := range []string{"Halima Osei", "Ruben Castellan", "Ines Falk", "With 8 competitors.", "Take it from these 3", "The limit of 18,000 requests an hour carries it."} {
			if !strings.Contains(text, part) {
				t.Errorf("%q is missing in %q", part, text)
			}
		}
		wantEqual(t, "save", page.words("#save"), []string{"Save: 0 %, 0 of 3 coaches"})
		wantEqual(t, "what was typed", page.attr("#reason", "value"), "summer")
		wantEqual(t, "the picture", page.attr("#preview svg[role=img]", "aria-label"), "3 coaches: 3 would lose it.")
		wantEqual(t, "what is as it is has no button", len(b.get("/rollout").words("#save")), 0)
	})
}

func TestAMoveIsSaved(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(product)
		for _, step := range []struct {
			ask  string
			want []string
		}{
			{"?percent=34", []string{"2"}}, {"?percent=10&keep=yes", []string{"2"}}, {"?percent=9", []string{"1"}}, {"?percent=off", []string{"0"}}, {"?percent=100", []string{"3"}},
		} {
			form := b.get("/rollout" + step.ask).filled("#move")
			form.Set("reason", "because of "+step.ask)
			if got := b.post("/rollout", form); got.status != 303 || got.header.Get("Location") != "/rollout" {
				t.Fatalf("%s: %d %s", step.ask, got.status, got.body)
			}
			wantEqual(t, step.ask, p.texts(`SELECT COUNT(*) FROM coaches WHERE enrolled`), step.want)
			wantEqual(t, step.ask+": the reason", b.get("/rollout").words("#history-title ~ table tbody tr:first-child td.l"), []string{product + ": because of " + step.ask})
		}
	})
}

func TestWhatIsNotSavedKeepsWhatWasTyped(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(product)
		filled := func() url.Values {
			form := b.get("/rollout?percent=34").filled("#move")
			form.Set("reason", "a good reason")
			return form
		}
		for name, test := range map[string]struct {
			change func(url.Values)
			status int
			say    string
			fault  string
		}{
			"another percentage than was shown": {func(f url.Values) { f.Set("percent", "67") }, 422, "67 % → 3 of 3 coaches (+0 / −0)", "Look at it"},
			"keep where take was shown":         {func(f url.Values) { f.Set("keep", "yes") }, 422, "34 % → 3 of 3 coaches (+0 / −0)", "Look at it"},
			"no preview at all":                 {func(f url.Values) { f.Del("previewed") }, 422, "34 % → 2 of 3 coaches (+0 / −1)", "Look at it"},
			"no reason":                         {func(f url.Values) { f.Set("reason", "  ") }, 422, "34 % → 2 of 3 coaches (+0 / −1)", "A reason is missing"},
			"no percentage":                     {func(f url.Values) { f.Set("percent", "many") }, 422, "100 % → 3 of 3 coaches (+0 / −0)", "is not a percentage"},
			"what was seen is missing":          {func(f url.Values) { f.Del("seen") }, 422, "34 % → 2 of 3 coaches (+0 / −1)", "Open the page again"},
			"what was seen is nonsense":         {func(f url.Values) { f.Set("seen", "-1") }, 422, "34 % → 2 of 3 coaches (+0 / −1)", "Open the page again"},
		} {
			form := filled()
			test.change(form)
			got := b.post("/rollout", form)
			wantStatus(t, got, test.status)
			wantEqual(t, name, got.words("#say"), []string{test.say})
			wantEqual(t, name+": the reason", got.attr("#reason", "value"), form.Get("reason"))
			if fault := strings.Join(got.words("#fault"), ""); !strings.Contains(fault, test.fault) {
				t.Errorf("%s: %q", name, fault)
			}
		}
		wantEqual(t, "nothing is stored", p.changes(), 1)
	})
}

func TestTwoTabsSaving(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		first, second := p.as(product), p.as(admin)
		one, two := first.get("/rollout?percent=34").filled("#move"), second.get("/rollout?percent=67").filled("#move")
		one.Set("reason", "the first was faster")
		two.Set("reason", "typed by the second")
		wantStatus(t, first.post("/rollout", one), 303)
		got := second.post("/rollout", two)
		wantStatus(t, got, 409)
		wantEqual(t, "what it would do now", got.words("#say"), []string{"67 % → 3 of 3 coaches (+1 / −0)"})
		wantEqual(t, "what was typed", got.attr("#reason", "value"), "typed by the second")
		fault := strings.Join(got.words("#fault"), "")
		for _, part := range []string{"Somebody else has changed the rollout", "34 % (+0 / −1)", product + ": the first was faster"} {
			if !strings.Contains(fault, part) {
				t.Errorf("%q is missing in %q", part, fault)
			}
		}
		wantEqual(t, "nothing is stored", p.changes(), 2)
		again := got.filled("#move")
		wantStatus(t, second.post("/rollout", again), 303)
		wantEqual(t, "decided again", p.standing().Percent, 67)
	})
}

func TestEveryConfirmPageAsksAndThenActs(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(product)
		for _, step := range []struct{ path, say, back, want string }{
			{"/rollout/stop", "(+0 / −0)", "/rollout", "kill K-1,K-2,K-3 pilots held"},
			{"/rollout/resume", "(+0 / −0)", "/rollout", "K-1,K-2,K-3 pilots held"},
			{"/rollout/coaches/K-2/hold-back", "(+0 / −1)", "/rollout/coaches/K-2", "K-1,K-3 pilots heldK-2"},
			{"/rollout/coaches/K-2/release", "(+0 / −0)", "/rollout/coaches/K-2", "K-1,K-3 pilots held"},
			{"/rollout/coaches/K-2/pilot", "(+1 / −0)", "/rollout/coaches/K-2", "K-1,K-2,K-3 pilotsK-2 held"},
			{"/rollout/coaches/K-2/no-pilot", "(+0 / −0)", "/rollout/coaches/K-2", "K-1,K-2,K-3 pilots held"},
			{"/rollout/restore/4", "(+0 / −1)", "/rollout", "K-1,K-3 pilots heldK-2"},
		} {
			before := p.changes()
			page := b.get(step.path)
			wantStatus(t, page, 200)
			wantEqual(t, step.path+" only asks", p.changes(), before)
			if say := strings.Join(page.words(".say"), ""); !strings.HasSuffix(say, step.say) {
				t.Errorf("%s says %q", step.path, say)
			}
			form := page.filled("form.confirm")
			form.Set("reason", "it must be")
			got := b.post(step.path, form)
			wantEqual(t, step.path, []any{got.status, got.header.Get("Location")}, []any{303, step.back})
			st := p.standing()
			text := strings.Join(st.Enrolled(), ",") + " pilots" + strings.Join(st.Pilots(), ",") + " held" + strings.Join(st.HeldBack(), ",")
			if st.KillSwitch {
				text = "kill " + text
			}
			wantEqual(t, step.path, text, step.want)
			wantStatus(t, b.post(step.path, form), 409) // sent once more: it has seen another state
		}
		for _, path := range []string{"/rollout/restore/99", "/rollout/restore/x", "/rollout/coaches/K-9/pilot", "/rollout/coaches/K-1/party", "/rollout/coaches/K-9"} {
			wantStatus(t, b.get(path), 404)
		}
	})
}

func TestTheKillSwitchIsSaidOnEveryPage(t *testing.T) {
	p := newPortal(t, "sqlite")
	p.change(store.RolloutChange{Action: store.Kill})
	for who, path := range map[string]string{owner: "/competitors/C-1", admin: "/coaches", product: "/rollout", other: "/account"} {
		page := p.as(who).get(path)
		wantStatus(t, page, 200)
		if band := strings.Join(page.words(".band"), ""); !strings.Contains(band, "All syncs are stopped") {
			t.Errorf("%s as %s: %q", path, who, band)
		}
	}
	wantEqual(t, "the syncs' page", p.as(product).get("/admin/sync").words("h1"), []string{"All syncs are stopped"})
	wantEqual(t, "the way out", p.as(product).get("/rollout").attr(".acts a", "href"), "/rollout/resume")
}

func TestTheCoachesPageKnowsThePast(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		then := p.clock.Now()
		p.clock.Advance(time.Hour)
		p.change(store.RolloutChange{Action: store.HoldBack, CoachID: "K-1"})
		p.clock.Advance(time.Hour)
		b := p.as(product)
		past := "?at=" + then.Add(time.Minute).Format("2006-01-02T15:04")
		wantEqual(t, "now", b.get("/rollout/coaches").words(".head h1 + p"), []string{"2 of 3 coaches have the game platform now."})
		wantEqual(t, "then", b.get("/rollout/coaches"+past).words("h1"), []string{"Who had it"})
		has := func(query string) (list []string) {
			file := b.get("/rollout/coaches.csv" + query)
			wantStatus(t, file, 200)
			for _, line := range strings.Split(strings.TrimSpace(file.body), "\r\n")[1:] {
				cells := strings.Split(line, ",")
				list = append(list, cells[0]+" "+cells[4])
			}
			return list
		}
		wantEqual(t, "CSV of now", has(""), []string{"K-1 no", "K-3 yes", "K-2 yes"})
		wantEqual(t, "CSV of then", has(past), []string{"K-1 yes", "K-3 yes", "K-2 yes"})
		wantStatus(t, b.get("/rollout/coaches?at=yesterday"), 422)
	})
}

func TestReadinessLinksToWhatIsMissingForAdminsOnly(t *testing.T) {
	p := newPortal(t, "sqlite")
	const links = "#ready-title ~ table td a"
	page := p.as(admin).get("/rollout/coaches/K-1")
	wantEqual(t, "links", page.words(links), []string{"1 competitor has no email.", "3 competitors have no account yet."})
	wantEqual(t, "where to", page.attr(links, "href"), "/competitors?coach=K-1&state=email_missing")
	wantStatus(t, p.as(admin).get(page.attr(links, "href")), 200)
	page = p.as(product).get("/rollout/coaches/K-1")
	wantEqual(t, "no links", len(page.words(links)), 0)
	if text := strings.Join(page.words("#ready-title ~ table"), ""); !strings.Contains(text, "1 competitor has no email.") {
		t.Errorf("said: %q", text)
	}
	wantEqual(t, "candidates", p.as(product).get("/rollout").words("#pilots-title ~ table tbody th a"), []string{"Ruben Castellan", "Halima Osei"}) // two checks passed, one
}
