package alert

import (
	"slices"
	"time"

	"flagpole/internal/domain"
)

// Board is how all rules stand, and what they are part of.
type Board struct {
	Rules     map[domain.AlertRule]Standing
	Incidents []Incident // the open ones, and those that ended not long ago; ids are unique
}

// Standing is how one rule stands. A rule that never held has none.
type Standing struct {
	State    domain.AlertState
	Since    time.Time // of the state
	Evidence string
	Incident int64 // what it is, or was, part of
}

// Incident is one thing that is wrong, with every rule that shows it. Below 0 its id is one that Step made up.
type Incident struct {
	ID       int64
	BeganAt  time.Time
	EndedAt  time.Time // zero: it goes on
	ToldAt   time.Time // of the last message; zero: none
	EndTold  bool      // people were told that it is over
	Reopened int       // how often it came back
}

// Change is a rule that went from one state to another.
type Change struct {
	Rule domain.AlertRule
	To   Standing
}

// Told is a message to be sent about an incident.
type Told struct {
	Incident int64
	Kind     domain.MessageKind
	Rules    []domain.AlertRule // in the order of domain.AlertRules
}

// Timing is when people are told.
type Timing struct {
	Remind time.Duration // between reminders; 0: none
}

const (
	sameOutage = 30 * time.Minute // a cause that shows itself this soon after what follows from it is no news
	comesBack  = time.Hour        // what begins again this soon is the same incident
	settle     = 30 * time.Minute // once an incident came back, it must be quiet for this long before it is called over
)

// IncidentKept is how long an incident that has ended still matters to Step.
const IncidentKept = comesBack + settle

// follows says what follows from a rule that holds.
var follows = map[domain.AlertRule][]domain.AlertRule{
	domain.AlertDisk:        {domain.AlertDatabase},
	domain.AlertDatabase:    {domain.AlertFailureRate, domain.AlertJob},
	domain.AlertToken:       {domain.AlertFailureRate},
	domain.AlertPlatform:    {domain.AlertFailureRate, domain.AlertJob},
	domain.AlertFailureRate: {domain.AlertRuns},
	domain.AlertRuns:        {domain.AlertNoSuccess},
	domain.AlertJob:         {domain.AlertNoCycle},
	domain.AlertNoSuccess:   {domain.AlertNoCycle},
}

// LeadsTo reports whether b follows from a, over however many steps.
func LeadsTo(a, b domain.AlertRule) bool {
	return slices.ContainsFunc(follows[a], func(next domain.AlertRule) bool { return next == b || LeadsTo(next, b) })
}

// Step goes from how the rules stood to how they stand after these verdicts, and says what has changed and which messages
// that takes. A rule begins and ends at the first verdict that says so; what keeps people from being told of each flicker is
// that messages are about incidents: all that is wrong together is one, and what comes back soon is the same one.
func (b *Board) Step(now time.Time, verdicts []Verdict, timing Timing) (changes []Change, told []Told) {
	s := &step{board: b, now: now, news: map[int64]domain.MessageKind{}}
	for _, v := range verdicts {
		s.rule(v)
	}
	for i := range b.Incidents {
		s.incident(&b.Incidents[i], timing)
	}
	return s.changes, s.told
}

type step struct {
	board   *Board
	now     time.Time
	changes []Change
	told    []Told
	news    map[int64]domain.MessageKind // of incidents, what there is to tell of their going on
	made    int64
}

// rule takes one verdict.
func (s *step) rule(v Verdict) {
	was, known := s.board.Rules[v.Rule]
	is := was
	is.Evidence = v.Evidence
	switch {
	case v.Holds && !was.State.Holds():
		in := s.home(v.Rule, was, known)
		is.State, is.Since, is.Incident = domain.AlertFiring, s.now, in
		s.changes = append(s.changes, Change{v.Rule, is})
	case !v.Holds && was.State.Holds():
		is.State, is.Since = domain.AlertResolved, s.now
		s.changes = append(s.changes, Change{v.Rule, is})
	case !known:
		return
	}
	s.board.Rules[v.Rule] = is
}

// home finds the incident that a rule which begins to hold is part of, or begins one.
func (s *step) home(rule domain.AlertRule, was Standing, known bool) int64 {
	for i := range s.board.Incidents {
		in := &s.board.Incidents[i]
		if !in.EndedAt.IsZero() {
			continue
		}
		related, explained := s.related(rule, in.ID)
		if !related {
			continue
		}
		if _, fresh := s.news[in.ID]; !fresh && !explained && s.now.Sub(in.BeganAt) > sameOutage {
			s.news[in.ID] = domain.MessageAlso
		}
		return in.ID
	}
	if i := slices.IndexFunc(s.board.Incidents, func(in Incident) bool { return known && in.ID == was.Incident }); i >= 0 {
		in := &s.board.Incidents[i]
		if !in.EndedAt.IsZero() && s.now.Sub(in.EndedAt) < comesBack {
			s.reopen(in)
			return in.ID
		}
		if in.EndedAt.IsZero() { // its other rules still hold
			return in.ID
		}
	}
	s.made--
	s.board.Incidents = append(s.board.Incidents, Incident{ID: s.made, BeganAt: s.now})
	s.news[s.made] = domain.MessageFired
	return s.made
}

func (s *step) reopen(in *Incident) {
	in.EndedAt = time.Time{}
	in.Reopened++
	if in.EndTold {
		s.news[in.ID] = domain.MessageAgain
	}
	in.EndTold = false
}

// related reports whether the rule has to do with one that holds in the incident, and whether it follows from one.
func (s *step) related(rule domain.AlertRule, id int64) (related, explained bool) {
	for _, other := range s.holding(id) {
		if LeadsTo(other, rule) {
			return true, true
		}
		related = related || LeadsTo(rule, other)
	}
	return related, false
}

// holding are the rules that hold in an incident.
func (s *step) holding(id int64) (holding []domain.AlertRule) {
	for _, rule := range domain.AlertRules {
		if st := s.board.Rules[rule]; st.Incident == id && st.State.Holds() {
			holding = append(holding, rule)
		}
	}
	return holding
}

// incident says what there is to tell of an incident, and ends it when none of its rules holds any more.
func (s *step) incident(in *Incident, timing Timing) {
	holding := s.holding(in.ID)
	switch news, some := s.news[in.ID]; {
	case some:
		s.tell(in, news, holding)
	case len(holding) == 0:
		s.end(in)
	case timing.Remind > 0 && s.now.Sub(in.ToldAt) >= timing.Remind && s.unheeded(holding):
		s.tell(in, domain.MessageReminder, holding)
	}
}

// unheeded reports whether nobody has said that they know of one of the rules.
func (s *step) unheeded(holding []domain.AlertRule) bool {
	return slices.ContainsFunc(holding, func(r domain.AlertRule) bool { return s.board.Rules[r].State == domain.AlertFiring })
}

func (s *step) end(in *Incident) {
	if in.EndedAt.IsZero() {
		in.EndedAt = s.now
	}
	if in.EndTold || in.Reopened > 0 && s.now.Sub(in.EndedAt) < settle {
		return
	}
	in.EndTold = true
	var over []domain.AlertRule
	for _, rule := range domain.AlertRules {
		if s.board.Rules[rule].Incident == in.ID {
			over = append(over, rule)
		}
	}
	s.tell(in, domain.MessageResolved, over)
}

func (s *step) tell(in *Incident, kind domain.MessageKind, rules []domain.AlertRule) {
	in.ToldAt = s.now
	s.told = append(s.told, Told{in.ID, kind, rules})
}
