package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/store/storetest"
)

// answer is one answer of the platform in a sequence: which of the solves it holds, whether it was asked for after a
// cursor, and whether a record in it could not be read.
type answer struct {
	ids          []int64
	after, wrong bool
}

func full(ids ...int64) answer    { return answer{ids: ids} }
func later(ids ...int64) answer   { return answer{ids: ids, after: true} }
func damaged(ids ...int64) answer { return answer{ids: ids, wrong: true} }

// withdrawals are sequences of answers and what is stored after them.
var withdrawals = []struct {
	name            string
	answers         []answer
	kept, withdrawn string
}{
	{"missing once it stays", []answer{full(1, 2), full(1)}, "1 2", ""},
	{"missing twice it is withdrawn", []answer{full(1, 2), full(1), full(1)}, "1", "2"},
	{"back in between, the count begins again", []answer{full(1, 2), full(1), full(1, 2), full(1)}, "1 2", ""},
	{"back after a cursor is back too", []answer{full(1, 2), full(1), later(2), full(1)}, "1 2", ""},
	{"back later it leaves the withdrawn", []answer{full(1, 2), full(1), full(1), full(1, 2)}, "1 2", ""},
	{"back later after a cursor", []answer{full(1, 2), full(1), full(1), later(2)}, "1 2", ""},
	{"withdrawn, back and withdrawn again", []answer{full(1, 2), full(), full(1), full(1, 2), full(1), full(1)}, "1", "2"},
	{"only the one that is back leaves the withdrawn", []answer{full(1, 2, 3), full(1), full(1), full(1, 2)}, "1 2", "3"},
	{"all of them", []answer{full(1, 2), full(), full()}, "", "1 2"},
	{"each has its own count", []answer{full(1, 2, 3), full(1, 2), full(1)}, "1 2", "3"},
	{"a damaged answer never counts", []answer{full(1, 2), damaged(1), damaged(1), damaged(1)}, "1 2", ""},
	{"a damaged answer ends no count", []answer{full(1, 2), full(1), damaged(1), full(1)}, "1", "2"},
	{"what a damaged answer holds is back", []answer{full(1, 2), full(1), damaged(2), full(1)}, "1 2", ""},
	{"a damaged answer gives back", []answer{full(1, 2), full(1), full(1), damaged(2)}, "1 2", ""},
	{"an answer after a cursor never counts", []answer{full(1, 2), later(1), later(), later(1), later()}, "1 2", ""},
	{"an answer after a cursor ends no count", []answer{full(1, 2), full(1), later(1), full(1)}, "1", "2"},
}

func ids(h *house, table string, source domain.Source) string {
	h.t.Helper()
	return strings.Join(h.lines(fmt.Sprintf(
		`SELECT challenge_solve_id FROM %s WHERE syned_user_id = 'gp-a1' AND source = '%s' ORDER BY 1`, table, source)), " ")
}

func TestAnODLSolveMissingFromTwoSnapshotsIsWithdrawn(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		for _, c := range withdrawals {
			h.exec(`DELETE FROM game_platform_challenge_solves`)
			h.exec(`DELETE FROM game_platform_withdrawn_solves`)
			for _, a := range c.answers {
				part := &store.ODLPull{RequestedAt: h.clock.Now(), Snapshot: !a.after}
				for _, id := range a.ids {
					part.Solves = append(part.Solves, odl(id))
				}
				if a.wrong {
					part.Malformed = []domain.Quarantined{malformed(domain.SourceODL, "{}")}
				}
				h.storeODL("gp-a1", part)
			}
			kept, withdrawn := ids(h, "game_platform_challenge_solves", domain.SourceODL), ids(h, "game_platform_withdrawn_solves", domain.SourceODL)
			if kept != c.kept || withdrawn != c.withdrawn {
				t.Errorf("%s: kept %q and withdrew %q, want %q and %q", c.name, kept, withdrawn, c.kept, c.withdrawn)
			}
			n := len(strings.Fields(c.kept))
			h.want(c.name, statsQuery, fmt.Sprintf("gp-a1|%d|%d|0|0", n, 100*n))
		}
	})
}

