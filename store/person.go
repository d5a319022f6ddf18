package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"flagpole/internal/domain"
)

// PersonKind is one kind of record that is held about a competitor: what it is, why it is kept and for how long, which table it is in, and
// which of its columns go into a file for the person.
type PersonKind struct {
	Key, What, Why, Kept string
	table                string
	columns              string // of the export
	where                string // of the competitor's rows: $1 is the competitor's id, $2 the account's
	order                string
	erase                eraseWay
}

// eraseWay is what deleting a person does to the rows of a kind.
type eraseWay int

const (
	deleteRows  eraseWay = iota
	blankValues          // of what was sent, the names of the fields stay
	blankID              // the row is about many
	keepRows             // it must not be changed
)

const (
	byCompetitor = `competitor_id = $1 AND CAST($2 AS TEXT) IS NOT NULL`
	byAccount    = `syned_user_id = $2 AND CAST($1 AS TEXT) IS NOT NULL AND $2 <> ''`
)

// personKinds is everything that is held about a competitor, in the order in which it is told.
var personKinds = []PersonKind{
	{"profile", "Profile", "who takes part, under which coach and in which team", "until it is deleted",
		"competitors", "competitor_id, game_platform_id, coach_id, team_id, first_name, last_name, email, division, grade, status, deactivated_at, created_at, updated_at", byCompetitor, "competitor_id", deleteRows},
	{"changes", "Changes of the profile", "so that a mistake can be found and mended", "with the profile",
		"roster_changes", "at, source, field, old_value, new_value", `kind = 'competitor' AND subject_id = $1 AND CAST($2 AS TEXT) IS NOT NULL`, "change_id", deleteRows},
	{"account", "Account on the platform", "what MetaCTF says of the account", "with the profile",
		"game_platform_users", "syned_user_id, metactf_user_id, metactf_username, metactf_user_status, last_login_at, checked_at", byAccount, "syned_user_id", deleteRows},
	{"solves", "Solves", "the results that the coach and the programme see", "with the profile",
		"game_platform_challenge_solves", "source, event_id, challenge_solve_id, challenge_id, challenge_title, challenge_category, challenge_points, solved_at, first_seen_at", byAccount, "solved_at", deleteRows},
	{"withdrawn_solves", "Withdrawn solves", "solves that MetaCTF does not report any more", "with the profile",
		"game_platform_withdrawn_solves", "source, event_id, challenge_solve_id, challenge_id, challenge_title, challenge_points, solved_at, withdrawn_at", byAccount, "solved_at", deleteRows},
	{"flash_ctf_results", "Results in flash CTFs", "as the solves", "with the profile",
		"game_platform_flash_ctf_results", "event_id, rank, points_earned, max_points_possible, challenges_solved, first_seen_at", byAccount, "event_id", deleteRows},
	{"unreadable_records", "Records that could not be read", "so that MetaCTF can be asked about them", "with the profile",
		"game_platform_quarantined_records", "source, payload, reason, first_seen_at, last_seen_at", byAccount, "first_seen_at", deleteRows},
	{"totals", "Totals", "worked out from the solves", "with the profile",
		"game_platform_stats", "odl_solves, odl_points, flash_solves, flash_points, last_solve_at, computed_at", byAccount, "syned_user_id", deleteRows},
	{"categories", "Totals by category", "worked out from the solves", "with the profile",
		"game_platform_category_stats", "category_key, odl_solves, odl_points, flash_solves, flash_points", byAccount, "category_key", deleteRows},
	{"sync_state", "State of the syncs", "when results were last fetched, and when they are next", "with the profile",
		"game_platform_sync_state", "last_odl_synced_at, last_flash_ctf_synced_at, last_attempt_at, last_success_at, last_remote_accessed_at, last_result, error_class, error_message", byAccount, "syned_user_id", deleteRows},
	{"trials", "Whether a sync has succeeded lately", "to count how many syncs succeed", "until the count, every 6 hours",
		"sync_trials", "window_at, succeeded, failed_at, platform_failed_at", byAccount, "window_at", deleteRows},
	{"team_at_metactf", "Team at MetaCTF", "to keep it as the roster says", "with the profile",
		"game_platform_assignments", "syned_team_id, ours_team_id, since_at", byAccount, "syned_user_id", deleteRows},
	{"agreed_removals", "Agreed removals from a team", "until they are done", "with the profile",
		"confirmed_removals", "syned_team_id, confirmed_at", byAccount, "syned_team_id", deleteRows},
	{"onboarding_faults", "Steps towards an account that failed", "so that they are tried again", "until they succeed",
		"onboarding_faults", "kind, endpoint, error_class, error_message, http_status, since_at, tried_at", `subject_id = $1 AND kind IN ('account', 'assignment', 'removal') AND CAST($2 AS TEXT) IS NOT NULL`, "kind", deleteRows},
	{"calls", "Calls of the platform", "to find out why a sync failed", "7 days, failed ones 90",
		"sync_attempts", "endpoint, started_at, duration_us, http_status, error_class, error_message", byAccount, "attempt_id", deleteRows},
	{"failures", "Failed syncs", "to mend them", "90 days after they are over",
		"sync_failures", "message, state, opened_at, last_at, failed_in_a_row, cleared_at, cleared_reason, ended_at, end_reason", byCompetitor, "failure_id", deleteRows},
	{"retries", "Retries that admins asked for", "to follow them", "with the operation",
		"operation_items", "operation_id, state, skip_reason, settled_at", byCompetitor, "operation_id", deleteRows},
	{"problem_reports", "Problem reports of a coach about the page", "so that what was wrong is mended; they are in the coach’s words, so read them before you pass them on", "with the profile",
		"problem_reports", "reported_at, page, text, state, answer, answered_at", byCompetitor, "report_id", deleteRows},
	{"requested_syncs", "Syncs that somebody asked for", "to follow them", "stay; of a deleted person without the id",
		"sync_runs", "requested_by, started_at, finished_at", byCompetitor, "started_at", blankID},
	{"sent_to_metactf", "What was sent to MetaCTF", "proof of what was passed on, when", "stays; of a deleted person only the names of the fields",
		"disclosures", "at, endpoint, fields, http_status", `syned_user_id <> '' AND syned_user_id IN ($1, $2)`, "disclosure_id", blankValues},
	{"audit", "Who looked at it or changed it", "proof of who saw the record; it holds ids and no names", "stays",
		"audit_log", "at, action", byCompetitor, "audit_id", keepRows},
}

