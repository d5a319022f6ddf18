package simulator_test

import (
	"bytes"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"

	"flagpole/internal/domain"
	"flagpole/internal/metactf/simulator"
)

func TestRosterColumns(t *testing.T) {
	s, _ := newSeason(t, simulator.Options{Seed: 1, Competitors: 20})
	var out bytes.Buffer
	if err := s.WriteRoster(&out); err != nil {
		t.Fatal(err)
	}
	const want = "coach_id,coach_email,coach_name,school,region,first_name,last_name,email,division,grade,status,team_id,team," +
		"competitor_id,game_platform_id\n"
	if !strings.HasPrefix(out.String(), want) {
		t.Errorf("got %.200s", out.String())
	}
}

func TestRosterLines(t *testing.T) {
	s, _ := newSeason(t, simulator.Options{Seed: 1})
	seen := map[string]bool{}
	once := func(column, value string) {
		if value != "" && seen[column+value] {
			t.Errorf("%s %q stands twice", column, value)
		}
		seen[column+value] = true
	}
	ids, platformIDs := regexp.MustCompile(`^C-\d{4}$`), regexp.MustCompile(`^syn-[0-9a-f]{8}$`)
	for _, line := range rosterOf(t, s) {
		once("competitor_id", line["competitor_id"])
		once("game_platform_id", line["game_platform_id"])
		once("email", line["email"])
		if !ids.MatchString(line["competitor_id"]) {
			t.Errorf("competitor_id %q", line["competitor_id"])
		}
		if id := line["game_platform_id"]; id != "" && !platformIDs.MatchString(id) {
			t.Errorf("game_platform_id %q", id)
		}
		for _, column := range []string{"coach_name", "school", "region", "first_name", "last_name", "grade"} {
			if line[column] == "" || strings.TrimSpace(line[column]) != line[column] {
				t.Errorf("%s %q in %v", column, line[column], line)
			}
		}
		for _, address := range []string{line["coach_email"], line["email"]} {
			if a, err := mail.ParseAddress(address); address != "" && (err != nil || a.Address != address ||
				!strings.HasSuffix(address, ".example")) {
				t.Errorf("email %q: %v", address, err)
			}
		}
		if !slices.Contains(domain.Divisions, domain.Division(line["division"])) ||
			!slices.Contains(domain.ProfileStatuses, domain.ProfileStatus(line["status"])) {
			t.Errorf("division or status in %v", line)
		}
		if line["email"] == "" && line["game_platform_id"] != "" {
			t.Errorf("on the platform without an email: %v", line)
		}
	}
}

// The shapes that pages must meet: uneven rosters, teams of one coach, people without team, id or email.
func TestRosterHasEveryKindOfCompetitor(t *testing.T) {
	s, _ := newSeason(t, simulator.Options{Seed: 1})
	sizes, teamSizes, coachOfTeam := map[string]int{}, map[string]int{}, map[string]string{}
	teamless, offPlatform, noEmail, notASCII := 0, 0, 0, 0
	for _, line := range rosterOf(t, s) {
		coach, team := line["coach_email"], line["team"]
		sizes[coach]++
		if team == "" {
			teamless++
		} else {
			teamSizes[team]++
			if other, ok := coachOfTeam[team]; ok && other != coach {
				t.Errorf("team %q has two coaches", team)
			}
			coachOfTeam[team] = coach
		}
		if line["game_platform_id"] == "" {
			offPlatform++
		}
		if line["email"] == "" {
			noEmail++
		}
		if strings.ContainsFunc(line["first_name"]+line["last_name"], func(r rune) bool { return r > 127 }) {
			notASCII++
		}
	}
	var sorted []int
	for _, n := range sizes {
		sorted = append(sorted, n)
	}
	slices.Sort(sorted)
	if median := sorted[len(sorted)/2]; sorted[0] != 1 || sorted[len(sorted)-1] != 55 || median < 12 || median > 20 {
		t.Errorf("rosters of %v, want 1 to 55 with a median of 12 to 20", sorted)
	}
	for team, n := range teamSizes {
		if n > 6 {
			t.Errorf("team %q has %d members", team, n)
		}
	}
	if teamless == 0 || offPlatform != 40 || noEmail != 10 || notASCII < 20 {
		t.Errorf("%d without a team, %d off the platform, %d without an email, %d with other letters",
			teamless, offPlatform, noEmail, notASCII)
	}
}
