package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
	"flagpole/store/storetest"
)

// onBoth runs test on both databases and hands it an unscoped look into the tables.
func onBoth(t *testing.T, test func(t *testing.T, s *store.Store, clock *storetest.Clock, raw *sql.DB)) {
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			address, clock := storetest.URL(t, kind), storetest.NewClock()
			s := storetest.Open(t, address, clock)
			driver, source := "pgx", address
			if kind == "sqlite" {
				driver, source = "sqlite3", "file:"+strings.TrimPrefix(address, "sqlite:")+"?_busy_timeout=5000"
			}
			raw, err := sql.Open(driver, source)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = raw.Close() })
			test(t, s, clock, raw)
		})
	}
}

// stored is every line of the three tables, with the minutes since the test began as times.
func stored(t *testing.T, raw *sql.DB) []string {
	t.Helper()
	var all []string
	for _, query := range []string{
		`SELECT 'coach ' || coach_id, email || ' ' || email_key, name, school, region, created_at, updated_at FROM coaches ORDER BY coach_id`,
		`SELECT 'team ' || team_id, coach_id, name, name_key, '', created_at, updated_at FROM teams ORDER BY team_id`,
		`SELECT 'competitor ' || competitor_id, COALESCE(game_platform_id, 'NULL') || ' ' || coach_id || ' ' || COALESCE(team_id, 'NULL'),
			first_name || ' ' || last_name || ' ' || name_key || ' ' || sort_key, COALESCE(email, 'NULL') || ' ' || COALESCE(email_key, 'NULL'),
			division || ' ' || grade || ' ' || status, created_at, updated_at
		FROM competitors ORDER BY competitor_id`,
	} {
		rows, err := raw.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var text [5]string
			var created, updated int64
			if err := rows.Scan(&text[0], &text[1], &text[2], &text[3], &text[4], &created, &updated); err != nil {
				t.Fatal(err)
			}
			minutes := func(at int64) int { return int(time.UnixMicro(at).Sub(storetest.Start).Minutes()) }
			all = append(all, fmt.Sprintf("%s|%d|%d", strings.Join(text[:], "|"), minutes(created), minutes(updated)))
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// importFile reads and imports a roster with these lines below the header.
func importFile(t *testing.T, s *store.Store, dryRun bool, lines ...string) (roster.Report, []string) {
	t.Helper()
	const header = "coach_email,coach_name,school,region,first_name,last_name,email,division,grade,status,team,competitor_id,game_platform_id,coach_id,team_id\n"
	rows, wrong, err := roster.Read(strings.NewReader(header + strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	report, more, err := s.System().ImportRoster(t.Context(), rows, dryRun)
	if err != nil {
		t.Fatal(err)
	}
	var bad []string
	for _, e := range roster.Merge(wrong, more) {
		bad = append(bad, e.String())
	}
	return report, bad
}

var season = []string{
	"Mara@quill.example,Mara Quill,Harbor High,North,José,Fennimore,Ada@harbor.example,high_school,11,complete,Red,cp-1,gp-1,co-1,t-1",
	"mara@quill.example,,,,Bo,Tarn,bo@harbor.example,high_school,,pending,Blue,cp-2,gp-2,,t-2",
	"nils@quill.example,Nils Quill,,,Cy,Vane,,college,,profile,Red,cp-3,,co-2,t-3",
}

var seasonStored = []string{
	"coach co-1|Mara@quill.example mara@quill.example|Mara Quill|Harbor High|North|0|0",
	"coach co-2|nils@quill.example nils@quill.example|Nils Quill|||0|0",
	"team t-1|co-1|Red|red||0|0",
	"team t-2|co-1|Blue|blue||0|0",
	"team t-3|co-2|Red|red||0|0",
	"competitor cp-1|gp-1 co-1 t-1|José Fennimore josé fennimore jose fennimore|Ada@harbor.example ada@harbor.example|high_school 11 complete|0|0",
	"competitor cp-2|gp-2 co-1 t-2|Bo Tarn bo tarn bo tarn|bo@harbor.example bo@harbor.example|high_school  pending|0|0",
	"competitor cp-3|NULL co-2 t-3|Cy Vane cy vane cy vane|NULL NULL|college  profile|0|0",
}

func imported(t *testing.T, s *store.Store, lines ...string) roster.Report {
	t.Helper()
	report, bad := importFile(t, s, false, lines...)
	if bad != nil {
		t.Fatalf("bad lines: %q", bad)
	}
	return report
}

func wantStored(t *testing.T, raw *sql.DB, want []string) {
	t.Helper()
	if diff := cmp.Diff(want, stored(t, raw)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestImportRosterTwiceChangesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, clock *storetest.Clock, raw *sql.DB) {
		first := imported(t, s, season...)
		want := roster.Report{Coaches: roster.Counts{Added: 2}, Teams: roster.Counts{Added: 3}, Competitors: roster.Counts{Added: 3}}
		if diff := cmp.Diff(want, first); diff != "" {
			t.Errorf("report (-want +got):\n%s", diff)
		}
		wantStored(t, raw, seasonStored)
		clock.Advance(time.Hour)
		want = roster.Report{Coaches: roster.Counts{Unchanged: 2}, Teams: roster.Counts{Unchanged: 3}, Competitors: roster.Counts{Unchanged: 3}}
		if diff := cmp.Diff(want, imported(t, s, season...)); diff != "" {
			t.Errorf("second report (-want +got):\n%s", diff)
		}
		wantStored(t, raw, seasonStored)
	})
}

func TestImportRosterWithoutIDsTwiceChangesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, clock *storetest.Clock, raw *sql.DB) {
		file := []string{
			"mara@quill.example,Mara Quill,,,Ada,Fennimore,ada@harbor.example,college,,pending,Red,,,,",
			"mara@quill.example,Mara Quill,,,Ada,Fennimore,,college,,pending,Red,,,,",
			"mara@quill.example,Mara Quill,,,Bo,Tarn,,college,,pending,,,gp-2,,",
		}
		imported(t, s, file...)
		before := stored(t, raw)
		clock.Advance(time.Hour)
		if got := imported(t, s, file...).Competitors; got != (roster.Counts{Unchanged: 3}) {
			t.Errorf("competitors %+v", got)
		}
		wantStored(t, raw, before)
	})
}

