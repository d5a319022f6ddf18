package simulator

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"flagpole/internal/domain"
)

// The platform's one text for a user it does not know and for one it has not approved.
const notFoundOrNotApproved = "User not found or not approved"

type wireUser struct {
	UserID    int64                 `json:"metactf_user_id"`
	Username  string                `json:"metactf_username"`
	SynedID   string                `json:"syned_user_id"`
	LastLogin *int64                `json:"last_login_unix_timestamp"`
	Status    domain.PlatformStatus `json:"metactf_user_status"`
}

type wireODL struct {
	SynedID        *string          `json:"syned_user_id"`
	UserID         int64            `json:"metactf_user_id"`
	TotalSolves    int              `json:"total_challenges_solved"`
	TotalPoints    int64            `json:"total_points"`
	LastAccessed   *int64           `json:"last_accessed_unix_timestamp"`
	CategoryPoints map[string]int64 `json:"category_points"`
	Solves         []wireSolve      `json:"challenge_solves"`
}

type wireSolve struct {
	SolveID     int64    `json:"challenge_solve_id"`
	ChallengeID int64    `json:"challenge_id"`
	Title       string   `json:"challenge_title"`
	Points      *int64   `json:"challenge_points"`
	Category    string   `json:"challenge_category"`
	SolvedAt    int64    `json:"timestamp_unix"`
	Retired     bool     `json:"challenge_retired"`
	WorkRoles   []string `json:"nist_nice_work_roles"`
}

type wireFlash struct {
	SynedID string      `json:"syned_user_id"`
	Events  []wireEvent `json:"flash_ctfs"`
}

type wireEvent struct {
	Name             string      `json:"flash_ctf_name"`
	StartsAt         int64       `json:"flash_ctf_time_start_unix"`
	ChallengesSolved int         `json:"challenges_solved"`
	Solves           []wireSolve `json:"challenge_solves"`
	PointsEarned     int64       `json:"points_earned"`
	MaxPoints        int64       `json:"max_points_possible"`
	Rank             int64       `json:"rank"`
}

type wireAssignment struct {
	TeamID string `json:"syned_team_id"`
	UserID string `json:"syned_user_id"`
}

// wireFault is one entry of a 422.
type wireFault struct {
	Loc  []string `json:"loc"`
	Msg  string   `json:"msg"`
	Type string   `json:"type"`
}

func invalid(parameter, msg, kind string) *reply {
	fault := wireFault{[]string{"query", parameter}, msg, kind}
	r := answerWith(http.StatusUnprocessableEntity, map[string][]wireFault{"detail": {fault}})
	return &r
}

// userID is the parameter of that name; without it the reply says so.
func userID(q url.Values) (string, *reply) {
	if !q.Has("syned_user_id") {
		return "", invalid("syned_user_id", "Field required", "missing")
	}
	return q.Get("syned_user_id"), nil
}

func (s *Simulator) index(url.Values, time.Time) reply {
	return answerWith(http.StatusOK, map[string]string{"status": "ok"})
}

// user answers 201, as the real platform does on this GET.
func (s *Simulator) user(q url.Values, now time.Time) reply {
	id, fault := userID(q)
	if fault != nil {
		return *fault
	}
	a, _, ok := s.registry.known(id, now)
	switch {
	case !ok && s.behaviour.BlockedUsers:
		return s.behaviour.blocked(http.StatusNotFound)
	case !ok:
		return refuse(http.StatusNotFound, "User not found")
	}
	return answerWith(cmp.Or(s.behaviour.UserStatus, http.StatusCreated), s.wireUser(a, now))
}

func (s *Simulator) wireUser(a *account, now time.Time) wireUser {
	return wireUser{
		UserID:    a.number,
		Username:  a.username,
		SynedID:   a.platformID,
		LastLogin: s.lastLogin(a, now),
		Status:    vendorStatus(s.registry.stateOf(a)),
	}
}

func vendorStatus(state accountState) domain.PlatformStatus {
	switch state {
	case userCreated:
		return domain.PlatformUserCreated
	case pendingApproval:
		return domain.PlatformPendingApproval
	case denied:
		return domain.PlatformDenied
	}
	return domain.PlatformApproved
}

// lastLogin lies shortly before the last solve; nil: never.
func (s *Simulator) lastLogin(a *account, now time.Time) *int64 {
	seen := s.lastSeen(a, now)
	if seen.IsZero() {
		return nil
	}
	return new(seen.Add(-10 * time.Minute).Unix())
}

// lastSeen is the time of the last solve anywhere, zero where there is none.
func (s *Simulator) lastSeen(a *account, now time.Time) time.Time {
	var seen time.Time
	look := func(solves []solve) {
		if n := len(solves); n > 0 && solves[n-1].at.After(seen) {
			seen = solves[n-1].at
		}
	}
	look(s.odlOf(a, now))
	for _, n := range a.flash {
		look(until(n.solves, now))
	}
	return seen
}

