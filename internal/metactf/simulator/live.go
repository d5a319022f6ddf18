package simulator

import (
	"math/rand/v2"
	"time"
)

// liveSolves makes the solves that happen after the season's start, when somebody looks.
type liveSolves struct {
	start      time.Time
	every      time.Duration
	made       int64
	nextID     int64
	random     *rand.Rand
	players    []*account // who still has something to solve
	challenges []*challenge
}

// odlOf is the account's ODL solves at now. What it returns is never written to again: live solves are appended
// behind it.
func (s *Simulator) odlOf(a *account, now time.Time) []solve {
	s.mu.Lock()
	if s.live != nil {
		s.live.advance(now)
	}
	solves := a.odl
	s.mu.Unlock()
	return until(solves, now)
}

// advance makes all solves up to now. The k-th is made at start + k times every, whenever it is asked for, so what
// is made does not depend on who looks when.
func (l *liveSolves) advance(now time.Time) {
	for len(l.players) > 0 {
		at := l.start.Add(time.Duration(l.made+1) * l.every)
		if at.After(now) {
			return
		}
		l.made++
		l.give(at.Truncate(time.Second))
	}
}

// give lets somebody solve something. Who has solved everything leaves, and the next one has a go.
func (l *liveSolves) give(at time.Time) {
	for len(l.players) > 0 {
		i := l.random.IntN(len(l.players))
		a := l.players[i]
		if open := l.unsolved(a); len(open) > 0 {
			c := open[l.random.IntN(len(open))]
			a.odl = append(a.odl, solve{id: l.nextID, challenge: c, points: c.points, at: at})
			l.nextID++
			return
		}
		l.players[i] = l.players[len(l.players)-1]
		l.players = l.players[:len(l.players)-1]
	}
}

func (l *liveSolves) unsolved(a *account) []*challenge {
	solved := make([]bool, len(l.challenges))
	for _, s := range a.odl {
		solved[s.challenge.index] = true
	}
	var open []*challenge
	for _, c := range l.challenges {
		if !solved[c.index] && !c.retired {
			open = append(open, c)
		}
	}
	return open
}
