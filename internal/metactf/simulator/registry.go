package simulator

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"flagpole/internal/domain"
)

// registry is what write calls change: who is known, in which state, and in which team.
type registry struct {
	mu       sync.Mutex
	accounts []*account // who has an id, in the order in which they came
	byID     map[string]*account
	teams    map[string]*wireTeam
	number   int64 // the last one given to a user or team that was made by a call
}

const firstMade = 500_000

func newRegistry(w world) *registry {
	g := &registry{byID: map[string]*account{}, teams: map[string]*wireTeam{}, number: firstMade}
	coaches := map[*coach]*account{}
	for _, a := range w.accounts {
		if coaches[a.coach] == nil {
			n := len(coaches) + 1
			coaches[a.coach] = &account{
				platformID: a.coach.id, number: int64(10000 + n), username: fmt.Sprintf("coach%d", n),
				state: approved, coaches: true,
			}
		}
		if a.state != offPlatform {
			g.accounts = append(g.accounts, a)
			g.byID[a.platformID] = a
			a.teamID = ""
			if a.team != nil {
				a.teamID = a.team.id
			}
		}
		if c := coaches[a.coach]; a.team != nil && g.teams[a.team.id] == nil {
			g.teams[a.team.id] = &wireTeam{
				Number: int64(3000 + len(g.teams)), CoachNumber: fmt.Sprint(c.number), ID: a.team.id, Name: a.team.name,
				Division: a.division, Affiliation: a.coach.school,
			}
		}
	}
	for _, c := range coaches {
		g.byID[c.platformID] = c
	}
	return g
}

// known is a user, and what the platform thinks of the account now. ok is false for one it does not know.
func (g *registry) known(id string, now time.Time) (a *account, state accountState, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.knownLocked(id, now)
}

func (g *registry) knownLocked(id string, now time.Time) (a *account, state accountState, ok bool) {
	a = g.byID[id]
	if a == nil || a.state == unknownAccount {
		return a, unknownAccount, false
	}
	if a.state == userCreated && !a.approvedAt.IsZero() && !now.Before(a.approvedAt) {
		a.state = approved
	}
	return a, a.state, true
}

func (g *registry) stateOf(a *account) accountState {
	g.mu.Lock()
	defer g.mu.Unlock()
	return a.state
}

// coach is a coach who is known and approved.
func (g *registry) coachLocked(id string, now time.Time) (*account, bool) {
	a, state, ok := g.knownLocked(id, now)
	return a, ok && state == approved && a.coaches
}

// SetStatus changes what the platform thinks of a user; PlatformUnknown makes it forget the account. It reports whether
// there is an account of that id.
func (s *Simulator) SetStatus(userID string, status domain.PlatformStatus) bool {
	states := map[domain.PlatformStatus]accountState{
		domain.PlatformUserCreated: userCreated, domain.PlatformPendingApproval: pendingApproval,
		domain.PlatformApproved: approved, domain.PlatformDenied: denied, domain.PlatformUnknown: unknownAccount,
	}
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	a, state := s.registry.byID[userID], states[status]
	if a == nil || state == offPlatform {
		return false
	}
	a.state, a.approvedAt = state, time.Time{}
	return true
}

// CoachIDs are the ids of the coaches whom the platform knows from the season, in the order of the roster. A user or
// team that is made needs one of them, or one that was made and approved.
func (s *Simulator) CoachIDs() []string {
	var ids []string
	for _, a := range s.accounts {
		if !slices.Contains(ids, a.coach.id) {
			ids = append(ids, a.coach.id)
		}
	}
	return ids
}
