package handlers

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"flagpole/internal/rollout"
	"flagpole/store"
)

// toPilots begins the pilot phase.
func (p *portal) toPilots() {
	p.t.Helper()
	p.change(store.RolloutChange{Action: store.EnterPhase, Phase: "pilot"})
}

func TestAPhaseThatGatesHoldBackIsPlannedOrOverridden(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.toPilots()
		b := p.as(product)
		page := b.get("/rollout/phase/50")
		wantStatus(t, page, 200)
		note := strings.Join(page.words(".note"), "")
		for _, part := range []string{"gates do not pass. To move now is an override", "Soaked long enough: 48 h more.", "Syncs succeed: No trial counts yet."} {
			if !strings.Contains(note, part) {
				t.Errorf("%q is missing in %q", part, note)
			}
		}
		wantEqual(t, "the first choice", page.attr("[name=when][checked]", "value"), "gates")
		form := page.filled("form.confirm")
		form.Set("when", "gates")
		form.Set("reason", "when it is ready")
		wantStatus(t, b.post("/rollout/phase/50", form), 303)
		plan := strings.Join(b.get("/rollout").words("#plan"), "")
		if !strings.Contains(plan, "Goes on by itself to 50 %, phase by phase, each when its gates pass. Planned by "+product+": when it is ready.") {
			t.Errorf("the plan: %q", plan)
		}
		wantEqual(t, "nobody has it yet", len(p.standing().Enrolled()), 0)

		page = b.get("/rollout/phase/50")
		form = page.filled("form.confirm")
		form.Set("when", "now")
		form.Del("override")
		form.Set("reason", "at once")
		refused := b.post("/rollout/phase/50", form)
		wantStatus(t, refused, 409)
		wantEqual(t, "what was typed", refused.attr("[name=reason]", "value"), "at once")
		form.Set("override", "soak")
		if fault := strings.Join(b.post("/rollout/phase/50", form).words("#fault"), ""); !strings.Contains(fault, "Meanwhile another gate does not pass.") {
			t.Errorf("other gates than were seen: %q", fault)
		}
		form.Set("override", page.attr("[name=override]", "value"))
		form.Set("lasts", "24")
		wantStatus(t, b.post("/rollout/phase/50", form), 303)
		wantEqual(t, "half have it", len(p.standing().Enrolled()), 2)
		text := strings.Join(b.get("/rollout").words(".note"), " ")
		if !strings.Contains(text, "Overridden until") || !strings.Contains(text, product+": at once.") || strings.Contains(text, "Goes on by itself") {
			t.Errorf("notes: %q", text)
		}
	})
}

func TestATimeInThePortalsZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	p := newPortal(t, "sqlite", func(o *Options) { o.Zone = berlin })
	p.toPilots()
	b := p.as(product)
	form := b.get("/rollout/phase/10").filled("form.confirm")
	form.Set("when", "time")
	form.Set("reason", "in spring")
	for at, want := range map[string]string{"": "is not a time", "soon": "is not a time", "2027-03-28T02:30": "clocks go forward then", "2026-01-01T10:00": "That time is over."} {
		form.Set("at", at)
		got := b.post("/rollout/phase/10", form)
		wantStatus(t, got, 422)
		if fault := strings.Join(got.words("#fault"), ""); !strings.Contains(fault, want) {
			t.Errorf("%q: %q", at, fault)
		}
		wantEqual(t, "what was typed", got.attr("[name=at]", "value"), at)
	}
	form.Set("at", "2027-06-01T18:00")
	wantStatus(t, b.post("/rollout/phase/10", form), 303)
	want := time.Date(2027, 6, 1, 16, 0, 0, 0, time.UTC)
	if plan, found, err := p.store.System().Rollout("test").Plan(t.Context()); err != nil || !found || !plan.NotBefore.Equal(want) {
		t.Errorf("the plan: %+v, %v", plan, err)
	}
}

