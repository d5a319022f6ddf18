package store

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
)

// ImportState is how far an uploaded roster is.
type ImportState string

// The states of an uploaded roster.
const (
	ImportStaged    ImportState = "staged" // may be looked at, and confirmed
	ImportDone      ImportState = "imported"
	ImportCancelled ImportState = "cancelled"
	ImportExpired   ImportState = "expired" // nobody decided in time
)

// importsKept is how long an uploaded roster waits for a decision.
const importsKept = 24 * time.Hour

// Import is a roster that was uploaded. What was in the file is gone once it is decided.
type Import struct {
	ID         string
	UploadedAt time.Time
	UploadedBy string // the name of a login
	State      ImportState
	DecidedAt  time.Time
	Result     roster.Report // counts; of an imported one
	Moves      int
}

// ImportPreview is what importing an uploaded roster would do, or which lines are wrong.
type ImportPreview struct {
	Import
	Plan  roster.Plan
	Wrong []roster.LineError
}

// storedResult is a report without anybody's name.
type storedResult struct {
	Coaches, Teams, Competitors roster.Counts
	Moves                       int
}

// ImportCounts is what an import did, without anybody's name.
func ImportCounts(r roster.Report) string {
	return fmt.Sprintf("competitors +%d ~%d, coaches +%d ~%d, teams +%d ~%d, moved %d",
		r.Competitors.Added, r.Competitors.Changed, r.Coaches.Added, r.Coaches.Changed, r.Teams.Added, r.Teams.Changed, len(r.Moved))
}

// StageImport keeps a roster file to be looked at, and returns its id. One larger than roster.MaxBytes is an Invalid error. Who may
// not edit the roster gets a Denied one.
func (sc *Scope) StageImport(ctx context.Context, file io.Reader) (id string, err error) {
	if err := sc.viewer.Require(domain.MayEdit); err != nil {
		return "", err
	}
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	n, err := io.Copy(zip, io.LimitReader(file, roster.MaxBytes+1))
	if err == nil {
		err = zip.Close()
	}
	if err != nil {
		return "", fmt.Errorf("read the upload: %w", err)
	}
	if n > roster.MaxBytes {
		return "", domain.Errorf(domain.Invalid, "The file is larger than %d MB.", roster.MaxBytes>>20).WithHint("Split it into several files, each with the header line.")
	}
	if n == 0 {
		return "", domain.Errorf(domain.Invalid, "No file was chosen, or it is empty.").WithHint("Choose a CSV file.")
	}
	id = uuid.NewString()
	err = sc.s.db.update(ctx, func(tx conn) error {
		_, err := tx.exec(ctx, `INSERT INTO roster_imports (import_id, uploaded_at, uploaded_by, state, content) VALUES ($1, $2, $3, 'staged', $4)`,
			id, sc.s.now(), sc.viewer.UserID, packed.Bytes())
		if err != nil {
			return err
		}
		return sc.audit(ctx, tx, "roster.upload", "", "")
	})
	return id, wrap(err, "keep an upload")
}

const importColumns = `i.import_id, i.uploaded_at, COALESCE(u.email, i.uploaded_by), i.state, i.decided_at, i.result`

func scanImport(scan func(...any) error, more ...any) (Import, error) {
	var i Import
	var result string
	err := scan(append([]any{&i.ID, into(&i.UploadedAt), &i.UploadedBy, &i.State, into(&i.DecidedAt), &result}, more...)...)
	if err == nil && result != "" {
		var r storedResult
		err = json.Unmarshal([]byte(result), &r)
		i.Result = roster.Report{Coaches: r.Coaches, Teams: r.Teams, Competitors: r.Competitors}
		i.Moves = r.Moves
	}
	i.UploadedBy = domain.LoginName(i.UploadedBy)
	return i, err
}

