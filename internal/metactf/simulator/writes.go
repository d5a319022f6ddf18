package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"flagpole/internal/domain"
)

type wireTeam struct {
	Number      int64           `json:"metactf_team_id"`
	CoachNumber string          `json:"metactf_coach_id"` // a text, unlike every other number
	ID          string          `json:"syned_team_id"`
	Name        string          `json:"team_name"`
	Division    domain.Division `json:"division"`
	Affiliation string          `json:"affiliation"`
}

// Order is a write call that the platform took up.
type Order struct {
	Endpoint string // method and path below the base URL
	Body     string
	Status   int // what it was answered, also where a fault kept that from the caller
}

// orders are all of them, in the order in which they were done.
type orders struct {
	mu   sync.Mutex
	list []Order
}

func (o *orders) note(one Order) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list = append(o.list, one)
}

// Orders lists the write calls that the platform took up so far.
func (s *Simulator) Orders() []Order {
	s.orders.mu.Lock()
	defer s.orders.mu.Unlock()
	return slices.Clone(s.orders.list)
}

// TeamOf is the team that a user is in on the platform, empty for none or an unknown user.
func (s *Simulator) TeamOf(userID string) string {
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	if a := s.registry.byID[userID]; a != nil {
		return a.teamID
	}
	return ""
}

// HasTeam reports whether the platform knows a team.
func (s *Simulator) HasTeam(teamID string) bool {
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	return s.registry.teams[teamID] != nil
}

// order reads the fields of a POST body and collects what is wrong with them.
type order struct {
	fields map[string]json.RawMessage
	faults []wireFault
}

func readOrder(body []byte) *order {
	o := &order{}
	if err := json.Unmarshal(body, &o.fields); err != nil || o.fields == nil {
		o.fields = map[string]json.RawMessage{}
		o.faults = append(o.faults, wireFault{[]string{"body"}, "JSON decode error", "json_invalid"})
	}
	return o
}

func (o *order) fault(field, msg, kind string) {
	o.faults = append(o.faults, wireFault{[]string{"body", field}, msg, kind})
}

// optional is a text that may be absent or null.
func (o *order) optional(field string) string {
	var text string
	raw, ok := o.fields[field]
	if ok && !bytes.Equal(raw, []byte("null")) && json.Unmarshal(raw, &text) != nil {
		o.fault(field, "Input should be a valid string", "string_type")
	}
	return text
}

// text is required and may be empty.
func (o *order) text(field string) string {
	switch raw, ok := o.fields[field]; {
	case !ok:
		o.fault(field, "Field required", "missing")
		return ""
	case bytes.Equal(raw, []byte("null")):
		o.fault(field, "Input should be a valid string", "string_type")
		return ""
	}
	return o.optional(field)
}

// filled is required and not empty.
func (o *order) filled(field string) string {
	before := len(o.faults)
	text := o.text(field)
	if text == "" && len(o.faults) == before {
		o.fault(field, "String should have at least 1 character", "string_too_short")
	}
	return text
}

// oneOf is required and one of the words.
func (o *order) oneOf(field string, words ...string) string {
	before := len(o.faults)
	text := o.text(field)
	if !slices.Contains(words, text) && len(o.faults) == before {
		o.fault(field, "Input should be '"+strings.Join(words, "' or '")+"'", "literal_error")
	}
	return text
}

func (o *order) email(field string) {
	before := len(o.faults)
	if at := strings.Index(o.text(field), "@"); at < 1 && len(o.faults) == before {
		o.fault(field, "value is not a valid email address", "value_error")
	}
}

// refusal is the 422 for an order with faults, nil for one without.
func (o *order) refusal() *reply {
	if len(o.faults) == 0 {
		return nil
	}
	return new(answerWith(http.StatusUnprocessableEntity, map[string][]wireFault{"detail": o.faults}))
}

