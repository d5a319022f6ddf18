package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/rollout"
	"flagpole/store"
)

func (h *house) asked(coachID string) store.RolloutAnswer {
	h.t.Helper()
	a, err := h.desk().Ask(h.t.Context(), coachID)
	if err != nil {
		h.t.Fatal(err)
	}
	return a
}

func TestAskSaysOfEachCoachWhatTheStateSays(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.coachesOf(6)
		for _, c := range []store.RolloutChange{
			level(0), {Action: store.AddPilot, CoachID: "co-01"}, {Action: store.HoldBack, CoachID: "co-02"}, level(50), {Action: store.Kill},
			level(100), {Action: store.Unkill}, {Action: store.SetLevel, Level: store.Level{Off: true}},
		} {
			h.change(c)
			st := h.standing()
			for _, coach := range st.Coaches {
				want := store.RolloutAnswer{Level: st.Level, KillSwitch: st.KillSwitch, Known: true, Coach: coach.Coach}
				if diff := cmp.Diff(want, h.asked(coach.ID)); diff != "" {
					t.Errorf("after %+v (-want +got):\n%s", c, diff)
				}
			}
			for _, nobody := range []string{"", "nobody", "CO-01", "co-01 ", "co-0%", "co-01\x00", "\xff", strings.Repeat("x", 70_000)} {
				want := store.RolloutAnswer{Level: st.Level, KillSwitch: st.KillSwitch, Coach: rollout.Coach{ID: nobody}}
				if diff := cmp.Diff(want, h.asked(nobody)); diff != "" {
					t.Errorf("%.20q after %+v (-want +got):\n%s", nobody, c, diff)
				}
			}
		}
	})
}

// A coach's id is no text of an error: errors are logged.
func TestAskFailsWithoutNamingTheCoach(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		if err := h.s.Close(); err != nil {
			t.Fatal(err)
		}
		_, err := h.desk().Ask(t.Context(), "co-01")
		if err == nil || !strings.HasPrefix(err.Error(), "ask the rollout about a coach: ") || strings.Contains(fmt.Sprint(err), "co-01") {
			t.Errorf("got %v", err)
		}
	})
}