func TestImportRosterChanges(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, clock *storetest.Clock, raw *sql.DB) {
		imported(t, s, season...)
		clock.Advance(time.Hour)
		report := imported(t, s,
			// Empty cells leave everything; the two swap emails and game_platform_ids; the teams and coaches swap names and emails.
			"nils@quill.example,,,,José,Fennimore,bo@harbor.example,,,,Blue,cp-1,gp-2,co-1,t-1",
			"nils@quill.example,,,,Bo,Tarn,ADA@harbor.example,,,,Red,cp-2,gp-1,,t-2",
			"mara@quill.example,,,,Cy,Vane,cy@harbor.example,,12,,,,,co-2,",
			"mara@quill.example,,,,Dot,Lane,,college,,pending,Green,cp-4,gp-4,,t-4")
		want := roster.Report{Coaches: roster.Counts{Changed: 2}, Teams: roster.Counts{Added: 1, Changed: 2}, Competitors: roster.Counts{Added: 1, Changed: 3}}
		if diff := cmp.Diff(want, report); diff != "" {
			t.Errorf("report (-want +got):\n%s", diff)
		}
		wantStored(t, raw, []string{
			"coach co-1|nils@quill.example nils@quill.example|Mara Quill|Harbor High|North|0|60",
			"coach co-2|mara@quill.example mara@quill.example|Nils Quill|||0|60",
			"team t-1|co-1|Blue|blue||0|60",
			"team t-2|co-1|Red|red||0|60",
			"team t-3|co-2|Red|red||0|0",
			"team t-4|co-2|Green|green||60|60",
			"competitor cp-1|gp-2 co-1 t-1|José Fennimore josé fennimore jose fennimore|bo@harbor.example bo@harbor.example|high_school 11 complete|0|60",
			"competitor cp-2|gp-1 co-1 t-2|Bo Tarn bo tarn bo tarn|ADA@harbor.example ada@harbor.example|high_school  pending|0|60",
			"competitor cp-3|NULL co-2 t-3|Cy Vane cy vane cy vane|cy@harbor.example cy@harbor.example|college 12 profile|0|60",
			"competitor cp-4|gp-4 co-2 t-4|Dot Lane dot lane dot lane|NULL NULL|college  pending|60|60",
		})
	})
}

