// Package rollout decides who has the game platform's feature, and why. It is pure: it computes from what is stored, and
// imports domain at most.
package rollout

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"slices"
	"strconv"

	"flagpole/internal/domain"
)

// Feature is the name that goes into the order of coaches. It never changes: the order would.
const Feature = "game-platform"

// Coach is a coach as the rollout sees one.
type Coach struct {
	ID       string
	Pilot    bool // has the feature first, whatever the percentage is, unless the level is off
	HeldBack bool // never has it, and does not count towards the base
	Enrolled bool // has it
}

// Level is how far the rollout has gone.
type Level struct {
	Percent int  // of the base, 0 to 100
	Off     bool // nobody, not even pilots; Percent is 0 then
}

// ParseLevel reads a level: a whole number from 0 to 100, or "off". Anything else is an Invalid error.
func ParseLevel(text string) (Level, error) {
	if text == "off" {
		return Level{Off: true}, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 100 {
		return Level{}, domain.Errorf(domain.Invalid, "%q is not a percentage.", text).WithHint("Use a whole number from 0 to 100, or off.")
	}
	return Level{Percent: n}, nil
}

// String is the level as ParseLevel reads it.
func (l Level) String() string {
	if l.Off {
		return "off"
	}
	return strconv.Itoa(l.Percent)
}

// Below reports whether going from l to other takes the rollout back.
func (l Level) Below(other Level) bool {
	return other.Off && !l.Off || other.Percent < l.Percent
}

// Plan is what a move would do. The lists are in the order of their coaches' ids.
type Plan struct {
	Eligible     int // coaches who are not held back
	Target       int // the percentage of these, rounded up
	Enrolled     []string
	Gained, Lost []string
}

// Target is the percentage of the base, rounded up.
func Target(base, percent int) int { return (base*percent + 99) / 100 }

// Order sorts coaches by sha256(feature, salt, coach id), the parts separated by a zero byte. It is the order in which they
// get the feature.
func Order(salt string, ids []string) []string {
	type place struct {
		id  string
		key [sha256.Size]byte
	}
	places := make([]place, len(ids))
	for i, id := range ids {
		places[i] = place{id, sha256.Sum256([]byte(Feature + "\x00" + salt + "\x00" + id))}
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(bytes.Compare(a.key[:], b.key[:]), cmp.Compare(a.id, b.id))
	})
	ordered := make([]string, len(ids))
	for i, p := range places {
		ordered[i] = p.id
	}
	return ordered
}

// Move plans to go from one level to another. Who has the feature keeps it, unless the move goes down: then those stay who
// come first in the order, pilots before all others, up to exactly the target; with keep everybody stays. Who is held back
// loses it in any case. What is free up to the target is filled in the order.
func Move(coaches []Coach, salt string, from, to Level, keep bool) Plan {
	has := map[string]bool{} // who keeps it, or gets it as a pilot
	pilots := map[string]bool{}
	var base []string
	p := Plan{}
	for _, c := range coaches {
		if c.HeldBack {
			continue
		}
		base = append(base, c.ID)
		pilots[c.ID] = c.Pilot && !to.Off
		has[c.ID] = c.Enrolled || pilots[c.ID]
	}
	p.Eligible, p.Target = len(base), Target(len(base), to.Percent)
	order := Order(salt, base)
	if from.Below(to) && !keep {
		p.takeBack(order, has, pilots)
	}
	p.fill(order, has)
	for _, c := range coaches {
		switch {
		case has[c.ID] && !c.Enrolled:
			p.Gained = append(p.Gained, c.ID)
		case !has[c.ID] && c.Enrolled:
			p.Lost = append(p.Lost, c.ID)
		}
		if has[c.ID] {
			p.Enrolled = append(p.Enrolled, c.ID)
		}
	}
	for _, list := range [][]string{p.Enrolled, p.Gained, p.Lost} {
		slices.Sort(list)
	}
	return p
}

// takeBack leaves the pilots, and of the others who have it the first in the order, up to the target.
func (p Plan) takeBack(order []string, has, pilots map[string]bool) {
	left := p.Target
	for _, id := range order {
		if pilots[id] {
			left--
		}
	}
	for _, id := range order {
		if has[id] && !pilots[id] {
			has[id] = left > 0
			left--
		}
	}
}

// fill gives it to the first in the order who do not have it, up to the target.
func (p Plan) fill(order []string, has map[string]bool) {
	free := p.Target
	for _, id := range order {
		if has[id] {
			free--
		}
	}
	for _, id := range order {
		if free > 0 && !has[id] {
			has[id] = true
			free--
		}
	}
}