// Imports lists the last uploaded rosters, newest first. Who may not edit the roster gets a Denied error.
func (sc *Scope) Imports(ctx context.Context, limit int) ([]Import, error) {
	if err := sc.viewer.Require(domain.MayEdit); err != nil {
		return nil, err
	}
	rows, err := sc.s.db.reader().query(ctx, `
		SELECT `+importColumns+` FROM roster_imports i LEFT JOIN users u ON u.user_id = i.uploaded_by ORDER BY i.uploaded_at DESC, i.import_id LIMIT $1`, limit)
	if err != nil {
		return nil, wrap(err, "list imports")
	}
	var list []Import
	err = each(rows, func() error {
		i, err := scanImport(rows.Scan)
		list = append(list, i)
		return err
	})
	return list, wrap(err, "list imports")
}

// readImport reads an uploaded roster, and the rows of its file where it is not decided yet.
func readImport(ctx context.Context, tx conn, id string) (i Import, rows []roster.Row, wrong []roster.LineError, err error) {
	var packed []byte
	i, err = scanImport(tx.row(ctx, `SELECT `+importColumns+`, i.content FROM roster_imports i LEFT JOIN users u ON u.user_id = i.uploaded_by WHERE i.import_id = $1`, id).Scan, &packed)
	if err != nil || i.State != ImportStaged {
		return i, nil, nil, noSuch(err, "import")
	}
	unzip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return i, nil, nil, fmt.Errorf("unpack an upload: %w", err)
	}
	rows, wrong, err = roster.Read(unzip)
	return i, rows, wrong, err
}

// planOf works out what importing the rows of an upload changes. The ids of new records are made from the upload's, so that the same
// plan comes out as long as nothing else changes.
func planOf(ctx context.Context, tx conn, id string, rows []roster.Row, bad []roster.LineError) (roster.Plan, []roster.LineError, error) {
	stored, err := storedRoster(ctx, tx)
	if err != nil {
		return roster.Plan{}, nil, err
	}
	n, space := 0, uuid.NewSHA1(uuid.NameSpaceOID, []byte("flagpole import "+id))
	plan, worse := roster.NewPlan(stored, rows, func() string {
		n++
		return uuid.NewSHA1(space, fmt.Appendf(nil, "%d", n)).String()
	})
	if wrong := roster.Merge(bad, worse); len(wrong) > 0 {
		return roster.Plan{}, wrong, nil
	}
	return plan, nil, nil
}

// ImportPreview says what importing an uploaded roster would do now, or which lines are wrong. Of one that is decided there is neither.
// One that does not exist is a NoSuch error; who may not edit the roster gets a Denied one.
func (sc *Scope) ImportPreview(ctx context.Context, id string) (ImportPreview, error) {
	if err := sc.viewer.Require(domain.MayEdit); err != nil {
		return ImportPreview{}, err
	}
	var p ImportPreview
	err := sc.s.db.view(ctx, func(tx conn) error {
		var rows []roster.Row
		var bad []roster.LineError
		var err error
		if p.Import, rows, bad, err = readImport(ctx, tx, id); err != nil || p.State != ImportStaged {
			return err
		}
		p.Plan, p.Wrong, err = planOf(ctx, tx, id, rows, bad)
		return err
	})
	return p, wrap(err, "preview an import")
}

// ConfirmImport imports an uploaded roster as its preview said. Where it would do something else by now, where lines are wrong, or where
// it is decided already, that is a Clash error and nothing is stored. Who may not edit the roster gets a Denied error.
func (sc *Scope) ConfirmImport(ctx context.Context, id, digest string) error {
	return sc.edit(ctx, "import roster", func(tx conn) error {
		i, rows, bad, err := readImport(ctx, tx, id)
		if err != nil {
			return err
		}
		if i.State != ImportStaged {
			return decided(i)
		}
		plan, wrong, err := planOf(ctx, tx, id, rows, bad)
		switch {
		case err != nil:
			return err
		case len(wrong) > 0:
			return domain.Errorf(domain.Clash, "Some lines cannot be imported.").WithHint("Mend the file, and upload it again.")
		case plan.Digest() != digest:
			return domain.Errorf(domain.Clash, "The roster has changed since you looked.").WithHint("This is what the import would do now. Look again, then confirm.")
		}
		if err := writeRoster(ctx, tx, plan, author{sc.viewer.UserID, "import"}, sc.s.now()); err != nil {
			return err
		}
		r := plan.Report
		result, err := json.Marshal(storedResult{r.Coaches, r.Teams, r.Competitors, len(r.Moved)})
		if err != nil {
			return err
		}
		if err := settleImport(ctx, tx, id, ImportDone, string(result), sc.s.now()); err != nil {
			return err
		}
		return sc.audit(ctx, tx, "roster.import", "", ImportCounts(r))
	})
}

