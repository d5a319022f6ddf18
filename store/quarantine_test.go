package store_test

import (
	"testing"

	"flagpole/internal/domain"
	"flagpole/store"
)

// quarantineQuery is what is kept, with the minutes it was first and last seen.
var quarantineQuery = `SELECT syned_user_id, source, payload, reason, ` + minutes("first_seen_at") + `, ` + minutes("last_seen_at") +
	` FROM game_platform_quarantined_records ORDER BY 1, 2, 3`

func TestAQuarantinedRecordIsKeptOnceAndTheRestIsStored(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		poison := malformed(domain.SourceODL, `{"challenge_solve_id": 3}`)
		for range 2 {
			part := h.snapshot(odl(1), odl(2))
			part.Malformed = []domain.Quarantined{poison, poison}
			h.storeODL("gp-a1", part)
		}
		h.want("quarantine", quarantineQuery, `gp-a1|odl|{"challenge_solve_id": 3}|challenge_points is missing|0|1`)
		h.want("the rest", statsQuery, "gp-a1|2|200|0|0")
	})
}

func TestOneRecordOfTwoSourcesOrUsersIsKeptForEach(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		for _, id := range []string{"gp-a1", "gp-a2"} {
			p := h.pull(id)
			p.ODL, p.Flash = h.snapshot(), h.flash()
			p.ODL.Malformed = []domain.Quarantined{malformed(domain.SourceODL, "{}")}
			p.Flash.Malformed = []domain.Quarantined{malformed(domain.SourceFlash, "{}")}
			h.store(p)
		}
		const reason = "|{}|challenge_points is missing|"
		h.want("quarantine", quarantineQuery, "gp-a1|flash"+reason+"0|0", "gp-a1|odl"+reason+"0|0", "gp-a2|flash"+reason+"1|1", "gp-a2|odl"+reason+"1|1")
	})
}

func TestQuarantineIsEmptiedByACompleteAnswerOfItsSourceOnly(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		const odlRow, flashRow = "gp-a1|odl|{o}", "gp-a1|flash|{f}"
		const query = `SELECT syned_user_id, source, payload FROM game_platform_quarantined_records ORDER BY 1, 2`
		first := h.pull("gp-a1")
		first.ODL, first.Flash = h.snapshot(), h.flash()
		first.ODL.Malformed = []domain.Quarantined{malformed(domain.SourceODL, "{o}")}
		first.Flash.Malformed = []domain.Quarantined{malformed(domain.SourceFlash, "{f}")}
		h.store(first)
		steps := []struct {
			name string
			pull func(*store.Pull)
			want []string
		}{
			{"an answer after a cursor keeps it", func(p *store.Pull) { p.ODL = h.since(odl(1)) }, []string{flashRow, odlRow}},
			{"nothing asked keeps it", func(*store.Pull) {}, []string{flashRow, odlRow}},
			{"another competitor keeps it", func(p *store.Pull) { p.GamePlatformID, p.ODL, p.Flash = "gp-a2", h.snapshot(), h.flash() }, []string{flashRow, odlRow}},
			{"a complete ODL answer drops that of ODL", func(p *store.Pull) { p.ODL = h.snapshot(odl(1)) }, []string{flashRow}},
			{"a flash answer drops that of flash", func(p *store.Pull) { p.Flash = h.flash() }, nil},
		}
		for _, step := range steps {
			p := h.pull("gp-a1")
			step.pull(&p)
			h.store(p)
			h.want(step.name, query, step.want...)
		}
	})
}

func TestTextsNoDatabaseTakesAreStoredWithoutTheirBadBytes(t *testing.T) {
	const hostile = "a\x00b\xffc\xed\xa0\x80d"
	inBoth(t, func(t *testing.T, h *house) {
		p := h.pull("gp-a1")
		p.Result, p.Failure = domain.SyncFailure, &domain.CallError{Class: domain.Malformed, Endpoint: hostile, Message: hostile}
		p.User = &domain.PlatformUser{Username: hostile, Status: hostile}
		p.Attempts = []store.Attempt{{Endpoint: hostile, Class: domain.Malformed, Message: hostile}}
		result := took(domain.FlashEvent{Name: hostile, StartsAt: springCTF.StartsAt})
		p.Flash = h.flash(result)
		p.ODL = h.snapshot(odl(1, func(s *domain.Solve) { s.Title, s.Category, s.WorkRoles = hostile, hostile, []string{hostile} }))
		p.ODL.Malformed = []domain.Quarantined{{Source: domain.SourceODL, Payload: hostile, Reason: hostile}}
		h.store(p)
		const clean = "a\uFFFDb\uFFFDc\uFFFDd"
		for _, c := range []struct{ what, query string }{
			{"payload", `SELECT payload FROM game_platform_quarantined_records`},
			{"reason", `SELECT reason FROM game_platform_quarantined_records`},
			{"title", `SELECT challenge_title FROM game_platform_challenge_solves`},
			{"category", `SELECT challenge_category FROM game_platform_challenge_solves`},
			{"event", `SELECT name FROM game_platform_flash_ctf_events`},
			{"attempt", `SELECT error_message FROM sync_attempts`},
			{"failure", `SELECT error_message FROM game_platform_sync_state`},
			{"status", `SELECT metactf_user_status FROM game_platform_users`},
		} {
			h.want(c.what, c.query, clean)
		}
	})
}
