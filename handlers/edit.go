package handlers

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
	"flagpole/views"
)

const (
	changesShown = 50
	sameShown    = 10
)

// savedWords say what has just been done, by the value of done in the address.
var savedWords = map[string]string{"saved": "Saved.", "added": "Added."}

// seenOf changes with every value of a record, so that a form can say what it was made from.
func seenOf(record any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%+q", record))
	return hex.EncodeToString(sum[:12])
}

// showEdit shows a form, and with it what spoke against it. Other errors are not its business.
func (p *pages) showEdit(c echo.Context, s *store.Scope, path string, fault error, view views.Edit) error {
	status, err := inPlace(fault)
	if err != nil {
		return err
	}
	done, err := oneOf(c, "done", "nothing", "saved", "added")
	if err != nil {
		return err
	}
	view.Problem, view.Done = plainText(fault), savedWords[done]
	shell := p.shell(c, s.Viewer())
	shell.Path = path
	return write(c, status, views.EditPage(shell, view))
}

// confirmRoster shows a page that asks, and with it what spoke against it. Other errors are not its business.
func (p *pages) confirmRoster(c echo.Context, s *store.Scope, fault error, view views.RosterConfirm) error {
	status, err := inPlace(fault)
	if err != nil {
		return err
	}
	view.Problem = plainText(fault)
	shell := p.shell(c, s.Viewer())
	shell.Path = "/confirm"
	return write(c, status, views.RosterConfirmPage(shell, view))
}

// wrongField is an Invalid error about one input.
func wrongField(column, reason string) error {
	return domain.Errorf(domain.Invalid, "Some of it cannot be stored.").WithHint("Mend what is marked, and save again.").Because(roster.Invalid{{Column: column, Reason: reason}})
}

// coachField is the input for a coach's email, with those to choose from while typing, where they are not too many.
func (p *pages) coachField(c echo.Context, s *store.Scope, email string, fault error) (views.EditField, error) {
	f := views.EditField{
		Name: "coach_email", Label: "Coach’s email", Value: email, Type: "email", Required: true, Max: 254, Fault: roster.Problems(fault).In("coach_email"),
		Note: "Begin to type, and choose from the list.",
	}
	rows, _, err := s.CoachesPage(c.Request().Context(), "", store.Page{Limit: mostCoaches})
	for _, r := range rows {
		f.List = append(f.List, views.Option{Key: r.Email, Name: r.Name})
	}
	return f, err
}

func changeRows(changes []store.RosterChange) []views.ChangeRow {
	var list []views.ChangeRow
	for _, h := range changes {
		row := views.ChangeRow{At: h.At, By: h.By, Source: h.Source, Field: views.ChangeField(h.Field), Old: h.Old, New: h.New}
		switch h.Field {
		case "status":
			row.Old, row.New = views.ProfileStatusName(domain.ProfileStatus(h.Old)), views.ProfileStatusName(domain.ProfileStatus(h.New))
		case "division":
			row.Old, row.New = domain.Division(h.Old).Label(), domain.Division(h.New).Label()
		}
		list = append(list, row)
	}
	return list
}