// CancelImport drops an uploaded roster. One that is decided already is a Clash error.
func (sc *Scope) CancelImport(ctx context.Context, id string) error {
	return sc.edit(ctx, "drop an import", func(tx conn) error {
		i, err := scanImport(tx.row(ctx, `SELECT `+importColumns+` FROM roster_imports i LEFT JOIN users u ON u.user_id = i.uploaded_by WHERE i.import_id = $1`, id).Scan)
		if err != nil {
			return noSuch(err, "import")
		}
		if i.State != ImportStaged {
			return decided(i)
		}
		if err := settleImport(ctx, tx, id, ImportCancelled, "", sc.s.now()); err != nil {
			return err
		}
		return sc.audit(ctx, tx, "roster.cancel", "", "")
	})
}

func settleImport(ctx context.Context, tx conn, id string, state ImportState, result string, now int64) error {
	_, err := tx.exec(ctx, `UPDATE roster_imports SET state = $2, result = $3, decided_at = $4, content = NULL WHERE import_id = $1`, id, string(state), result, now)
	return wrap(err, "settle an import")
}

// decided is the Clash for an upload that was decided before.
func decided(i Import) error {
	words := map[ImportState]string{ImportDone: "This file has been imported already.", ImportCancelled: "This upload was dropped.", ImportExpired: "This upload waited longer than a day and was dropped."}
	return domain.Errorf(domain.Clash, "%s", words[i.State]).WithHint("Nothing was changed.")
}

// ExpireImports drops the files of uploads that nobody decided about within a day.
func (sys *System) ExpireImports(ctx context.Context) error {
	err := sys.s.db.update(ctx, func(tx conn) error {
		_, err := tx.exec(ctx, `UPDATE roster_imports SET state = 'expired', decided_at = $1, content = NULL WHERE state = 'staged' AND uploaded_at < $2`,
			sys.s.now(), micros(sys.s.clock().Add(-importsKept)))
		return err
	})
	return wrap(err, "expire imports")
}

// EachRosterRow calls fn for every competitor of the roster, by coach and name, reading as it goes. Who may not see people's records gets
// a Denied error.
func (sc *Scope) EachRosterRow(ctx context.Context, fn func(roster.Row) error) error {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return err
	}
	var a args
	rows, err := sc.s.db.reader().query(ctx, `
		SELECT c.coach_id, co.email, co.name, co.school, co.region, c.first_name, c.last_name, COALESCE(c.email, ''), c.division, c.grade, c.status,
			COALESCE(c.team_id, ''), COALESCE(t.name, ''), c.competitor_id, COALESCE(c.game_platform_id, '')
		FROM competitors c JOIN coaches co ON co.coach_id = c.coach_id LEFT JOIN teams t ON t.team_id = c.team_id
		WHERE `+sc.visible(&a)+` ORDER BY co.sort_key, c.coach_id, c.sort_key, c.competitor_id`, a...)
	if err != nil {
		return wrap(err, "read the roster")
	}
	err = each(rows, func() error {
		var r roster.Row
		err := rows.Scan(&r.CoachID, &r.CoachEmail, &r.CoachName, &r.School, &r.Region, &r.FirstName, &r.LastName, &r.Email, &r.Division, &r.Grade, &r.Status,
			&r.TeamID, &r.Team, &r.CompetitorID, &r.GamePlatformID)
		if err != nil {
			return err
		}
		return fn(r)
	})
	return wrap(err, "read the roster")
}
