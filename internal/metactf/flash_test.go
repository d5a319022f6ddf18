package metactf_test

import (
	"strings"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
)

// flashAnswer is an answer with the given events.
func flashAnswer(events ...string) string {
	return `{"syned_user_id":"` + testUser + `","flash_ctfs":[` + strings.Join(events, ",") + `]}`
}

// goodEvent is an event as documented, with one solve; edit replaces old by new in it, pair by pair.
func goodEvent(edit ...string) string {
	return strings.NewReplacer(edit...).Replace(`{"flash_ctf_name":"Packet Rush","flash_ctf_time_start_unix":1759990000,` +
		`"challenges_solved":1,"challenge_solves":[` + goodSolve() + `],"points_earned":100,"max_points_possible":900,"rank":4}`)
}

// readEvent is what goodEvent reads as.
func readEvent() domain.FlashResult {
	event := domain.FlashEvent{Name: "Packet Rush", StartsAt: time.Unix(1759990000, 0).UTC()}
	solve := readSolve()
	solve.Source, solve.EventID = domain.SourceFlash, event.ID()
	return domain.FlashResult{
		Event: event, Rank: 4, PointsEarned: 100, MaxPoints: 900, ChallengesSolved: 1, Solves: []domain.Solve{solve},
	}
}

func flashOf(t *testing.T, body string) metactf.FlashProgress {
	t.Helper()
	got, err := newClient(t, answering(200, body)).FlashProgress(t.Context(), testUser)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestFlashProgress(t *testing.T) {
	nextYear := readEvent()
	nextYear.Event.StartsAt = time.Unix(1791526000, 0).UTC()
	nextYear.Solves[0].EventID = nextYear.Event.ID()
	got := flashOf(t, flashAnswer(goodEvent(), goodEvent(`1759990000`, `1791526000`)))
	equal(t, metactf.FlashProgress{TookPart: true, Results: []domain.FlashResult{readEvent(), nextYear}}, got)
}

func TestFlashDidNotTakePart(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		status     int
		class      domain.FailureClass // empty: no failure
	}{
		{"404", `{"detail":"No flash CTF progress"}`, 404, ""},
		{"404 without a word", ``, 404, ""},
		{"an empty list", flashAnswer(), 200, ""},
		{"404 for a blocked user", `{"detail":"User not found or not approved"}`, 404, domain.Blocked},
		{"403 for a blocked user", `{"detail":"User not found or not approved"}`, 403, domain.Blocked},
		{"403", `{"detail":"Forbidden"}`, 403, domain.Forbidden},
		{"404 of a proxy, which knows nothing of events", `<html>404</html>`, 404, domain.NotFound},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := newClient(t, answering(tc.status, tc.body)).FlashProgress(t.Context(), testUser)
			equal(t, metactf.FlashProgress{}, got)
			if tc.class == "" {
				if err != nil {
					t.Errorf("got %v, want no failure", err)
				}
			} else if f := failureOf(t, err); f.Class != tc.class {
				t.Errorf("got %v, want %s", f, tc.class)
			}
		})
	}
}

func TestFlashAnswerIsMalformedAsAWhole(t *testing.T) {
	for _, tc := range []struct{ name, body, want string }{
		{"no events", `{}`, "flash_ctfs is missing"},
		{"events null", `{"flash_ctfs":null}`, "flash_ctfs is null"},
		{"events an object", `{"flash_ctfs":{}}`, "flash_ctfs is not a list"},
		{
			"another user", `{"syned_user_id":"syn-1","flash_ctfs":[]}`,
			"the answer is about another user than the one asked for",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := newClient(t, answering(200, tc.body)).FlashProgress(t.Context(), testUser)
			equal(t, &domain.CallError{
				Class: domain.Malformed, Endpoint: "GET /scores/get_flash_ctf_progress", Status: 200, Message: tc.want,
			}, failureOf(t, err))
		})
	}
}

