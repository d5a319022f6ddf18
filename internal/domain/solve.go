package domain

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Source says where on the platform a solve was made.
type Source string

// The platform's two sources of solves.
const (
	SourceODL   Source = "odl"   // on-demand learning
	SourceFlash Source = "flash" // a flash CTF event
)

// Label is the source as people read it.
func (s Source) Label() string {
	if s == SourceFlash {
		return "Flash CTF"
	}
	return "ODL"
}

// SolveKey identifies one solve of one competitor. The platform repeats challenge_solve_id between events and
// between ODL and flash, so all five parts (the competitor's id being the fifth) are needed.
type SolveKey struct {
	Source           Source
	EventID          string // empty for ODL
	ChallengeSolveID int64
	ChallengeID      int64
}

// Compare orders keys as both databases do, byte by byte.
func (k SolveKey) Compare(o SolveKey) int {
	return cmp.Or(cmp.Compare(k.Source, o.Source), cmp.Compare(k.EventID, o.EventID),
		cmp.Compare(k.ChallengeSolveID, o.ChallengeSolveID), cmp.Compare(k.ChallengeID, o.ChallengeID))
}

// Cursor is the key in the form that links of pages carry: source.event.solve.challenge.
func (k SolveKey) Cursor() string {
	return strings.Join([]string{string(k.Source), k.EventID,
		strconv.FormatInt(k.ChallengeSolveID, 10), strconv.FormatInt(k.ChallengeID, 10)}, ".")
}

// ParseSolveKey reads what Cursor wrote. A text of another form is an Invalid error.
func ParseSolveKey(s string) (SolveKey, error) {
	bad := Errorf(Invalid, "This page link is damaged.").WithHint("Open the list again from its first page.")
	part := strings.Split(s, ".")
	if len(part) != 4 {
		return SolveKey{}, bad
	}
	solve, err1 := strconv.ParseInt(part[2], 10, 64)
	challenge, err2 := strconv.ParseInt(part[3], 10, 64)
	k := SolveKey{Source(part[0]), part[1], solve, challenge}
	if err1 != nil || err2 != nil || !k.eventFits() || k.Cursor() != s {
		return SolveKey{}, bad
	}
	return k, nil
}

// eventFits reports whether the event is none for ODL, and an id as FlashEvent.ID makes it for a flash CTF.
func (k SolveKey) eventFits() bool {
	if k.Source == SourceODL {
		return k.EventID == ""
	}
	id, err := hex.DecodeString(k.EventID)
	return k.Source == SourceFlash && err == nil && len(id) == eventIDBytes && hex.EncodeToString(id) == k.EventID
}

// Solve is one solved challenge as the platform reports it.
type Solve struct {
	SolveKey
	Title     string
	Category  string // the platform's free text; CategoryOf names it
	Points    int64
	Retired   bool
	WorkRoles []string // NICE work roles, in the platform's order
	SolvedAt  time.Time
}

// SameAs reports whether two solves of one key hold the same facts.
func (s Solve) SameAs(o Solve) bool {
	return s.SolveKey == o.SolveKey && s.Title == o.Title && s.Category == o.Category && s.Points == o.Points &&
		s.Retired == o.Retired && slices.Equal(s.WorkRoles, o.WorkRoles) && s.SolvedAt.Equal(o.SolvedAt)
}

// FlashEvent is one flash CTF. The platform gives no id: name and start are the key.
type FlashEvent struct {
	Name     string
	StartsAt time.Time
}

// eventIDBytes is how much of the hash an event's id keeps.
const eventIDBytes = 8

// ID is a stable id made from name and start: the first 16 hexadecimal digits of
// sha256(name, zero byte, start in unix seconds).
func (e FlashEvent) ID() string {
	sum := sha256.Sum256([]byte(e.Name + "\x00" + strconv.FormatInt(e.StartsAt.Unix(), 10)))
	return hex.EncodeToString(sum[:eventIDBytes])
}

// FlashResult is how one competitor did in one flash CTF.
type FlashResult struct {
	Event            FlashEvent
	Rank             int64 // 1 is first; 0: not ranked
	PointsEarned     int64
	MaxPoints        int64
	ChallengesSolved int64
	Solves           []Solve // each with Source flash and the event's id
}

// Quarantined is a record of the platform that could not be read, kept as it came.
type Quarantined struct {
	Source  Source
	Payload string // the record's JSON, as received
	Reason  string // what is wrong with it, without personal data
}
