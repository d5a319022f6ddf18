package metactf_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
)

// odlAnswer is an answer with the given solves.
func odlAnswer(solves ...string) string {
	return `{"syned_user_id":"` + testUser + `","metactf_user_id":7,"total_challenges_solved":2,"total_points":350,
		"last_accessed_unix_timestamp":1760000000,"category_points":{"crypto":350},"challenge_solves":[` +
		strings.Join(solves, ",") + `]}`
}

// goodSolve is a solve as documented; edit replaces old by new in it, pair by pair.
func goodSolve(edit ...string) string {
	return strings.NewReplacer(edit...).Replace(`{"challenge_solve_id":11,"challenge_id":21,"challenge_title":"Rusty Key",` +
		`"challenge_points":100,"challenge_category":"crypto","timestamp_unix":1760000000,"challenge_retired":true,` +
		`"nist_nice_work_roles":["DD-WRL-003","PR-CDA-001"]}`)
}

// readSolve is what goodSolve reads as.
func readSolve() domain.Solve {
	return domain.Solve{
		SolveKey:  domain.SolveKey{Source: domain.SourceODL, ChallengeSolveID: 11, ChallengeID: 21},
		Title:     "Rusty Key",
		Category:  "crypto",
		Points:    100,
		Retired:   true,
		WorkRoles: []string{"DD-WRL-003", "PR-CDA-001"},
		SolvedAt:  time.Unix(1760000000, 0).UTC(),
	}
}

func TestODLScores(t *testing.T) {
	other := goodSolve(`id":11`, `id":12`, `100`, `250`)
	c := newClient(t, answering(200, odlAnswer(goodSolve(), other)))
	got, err := c.ODLScores(t.Context(), testUser, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	second := readSolve()
	second.ChallengeSolveID, second.Points = 12, 250
	equal(t, metactf.ODLScores{
		TotalSolves:  new(int64(2)),
		TotalPoints:  new(int64(350)),
		LastAccessed: time.Unix(1760000000, 0).UTC(),
		Solves:       []domain.Solve{readSolve(), second},
	}, got)
	equal(t, map[metactf.Field]int64{}, c.Fields())
}

func TestODLAfterIsInWholeSeconds(t *testing.T) {
	for _, tc := range []struct {
		name     string
		after    time.Time
		want     string
		filtered bool
	}{
		{"none", time.Time{}, "", false},
		{"a second", time.Unix(1760000000, 0), "1760000000", true},
		{"rounded down", time.Unix(1760000000, 999_999_999), "1760000000", true},
		{"rounded down before 1970", time.Unix(-5, 1), "-5", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got string
			c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
				got = r.URL.Query().Get("after_time_unix")
				answering(200, odlAnswer())(w, r)
			})
			scores, err := c.ODLScores(t.Context(), testUser, tc.after)
			if err != nil || got != tc.want || scores.Filtered != tc.filtered {
				t.Errorf("sent %q, filtered %v, %v; want %q, %v", got, scores.Filtered, err, tc.want, tc.filtered)
			}
		})
	}
}

