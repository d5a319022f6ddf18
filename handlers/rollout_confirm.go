package handlers

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

// Each of the changes below has a page that says what it does and asks for a reason, and a POST on the same address that
// does it.

// rolloutStop asks whether to stop all syncs, or does it.
func (p *pages) rolloutStop(c echo.Context, s *store.Scope) error {
	return p.confirmChange(c, s, store.RolloutChange{Action: store.Kill}, views.RolloutConfirm{
		Title: "Stop all syncs?", Button: "Stop all syncs", Danger: true,
		Text: "No call of the platform is made any more; running syncs end within 5 seconds. Coaches who have the game platform go on seeing what is stored, under a banner. Nobody loses it.",
	})
}

// rolloutResume asks whether syncs go on, or lets them.
func (p *pages) rolloutResume(c echo.Context, s *store.Scope) error {
	return p.confirmChange(c, s, store.RolloutChange{Action: store.Unkill}, views.RolloutConfirm{
		Title: "Let syncs go on?", Button: "Let syncs go on",
		Text: "The competitors of all coaches who have the game platform are synced again, those who waited longest first.",
	})
}

// rolloutRestore asks whether to go back to who had it after an earlier change, or does it.
func (p *pages) rolloutRestore(c echo.Context, s *store.Scope) error {
	id, err := strconv.ParseInt(c.Param("change"), 10, 64)
	if err != nil {
		return echo.ErrNotFound
	}
	return p.confirmChange(c, s, store.RolloutChange{Action: store.Restore, Earlier: id}, views.RolloutConfirm{
		Title: "Restore the rollout of change " + strconv.FormatInt(id, 10) + "?", Button: "Restore", Counts: true,
		Text: "Percentage, pilots, held back coaches and who has it become what they were after that change. Coaches who came since then do not have it. The kill switch stays as it is.",
	})
}

func coachRolloutURL(id string) string { return rolloutPath + "/coaches/" + url.PathEscape(id) }

// coachActions are what can be done with one coach, by the last part of the address.
var coachActions = map[string]struct {
	action        store.ChangeAction
	title, button string // the coach's name follows
	text          string
}{
	"pilot": {store.AddPilot, "Make a pilot of ", "Make a pilot",
		"A pilot has the game platform before all others, and counts towards the percentage."},
	"no-pilot": {store.RemovePilot, "End the pilot of ", "End the pilot",
		"The coach keeps the game platform only where the percentage leaves room."},
	"hold-back": {store.HoldBack, "Hold back ", "Hold back",
		"A coach who is held back does not have the game platform, whatever the percentage is, and does not count towards it. Nothing is deleted."},
	"release": {store.Release, "No longer hold back ", "Release",
		"The coach counts again, and gets the game platform with the next move."},
}

// coachChange asks whether to change one coach's part in the rollout, or does it.
func (p *pages) coachChange(c echo.Context, s *store.Scope) error {
	known, ok := coachActions[c.Param("action")]
	if !ok {
		return echo.ErrNotFound
	}
	_, st, err := standing(c, s)
	if err != nil {
		return err
	}
	coach, err := coachOf(st, idOf(c))
	if err != nil {
		return err
	}
	return p.confirmChange(c, s, store.RolloutChange{Action: known.action, CoachID: coach.ID}, views.RolloutConfirm{
		Title: known.title + coach.Name + "?", Button: known.button, Text: known.text, Back: coachRolloutURL(coach.ID),
	})
}

func coachOf(st store.RolloutState, id string) (store.RolloutCoach, error) {
	for _, c := range st.Coaches {
		if c.ID == id {
			return c, nil
		}
	}
	return store.RolloutCoach{}, domain.Errorf(domain.NoSuch, "There is no such coach.").WithHint("It may have moved.")
}

// confirmChange shows what a change does, or does it where the form was sent.
func (p *pages) confirmChange(c echo.Context, s *store.Scope, change store.RolloutChange, view views.RolloutConfirm) error {
	if view.Back == "" {
		view.Back = rolloutPath
	}
	if c.Request().Method == http.MethodGet {
		return p.showConfirm(c, s, http.StatusOK, change, view)
	}
	view.Reason, change.Reason = c.FormValue("reason"), c.FormValue("reason")
	var err error
	if change.OverrideFor, err = overrideFor(c.FormValue("lasts")); err == nil {
		_, err = p.changeRollout(c, s, change)
	}
	if err == nil {
		return seeOther(c, view.Back)
	}
	view.Problem = plainText(err)
	status, err := inPlace(err)
	if err != nil {
		return err
	}
	return p.showConfirm(c, s, status, change, view)
}

func (p *pages) showConfirm(c echo.Context, s *store.Scope, status int, change store.RolloutChange, view views.RolloutConfirm) error {
	desk, err := s.Rollout()
	if err != nil {
		return err
	}
	o, err := desk.Preview(c.Request().Context(), change)
	if domain.CodeOf(err) == domain.Clash {
		view.Problem, err = plainText(err), nil
	}
	if err != nil {
		return err
	}
	view.Action, view.Seen = c.Request().URL.EscapedPath(), o.Before.ChangeID
	view.Preview = p.movePreview(o, views.RolloutForm{Percent: o.After.Level.String()})
	view.NeedsReason = change.Action != store.AddPilot && change.Action != store.RemovePilot
	shell := p.shell(c, s.Viewer())
	shell.Path = rolloutPath + "/"
	return write(c, status, views.RolloutConfirmPage(shell, view))
}