func TestFlashNumbersMayBeMissing(t *testing.T) {
	want := readEvent()
	want.Rank, want.PointsEarned, want.MaxPoints, want.ChallengesSolved = 0, 0, 0, 0
	for name, raw := range map[string]string{
		"null": goodEvent(`"rank":4`, `"rank":null`, `points_earned":100`, `points_earned":null`, `:900`, `:null`, `"challenges_solved":1`,
			`"challenges_solved":null`),
		"absent": goodEvent(`,"points_earned":100,"max_points_possible":900,"rank":4`, ``, `"challenges_solved":1,`, ``),
	} {
		t.Run(name, func(t *testing.T) {
			equal(t, metactf.FlashProgress{TookPart: true, Results: []domain.FlashResult{want}}, flashOf(t, flashAnswer(raw)))
		})
	}
}

func TestBadEventIsQuarantinedAsAWhole(t *testing.T) {
	for _, tc := range []struct{ name, raw, want string }{
		{"no name", goodEvent(`"flash_ctf_name":"Packet Rush",`, ``), "flash_ctf_name is missing"},
		{"name null", goodEvent(`"Packet Rush"`, `null`), "flash_ctf_name is null"},
		{"name blank", goodEvent(`Packet Rush`, ` `), "flash_ctf_name is empty"},
		{"no start", goodEvent(`"flash_ctf_time_start_unix":1759990000,`, ``), "flash_ctf_time_start_unix is missing"},
		{"start null", goodEvent(`1759990000`, `null`), "flash_ctf_time_start_unix is null"},
		{"start zero", goodEvent(`1759990000`, `0`), "flash_ctf_time_start_unix is out of range"},
		{"start a text", goodEvent(`1759990000`, `"1759990000"`), "flash_ctf_time_start_unix is not a whole number"},
		{"solves null", goodEvent(`[`+goodSolve()+`]`, `null`), "challenge_solves is null"},
		{"solves absent", goodEvent(`"challenge_solves":[`+goodSolve()+`],`, ``), "challenge_solves is missing"},
		{"not an object", `"Packet Rush"`, "the event is not an object"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := flashOf(t, flashAnswer(tc.raw, goodEvent()))
			equal(t, metactf.FlashProgress{
				TookPart:  true,
				Results:   []domain.FlashResult{readEvent()},
				Malformed: []domain.Quarantined{{Source: domain.SourceFlash, Payload: tc.raw, Reason: tc.want}},
			}, got)
		})
	}
}

func TestEventOutlivesWhatIsWrongInIt(t *testing.T) {
	noSolves, noRank := readEvent(), readEvent()
	noSolves.Solves = nil
	noRank.Rank = 0
	badSolve := goodSolve(`100`, `null`)
	oddRank := goodEvent(`"rank":4`, `"rank":"4th"`)
	for _, tc := range []struct {
		name, raw string
		want      domain.FlashResult
		malformed domain.Quarantined
	}{
		{
			"a solve", goodEvent(goodSolve(), badSolve), noSolves,
			domain.Quarantined{Source: domain.SourceFlash, Payload: badSolve, Reason: "challenge_points is null"},
		},
		{
			"a number", oddRank, noRank,
			domain.Quarantined{Source: domain.SourceFlash, Payload: oddRank, Reason: "rank is not a whole number"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			equal(t, metactf.FlashProgress{
				TookPart: true, Results: []domain.FlashResult{tc.want}, Malformed: []domain.Quarantined{tc.malformed},
			}, flashOf(t, flashAnswer(tc.raw)))
		})
	}
}

func TestEventThatComesTwiceIsReadOnce(t *testing.T) {
	again := goodEvent(`"rank":4`, `"rank":5`)
	equal(t, metactf.FlashProgress{
		TookPart:  true,
		Results:   []domain.FlashResult{readEvent()},
		Malformed: []domain.Quarantined{{Source: domain.SourceFlash, Payload: again, Reason: "the event came twice"}},
	}, flashOf(t, flashAnswer(goodEvent(), again)))
}
