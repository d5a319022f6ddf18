package simulator

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"flagpole/internal/domain"
)

const (
	playersPerCoach = 25
	maxPoints       = 1_000_000_000 // of one solve
)

// replayColumns must all stand in the first line, in any order.
var replayColumns = []string{"player", "event", "challenge", "category", "points", "solved_at"}

// replayed is one line of the file.
type replayed struct {
	player, event, challenge, category string
	points                             int64
	at                                 time.Time
}

// Replay makes a platform from solves that were really made: CSV with the columns player, event, challenge,
// category, points and solved_at (RFC 3339), lines in any order. A solve with an event is one of that flash CTF, the
// others are ODL. Of o it takes Seed, Token, Latency, Clock, Behaviour and Faults: solves become visible when the clock passes them.
// An error names the line.
func Replay(r io.Reader, o Options) (*Simulator, error) {
	o.Competitors, o.Coaches, o.Teams, o.LiveEvery = 0, 0, 0, 0
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	solves, err := readReplay(r)
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	b := &replayBuilder{
		people:     newPeople(o.Seed),
		accounts:   map[string]*account{},
		challenges: map[[2]string]*challenge{},
		events:     map[string]*event{},
		entries:    map[[2]string]*entry{},
	}
	return newSimulator(o, b.build(solves))
}

func readReplay(r io.Reader) ([]replayed, error) {
	in := csv.NewReader(r)
	in.ReuseRecord = true
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("line 1: the file is empty")
	}
	if err != nil {
		return nil, err // names the line itself
	}
	column, err := findColumns(header)
	if err != nil {
		return nil, fmt.Errorf("line 1: %w", err)
	}
	var solves []replayed
	seen := map[[3]string]int{}
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return solves, nil
		}
		if err != nil {
			return nil, err // names the line itself
		}
		line, _ := in.FieldPos(0)
		s, err := readSolve(record, column)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		key := [3]string{s.player, s.event, s.challenge}
		if first, twice := seen[key]; twice {
			return nil, fmt.Errorf("line %d: the same solve as on line %d", line, first)
		}
		seen[key] = line
		solves = append(solves, s)
	}
}

// findColumns says at which place each of replayColumns stands.
func findColumns(header []string) (map[string]int, error) {
	column := map[string]int{}
	for i, name := range header {
		column[strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))] = i
	}
	for _, name := range replayColumns {
		if _, ok := column[name]; !ok {
			return nil, fmt.Errorf("there is no column %q", name)
		}
	}
	return column, nil
}

func readSolve(record []string, column map[string]int) (replayed, error) {
	cell := func(name string) string { return strings.TrimSpace(record[column[name]]) }
	s := replayed{
		player: cell("player"), event: cell("event"), challenge: cell("challenge"), category: cell("category"),
	}
	if s.player == "" || s.challenge == "" {
		return s, errors.New("player and challenge must not be empty")
	}
	points, err := strconv.ParseInt(cell("points"), 10, 64)
	if err != nil || points < 0 || points > maxPoints {
		return s, fmt.Errorf("points must be a whole number from 0 to %d", int64(maxPoints))
	}
	at, err := time.Parse(time.RFC3339, cell("solved_at"))
	if err != nil {
		return s, errors.New("solved_at must be a time like 2026-03-04T15:16:17Z")
	}
	s.points, s.at = points, at.UTC().Truncate(time.Second)
	return s, nil
}

// replayBuilder makes a world from lines.
type replayBuilder struct {
	people     *people
	world      world
	accounts   map[string]*account      // by player
	challenges map[[2]string]*challenge // by event and title
	events     map[string]*event        // by name
	entries    map[[2]string]*entry     // by event and player
}

// build gives people their places in the order of the file, and solves theirs in the order of time.
func (b *replayBuilder) build(solves []replayed) world {
	for _, s := range solves {
		b.account(s.player)
	}
	slices.SortStableFunc(solves, func(x, y replayed) int { return x.at.Compare(y.at) })
	for i, s := range solves {
		b.add(s, int64(i+1))
	}
	return b.world
}

func (b *replayBuilder) account(player string) *account {
	if a, ok := b.accounts[player]; ok {
		return a
	}
	n := len(b.accounts)
	a := &account{
		competitorID: fmt.Sprintf("R-%04d", n+1),
		first:        "Player",
		last:         player,
		email:        fmt.Sprintf("player-%d@players.example", n+1),
		division:     domain.HighSchool,
		status:       domain.ProfileComplete,
		platformID:   player,
		number:       int64(20000 + n),
		username:     fmt.Sprintf("player%d", n+1),
		state:        approved,
	}
	if n%playersPerCoach == 0 {
		a.coach, _ = b.people.coach(n / playersPerCoach)
	} else {
		a.coach = b.world.accounts[n-1].coach
	}
	b.accounts[player] = a
	b.world.accounts = append(b.world.accounts, a)
	return a
}

func (b *replayBuilder) add(s replayed, id int64) {
	a, c := b.account(s.player), b.challenge(s)
	v := solve{id: id, challenge: c, points: s.points, at: s.at}
	if s.event == "" {
		a.odl = append(a.odl, v)
		return
	}
	n := b.entry(s, a)
	n.solves = append(n.solves, v)
}

// challenge is worth the most that anybody got for it.
func (b *replayBuilder) challenge(s replayed) *challenge {
	key := [2]string{s.event, s.challenge}
	c, ok := b.challenges[key]
	if !ok {
		c = &challenge{id: int64(1000 + len(b.challenges)), title: s.challenge, category: s.category, workRoles: []string{}}
		b.challenges[key] = c
		if s.event != "" {
			e := b.event(s)
			e.challenges = append(e.challenges, c)
		}
	}
	c.points = max(c.points, s.points)
	return c
}

// event begins at the full hour before its first solve; in the order of time that is the one s is, when it is made.
func (b *replayBuilder) event(s replayed) *event {
	e, ok := b.events[s.event]
	if !ok {
		e = &event{name: s.event, start: s.at.Truncate(time.Hour)}
		b.events[s.event] = e
		b.world.events = append(b.world.events, e)
	}
	return e
}

func (b *replayBuilder) entry(s replayed, a *account) *entry {
	key := [2]string{s.event, s.player}
	n, ok := b.entries[key]
	if !ok {
		n = &entry{event: b.event(s), account: a}
		b.entries[key] = n
		n.event.entries = append(n.event.entries, n)
		a.flash = append(a.flash, n)
	}
	return n
}
