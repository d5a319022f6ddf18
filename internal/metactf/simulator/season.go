package simulator

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"flagpole/internal/domain"
)

const (
	usualCompetitors = 480
	seasonLength     = 12 * 7 * 24 * time.Hour // before Start
	day              = 24 * time.Hour
	week             = 7 * day
)

// Each part of the season draws from its own stream, so that one more draw in one part leaves the others as they
// were.
const (
	streamPeople = iota + 1
	streamRosters
	streamPlatform
	streamTroubles
	streamChallenges
	streamODL
	streamFlash
	streamLive
)

func stream(seed int64, part uint64) *rand.Rand { return rand.New(rand.NewPCG(uint64(seed), part)) }

// season makes a world step by step; each step needs those before it.
type season struct {
	Options
	people    *people
	accounts  []*account
	odl       []*challenge
	flash     []*challenge
	events    []*event
	nextSolve int64 // id of the next ODL solve
}

func newSeason(o Options) world {
	s := &season{Options: o, people: newPeople(o.Seed)}
	s.odl, s.flash = catalogue(stream(o.Seed, streamChallenges))
	s.enroll()
	s.openAccounts()
	s.buildInTroubles()
	s.solveODL()
	s.playFlashCTFs()
	return world{accounts: s.accounts, events: s.events, live: s.liveSolves()}
}

// share is how many of a season of this size stand for n of the usual one.
func (s *season) share(n int) int {
	return int(math.Round(float64(n) * float64(s.Competitors) / usualCompetitors))
}

// enroll fills the rosters, coach by coach.
func (s *season) enroll() {
	random := stream(s.Seed, streamRosters)
	sizes := rosterSizes(random, s.Competitors, s.Coaches)
	teamCounts := shareOut(sizes, s.Teams)
	teamName, teams := s.people.teamNames(), 0
	for i, size := range sizes {
		coach, division := s.people.coach(i)
		roster := make([]*account, size)
		for j := range roster {
			roster[j] = s.competitor(random, coach, division)
		}
		for _, members := range teamMembers(random, roster, teamCounts[i]) {
			teams++
			t := &team{fmt.Sprintf("team-%04d", teams), teamName()}
			for _, a := range members {
				a.team = t
			}
		}
	}
}

func (s *season) competitor(random *rand.Rand, c *coach, division domain.Division) *account {
	first, last := s.people.name()
	a := &account{
		coach:        c,
		competitorID: fmt.Sprintf("C-%04d", len(s.accounts)+1),
		first:        first,
		last:         last,
		email:        s.people.email(first, last, c.school),
		division:     division,
		grade:        pick(random, gradesOf[division]),
		status:       domain.ProfileComplete,
	}
	if random.IntN(7) == 0 {
		a.status = domain.ProfileNotCompliant
	}
	s.accounts = append(s.accounts, a)
	return a
}

// rosterSizes deals n competitors to the coaches, unevenly: most have fewer than the mean, a few up to 2.75 times as
// many, and with the usual mean of 20 that is 55.
func rosterSizes(random *rand.Rand, n, coaches int) []int {
	mean := float64(n) / float64(coaches)
	most := max(1, int(2.75*mean))
	sizes := make([]int, coaches)
	left := n
	for i := range sizes { // from the smallest to the largest, along a lognormal distribution
		usual := 0.6 * mean * math.Exp(1.1*normalAt((float64(i)+0.5)/float64(coaches)))
		later := coaches - 1 - i // who must get somebody, too
		sizes[i] = min(max(1, int(usual)), most, left-later)
		left -= sizes[i]
	}
	larger := sizes[coaches/2:] // deals with what is left; together they may have 1.375 n, so it fits
	for i := 0; left > 0; i = (i + 1) % len(larger) {
		if larger[i] < most {
			larger[i]++
			left--
		}
	}
	random.Shuffle(coaches, func(i, j int) { sizes[i], sizes[j] = sizes[j], sizes[i] })
	return sizes
}

