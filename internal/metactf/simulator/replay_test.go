package simulator_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/metactf/simulator"
)

func replayFile(t *testing.T, clock *hand) *simulator.Simulator {
	t.Helper()
	f, err := os.Open("testdata/replay.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := simulator.Replay(f, simulator.Options{Seed: 1, Token: token, Clock: clock.now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// result is what an answer says of an event, apart from its solves' details.
type result struct {
	Name   string `json:"flash_ctf_name"`
	Start  int64  `json:"flash_ctf_time_start_unix"`
	Solved int    `json:"challenges_solved"`
	Points int64  `json:"points_earned"`
	Max    int64  `json:"max_points_possible"`
	Rank   int64  `json:"rank"`
}

func resultsOf(t *testing.T, s *simulator.Simulator, player string) []result {
	t.Helper()
	w := get(s, "/scores/get_flash_ctf_progress?syned_user_id="+url.QueryEscape(player))
	if w.Code == http.StatusNotFound {
		return nil
	}
	var answer struct {
		Results []result `json:"flash_ctfs"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Results
}

func TestReplay(t *testing.T) {
	clock := &hand{at: time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC)}
	s := replayFile(t, clock)
	want := simulator.Totals{
		Competitors: 4, Coaches: 1, Approved: 4, Events: 2,
		ODLSolves: 2, ODLPoints: 250, FlashSolves: 6, FlashPoints: 1350,
	}
	if diff := cmp.Diff(want, s.Totals(clock.now())); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	night := time.Date(2025, 5, 10, 18, 0, 0, 0, time.UTC).Unix()
	morning := time.Date(2025, 6, 1, 8, 0, 0, 0, time.UTC).Unix()
	for player, want := range map[string][]result{
		"otter":   {{"Moth Night", night, 2, 400, 400, 1}, {"Dawn Patrol", morning, 1, 250, 250, 1}},
		"heron":   {{"Moth Night", night, 2, 400, 400, 2}}, // as many points, later
		"magpie":  {{"Moth Night", night, 1, 300, 400, 3}},
		"ibis, w": nil,
	} {
		if diff := cmp.Diff(want, resultsOf(t, s, player)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", player, diff)
		}
	}
}

func TestReplayFollowsTheClock(t *testing.T) {
	clock := &hand{at: time.Date(2025, 5, 10, 18, 20, 0, 0, time.UTC)}
	s := replayFile(t, clock)
	night := time.Date(2025, 5, 10, 18, 0, 0, 0, time.UTC).Unix()
	for player, want := range map[string][]result{
		"otter":  {{"Moth Night", night, 1, 100, 400, 2}},
		"heron":  {{"Moth Night", night, 0, 0, 400, 3}},
		"magpie": {{"Moth Night", night, 1, 300, 400, 1}}, // leads until the others have solved more
	} {
		if diff := cmp.Diff(want, resultsOf(t, s, player)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", player, diff)
		}
	}
}

func TestReplayRoster(t *testing.T) {
	var file strings.Builder
	file.WriteString("player,event,challenge,category,points,solved_at\n")
	for _, c := range "abcdefghijklmnopqrstuvwxyz" {
		file.WriteString("p-" + string(c) + ",,Warm Up,misc,100,2025-05-01T12:00:00Z\n")
	}
	s, err := simulator.Replay(strings.NewReader(file.String()), simulator.Options{Token: token})
	if err != nil {
		t.Fatal(err)
	}
	lines := rosterOf(t, s)
	want := map[string]string{
		"first_name": "Player", "last_name": "p-b", "email": "player-2@players.example", "division": "high_school",
		"grade": "", "status": "complete", "team": "", "competitor_id": "R-0002", "game_platform_id": "p-b",
	}
	for column, value := range want {
		if lines[1][column] != value {
			t.Errorf("%s: got %q, want %q", column, lines[1][column], value)
		}
	}
	if lines[0]["coach_email"] != lines[24]["coach_email"] || lines[24]["coach_email"] == lines[25]["coach_email"] {
		t.Error("want a coach per 25 players")
	}
}

func TestReplayRefuses(t *testing.T) {
	const header = "solved_at,player,event,challenge,category,points\n"
	const good = "2025-05-01T12:00:00Z,otter,,Warm Up,misc,100\n"
	for _, tc := range []struct{ name, file, want string }{
		{"an empty file", "", "line 1: the file is empty"},
		{"a missing column", "player,event\n", `line 1: there is no column "challenge"`},
		{"a short line", header + good + "x,y\n", "line 3"},
		{"a stray quote", header + good + "a\"b,c,d,e,f,1\n", "line 3"},
		{"no player", header + good + "2025-05-01T12:00:00Z,,,Warm Up,misc,100\n", "line 3: player"},
		{"no challenge", header + "2025-05-01T12:00:00Z,otter,, ,misc,100\n", "line 2: player and challenge"},
		{"points a word", header + "2025-05-01T12:00:00Z,otter,,Warm Up,misc,many\n", "line 2: points"},
		{"points negative", header + "2025-05-01T12:00:00Z,otter,,Warm Up,misc,-1\n", "line 2: points"},
		{"a time without a zone", header + "2025-05-01 12:00:00,otter,,Warm Up,misc,1\n", "line 2: solved_at"},
		{"a solve twice", header + good + "2025-05-01T13:00:00Z,otter,,Warm Up,misc,100\n", "line 3: the same solve as on line 2"},
		{"after a cell of two lines", header + "2025-05-01T12:00:00Z,otter,,\"Warm\nUp\",misc,1\n" + "x,otter,,A,misc,1\n", "line 4: solved_at"},
	} {
		_, err := simulator.Replay(strings.NewReader(tc.file), simulator.Options{Token: token})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", tc.name, err, tc.want)
		}
	}
}