func TestImportRosterMoves(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, clock *storetest.Clock, raw *sql.DB) {
		imported(t, s, season...)
		clock.Advance(time.Hour)
		report := imported(t, s,
			"nils@quill.example,,,,José,Fennimore,,,,,,cp-1,,,",
			"nils@quill.example,,,,Bo,Tarn,bo@harbor.example,,,,Red,,,,")
		want := []roster.Move{
			{Line: 2, CompetitorID: "cp-1", Name: "José Fennimore", FromCoach: "Mara@quill.example", ToCoach: "nils@quill.example", LeftTeam: "Red"},
			{Line: 3, CompetitorID: "cp-2", Name: "Bo Tarn", FromCoach: "Mara@quill.example", ToCoach: "nils@quill.example"},
		}
		if diff := cmp.Diff(want, report.Moved); diff != "" {
			t.Errorf("moved (-want +got):\n%s", diff)
		}
		after := append([]string{}, seasonStored...)
		after[5] = "competitor cp-1|gp-1 co-2 NULL|José Fennimore josé fennimore jose fennimore|Ada@harbor.example ada@harbor.example|high_school 11 complete|0|60"
		after[6] = "competitor cp-2|gp-2 co-2 t-3|Bo Tarn bo tarn bo tarn|bo@harbor.example bo@harbor.example|high_school  pending|0|60"
		wantStored(t, raw, after)
	})
}

func TestImportRosterStoresAllOrNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, clock *storetest.Clock, raw *sql.DB) {
		imported(t, s, season...)
		clock.Advance(time.Hour)
		good := "olga@quill.example,Olga Quill,,,Dot,Lane,,college,,pending,Green,,,,"
		_, bad := importFile(t, s, false, good,
			"mara@quill.example,,,,Ida,Rowe,ida,,,,,,,,", // Read's and the plan's
			"mara@quill.example,,,,Eli,Moss,,,,pending,,,,,",
			"x",
			"nils@quill.example,,,,Fay,Noor,bo@harbor.example,college,,pending,,cp-9,,,")
		want := []string{
			`line 3: email: "ida" is not an email address`,
			"line 4: division: must not be empty: this is a new competitor",
			"line 5: has 1 cell, the header has 15",
			`line 6: email: belongs to the competitor "cp-2"`,
		}
		if diff := cmp.Diff(want, bad); diff != "" {
			t.Errorf("bad lines (-want +got):\n%s", diff)
		}
		wantStored(t, raw, seasonStored)

		report, bad := importFile(t, s, true, good)
		wantReport := roster.Report{DryRun: true, Coaches: roster.Counts{Added: 1}, Teams: roster.Counts{Added: 1}, Competitors: roster.Counts{Added: 1}}
		if diff := cmp.Diff(wantReport, report); diff != "" || bad != nil {
			t.Errorf("dry run: bad lines %q, report (-want +got):\n%s", bad, diff)
		}
		wantStored(t, raw, seasonStored)
	})
}