func TestODLTotalsMayBeMissing(t *testing.T) {
	for name, body := range map[string]string{
		"null": `{"syned_user_id":null,"metactf_user_id":null,"total_challenges_solved":null,"total_points":null,
			"last_accessed_unix_timestamp":null,"category_points":null,"challenge_solves":[]}`,
		"absent":         `{"challenge_solves":[]}`,
		"of other kinds": `{"total_challenges_solved":"2","total_points":1.5,"last_accessed_unix_timestamp":"now","challenge_solves":[]}`,
		"never accessed": `{"last_accessed_unix_timestamp":0,"challenge_solves":[]}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := newClient(t, answering(200, body)).ODLScores(t.Context(), testUser, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			equal(t, metactf.ODLScores{}, got)
		})
	}
}

func TestODLAnswerIsMalformedAsAWhole(t *testing.T) {
	const wrongUser = "the answer is about another user than the one asked for"
	for _, tc := range []struct{ name, body, want string }{
		{"no solves", `{"total_points":0}`, "challenge_solves is missing"},
		{"solves null", `{"challenge_solves":null}`, "challenge_solves is null"},
		{"solves an object", `{"challenge_solves":{}}`, "challenge_solves is not a list"},
		{"solves a text", `{"challenge_solves":"[]"}`, "challenge_solves is not a list"},
		{"another user", `{"syned_user_id":"syn-0badcaff","challenge_solves":[]}`, wrongUser},
		{"a user without a name", `{"syned_user_id":"","challenge_solves":[]}`, wrongUser},
		{"a user as a number", `{"syned_user_id":5,"challenge_solves":[]}`, wrongUser},
		{"a list", `[]`, "the answer is not an object"},
		{"null", `null`, "the answer is not an object"},
		{"a text", `"ok"`, "the answer is not an object"},
		{"cut off", odlAnswer()[:60], "the answer was not JSON, or not all of it came"},
		{"two answers", odlAnswer() + odlAnswer(), "the answer was not JSON, or not all of it came"},
		{"something behind it", odlAnswer() + "}", "the answer was not JSON, or not all of it came"},
		{"a web page", "\n<!doctype html>", "the answer was a web page, not JSON"},
		{"nothing", "", "the answer was empty"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newClient(t, answering(200, tc.body))
			_, err := c.ODLScores(t.Context(), testUser, time.Time{})
			equal(t, &domain.CallError{
				Class: domain.Malformed, Endpoint: "GET /scores/get_odl_scores", Status: 200, Message: tc.want,
			}, failureOf(t, err))
		})
	}
}

func TestSolveIsReadTolerantly(t *testing.T) {
	edited := func(edit func(*domain.Solve)) domain.Solve {
		s := readSolve()
		edit(&s)
		return s
	}
	noRoles := edited(func(s *domain.Solve) { s.WorkRoles = nil })
	for _, tc := range []struct {
		name, raw string
		want      domain.Solve
	}{
		{"as documented", goodSolve(), readSolve()},
		{"title null", goodSolve(`"Rusty Key"`, `null`), edited(func(s *domain.Solve) { s.Title = "" })},
		{"title absent", goodSolve(`"challenge_title":"Rusty Key",`, ``), edited(func(s *domain.Solve) { s.Title = "" })},
		{"category null", goodSolve(`"crypto"`, `null`), edited(func(s *domain.Solve) { s.Category = "" })},
		{"retired null", goodSolve(`true`, `null`), edited(func(s *domain.Solve) { s.Retired = false })},
		{"retired absent", goodSolve(`"challenge_retired":true,`, ``), edited(func(s *domain.Solve) { s.Retired = false })},
		{"roles null", goodSolve(`["DD-WRL-003","PR-CDA-001"]`, `null`), noRoles},
		{"roles absent", goodSolve(`,"nist_nice_work_roles":["DD-WRL-003","PR-CDA-001"]`, ``), noRoles},
		{"roles empty", goodSolve(`["DD-WRL-003","PR-CDA-001"]`, `[null,""]`), noRoles},
		{"a role null", goodSolve(`"DD-WRL-003"`, `null,"DD-WRL-003",""`), readSolve()},
		{"points with a fraction of nothing", goodSolve(`100`, `100.0`), readSolve()},
		{"points with an exponent", goodSolve(`100`, `1e2`), readSolve()},
		{"time with a fraction of nothing", goodSolve(`1760000000`, `1760000000.0`), readSolve()},
		{"no points", goodSolve(`100`, `0`), edited(func(s *domain.Solve) { s.Points = 0 })},
		{"the most points", goodSolve(`100`, `1000000000`), edited(func(s *domain.Solve) { s.Points = 1e9 })},
		{"NUL in the texts", goodSolve(`Rusty`, `Ru\u0000sty`, `"DD-`, `"\u0000DD-`, `crypto`, `cry\u0000pto`), readSolve()},
		{"not UTF-8", goodSolve(`Rusty`, "R\xffsty"), edited(func(s *domain.Solve) { s.Title = "R\uFFFDsty Key" })},
		{"half a surrogate", goodSolve(`Rusty`, `R\ud800sty`), edited(func(s *domain.Solve) { s.Title = "R\uFFFDsty Key" })},
		{"a field no schema lists", goodSolve(`{`, `{"difficulty":null,`), readSolve()},
		{"a field twice: the last counts", goodSolve(`{`, `{"challenge_points":null,`), readSolve()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newClient(t, answering(200, odlAnswer(tc.raw)))
			got, err := c.ODLScores(t.Context(), testUser, time.Time{})
			if err != nil || len(got.Malformed) > 0 {
				t.Fatalf("%v, malformed %+v", err, got.Malformed)
			}
			equal(t, []domain.Solve{tc.want}, got.Solves)
		})
	}
}

func TestBadSolveIsQuarantinedAlone(t *testing.T) {
	for _, tc := range []struct{ name, raw, want string }{
		{"solve id missing", goodSolve(`"challenge_solve_id":11,`, ``), "challenge_solve_id is missing"},
		{"challenge id null", goodSolve(`"challenge_id":21`, `"challenge_id":null`), "challenge_id is null"},
		{"points null", goodSolve(`100`, `null`), "challenge_points is null"},
		{"points a text", goodSolve(`100`, `"100"`), "challenge_points is not a whole number"},
		{"points a fraction", goodSolve(`100`, `100.5`), "challenge_points is not a whole number"},
		{"points true", goodSolve(`100`, `false`), "challenge_points is not a whole number"},
		{"points beyond any number", goodSolve(`100`, `1e400`), "challenge_points is not a whole number"},
		{"points negative", goodSolve(`100`, `-1`), "challenge_points is out of range"},
		{"points too many", goodSolve(`100`, `1000000001`), "challenge_points is out of range"},
		{"id beyond 64 bits", goodSolve(`:11`, `:99999999999999999999`), "challenge_solve_id is not a whole number"},
		{"time zero", goodSolve(`1760000000`, `0`), "timestamp_unix is out of range"},
		{"time in milliseconds", goodSolve(`1760000000`, `1760000000000`), "timestamp_unix is out of range"},
		{"time before 2000", goodSolve(`1760000000`, `946684799`), "timestamp_unix is out of range"},
		{"time in 2100", goodSolve(`1760000000`, `4102444800`), "timestamp_unix is out of range"},
		{"title a number", goodSolve(`"Rusty Key"`, `5`), "challenge_title is not a text"},
		{"category a list", goodSolve(`"crypto"`, `[]`), "challenge_category is not a text"},
		{"retired a number", goodSolve(`true`, `1`), "challenge_retired is not true or false"},
		{"roles a text", goodSolve(`["DD-WRL-003","PR-CDA-001"]`, `"x"`), "nist_nice_work_roles is not a list of texts"},
		{"a role a number", goodSolve(`"DD-WRL-003"`, `3`), "nist_nice_work_roles is not a list of texts"},
		{"a list", `[1]`, "the solve is not an object"},
		{"null", `null`, "the solve is not an object"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newClient(t, answering(200, odlAnswer(goodSolve(`:11`, `:1`), tc.raw, goodSolve(`:11`, `:3`))))
			got, err := c.ODLScores(t.Context(), testUser, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Solves) != 2 {
				t.Errorf("%d solves kept, want the 2 good ones", len(got.Solves))
			}
			equal(t, []domain.Quarantined{{Source: domain.SourceODL, Payload: tc.raw, Reason: tc.want}}, got.Malformed)
		})
	}
}

func TestQuarantinedPayloadIsBoundedText(t *testing.T) {
	raw := goodSolve(`100`, `null`, `Rusty Key`, "\xff"+strings.Repeat("é", 20<<10))
	got, err := newClient(t, answering(200, odlAnswer(raw))).ODLScores(t.Context(), testUser, time.Time{})
	if err != nil || len(got.Malformed) != 1 {
		t.Fatalf("got %+v, %v", got, err)
	}
	payload := got.Malformed[0].Payload
	if n := len(payload); n > 16<<10 || n < 16<<10-4 {
		t.Errorf("%d bytes kept, want 16 KiB", n)
	}
	if strings.ToValidUTF8(payload, "") != payload {
		t.Error("the payload is not UTF-8")
	}
}

func TestSolveThatComesTwiceCountsOnce(t *testing.T) {
	c := newClient(t, answering(200, odlAnswer(
		goodSolve(), goodSolve(`:11`, `:12`), goodSolve(`Rusty Key`, `Rusty Key, renamed`))))
	got, err := c.ODLScores(t.Context(), testUser, time.Time{})
	if err != nil || len(got.Malformed) > 0 {
		t.Fatalf("%v, malformed %+v", err, got.Malformed)
	}
	renamed, other := readSolve(), readSolve()
	renamed.Title = "Rusty Key, renamed"
	other.ChallengeSolveID = 12
	equal(t, []domain.Solve{renamed, other}, got.Solves)
}

// The same solve id under another challenge is another solve: the platform's ids repeat.
func TestSolveIDAloneIsNoKey(t *testing.T) {
	c := newClient(t, answering(200, odlAnswer(goodSolve(), goodSolve(`:21`, `:22`))))
	got, err := c.ODLScores(t.Context(), testUser, time.Time{})
	if err != nil || len(got.Solves) != 2 {
		t.Errorf("got %d solves, %v; want 2", len(got.Solves), err)
	}
}
