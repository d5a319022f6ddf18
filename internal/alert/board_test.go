package alert

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"flagpole/internal/domain"
)

// play is a board that time passes for.
type play struct {
	t     *testing.T
	board Board
	now   time.Time
	next  int64
}

func newPlay(t *testing.T) *play {
	return &play{t: t, board: Board{Rules: map[domain.AlertRule]Standing{}}, now: noon}
}

// after lets time pass, has exactly these rules hold, and gives what is told: "kind:first rule+number of others".
func (p *play) after(d time.Duration, holding ...domain.AlertRule) string {
	p.t.Helper()
	p.now = p.now.Add(d)
	var verdicts []Verdict
	for _, rule := range domain.AlertRules {
		verdicts = append(verdicts, Verdict{rule, slices.Contains(holding, rule), "figures"})
	}
	_, told := p.board.Step(p.now, verdicts, Timing{Remind: 6 * time.Hour})
	p.store()
	var texts []string
	for _, m := range told {
		text := string(m.Kind) + ":" + string(m.Rules[0])
		if more := len(m.Rules) - 1; more > 0 {
			text += fmt.Sprintf("+%d", more)
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, " ")
}

// store gives new incidents their ids and forgets old ones, as the database does.
func (p *play) store() {
	ids := map[int64]int64{}
	var kept []Incident
	for _, in := range p.board.Incidents {
		if in.ID < 0 {
			p.next++
			ids[in.ID] = p.next
			in.ID = p.next
		}
		if in.EndedAt.IsZero() || !in.EndTold || p.now.Sub(in.EndedAt) < IncidentKept {
			kept = append(kept, in)
		}
	}
	for rule, s := range p.board.Rules {
		if id, ok := ids[s.Incident]; ok {
			s.Incident = id
			p.board.Rules[rule] = s
		}
	}
	p.board.Incidents = kept
}

func (p *play) want(got, want string) {
	p.t.Helper()
	if got != want {
		p.t.Errorf("told %q, want %q", got, want)
	}
}

func TestARuleFiresAtOnceAndEndsAtOnce(t *testing.T) {
	for _, rule := range domain.AlertRules {
		t.Run(string(rule), func(t *testing.T) {
			p := newPlay(t)
			p.want(p.after(0), "")
			if _, known := p.board.Rules[rule]; known {
				t.Error("a rule that never held has a standing")
			}
			p.want(p.after(time.Minute, rule), "fired:"+string(rule))
			if s := p.board.Rules[rule]; s.State != domain.AlertFiring || !s.Since.Equal(p.now) {
				t.Errorf("%+v", s)
			}
			p.want(p.after(time.Minute, rule), "")
			p.want(p.after(time.Minute), "resolved:"+string(rule))
			if s := p.board.Rules[rule]; s.State != domain.AlertResolved || s.State.At(p.now.Add(24*time.Hour), s.Since) != domain.AlertOK {
				t.Errorf("%+v", s)
			}
			p.want(p.after(48*time.Hour), "")
		})
	}
}

func TestNobodyIsRemindedOfWhatTheyKnow(t *testing.T) {
	p := newPlay(t)
	p.after(0, domain.AlertDisk)
	p.want(p.after(5*time.Hour, domain.AlertDisk), "")
	p.want(p.after(time.Hour, domain.AlertDisk), "reminder:disk_space")
	p.want(p.after(time.Hour, domain.AlertDisk), "")
	s := p.board.Rules[domain.AlertDisk]
	s.State = domain.AlertAcknowledged
	p.board.Rules[domain.AlertDisk] = s
	p.want(p.after(100*time.Hour, domain.AlertDisk), "")
	if p.board.Rules[domain.AlertDisk].State != domain.AlertAcknowledged {
		t.Error("it is not acknowledged any more")
	}
	p.want(p.after(time.Minute), "resolved:disk_space")
}

func TestAnOutageIsOneIncidentInWhateverOrderItShows(t *testing.T) {
	all := []domain.AlertRule{domain.AlertPlatform, domain.AlertFailureRate, domain.AlertRuns, domain.AlertNoSuccess}
	together := newPlay(t)
	together.want(together.after(0, all...), "fired:platform_errors+3")
	together.want(together.after(time.Minute), "resolved:platform_errors+3")

	causeFirst := newPlay(t)
	causeFirst.want(causeFirst.after(0, all[0]), "fired:platform_errors")
	for i := 2; i <= len(all); i++ {
		causeFirst.want(causeFirst.after(time.Hour, all[:i]...), "")
	}
	causeFirst.want(causeFirst.after(time.Minute, all[3]), "") // as long as one holds it is not over
	causeFirst.want(causeFirst.after(time.Minute), "resolved:platform_errors+3")

	causeLater := newPlay(t)
	causeLater.want(causeLater.after(0, domain.AlertFailureRate), "fired:sync_failure_rate")
	causeLater.want(causeLater.after(10*time.Minute, domain.AlertFailureRate, domain.AlertPlatform), "")
	causeLater.want(causeLater.after(10*time.Minute), "resolved:platform_errors+1")
}

func TestAnOutageOnTopOfAnOldTroubleIsTold(t *testing.T) {
	p := newPlay(t)
	p.after(0, domain.AlertFailureRate)
	s := p.board.Rules[domain.AlertFailureRate]
	s.State = domain.AlertAcknowledged
	p.board.Rules[domain.AlertFailureRate] = s
	p.want(p.after(72*time.Hour, domain.AlertFailureRate, domain.AlertPlatform), "also:platform_errors+1")
}

func TestWhatHasNothingToDoWithEachOtherIsTwoIncidents(t *testing.T) {
	p := newPlay(t)
	p.want(p.after(0, domain.AlertDelivery, domain.AlertPlatform), "fired:platform_errors fired:mail_delivery")
	p.want(p.after(time.Minute, domain.AlertDelivery), "resolved:platform_errors")
}

func TestFlickerIsToldOnceMoreAndThenWhenItIsQuiet(t *testing.T) {
	p := newPlay(t)
	const rule = domain.AlertPlatform
	p.want(p.after(0, rule), "fired:platform_errors")
	p.want(p.after(time.Minute), "resolved:platform_errors")
	p.want(p.after(time.Minute, rule), "again:platform_errors")
	for range 100 {
		p.want(p.after(time.Minute), "")
		if p.board.Rules[rule].State != domain.AlertResolved {
			t.Fatal("what does not hold is shown as if it did")
		}
		p.want(p.after(time.Minute, rule), "")
		if p.board.Rules[rule].State != domain.AlertFiring {
			t.Fatal("what holds is not shown")
		}
	}
	p.want(p.after(time.Minute), "")
	p.want(p.after(29*time.Minute), "")
	p.want(p.after(time.Minute), "resolved:platform_errors")
	p.want(p.after(2*time.Hour, rule), "fired:platform_errors") // so much later it is another one
}

func TestReplayFindsWhatWouldHaveBegunAndEnded(t *testing.T) {
	var history []Facts
	for i, failed := range []int{0, 40, 60, 60, 0} {
		f := well()
		f.At, f.Succeeded, f.Failed = noon.Add(time.Duration(i)*time.Minute), 400-failed, failed
		f.LastSuccessAt, f.LastTriedAt = f.At, f.At
		history = append(history, f)
	}
	var got []string
	for _, c := range Replay(history, Defaults()) {
		got = append(got, c.At.Format("15:04 ")+string(c.Rule)+" "+string(c.State))
	}
	if text := strings.Join(got, ", "); text != "12:02 sync_failure_rate firing, 12:04 sync_failure_rate resolved" {
		t.Error(text)
	}
	strict := Defaults()
	strict.FailureShare = .05
	if got := Replay(history, strict); len(got) != 2 || got[0].At.Minute() != 1 {
		t.Errorf("with 5 %%: %+v", got)
	}
}

func TestMessagesSayWhatHappenedAndWhatToDo(t *testing.T) {
	p := newPlay(t)
	p.now = noon
	var verdicts []Verdict
	for _, rule := range domain.AlertRules {
		verdicts = append(verdicts, Verdict{rule, rule == domain.AlertPlatform || rule == domain.AlertFailureRate, "467 of 467."})
	}
	_, told := p.board.Step(noon, verdicts, Timing{})
	m := p.board.Write(told[0], noon, time.UTC, "https://portal.example/admin/alerts")
	if m.Subject != "Flagpole: The platform fails for many competitors (and 1 more)" {
		t.Error(m.Subject)
	}
	for _, part := range []string{"firing since 18 Nov 12:00 UTC", "467 of 467.", "tell MetaCTF", "An admin does it.", "Too many syncs fail", "https://portal.example/admin/alerts"} {
		if !strings.Contains(m.Body, part) {
			t.Errorf("%q is missing in:\n%s", part, m.Body)
		}
	}
	if len(m.Alerts) != 2 || m.Kind != domain.MessageFired {
		t.Errorf("%+v", m)
	}
}