// PersonCount says how many records of a kind are held.
type PersonCount struct {
	PersonKind
	Rows int
}

// PersonCounts counts what is held about one of the viewer's competitors. Somebody else's are a NoSuch error; who may not see people's
// records gets a Denied one.
func (sc *Scope) PersonCounts(ctx context.Context, competitorID string) (r CompetitorRow, counts []PersonCount, err error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return CompetitorRow{}, nil, err
	}
	err = sc.s.db.view(ctx, func(tx conn) error {
		if r, err = sc.competitorRow(ctx, tx, competitorID); err != nil {
			return err
		}
		for _, k := range personKinds {
			c := PersonCount{PersonKind: k}
			if err := tx.row(ctx, `SELECT COUNT(*) FROM `+k.table+` WHERE `+k.where, r.ID, r.GamePlatformID).Scan(&c.Rows); err != nil {
				return fmt.Errorf("%s: %w", k.table, err)
			}
			counts = append(counts, c)
		}
		return nil
	})
	return r, counts, wrap(err, "count a person's records")
}

// PersonSection is all records of one kind, as a file for the person holds them: by column, times as RFC 3339 in UTC.
type PersonSection struct {
	PersonKind
	Records []map[string]any
}

// PersonExport reads everything that is held about one of the viewer's competitors. Errors are those of PersonCounts.
func (sc *Scope) PersonExport(ctx context.Context, competitorID string) (r CompetitorRow, sections []PersonSection, err error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return CompetitorRow{}, nil, err
	}
	err = sc.s.db.view(ctx, func(tx conn) error {
		if r, err = sc.competitorRow(ctx, tx, competitorID); err != nil {
			return err
		}
		for _, k := range personKinds {
			records, err := k.records(ctx, tx, r)
			if err != nil {
				return fmt.Errorf("%s: %w", k.table, err)
			}
			sections = append(sections, PersonSection{k, records})
		}
		return nil
	})
	return r, sections, wrap(err, "export a person")
}

func (k PersonKind) records(ctx context.Context, tx conn, r CompetitorRow) ([]map[string]any, error) {
	rows, err := tx.query(ctx, `SELECT `+k.columns+` FROM `+k.table+` WHERE `+k.where+` ORDER BY `+k.order, r.ID, r.GamePlatformID)
	if err != nil {
		return nil, err
	}
	names := strings.Split(k.columns, ", ")
	list := []map[string]any{}
	err = each(rows, func() error {
		cells, into := make([]any, len(names)), make([]any, len(names))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		record := map[string]any{}
		for i, name := range names {
			record[name] = plainCell(name, cells[i])
		}
		list = append(list, record)
		return nil
	})
	return list, err
}

// plainCell is a cell as people read it in a file: what is a time, the column's name says.
func plainCell(column string, cell any) any {
	switch v := cell.(type) {
	case []byte:
		return string(v)
	case int64:
		if column == "at" || strings.HasSuffix(column, "_at") {
			return time.UnixMicro(v).UTC().Format(time.RFC3339)
		}
	case sql.RawBytes:
		return string(v)
	}
	return cell
}

// Table is where the records of the kind are.
func (k PersonKind) Table() string { return k.table }