func (s *Simulator) createUser(body []byte, now time.Time) reply {
	o := readOrder(body)
	id, first := o.filled("syned_user_id"), o.filled("first_name")
	last := o.filled("last_name")
	o.email("email")
	coaches := o.oneOf("role", "coach", "user") == "coach"
	username, coachID := o.optional("preferred_username"), o.optional("syned_coach_user_id")
	o.optional("syned_school_id")
	o.optional("syned_region_id")
	if r := o.refusal(); r != nil {
		return *r
	}
	g := s.registry
	g.mu.Lock()
	if a, _, ok := g.knownLocked(id, now); ok {
		g.mu.Unlock()
		return s.behaviour.again("User", s.wireUser(a, now))
	}
	if _, ok := g.coachLocked(coachID, now); coachID != "" && !ok {
		g.mu.Unlock()
		return s.behaviour.blocked(http.StatusNotFound)
	}
	g.number++
	if username == "" {
		username = fmt.Sprintf("%s%d", slug(first, ""), g.number)
	}
	a := &account{
		first: first, last: last, platformID: id, number: g.number, username: username, coaches: coaches, state: userCreated,
	}
	if wait := s.behaviour.ApprovedAfter; wait >= 0 {
		a.approvedAt = now.Add(wait)
	}
	if g.byID[id] == nil {
		g.accounts = append(g.accounts, a)
	} else { // an id the platform did not know until now
		g.accounts[slices.Index(g.accounts, g.byID[id])] = a
	}
	g.byID[id] = a
	g.mu.Unlock()
	return answerWith(http.StatusCreated, s.wireUser(a, now))
}

func (s *Simulator) createTeam(body []byte, now time.Time) reply {
	o := readOrder(body)
	coachID := o.filled("syned_coach_user_id")
	team := wireTeam{ID: o.filled("syned_team_id"), Name: o.filled("team_name"), Affiliation: o.filled("affiliation")}
	team.Division = domain.Division(o.oneOf("division", "high_school", "middle_school", "college"))
	if r := o.refusal(); r != nil {
		return *r
	}
	g := s.registry
	g.mu.Lock()
	defer g.mu.Unlock()
	if there := g.teams[team.ID]; there != nil {
		return s.behaviour.again("Team", there)
	}
	c, ok := g.coachLocked(coachID, now)
	if !ok {
		return s.behaviour.blocked(http.StatusNotFound)
	}
	g.number++
	team.Number, team.CoachNumber = g.number, fmt.Sprint(c.number)
	g.teams[team.ID] = &team
	return answerWith(http.StatusCreated, team)
}

func (s *Simulator) deleteTeam(body []byte, _ time.Time) reply {
	o := readOrder(body)
	id := o.text("syned_team_id")
	if r := o.refusal(); r != nil {
		return *r
	}
	g := s.registry
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.teams[id] == nil {
		return refuse(http.StatusNotFound, "Team not found")
	}
	if slices.ContainsFunc(g.accounts, func(a *account) bool { return a.teamID == id }) {
		return s.behaviour.conflict("Team is not empty")
	}
	delete(g.teams, id)
	return answerWith(http.StatusOK, map[string]string{"status": "deleted"})
}

func (s *Simulator) assignTeam(body []byte, now time.Time) reply {
	o := readOrder(body)
	teamID, id := o.text("syned_team_id"), o.text("syned_user_id")
	if r := o.refusal(); r != nil {
		return *r
	}
	g := s.registry
	g.mu.Lock()
	defer g.mu.Unlock()
	a, state, ok := g.knownLocked(id, now)
	switch {
	case !ok || state != approved:
		return s.behaviour.blocked(http.StatusNotFound)
	case g.teams[teamID] == nil:
		return refuse(http.StatusNotFound, "Team not found")
	case a.teamID != "" && a.teamID != teamID:
		return s.behaviour.conflict("User is in another team")
	}
	a.teamID = teamID
	return answerWith(http.StatusCreated, wireAssignment{teamID, id})
}

func (s *Simulator) deleteAssignment(body []byte, now time.Time) reply {
	o := readOrder(body)
	id := o.text("syned_user_id")
	if r := o.refusal(); r != nil {
		return *r
	}
	g := s.registry
	g.mu.Lock()
	defer g.mu.Unlock()
	a, _, ok := g.knownLocked(id, now)
	if !ok {
		return s.behaviour.blocked(http.StatusNotFound)
	}
	if a.teamID == "" {
		return refuse(http.StatusNotFound, "Assignment not found")
	}
	left := wireAssignment{a.teamID, id}
	a.teamID = ""
	return answerWith(http.StatusOK, left)
}
