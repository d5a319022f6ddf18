package handlers

import (
	"fmt"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
	"flagpole/store/storetest"
)

// What the tests look for, or look out for, in pages.
const (
	oddID   = "a/b c?%#ü"
	oddName = `Dara <b>Bold</b> O'Neil & "Sons"`
)

// peopleOf are the names and emails that only the coach and admins may see.
var peopleOf = map[string][]string{
	owner: {"Halima Osei", owner, "Amara", "Nwosu", "amara@pupil.example", "Beatriz", "beatriz@pupil.example", "Cyrus Vale", "Dara", "Salt &amp; Hash", "Salt & Hash"},
	other: {"Ruben Castellan", other, "Dov Lindqvist", "dov@pupil.example", "Edda Marsh", "edda@pupil.example", "Southern Cross"},
}

// season puts two coaches with competitors, one coach without, an admin and somebody of the product staff into the
// database. The competitors were synced twelve minutes ago.
func (p *portal) season() {
	p.t.Helper()
	p.enrol(
		p.pupil(owner, roster.Row{CompetitorID: "C-1", FirstName: "Amara", LastName: "Nwosu", Email: "amara@pupil.example", Grade: "11", Team: "Salt & Hash", GamePlatformID: "P-1"}),
		p.pupil(owner, roster.Row{CompetitorID: "C-2", FirstName: "Beatriz", LastName: "Quintanilla", Email: "beatriz@pupil.example", Division: domain.MiddleSchool, Team: "Salt & Hash", GamePlatformID: "P-2"}),
		p.pupil(owner, roster.Row{CompetitorID: "C-3", FirstName: "Cyrus", LastName: "Vale"}),
		p.pupil(owner, roster.Row{CompetitorID: oddID, FirstName: "Dara <b>Bold</b>", LastName: `O'Neil & "Sons"`, Email: "dara@pupil.example", Division: domain.College, Team: "=cmd|' /C calc'!A0", GamePlatformID: "P-4"}),
		p.pupil(owner, roster.Row{CompetitorID: "x.csv", FirstName: "=HYPERLINK(\"http://evil.example\")", LastName: "Evil", Email: "e@pupil.example"}),
		p.pupil(owner, roster.Row{CompetitorID: "..%2f", FirstName: "Écrin", LastName: "Zola", Email: "+zola@pupil.example"}),
		p.pupil(other, roster.Row{CompetitorID: "D-1", FirstName: "Dov", LastName: "Lindqvist", Email: "dov@pupil.example", Team: "Southern Cross", GamePlatformID: "P-7"}),
		p.pupil(other, roster.Row{CompetitorID: "D-2", FirstName: "Edda", LastName: "Marsh", Email: "edda@pupil.example", GamePlatformID: "P-8"}),
	)
	p.exec(fmt.Sprintf(`INSERT INTO coaches (coach_id, email, email_key, name, sort_key, created_at, updated_at)
		VALUES ('K-3', '%s', '%s', 'Ines Falk', 'ines falk', 0, 0)`, newcomer, newcomer))
	storetest.EnrolAll(p.t, p.store)
	p.exec(`UPDATE coaches SET introduced_at = 1`)
	p.users()
	p.pull("P-1", amarasSolves(), withFlash)
	p.pull("P-2", nil, func(pull *store.Pull) {
		pull.Result, pull.ODL, pull.User.Status = domain.SyncBlocked, nil, domain.PlatformPendingApproval
		pull.Failure = &domain.CallError{Class: domain.Blocked}
	})
	p.pull("P-4", nil)
	p.pull("P-7", []domain.Solve{odl(1, "Southern Lights", "web", 50, 1)})
	p.pull("P-8", nil, func(pull *store.Pull) {
		pull.Result, pull.ODL, pull.Failure = domain.SyncFailure, nil, &domain.CallError{Class: domain.Timeout}
	})
	p.clock.Advance(12 * time.Minute)
}

// pupil completes a line of the roster.
func (p *portal) pupil(coach string, row roster.Row) roster.Row {
	row.CoachEmail, row.CoachID, row.CoachName, row.School = owner, "K-1", "Halima Osei", "Northgate School"
	if coach == other {
		row.CoachEmail, row.CoachID, row.CoachName, row.School = other, "K-2", "Ruben Castellan", "Southfield School"
	}
	if row.Division == "" {
		row.Division = domain.HighSchool
	}
	row.Status = domain.ProfileComplete
	return row
}

func (p *portal) users() {
	p.t.Helper()
	hash, err := hashed()
	if err != nil {
		p.t.Fatal(err)
	}
	for email, role := range map[string]domain.Role{
		owner: domain.RoleCoach, other: domain.RoleCoach, newcomer: domain.RoleCoach, admin: domain.RoleAdmin, product: domain.RoleProduct,
	} {
		if _, err := p.store.Accounts().AddUser(p.t.Context(), email, role, hash); err != nil {
			p.t.Fatal(err)
		}
	}
}

// odl is a solve made so many days before the clock's start.
func odl(id int64, title, category string, points int64, daysAgo int) domain.Solve {
	return domain.Solve{
		SolveKey: domain.SolveKey{Source: domain.SourceODL, ChallengeSolveID: id, ChallengeID: 100 + id},
		Title:    title, Category: category, Points: points, WorkRoles: []string{"PD-WRL-001"},
		SolvedAt: storetest.Start.AddDate(0, 0, -daysAgo),
	}
}

// amarasSolves are C-1's, newest first: titles tell their order.
func amarasSolves() []domain.Solve {
	list := []domain.Solve{
		odl(1, "Padding Oracle", "Cryptography", 400, 1),
		odl(2, "<script>alert(1)</script>", "web", 100, 2),
		odl(3, "Old Cipher", "crypto", 50, 3),
		odl(4, "=1+2", "Steganography", 300, 4),
		odl(5, "Quote \" and\nline", "web_exploitation", 200, 5),
		odl(6, "Nameless Field", "", 100, 6),
	}
	list[2].Retired = true
	list[0].WorkRoles = []string{"PD-WRL-001", "IO-WRL-002"}
	return list
}

// autumn is a flash CTF of the month before.
var autumn = domain.FlashEvent{Name: "Autumn Qualifier", StartsAt: storetest.Start.AddDate(0, 0, -19)}

// withFlash adds a flash CTF with one solve to a pull.
func withFlash(pull *store.Pull) {
	event := autumn
	pull.Flash = &store.FlashPull{RequestedAt: pull.At, Results: []domain.FlashResult{{
		Event: event, Rank: 7, PointsEarned: 250, MaxPoints: 1000, ChallengesSolved: 1,
		Solves: []domain.Solve{{
			SolveKey: domain.SolveKey{Source: domain.SourceFlash, EventID: event.ID(), ChallengeSolveID: 1, ChallengeID: 9},
			Title:    "Flash Cipher", Category: "CRYPTO", Points: 250, SolvedAt: event.StartsAt.Add(time.Hour),
		}},
	}}}
}
