package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
	"flagpole/views"
)

const (
	importPath     = "/admin/import"
	importsShown   = 20
	importRows     = 200              // shown of each list of a preview
	uploadTime     = 10 * time.Minute // for the file to come over a slow line
	uploadOverhead = 1 << 20          // of a form around its file
)

func importURL(id string) string { return importPath + "/" + url.PathEscape(id) }

// importForm is where a roster is uploaded, and lists the last ones.
func (p *pages) importForm(c echo.Context, s *store.Scope) error { return p.showImportForm(c, s, nil) }

func (p *pages) showImportForm(c echo.Context, s *store.Scope, fault error) error {
	status, err := inPlace(fault)
	if err != nil {
		return err
	}
	imports, err := s.Imports(c.Request().Context(), importsShown)
	if err != nil {
		return err
	}
	view := views.ImportForm{Problem: plainText(fault)}
	for _, i := range imports {
		view.Last = append(view.Last, views.ImportRow{URL: importURL(i.ID), At: i.UploadedAt, By: i.UploadedBy, State: importState(i.State), Result: importResult(i)})
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = importPath
	return write(c, status, views.ImportPage(shell, view))
}

func importState(state store.ImportState) views.State {
	switch state {
	case store.ImportStaged:
		return views.State{Kind: "hold", Text: "Waits for a decision"}
	case store.ImportDone:
		return views.State{Kind: "ok", Text: "Imported"}
	case store.ImportCancelled:
		return views.State{Kind: "off", Text: "Dropped"}
	}
	return views.State{Kind: "off", Text: "Dropped after a day"}
}

// importResult says in a line what an import did.
func importResult(i store.Import) string {
	if i.State != store.ImportDone {
		return ""
	}
	c := i.Result.Competitors
	return fmt.Sprintf("%s added, %s changed, %s moved", views.Plural(c.Added, "competitor", "competitors"), views.Number(c.Changed), views.Number(i.Moves))
}

// importUpload keeps a file to be looked at. It may take longer to come than other requests.
func (p *pages) importUpload(c echo.Context, s *store.Scope) error {
	file, err := c.FormFile("file")
	switch {
	case tooLarge(err):
		return p.showImportForm(c, s, domain.Errorf(domain.Invalid, "The file is larger than %d MB.", roster.MaxBytes>>20).WithHint("Split it into several files, each with the header line."))
	case err != nil:
		return p.showImportForm(c, s, domain.Errorf(domain.Invalid, "No file was chosen.").WithHint("Choose a CSV file, then upload it."))
	}
	in, err := file.Open()
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read from
	id, err := s.StageImport(c.Request().Context(), in)
	if err != nil {
		return p.showImportForm(c, s, err)
	}
	return seeOther(c, importURL(id))
}

func tooLarge(err error) bool {
	var web *echo.HTTPError
	var limit *http.MaxBytesError
	return errors.As(err, &limit) || errors.As(err, &web) && web.Code == http.StatusRequestEntityTooLarge
}

// uploads lets a request bring as much as a roster, and take its time for that.
func uploads(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r, w := c.Request(), c.Response()
		line, until := http.NewResponseController(w), time.Now().Add(uploadTime)
		for _, set := range []func(time.Time) error{line.SetReadDeadline, line.SetWriteDeadline} {
			if err := set(until); err != nil && !errors.Is(err, http.ErrNotSupported) {
				return err
			}
		}
		r.Body = http.MaxBytesReader(w, r.Body, roster.MaxBytes+uploadOverhead)
		return next(c)
	}
}

// importShow shows what an uploaded roster would do, before it does it; and afterwards what it did.
func (p *pages) importShow(c echo.Context, s *store.Scope) error { return p.showImport(c, s, nil) }

// importConfirm imports what was shown, or drops it.
func (p *pages) importConfirm(c echo.Context, s *store.Scope) error {
	ctx, id := c.Request().Context(), idOf(c)
	var err error
	switch c.FormValue("do") {
	case "import":
		err = s.ConfirmImport(ctx, id, c.FormValue("digest"))
	case "cancel":
		err = s.CancelImport(ctx, id)
	default:
		err = domain.Errorf(domain.Invalid, "The form does not say what to do.").WithHint("Use one of the buttons.")
	}
	if err != nil {
		return p.showImport(c, s, err)
	}
	p.wake()
	return seeOther(c, importURL(id))
}