// scored finds the account of a score call, or the reply that keeps its scores back.
func (s *Simulator) scored(q url.Values, now time.Time) (*account, *reply) {
	id, fault := userID(q)
	if fault != nil {
		return nil, fault
	}
	a, state, ok := s.registry.known(id, now)
	switch {
	case a == nil:
		return nil, new(s.behaviour.blocked(http.StatusNotFound))
	case !ok || state != approved:
		return nil, new(s.behaviour.blocked(a.refusal))
	}
	switch a.trouble {
	case gatewayPage:
		return nil, new(webPage(http.StatusBadGateway, gatewayHTML))
	case faultPage:
		return nil, new(webPage(http.StatusInternalServerError, "<!doctype html><title>Error</title><p>Oh no.</p>\n"))
	case cutOff:
		return nil, &reply{status: http.StatusOK, body: []byte(`{"syned_user_id":"` + id + `","challenge_solves":[{"challenge_so`)}
	}
	return a, nil
}

func (s *Simulator) odlScores(q url.Values, now time.Time) reply {
	after, fault := afterTime(q)
	a, kept := s.scored(q, now)
	switch {
	case fault != nil:
		return *fault
	case kept != nil:
		return *kept
	}
	solves := s.odlOf(a, now)
	listed := solves
	if after != nil { // by the time of the solve, and the totals stay whole
		first := *after
		if s.behaviour.AfterExclusive {
			first++
		}
		i, _ := slices.BinarySearchFunc(solves, first, func(s solve, t int64) int { return cmp.Compare(s.at.Unix(), t) })
		listed = solves[i:]
	}
	counted := solves
	if s.behaviour.TotalsFiltered {
		counted = listed
	}
	return answerWith(http.StatusOK, wireODL{
		SynedID:        s.whose(a),
		UserID:         a.number,
		TotalSolves:    len(counted),
		TotalPoints:    sum(counted),
		LastAccessed:   s.lastAccessed(a, now),
		CategoryPoints: categoryPoints(counted),
		Solves:         wireSolves(listed),
	})
}

// whose is the id that scores are said to be of; nil: null, as the schema allows.
func (s *Simulator) whose(a *account) *string {
	if s.behaviour.OmitUserID {
		return nil
	}
	return &a.platformID
}

// afterTime is the parameter after_time_unix, nil where it is not given.
func afterTime(q url.Values) (*int64, *reply) {
	if !q.Has("after_time_unix") {
		return nil, nil
	}
	after, err := strconv.ParseInt(q.Get("after_time_unix"), 10, 64)
	if err != nil {
		return nil, invalid("after_time_unix",
			"Input should be a valid integer, unable to parse string as an integer", "int_parsing")
	}
	return &after, nil
}

// lastAccessed is required by the schema; for those never seen it is 0 for some and null for others all the same.
func (s *Simulator) lastAccessed(a *account, now time.Time) *int64 {
	seen := s.lastSeen(a, now)
	switch {
	case !seen.IsZero():
		return new(seen.Unix())
	case a.number%2 == 0:
		return new(int64)
	}
	return nil
}

func categoryPoints(solves []solve) map[string]int64 {
	points := map[string]int64{}
	for _, s := range solves {
		if !s.malformed {
			points[s.challenge.category] += s.points
		}
	}
	return points
}

func (s *Simulator) flashProgress(q url.Values, now time.Time) reply {
	a, kept := s.scored(q, now)
	if kept != nil {
		return *kept
	}
	answer := wireFlash{SynedID: a.platformID, Events: []wireEvent{}}
	for _, n := range a.flash {
		if !n.event.start.After(now) {
			answer.Events = append(answer.Events, wireEventOf(n, now))
		}
	}
	if len(answer.Events) == 0 && !s.behaviour.FlashEmptyList {
		return refuse(http.StatusNotFound, "No flash CTF progress found for this user")
	}
	return answerWith(http.StatusOK, answer)
}

func wireEventOf(n *entry, now time.Time) wireEvent {
	solves := until(n.solves, now)
	return wireEvent{
		Name:             n.event.name,
		StartsAt:         n.event.start.Unix(),
		ChallengesSolved: len(solves),
		Solves:           wireSolves(solves),
		PointsEarned:     sum(solves),
		MaxPoints:        n.event.maxPoints(),
		Rank:             n.event.rank(n, now),
	}
}

func wireSolves(solves []solve) []wireSolve {
	wire := make([]wireSolve, 0, len(solves))
	for _, s := range solves {
		w := wireSolve{
			SolveID:     s.id,
			ChallengeID: s.challenge.id,
			Title:       s.challenge.title,
			Points:      new(s.points),
			Category:    s.challenge.category,
			SolvedAt:    s.at.Unix(),
			Retired:     s.challenge.retired,
			WorkRoles:   s.challenge.workRoles,
		}
		if s.malformed {
			w.Points = nil
		}
		wire = append(wire, w)
	}
	return wire
}

// teamAssignments lists who is in which team; with a team's id only that team's.
func (s *Simulator) teamAssignments(q url.Values, now time.Time) reply {
	assignments := []wireAssignment{}
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	for _, a := range s.registry.accounts {
		_, state, _ := s.registry.knownLocked(a.platformID, now)
		if a.teamID == "" || state != approved || (q.Has("syned_team_id") && q.Get("syned_team_id") != a.teamID) {
			continue
		}
		assignments = append(assignments, wireAssignment{a.teamID, a.platformID})
	}
	return answerWith(http.StatusOK, map[string]any{"assignments": assignments, "total_count": len(assignments)})
}
