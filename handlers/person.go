package handlers

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

// personShow says what is held about a competitor, why and for how long.
func (p *pages) personShow(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	r, counts, err := s.PersonCounts(ctx, idOf(c))
	if err != nil {
		return err
	}
	if err := s.Audit(ctx, "person.view", r.ID, ""); err != nil {
		return err
	}
	view := views.Person{Name: r.Name(), URL: views.CompetitorURL(r.ID)}
	for _, k := range counts {
		view.Kinds = append(view.Kinds, views.PersonKind{What: k.What, Why: k.Why, Kept: k.Kept, Rows: k.Rows})
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = competitorsPath + "/"
	return write(c, http.StatusOK, views.PersonPage(shell, view))
}

// personFile is everything that is held about a competitor.
type personFile struct {
	About    string              `json:"about"`
	Portal   string              `json:"portal"`
	AsOf     string              `json:"as_of"`
	Sections []personFileSection `json:"sections"`
}

type personFileSection struct {
	Key     string           `json:"section"`
	What    string           `json:"what"`
	Why     string           `json:"why"`
	Kept    string           `json:"kept"`
	Records []map[string]any `json:"records"`
}

// personExport gives everything that is held about a competitor as one file.
func (p *pages) personExport(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	r, sections, err := s.PersonExport(ctx, idOf(c))
	if err != nil {
		return err
	}
	if err := s.Audit(ctx, "person.export", r.ID, "json"); err != nil {
		return err
	}
	file := personFile{
		About:  "Everything that this portal holds about one competitor, section by section. Times are UTC. MetaCTF holds an account of its own, and is to be asked about that.",
		Portal: p.conf.PublicURL, AsOf: p.clock().UTC().Format(time.RFC3339),
	}
	for _, one := range sections {
		file.Sections = append(file.Sections, personFileSection{one.Key, one.What, one.Why, one.Kept, one.Records})
	}
	raw, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, p.attachment("personal-data", "", "json"))
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, raw)
}

// disclosuresShow lists what was sent to MetaCTF about a competitor, for an inspection.
func (p *pages) disclosuresShow(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	r, err := s.CompetitorRow(ctx, idOf(c))
	if err != nil {
		return err
	}
	list, err := s.Disclosures(ctx, r.ID)
	if err != nil {
		return err
	}
	if err := s.Audit(ctx, "person.disclosures", r.ID, ""); err != nil {
		return err
	}
	view := views.Disclosures{Name: r.Name(), URL: views.CompetitorURL(r.ID)}
	for _, d := range list {
		row := views.DisclosureRow{At: d.At, What: views.OrderName(d.Endpoint), Answer: views.OrderAnswer(d.Status)}
		fields := map[string]any{}
		if err := json.Unmarshal(d.Fields, &fields); err != nil {
			return err
		}
		for name, value := range fields {
			text, _ := value.(string) // of a deleted person there are none
			row.Fields = append(row.Fields, views.Option{Key: name, Name: text})
		}
		slices.SortFunc(row.Fields, func(a, b views.Option) int { return strings.Compare(a.Key, b.Key) })
		view.Rows = append(view.Rows, row)
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = competitorsPath + "/"
	return write(c, http.StatusOK, views.DisclosuresPage(shell, view))
}

// personDelete says what is deleted and what stays, or deletes a person.
func (p *pages) personDelete(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	r, err := s.CompetitorRow(ctx, idOf(c))
	if err != nil {
		return err
	}
	if c.Request().Method == http.MethodGet {
		return p.showDelete(c, s, r, nil)
	}
	if strings.TrimSpace(c.FormValue("id")) != r.ID {
		return p.showDelete(c, s, r, domain.Errorf(domain.Invalid, "The id you typed is not this competitor’s.").WithHint("Type it as it stands above."))
	}
	erased, err := s.ErasePerson(ctx, r.ID)
	if err != nil {
		return err
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = competitorsPath + "/"
	return write(c, http.StatusOK, views.PersonDeletedPage(shell, views.PersonDeleted{ID: erased.CompetitorID, Account: erased.GamePlatformID, At: erased.At}))
}

func (p *pages) showDelete(c echo.Context, s *store.Scope, r store.CompetitorRow, fault error) error {
	status, err := inPlace(fault)
	if err != nil {
		return err
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = competitorsPath + "/"
	return write(c, status, views.PersonDeletePage(shell, views.PersonDelete{
		Name: r.Name(), URL: views.CompetitorURL(r.ID), ID: r.ID, Account: r.GamePlatformID, Username: r.Username, Problem: plainText(fault),
	}))
}
