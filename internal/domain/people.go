package domain

import (
	"strings"
	"time"
)

// Role is what a signed-in person may see and do. A user has exactly one.
type Role string

// The three roles.
const (
	RoleCoach   Role = "coach"   // sees the own competitors
	RoleAdmin   Role = "admin"   // sees everything
	RoleProduct Role = "product" // sees counts and the rollout, never a competitor
)

// Roles lists every role in the order people are told about them.
var Roles = []Role{RoleCoach, RoleAdmin, RoleProduct}

// Valid reports whether r is one of Roles.
func (r Role) Valid() bool { return r == RoleCoach || r == RoleAdmin || r == RoleProduct }

// Viewer is the person a page is made for. The zero Viewer sees nothing.
type Viewer struct {
	UserID  string
	Email   string
	Name    string // shown in the menu: the coach's name, else the email
	Role    Role
	CoachID string // set for coaches only

	// Enrolled says that a coach has the feature; without it no result is shown. It does not matter for others.
	Enrolled   bool
	Introduced bool // a coach who has seen the introduction

	KillSwitch bool      // the rollout's kill switch is on, which every page says
	Pause      SyncPause // so is that syncs are paused

	OpenFailures int // how many are open; for staff only
	OpenProblems int // how many reports of coaches are open; for staff only

	TwoFactor bool // signing in takes a code besides the password

	// ViewingAs says that an admin looks at the portal as a coach: Role and CoachID are the coach's, and nothing may be
	// changed. UserID, Email and Name stay the admin's; CoachName is the coach's.
	ViewingAs bool
	CoachName string
}

// SyncPause says that all syncs are paused. The zero SyncPause is that they are not.
type SyncPause struct {
	At     time.Time
	By     string // who did it: the name of the login, or a word for a program
	Reason string
}

// On reports whether syncs are paused.
func (p SyncPause) On() bool { return !p.At.IsZero() }

// LoginName is what colleagues call a login: its email up to the @, so that no address is shown.
func LoginName(email string) string {
	name, _, _ := strings.Cut(email, "@")
	return name
}

// Division is the age group a competitor plays in, with the platform's spelling.
type Division string

// The platform knows these three divisions.
const (
	HighSchool   Division = "high_school"
	MiddleSchool Division = "middle_school"
	College      Division = "college"
)

// Divisions lists every division in the order forms show them.
var Divisions = []Division{HighSchool, MiddleSchool, College}

// Label is the division as people read it.
func (d Division) Label() string {
	switch d {
	case HighSchool:
		return "High school"
	case MiddleSchool:
		return "Middle school"
	case College:
		return "College"
	}
	return string(d)
}

// ProfileStatus is how far a competitor's profile in the programme has come. It says nothing about the platform.
type ProfileStatus string

// The programme's profile states.
const (
	ProfilePending      ProfileStatus = "pending"
	ProfileStarted      ProfileStatus = "profile"
	ProfileNotCompliant ProfileStatus = "in_the_game_not_compliant"
	ProfileComplete     ProfileStatus = "complete"
)

// ProfileStatuses lists every profile status in the order a competitor passes them.
var ProfileStatuses = []ProfileStatus{ProfilePending, ProfileStarted, ProfileNotCompliant, ProfileComplete}

// Coach is a person who looks after competitors. ID is the programme's own id, sent to the platform as
// syned_coach_user_id.
type Coach struct {
	ID     string
	Email  string
	Name   string
	School string
	Region string
}

// Competitor is a student of a coach. ID is the programme's own opaque id; GamePlatformID is the syned_user_id
// the platform is called with, empty as long as the competitor is not on the platform.
type Competitor struct {
	ID             string
	GamePlatformID string
	CoachID        string
	TeamID         string // empty: no team
	FirstName      string
	LastName       string
	Email          string // empty: none on file yet
	Division       Division
	Grade          string
	Status         ProfileStatus
}

// Name is the full name as shown.
func (c Competitor) Name() string {
	if c.LastName == "" {
		return c.FirstName
	}
	return c.FirstName + " " + c.LastName
}

// Clock tells the time. It is passed in wherever a time is written or compared, so tests can fix it.
type Clock func() time.Time

// ActiveSince is the moment from which a solve makes a competitor active: the start of the day six days before today,
// so that today and the six calendar days before it count, in the given zone.
func ActiveSince(now time.Time, zone *time.Location) time.Time {
	y, m, d := now.In(zone).Date()
	return startOfDay(time.Date(y, m, d-6, 12, 0, 0, 0, zone))
}

// DayIn is the first moment of a calendar day in the zone. Only the date of day counts.
func DayIn(day time.Time, zone *time.Location) time.Time {
	y, m, d := day.Date()
	return startOfDay(time.Date(y, m, d, 12, 0, 0, 0, zone))
}

// startOfDay is the first moment of noon's day. In some zones the clock is changed around midnight: then a day has no
// midnight, or two of them.
func startOfDay(noon time.Time) time.Time {
	for t := noon; ; {
		hour, minute, second := t.Clock()
		midnight := t.Add(-time.Duration(hour*3600+minute*60+second)*time.Second - time.Duration(t.Nanosecond()))
		changed, _ := t.ZoneBounds()
		if changed.Before(midnight) {
			return midnight
		}
		t = changed.Add(-1)
		if t.Day() != noon.Day() {
			return changed
		}
	}
}