func TestAFlashSolveMissingFromTwoAnswersIsWithdrawn(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		for _, c := range withdrawals {
			h.exec(`DELETE FROM game_platform_challenge_solves`)
			h.exec(`DELETE FROM game_platform_withdrawn_solves`)
			for _, a := range c.answers {
				if a.after {
					// Flash answers know no cursor. Where the sequence has one, an ODL answer comes instead and must not count.
					if len(a.ids) > 0 && strings.HasPrefix(c.name, "back") {
						h.storeFlash("gp-a1", h.flash(took(springCTF, a.ids...)))
						continue
					}
					h.storeODL("gp-a1", h.snapshot())
					continue
				}
				part := h.flash(took(springCTF, a.ids...))
				if a.wrong {
					part.Malformed = []domain.Quarantined{malformed(domain.SourceFlash, "{}")}
				}
				h.storeFlash("gp-a1", part)
			}
			kept, withdrawn := ids(h, "game_platform_challenge_solves", domain.SourceFlash), ids(h, "game_platform_withdrawn_solves", domain.SourceFlash)
			if kept != c.kept || withdrawn != c.withdrawn {
				t.Errorf("%s: kept %q and withdrew %q, want %q and %q", c.name, kept, withdrawn, c.kept, c.withdrawn)
			}
		}
	})
}

func TestWithdrawingIsAChangeAndMissingOnceIsNone(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		var got []store.Stored
		for _, part := range []*store.ODLPull{h.snapshot(odl(1), odl(2)), h.snapshot(odl(1)), h.snapshot(odl(1)), h.snapshot(odl(1)),
			h.snapshot(odl(1), odl(2)), h.snapshot(odl(2)), h.snapshot(odl(1), odl(2))} {
			got = append(got, h.storeODL("gp-a1", part))
		}
		want := []store.Stored{{NewSolves: 2, Changed: true}, {}, {Changed: true}, {}, {NewSolves: 1, Changed: true}, {}, {}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
	})
}

func TestAChangedSolveThatIsBackBeginsItsCountAgain(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.storeODL("gp-a1", h.snapshot(odl(1), odl(2)))
		h.storeODL("gp-a1", h.snapshot(odl(1)))
		h.storeODL("gp-a1", h.since(odl(2, points(150))))
		h.storeODL("gp-a1", h.snapshot(odl(1)))
		if got := ids(h, "game_platform_challenge_solves", domain.SourceODL); got != "1 2" {
			t.Errorf("kept %q", got)
		}
	})
}

func TestAWithdrawnSolveKeepsAllItsFacts(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		const columns = `syned_user_id, source, event_id, challenge_solve_id, challenge_id, challenge_title, challenge_category,
			category_key, challenge_points, challenge_retired, nist_nice_work_roles, solved_at, first_seen_at`
		h.storeODL("gp-a1", h.snapshot(odl(1), odl(2, points(175), func(s *domain.Solve) { s.Retired = true })))
		want := h.lines(`SELECT ` + columns + ` FROM game_platform_challenge_solves WHERE challenge_solve_id = 2`)
		h.storeODL("gp-a1", h.snapshot(odl(1)))
		h.storeODL("gp-a1", h.snapshot(odl(1)))
		h.want("withdrawn", `SELECT `+columns+` FROM game_platform_withdrawn_solves`, want...)
		h.want("when", `SELECT `+minutes("withdrawn_at")+` FROM game_platform_withdrawn_solves`, "2")
	})
}

func TestMissingSolvesOfOneSourceOrUserTouchNoOther(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		for _, id := range []string{"gp-a1", "gp-a2"} {
			p := h.pull(id)
			p.ODL, p.Flash = h.snapshot(odl(1), odl(2)), h.flash(took(springCTF, 1, 2))
			h.store(p)
		}
		for range 3 {
			h.storeODL("gp-a1", h.snapshot())
			h.storeFlash("gp-a2", h.flash(took(springCTF)))
		}
		h.want("totals", statsQuery, "gp-a1|0|0|2|200", "gp-a2|2|200|0|0")
	})
}

