package store_test

import (
	"testing"
	"time"

	"flagpole/store"
)

func TestAnAnswerAboutAllTeamsIsStoredAsItIs(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		read := func(all ...store.Assignment) {
			t.Helper()
			if err := h.sys.StoreAssignments(t.Context(), all, h.clock.Now()); err != nil {
				t.Fatal(err)
			}
		}
		kept := `SELECT syned_user_id, syned_team_id, ours_team_id, ` + minutes("since_at") + ` FROM game_platform_assignments ORDER BY 1`
		read(store.Assignment{UserID: "gp-a1", TeamID: "t-a1"}, store.Assignment{UserID: "gp-b1", TeamID: "t-x"}, store.Assignment{UserID: "gp-b1", TeamID: "t-y"}, store.Assignment{UserID: "stranger", TeamID: "t-z"})
		h.want("what agrees with the roster is ours", kept, "gp-a1|t-a1|t-a1|0", "gp-b1|t-y||0", "stranger|t-z||0")
		h.clock.Advance(time.Hour)
		read(store.Assignment{UserID: "gp-a1", TeamID: "t-a1"}, store.Assignment{UserID: "gp-b1", TeamID: "t-b1"})
		h.want("who is not in it is in no team", kept, "gp-a1|t-a1|t-a1|0", "gp-b1|t-b1|t-b1|60", "stranger|||60")
		h.want("teams that somebody is in are there", `SELECT syned_team_id, team_name FROM game_platform_teams ORDER BY 1`, "t-a1|", "t-b1|")
		if at, err := h.sys.AssignmentsReadAt(t.Context()); err != nil || !at.Equal(h.clock.Now()) {
			t.Errorf("read at %v, %v", at, err)
		}
	})
}