// normalAt is the standard normal distribution's quantile.
func normalAt(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// shareOut divides n by the weights, nobody getting more than their weight. n must not exceed their sum.
func shareOut(weights []int, n int) []int {
	total := 0
	for _, w := range weights {
		total += w
	}
	shares := make([]int, len(weights))
	seen, given := 0, 0
	for i, w := range weights {
		seen += w
		shares[i] = n*seen/total - given
		given += shares[i]
	}
	return shares
}

// teamMembers picks the members of n teams of one roster, at least 1 and at most 6 each; the rest has no team.
func teamMembers(random *rand.Rand, roster []*account, n int) [][]*account {
	order := random.Perm(len(roster))
	teams := make([][]*account, n)
	for i := range teams {
		spare := len(order) - (n - i) // beyond one for each team still to come
		size := 1 + min(spare, 3+random.IntN(3))
		for _, j := range order[:size] {
			teams[i] = append(teams[i], roster[j])
		}
		order = order[size:]
	}
	return teams
}

// openAccounts gives most competitors an id of the platform. Of the others some have not even an email.
func (s *season) openAccounts() {
	random := stream(s.Seed, streamPlatform)
	off := s.share(40)
	if s.Flawless {
		off = 0
	}
	taken := map[string]bool{"": true}
	for n, i := range random.Perm(len(s.accounts)) {
		a := s.accounts[i]
		if n < off {
			a.status = pick(random, []domain.ProfileStatus{domain.ProfilePending, domain.ProfileStarted})
			if n%4 == 0 {
				a.email = ""
			}
			continue
		}
		for taken[a.platformID] {
			a.platformID = fmt.Sprintf("syn-%08x", random.Uint32())
		}
		taken[a.platformID] = true
		a.state = approved
		a.number = int64(20000 + n)
		a.username = fmt.Sprintf("%s%d", slug(a.first, ""), a.number)
	}
}

// buildInTroubles chooses who is not approved, not answered for, or not active.
func (s *season) buildInTroubles() {
	if s.Flawless {
		return
	}
	random := stream(s.Seed, streamTroubles)
	var open []*account
	for _, i := range random.Perm(len(s.accounts)) {
		if a := s.accounts[i]; a.state == approved {
			open = append(open, a)
		}
	}
	next := func(usual int) []*account {
		chosen := open[:min(s.share(usual), len(open))]
		open = open[len(chosen):]
		return chosen
	}
	refuse := func(state accountState, usual int) {
		for i, a := range next(usual) {
			a.state = state
			a.refusal = 404 - i%2 // the platform answers with either
		}
	}
	trouble := func(t trouble, usual int) {
		for _, a := range next(usual) {
			a.trouble = t
		}
	}
	refuse(pendingApproval, 14)
	refuse(denied, 3)
	refuse(unknownAccount, 4)
	trouble(gatewayPage, 2)
	trouble(faultPage, 2)
	trouble(cutOff, 2)
	trouble(neverSignedIn, 30)
	trouble(malformedSolve, 2)
	trouble(wentQuiet, 26)
}

// player tells whether the account ever solves anything.
func (a *account) player() bool { return a.state == approved && a.trouble != neverSignedIn }

// solveODL writes everybody's history, then numbers the solves as the platform does: by time, over everybody.
func (s *season) solveODL() {
	random := stream(s.Seed, streamODL)
	for _, a := range s.accounts {
		if a.player() {
			s.history(random, a)
		}
	}
	var all []*solve
	for _, a := range s.accounts {
		for i := range a.odl {
			all = append(all, &a.odl[i])
		}
	}
	slices.SortStableFunc(all, func(a, b *solve) int { return byTime(*a, *b) })
	s.nextSolve = 300_001
	for _, v := range all {
		v.id = s.nextSolve
		s.nextSolve++
	}
}

// history is what one player did: easier challenges first, about 18 of them in the median, some many more.
func (s *season) history(random *rand.Rand, a *account) {
	count := int(math.Round(math.Exp(math.Log(18) + 0.75*random.NormFloat64())))
	count = min(max(count, 3), len(s.odl)-15)
	begins, ends := s.Start.Add(-seasonLength).Add(between(random, 0, 4*week)), s.Start
	if a.trouble == wentQuiet {
		ends = s.Start.Add(-between(random, 3*week, 6*week))
	}
	times := sessions(random, begins, ends, count)
	for i, c := range s.curriculum(random)[:count] {
		a.odl = append(a.odl, solve{challenge: c, points: c.points, at: times[i]})
	}
	if a.trouble == malformedSolve {
		a.odl[count/2].malformed = true
	}
}

func between(random *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(random.Int64N(int64(high-low)))
}

// curriculum is the order in which one player would solve everything.
func (s *season) curriculum(random *rand.Rand) []*challenge {
	order := slices.Clone(s.odl)
	effort := make([]float64, len(order))
	for _, c := range order {
		effort[c.index] = float64(c.points) + 150*random.NormFloat64()
	}
	slices.SortFunc(order, func(a, b *challenge) int { return cmp.Compare(effort[a.index], effort[b.index]) })
	return order
}

// sessions are n times in whole seconds, in order, after begins and before ends. People play for an hour or so on
// school days after lunch, less often at weekends.
func sessions(random *rand.Rand, begins, ends time.Time, n int) []time.Time {
	var times []time.Time
	for len(times) < n {
		date := begins.Add(between(random, 0, ends.Sub(begins))).Truncate(day)
		if weekday := date.Weekday(); (weekday == time.Saturday || weekday == time.Sunday) && random.IntN(3) > 0 {
			continue
		}
		at := date.Add(15*time.Hour + 30*time.Minute + time.Duration(random.NormFloat64()*float64(2*time.Hour)))
		for range 1 + random.IntN(4) {
			at = at.Add(between(random, 4*time.Minute, 35*time.Minute)).Truncate(time.Second)
			if at.After(begins) && at.Before(ends) {
				times = append(times, at)
			}
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times[:n]
}

// eventNames repeat one: the platform's events have no id, and names come back.
var eventNames = []string{
	"Flash CTF: First Frost", "Flash CTF: Packet Rush", "Flash CTF: Lantern Night", "Flash CTF: Cipher Sprint",
	"Flash CTF: Owl Hours", "Flash CTF: Packet Rush", "Flash CTF: Copper Relay",
}

const eventLength = 3 * time.Hour

// playFlashCTFs holds an event every 12 days, the last one 4 days before Start.
func (s *season) playFlashCTFs() {
	random := stream(s.Seed, streamFlash)
	today := s.Start.Truncate(day)
	ids := &flashIDs{random: random, next: 90_001}
	for i, name := range eventNames {
		daysAgo := 4 + 12*(len(eventNames)-1-i)
		e := &event{name: name, start: today.AddDate(0, 0, -daysAgo).Add(17 * time.Hour)}
		for j := i; j < len(s.flash); j += len(eventNames) {
			e.challenges = append(e.challenges, s.flash[j])
		}
		for _, a := range s.accounts {
			if a.player() && plays(a, e) && random.IntN(10) < 3 {
				e.join(random, a, ids)
			}
		}
		s.events = append(s.events, e)
	}
}

// plays tells whether the account was active around the event.
func plays(a *account, e *event) bool {
	return a.trouble != wentQuiet || a.odl[len(a.odl)-1].at.After(e.start)
}

// join plays the event for one account. Some solve nothing, and took part all the same.
func (e *event) join(random *rand.Rand, a *account, ids *flashIDs) {
	n := &entry{event: e, account: a}
	skill := 0.15 + 0.6*random.Float64()
	for _, c := range e.challenges {
		if random.Float64() < skill*(1.3-float64(c.points)/800) {
			at := e.start.Add(between(random, 3*time.Minute, eventLength)).Truncate(time.Second)
			n.solves = append(n.solves, solve{id: ids.of(a), challenge: c, points: c.points, at: at})
		}
	}
	slices.SortFunc(n.solves, byTime)
	e.entries = append(e.entries, n)
	a.flash = append(a.flash, n)
}

// flashIDs numbers flash solves. As on the real platform an id is no key: it may be that of an ODL solve of the same
// user, or of a solve in another event.
type flashIDs struct {
	random *rand.Rand
	next   int64
}

func (f *flashIDs) of(a *account) int64 {
	switch f.random.IntN(8) {
	case 0:
		return pick(f.random, a.odl).id
	case 1:
		if earlier := f.anyFlash(a); earlier != 0 {
			return earlier
		}
	}
	f.next++
	return f.next
}

// anyFlash is the id of a solve in an earlier event, 0 where there is none.
func (f *flashIDs) anyFlash(a *account) int64 {
	if len(a.flash) == 0 {
		return 0
	}
	if n := pick(f.random, a.flash); len(n.solves) > 0 {
		return pick(f.random, n.solves).id
	}
	return 0
}

// liveSolves are made by whoever played lately.
func (s *season) liveSolves() *liveSolves {
	if s.LiveEvery == 0 {
		return nil
	}
	l := &liveSolves{
		start: s.Start, every: s.LiveEvery, nextID: s.nextSolve,
		random: stream(s.Seed, streamLive), challenges: s.odl,
	}
	for _, a := range s.accounts {
		if a.player() && a.served() && a.trouble != wentQuiet {
			l.players = append(l.players, a)
		}
	}
	return l
}