func TestPhasesAreSetOnThePage(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(product)
		form := b.get("/rollout/phases").filled("#phases-form")
		for _, g := range rollout.Gates {
			for _, phase := range []string{"2", "3", "4"} {
				form.Add("needs-"+phase, string(g))
			}
		}
		form.Del("rehearse")
		for name, test := range map[string]struct{ field, value, says string }{
			"no number":         {"soak-2", "two days", `10 %: the time to soak "two days"`},
			"half an hour":      {"recent-2", "1.5", "must be a whole number"},
			"percent that sink": {"percent-3", "5", "5 % cannot follow 10 %"},
			"too much":          {"success-2", "101", "A share of 10 % is not possible"},
			"not a number":      {"failures-2", "NaN", "is not a number"},
			"too far":           {"reports-2", "1e99", "is not a number"},
		} {
			wrong := url.Values{}
			for k, v := range form {
				wrong[k] = v
			}
			wrong.Set(test.field, test.value)
			wrong.Set("reason", "kept")
			got := b.post("/rollout/phases", wrong)
			wantStatus(t, got, 422)
			if fault := strings.Join(got.words("#fault"), ""); !strings.Contains(fault, test.says) {
				t.Errorf("%s: %q", name, fault)
			}
			wantEqual(t, name+": what was typed", []string{got.attr("[name="+test.field+"]", "value"), got.attr("#phases-form [name=reason]", "value")}, []string{test.value, "kept"})
		}
		wantEqual(t, "nothing is stored", p.changes(), 1)
		form.Set("percent-2", "25")
		form.Set("success-2", "97.5")
		form["needs-2"] = []string{"soak", "no_alert"}
		form.Set("reason", "a quarter first")
		wantStatus(t, b.post("/rollout/phases", form), 303)
		phase := p.standing().Phases[2]
		wantEqual(t, "the phase", []any{phase.Name(), phase.Gates.Success, phase.Gates.Needed}, []any{"25 %", .975, []rollout.Gate{rollout.GateAlerts, rollout.GateSoak}})

		rehearsed := b.get("/rollout/phases?" + withRehearsal(form).Encode())
		wantStatus(t, rehearsed, 200)
		if text := strings.Join(rehearsed.words("#rehearsal"), ""); !strings.Contains(text, "Nothing is stored to go through yet.") {
			t.Errorf("rehearsal: %q", text)
		}
		wantEqual(t, "a rehearsal stores nothing", p.changes(), 2)

		guard := rehearsed.filled(".guard form")
		guard.Set("on", "yes")
		guard.Set("act", "back")
		wantStatus(t, b.post("/rollout/guard", guard), 422) // no reason
		guard.Set("reason", "it may act")
		wantStatus(t, b.post("/rollout/guard", guard), 303)
		wantEqual(t, "the guard", p.standing().Guard, rollout.Guard{On: true, Act: rollout.StepBack})
		guard.Set("act", "explode")
		wantStatus(t, b.post("/rollout/guard", guard), 422)
	})
}

func withRehearsal(form url.Values) url.Values {
	q := url.Values{"rehearse": {"yes"}}
	for k, v := range form {
		if k != "csrf" && k != "seen" {
			q[k] = v
		}
	}
	return q
}

func TestTheLaunchIsConfirmedWithNameAndDate(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b, other := p.as(product), p.as(admin)
		row := func(b *browser) string { return strings.Join(b.get("/rollout/launch").words("#pilots_briefed"), "") }
		if text := row(b); !strings.Contains(text, "To confirm") {
			t.Errorf("at first: %q", text)
		}
		send := func(b *browser, item, done string, want int) {
			t.Helper()
			csrf := b.get("/rollout/launch").attr("#pilots_briefed [name=csrf]", "value")
			wantStatus(t, b.post("/rollout/launch", url.Values{"csrf": {csrf}, "item": {item}, "done": {done}}), want)
		}
		send(b, "party", "yes", 422)
		send(b, "pilots_briefed", "yes", 303)
		send(other, "pilots_briefed", "yes", 303) // the first one stays
		if text := row(other); !strings.Contains(text, "Done") || !strings.Contains(text, "Confirmed by "+product) {
			t.Errorf("confirmed: %q", text)
		}
		send(other, "pilots_briefed", "", 303)
		if text := row(b); !strings.Contains(text, "To confirm") {
			t.Errorf("taken back: %q", text)
		}
	})
}

// The lists know what is so, and what is not.
func TestTheLaunchIsFilledIn(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		states := func(list string) []string {
			return p.as(product).get("/rollout/launch").words("#launch-" + list + " ~ table tbody .s, .head:has(#launch-" + list + ") + table tbody .s")
		}
		wantEqual(t, "pilot", states("pilot"), []string{"Not yet", "Not yet", "Done", "Not yet", "Not yet", "Not yet", "To confirm"})
		wantEqual(t, "production", states("production"), []string{"Not yet", "To confirm", "To confirm", "To confirm"})
		wantEqual(t, "stable", states("stable"), []string{"Not yet", "Done", "Done"})
		day := func(back int, succeeded, failed string) {
			from := p.clock.Now().Truncate(24*time.Hour).AddDate(0, 0, -back)
			p.exec(fmt.Sprintf(`INSERT INTO sync_windows (window_at, closed_at, succeeded, failed, left_out, failing_coaches, failing) VALUES (%d, %d, %s, %s, 3, 0, '[]')`,
				from.UnixMicro(), from.Add(6*time.Hour).UnixMicro(), succeeded, failed))
		}
		for back := range 8 {
			day(back, "95", "5")
		}
		p.exec(`INSERT INTO alert_incidents (began_at) VALUES (0)`)
		p.exec(fmt.Sprintf(`INSERT INTO alerts (rule, incident_id, state, since, fired_at, evidence, resolved_at)
			SELECT 'sync_failure_rate', MAX(incident_id), 'resolved', 0, 0, '', %d FROM alert_incidents`, p.clock.Now().UnixMicro()))
		wantEqual(t, "stable now", states("stable"), []string{"Done", "Done", "Done"})
		p.exec(fmt.Sprintf(`UPDATE sync_windows SET succeeded = 94, failed = 6 WHERE window_at = %d`, p.clock.Now().Truncate(24*time.Hour).AddDate(0, 0, -7).UnixMicro()))
		p.exec(`UPDATE alerts SET rule = 'no_recent_success'`)
		wantEqual(t, "a bad day and a critical alert", states("stable"), []string{"Not yet", "Done", "Not yet"})
		p.exec(`UPDATE sync_windows SET succeeded = 51, failed = 0`)
		wantEqual(t, "too few trials", states("stable")[0], "Not yet")
	})
}
