package store_test

import (
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/rollout"
	"flagpole/store"
)

func (s *stage) launch() store.Launch {
	s.t.Helper()
	l, err := s.desk().Launch(s.t.Context(), time.UTC)
	if err != nil {
		s.t.Fatal(err)
	}
	return l
}

func TestThePilotIsCleanByItsOwnTrials(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "pilot"})
		s.windows(4)
		if l := s.launch(); l.PilotClean || l.Pilot.N() >= rollout.EnoughToPass || l.PilotFrom.IsZero() {
			t.Errorf("too early: %+v", l.Pilot)
		}
		s.windows(2)
		if l := s.launch(); !l.PilotClean || !l.PilotTo.IsZero() || l.Pilots != 2 || l.Ready != 2 {
			t.Errorf("clean: %+v", l)
		}
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "10", Override: true})
		for _, account := range []string{"gp-0-0", "gp-0-1", "gp-1-0", "gp-1-1"} {
			s.failing[account] = unreadable
		}
		before := s.launch().Pilot.N()
		s.windows(6)
		if l := s.launch(); !l.PilotClean || l.Pilot.N() != before || l.PilotTo.IsZero() {
			t.Errorf("what comes later counts: %+v", l.Pilot)
		}
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "pilot"})
		s.windows(6)
		if l := s.launch(); l.PilotClean || l.Pilot.Failed == 0 {
			t.Errorf("the last pilot phase is the one that counts: %+v", l.Pilot)
		}
	})
}

func TestAPilotInWhichTheGuardActedIsNotClean(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.must(store.RolloutChange{Action: store.SetGuard, Guard: rollout.Guard{On: true, Act: rollout.Freeze}})
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "pilot"})
		s.windows(6)
		s.reports(5)
		s.later(time.Minute)
		if l := s.launch(); l.PilotClean || l.Pilot.Failed > 0 || l.Reports != 5 {
			t.Errorf("got %+v", l)
		}
	})
}

func TestAPilotFromBeforeThereWerePhasesIsKnown(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.exec(`UPDATE rollout_changes SET phase = ''`)
		if l := s.launch(); !l.PilotFrom.Equal(s.standing().PhaseAt) {
			t.Errorf("from %v", l.PilotFrom)
		}
		s.exec(`UPDATE rollout SET phase_at = 0`)
		if l := s.launch(); !l.PilotFrom.IsZero() {
			t.Errorf("before it began: from %v", l.PilotFrom)
		}
	})
}

func TestTheTokenAndTheTestAlertOfTheLaunch(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		if l := s.launch(); !l.TokenAcceptedAt.IsZero() || !l.TestAlertAt.IsZero() || l.Pending != 0 || len(l.Days) != 7 {
			t.Errorf("at first: %+v", l)
		}
		s.exec(`INSERT INTO platform_connection (only_one, seen_at, state, rate, configured_rate, fingerprint) VALUES (1, 5, 'open', 0, 0, 'new')`)
		s.exec(`INSERT INTO platform_tokens (fingerprint, source, first_at, accepted_at, refused_at) VALUES ('old', 'token', 1, 9, NULL), ('new', 'next', 2, 7, 6)`)
		s.exec(`INSERT INTO alert_messages (kind, at, subject, body, alerts, link) VALUES ('test', 1, '', '', '[]', ''), ('fired', 1, '', '', '[]', '')`)
		s.exec(`INSERT INTO alert_deliveries (message_id, channel, address, state, created_at, next_at, ended_at)
			SELECT message_id, 'mail', 'a', CASE WHEN kind = 'test' THEN 'sent' ELSE 'given_up' END, 1, 1, 4 FROM alert_messages`)
		if l := s.launch(); l.TokenAcceptedAt.UnixMicro() != 7 || l.TestAlertAt.UnixMicro() != 4 {
			t.Errorf("token %v, test %v", l.TokenAcceptedAt, l.TestAlertAt)
		}
		s.exec(`UPDATE platform_tokens SET refused_at = 8 WHERE fingerprint = 'new'`)
		s.exec(`UPDATE alert_deliveries SET state = 'given_up'`)
		if l := s.launch(); !l.TokenAcceptedAt.IsZero() || !l.TestAlertAt.IsZero() {
			t.Errorf("refused since: token %v, test %v", l.TokenAcceptedAt, l.TestAlertAt)
		}
		if err := s.desk().Confirm(t.Context(), "party", true); domain.CodeOf(err) != domain.Invalid {
			t.Errorf("no item: %v", err)
		}
	})
}