func (p *pages) showImport(c echo.Context, s *store.Scope, fault error) error {
	ctx := c.Request().Context()
	status, err := inPlace(fault)
	if err != nil {
		return err
	}
	preview, err := s.ImportPreview(ctx, idOf(c))
	if err != nil {
		return err
	}
	if preview.State == store.ImportStaged && c.Request().Method == http.MethodGet {
		if err := s.Audit(ctx, "roster.preview", "", ""); err != nil {
			return err
		}
	}
	view := importView(preview)
	view.Problem = plainText(fault)
	shell := p.shell(c, s.Viewer())
	shell.Path = importPath + "/"
	return write(c, status, views.ImportPreviewPage(shell, view))
}

func importView(i store.ImportPreview) views.ImportPreview {
	result := i.Plan.Report
	if i.State == store.ImportDone {
		result = i.Result
	}
	view := views.ImportPreview{
		URL: importURL(i.ID), At: i.UploadedAt, By: i.UploadedBy, State: importState(i.State), Open: i.State == store.ImportStaged, Done: i.State == store.ImportDone,
		DecidedAt: i.DecidedAt, Digest: i.Plan.Digest(), Empty: i.Plan.Empty(), WrongTotal: len(i.Wrong), Moves: i.Moves,
		Counts: []views.ImportCount{
			importCount("Competitors", result.Competitors), importCount("Coaches", result.Coaches), importCount("Teams", result.Teams),
		},
	}
	if view.Open {
		view.Moves = len(result.Moved)
	}
	for _, e := range firstRows(i.Wrong) {
		for _, one := range e.Problems {
			view.Wrong = append(view.Wrong, views.ImportFault{Line: e.Line, Column: one.Column, Reason: one.Reason})
		}
	}
	for _, d := range firstRows(result.Duplicates) {
		row := views.ImportDuplicate{Line: d.Line, Name: d.Name, Coach: d.OtherCoach, OtherLine: d.OtherLine}
		if d.CompetitorID != "" {
			row.URL = views.CompetitorURL(d.CompetitorID)
		}
		view.Duplicates = append(view.Duplicates, row)
	}
	view.DuplicatesTotal = len(result.Duplicates)
	for _, m := range firstRows(result.Moved) {
		view.Moved = append(view.Moved, views.ImportMove{Line: m.Line, Name: m.Name, URL: views.CompetitorURL(m.CompetitorID), From: m.FromCoach, To: m.ToCoach, Left: m.LeftTeam})
	}
	changes := roster.Changes(i.Plan)
	view.ChangesTotal = len(changes)
	for _, ch := range firstRows(changes) {
		view.Changes = append(view.Changes, views.ImportChange{What: ch.Kind, Name: ch.Name, Field: views.ChangeField(ch.Field), Old: ch.Old, New: ch.New})
	}
	added := roster.Additions(i.Plan)
	view.AddedTotal = len(added)
	for _, a := range firstRows(added) {
		view.Added = append(view.Added, views.ImportAdded{What: a.Kind, Name: a.Name})
	}
	return view
}

func importCount(what string, n roster.Counts) views.ImportCount {
	return views.ImportCount{What: what, Added: n.Added, Changed: n.Changed, Unchanged: n.Unchanged}
}

// firstRows are as many as a preview shows.
func firstRows[T any](list []T) []T { return list[:min(len(list), importRows)] }

// importErrors exports every line of an uploaded roster that is wrong.
func (p *pages) importErrors(c echo.Context, s *store.Scope) error {
	preview, err := s.ImportPreview(c.Request().Context(), idOf(c))
	if err != nil {
		return err
	}
	return p.csv(c, "import-errors", "", []string{"line", "column", "reason"}, func(row func(...any) error) error {
		for _, e := range preview.Wrong {
			for _, one := range e.Problems {
				if err := row(e.Line, one.Column, one.Reason); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// importTemplate is a file to begin with: the header line alone.
func (p *pages) importTemplate(c echo.Context, _ *store.Scope) error {
	return p.csv(c, "roster-template", "", roster.Columns(), func(func(...any) error) error { return nil })
}

// rosterCSV exports the roster in the form in which it is imported.
func (p *pages) rosterCSV(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	if err := s.Audit(ctx, "roster.export", "", "csv"); err != nil {
		return err
	}
	return p.csv(c, "roster", "", roster.Columns(), func(row func(...any) error) error {
		return s.EachRosterRow(ctx, func(r roster.Row) error {
			cells := r.Cells()
			list := make([]any, len(cells))
			for i, cell := range cells {
				list[i] = cell
			}
			return row(list...)
		})
	})
}