const resultsQuery = `SELECT e.name, r.rank, r.points_earned, r.max_points_possible, r.challenges_solved, r.missed_snapshots
	FROM game_platform_flash_ctf_results r JOIN game_platform_flash_ctf_events e ON e.event_id = r.event_id ORDER BY e.name`

func TestAFlashResultMissingFromTwoAnswersIsDropped(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		both := func() *store.FlashPull { return h.flash(took(springCTF, 1), took(autumnCTF, 1)) }
		one := func() *store.FlashPull { return h.flash(took(springCTF, 1)) }
		wrong := func() *store.FlashPull {
			p := one()
			p.Malformed = []domain.Quarantined{malformed(domain.SourceFlash, "{}")}
			return p
		}
		const spring = "Spring Flash|3|300|900|1|0"
		steps := []struct {
			name    string
			flash   *store.FlashPull
			changed bool
			want    []string
		}{
			{"both", both(), true, []string{"Autumn Flash|3|300|900|1|0", spring}},
			{"missing once", one(), false, []string{"Autumn Flash|3|300|900|1|1", spring}},
			{"a damaged answer", wrong(), false, []string{"Autumn Flash|3|300|900|1|1", spring}},
			{"back", both(), false, []string{"Autumn Flash|3|300|900|1|0", spring}},
			{"missing once more", one(), false, []string{"Autumn Flash|3|300|900|1|1", spring}},
			{"missing twice", one(), true, []string{spring}},
			{"back again", both(), true, []string{"Autumn Flash|3|300|900|1|0", spring}},
		}
		for _, step := range steps {
			if got := h.storeFlash("gp-a1", step.flash); got.Changed != step.changed {
				t.Errorf("%s: changed %v", step.name, got.Changed)
			}
			h.want(step.name, resultsQuery, step.want...)
		}
	})
}

func TestWhoNoLongerTookPartLosesResultsAndSolvesAfterTwoAnswers(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		p := h.pull("gp-a1")
		p.ODL, p.Flash = h.snapshot(odl(1)), h.flash(took(springCTF, 1, 2))
		h.store(p)
		h.storeFlash("gp-a1", h.flash())
		h.want("after one answer", statsQuery, "gp-a1|1|100|2|200")
		if got := h.storeFlash("gp-a1", h.flash()); got != (store.Stored{Changed: true}) {
			t.Errorf("stored %+v", got)
		}
		h.want("after two", statsQuery, "gp-a1|1|100|0|0")
		h.want("results", resultsQuery)
		if got := ids(h, "game_platform_withdrawn_solves", domain.SourceFlash); got != "1 2" {
			t.Errorf("withdrawn: %q", got)
		}
		h.want("the event stays", `SELECT name FROM game_platform_flash_ctf_events`, "Spring Flash")
	})
}

func TestAResultIsRewrittenAndKeepsWhenItWasFirstSeen(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		r := took(springCTF)
		h.storeFlash("gp-a1", h.flash(r))
		r.Rank, r.PointsEarned, r.MaxPoints, r.ChallengesSolved = 0, 1, 2, 3
		h.storeFlash("gp-a1", h.flash(r))
		h.want("result", resultsQuery, "Spring Flash|0|1|2|3|0")
		h.want("first seen", `SELECT first_seen_at FROM game_platform_flash_ctf_results`, fmt.Sprint(storetest.Start.UnixMicro()))
		h.want("event first seen", `SELECT first_seen_at FROM game_platform_flash_ctf_events`, fmt.Sprint(storetest.Start.UnixMicro()))
	})
}

func TestALateSolveIsStoredWhateverItsDate(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.storeODL("gp-a1", h.snapshot(odl(1)))
		old := odl(2, solvedAt(storetest.Start.Add(-300*24*time.Hour)))
		if got := h.storeODL("gp-a1", h.since(old)); got.NewSolves != 1 {
			t.Errorf("stored %+v", got)
		}
	})
}