func TestImportRosterStoresAnyText(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ *storetest.Clock, raw *sql.DB) {
		for i, text := range []string{`<script>"'`, "=1+1", "👩‍💻", "عَدَا", "a\nb\tc\x01", "RELEASED t-1", "\U0010ffff",
			strings.Repeat("\ufdfa", 166), strings.Repeat("ΐ", 250), "'; DROP TABLE coaches; --"} {
			r := roster.Row{Line: 2, CoachEmail: fmt.Sprintf("c%d@quill.example", i), CoachName: text, School: text, Region: text, FirstName: text,
				LastName: text, Division: domain.College, Grade: text, Status: domain.ProfilePending, Team: text}
			for range 2 {
				if _, bad, err := s.System().ImportRoster(t.Context(), []roster.Row{r}, false); err != nil || bad != nil {
					t.Fatalf("%q: %v, %v", text, bad, err)
				}
			}
			var name, first, team string
			err := raw.QueryRowContext(t.Context(), `
				SELECT c.name, p.first_name, t.name
				FROM coaches c JOIN competitors p ON p.coach_id = c.coach_id JOIN teams t ON t.team_id = p.team_id
				WHERE c.email = '`+r.CoachEmail+`'`).Scan(&name, &first, &team)
			if err != nil || name != text || first != text || team != text {
				t.Errorf("%q came back as %q, %q, %q: %v", text, name, first, team, err)
			}
		}
	})
}

// manyRows is a roster of n competitors with all ids, 20 to a coach and 4 to a team.
func manyRows(n int) []roster.Row {
	rows := make([]roster.Row, n)
	for i := range rows {
		rows[i] = roster.Row{Line: i + 2, CoachEmail: fmt.Sprintf("coach%d@quill.example", i/20), CoachName: fmt.Sprintf("Coach %d", i/20),
			FirstName: "Zoë", LastName: fmt.Sprintf("Number %d", i), Email: fmt.Sprintf("z%d@harbor.example", i), Division: domain.College,
			Status: domain.ProfilePending, Team: fmt.Sprintf("Team %d", i/4), CompetitorID: fmt.Sprintf("cp-%d", i), GamePlatformID: fmt.Sprintf("gp-%d", i)}
	}
	return rows
}

func TestImportRosterOfManyLines(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ *storetest.Clock, _ *sql.DB) {
		rows := manyRows(10_000)
		run := func(want roster.Counts) {
			start := time.Now()
			report, bad, err := s.System().ImportRoster(t.Context(), rows, false)
			if err != nil || bad != nil || report.Competitors != want {
				t.Fatalf("error %v, %d bad lines, competitors %+v, want %+v", err, len(bad), report.Competitors, want)
			}
			t.Logf("%+v in %v", want, time.Since(start).Round(time.Millisecond))
		}
		run(roster.Counts{Added: 10_000})
		run(roster.Counts{Unchanged: 10_000})
		for i := range rows { // everybody takes the next one's keys
			next := (i + 1) % len(rows)
			rows[i].Email, rows[i].GamePlatformID = fmt.Sprintf("z%d@harbor.example", next), fmt.Sprintf("gp-%d", next)
		}
		run(roster.Counts{Changed: 10_000})
	})
}

func TestImportRosterOneAfterTheOther(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ *storetest.Clock, _ *sql.DB) {
		rows := manyRows(200)
		for i := range rows {
			rows[i].CompetitorID = "" // so that a new one would get an id of its own
		}
		var wait sync.WaitGroup
		reports := make([]roster.Report, 6)
		for i := range reports {
			wait.Go(func() {
				report, bad, err := s.System().ImportRoster(t.Context(), rows, false)
				if err != nil || bad != nil {
					t.Errorf("error %v, bad lines %v", err, bad)
				}
				reports[i] = report
			})
		}
		wait.Wait()
		added := 0
		for _, r := range reports {
			added += r.Competitors.Added
		}
		if added != len(rows) {
			t.Errorf("added %d competitors, want %d", added, len(rows))
		}
	})
}

func TestImportRosterEndsWithItsContext(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ *storetest.Clock, raw *sql.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := s.System().ImportRoster(ctx, manyRows(3), false); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		wantStored(t, raw, nil)
	})
}
