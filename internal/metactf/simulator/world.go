package simulator

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"flagpole/internal/domain"
)

// world is what there is to answer from.
type world struct {
	accounts []*account
	events   []*event
	live     *liveSolves // nil: nothing happens any more
}

type coach struct {
	id, email, name, school, region string // the id is the programme's, and the platform's too
}

type team struct{ id, name string }

// account is a competitor on the roster, and what the platform holds about them.
type account struct {
	coach        *coach
	competitorID string
	first, last  string
	email        string // empty: none on file
	division     domain.Division
	grade        string
	status       domain.ProfileStatus
	team         *team // nil: none

	platformID string // the syned_user_id; empty: not on the platform
	number     int64  // the metactf_user_id
	username   string
	state      accountState // guarded by the registry once there is one, as the next three are
	approvedAt time.Time    // when a new user's state changes by itself; zero: never
	teamID     string       // the team on the platform, which may come to differ from the roster's; empty: none
	coaches    bool         // is a coach on the platform
	refusal    int          // status of the score calls where state does not allow them; 0: 404
	trouble    trouble
	odl        []solve // by time; only Simulator.odlOf may read them while live ones are added
	flash      []*entry
}

// accountState is what the platform thinks of an account.
type accountState int

const (
	offPlatform    accountState = iota // has no id there
	unknownAccount                     // has an id that the platform does not know
	userCreated                        // waits for a first login
	pendingApproval
	denied
	approved
)

// trouble is what is built into an account.
type trouble int

const (
	noTrouble      trouble = iota
	neverSignedIn          // no login, no solves
	wentQuiet              // stopped weeks ago
	malformedSolve         // one of the records has no points
	gatewayPage            // score calls answer 502 with a web page
	faultPage              // score calls answer 500 with a web page
	cutOff                 // score calls answer JSON that ends too early
)

// failing tells whether the account's score calls never give an answer that can be read.
func (t trouble) failing() bool { return t == gatewayPage || t == faultPage || t == cutOff }

// served tells whether score calls for the account give solves.
func (a *account) served() bool { return a.state == approved && !a.trouble.failing() }

type challenge struct {
	id        int64
	index     int // in its list, for sets of challenges
	title     string
	category  string
	points    int64
	retired   bool
	workRoles []string
}

type solve struct {
	id        int64
	challenge *challenge
	points    int64 // usually the challenge's; a replayed contest may have changed them with time
	malformed bool  // reported without points
	at        time.Time
}

func byTime(a, b solve) int { return a.at.Compare(b.at) }

// until is the solves made at now or before. They must be in order of time.
func until(solves []solve, now time.Time) []solve {
	n := sort.Search(len(solves), func(i int) bool { return solves[i].at.After(now) })
	return solves[:n]
}

// sum is the points of solves that are reported with points.
func sum(solves []solve) int64 {
	var points int64
	for _, s := range solves {
		if !s.malformed {
			points += s.points
		}
	}
	return points
}

// event is a flash CTF.
type event struct {
	name       string
	start      time.Time
	challenges []*challenge
	entries    []*entry // everybody who took part
	settled    time.Time
	final      map[*entry]int64 // ranks from settled on
}

// entry is one account's part in an event.
type entry struct {
	event   *event
	account *account
	solves  []solve // by time
}

func (e *event) maxPoints() int64 {
	var points int64
	for _, c := range e.challenges {
		points += c.points
	}
	return points
}

// settle computes the final ranks once, since everybody's answer asks for one.
func (e *event) settle() {
	for _, n := range e.entries {
		if k := len(n.solves); k > 0 && n.solves[k-1].at.After(e.settled) {
			e.settled = n.solves[k-1].at
		}
	}
	e.final = e.ranks(e.settled)
}

// rank is the place of n at now; 1 is first.
func (e *event) rank(n *entry, now time.Time) int64 {
	if now.Before(e.settled) {
		return e.ranks(now)[n]
	}
	return e.final[n]
}

// ranks orders the entries by points, then by the earlier last solve.
func (e *event) ranks(now time.Time) map[*entry]int64 {
	order := slices.Clone(e.entries)
	slices.SortFunc(order, func(a, b *entry) int {
		sa, sb := until(a.solves, now), until(b.solves, now)
		if c := cmp.Compare(sum(sb), sum(sa)); c != 0 {
			return c
		}
		if len(sa) > 0 && len(sb) > 0 {
			if c := byTime(sa[len(sa)-1], sb[len(sb)-1]); c != 0 {
				return c
			}
		}
		return cmp.Compare(a.account.platformID, b.account.platformID)
	})
	ranks := make(map[*entry]int64, len(order))
	for i, n := range order {
		ranks[n] = int64(i + 1)
	}
	return ranks
}

// Totals is what the platform holds at one time. Solves and points are those that its answers give: what belongs to
// accounts whose calls always fail is left out.
type Totals struct {
	Competitors   int // on the roster
	Coaches       int
	Teams         int
	OffPlatform   int // competitors without an id of the platform
	Unknown       int // with an id that the platform does not know
	Pending       int
	Denied        int
	Approved      int
	NeverSignedIn int // of Approved
	Failing       int // of Approved: score calls always fail
	Events        int // flash CTFs that have begun
	ODLSolves     int
	ODLPoints     int64
	FlashSolves   int
	FlashPoints   int64
	Malformed     int // records that cannot be read, in none of the numbers above
}

// Totals counts what the platform holds at the given time.
func (s *Simulator) Totals(at time.Time) Totals {
	at = at.UTC().Truncate(time.Second)
	t := Totals{Competitors: len(s.accounts)}
	coaches, teams := map[*coach]bool{}, map[*team]bool{}
	for _, a := range s.accounts {
		coaches[a.coach] = true
		if a.team != nil {
			teams[a.team] = true
		}
		state := s.registry.stateOf(a)
		t.countAccount(a, state)
		if state == approved && !a.trouble.failing() {
			t.countSolves(s.odlOf(a, at), a.flash, at)
		}
	}
	for _, e := range s.events {
		if !e.start.After(at) {
			t.Events++
		}
	}
	t.Coaches, t.Teams = len(coaches), len(teams)
	return t
}

func (t *Totals) countAccount(a *account, state accountState) {
	switch state {
	case offPlatform:
		t.OffPlatform++
	case unknownAccount:
		t.Unknown++
	case userCreated, pendingApproval:
		t.Pending++
	case denied:
		t.Denied++
	case approved:
		t.Approved++
	}
	if a.trouble == neverSignedIn {
		t.NeverSignedIn++
	}
	if a.trouble.failing() {
		t.Failing++
	}
}

func (t *Totals) countSolves(odl []solve, flash []*entry, at time.Time) {
	t.ODLSolves += len(odl)
	t.ODLPoints += sum(odl)
	for _, s := range odl {
		if s.malformed {
			t.ODLSolves--
			t.Malformed++
		}
	}
	for _, n := range flash {
		solves := until(n.solves, at)
		t.FlashSolves += len(solves)
		t.FlashPoints += sum(solves)
	}
}
