package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// export compares the CSV of all competitors with the same columns written by the sqlite3 command line, in turns on one
// file, and watches the memory meanwhile.
func (b *workbench) export(ctx context.Context, _ []database, n sizes) error {
	if _, err := exec.LookPath("sqlite3"); err != nil {
		return errors.New("the sqlite3 command line is not here; on Debian it is the package sqlite3")
	}
	s, _, err := b.filled(ctx, "", season{n.exported, 0})
	if err != nil {
		return err
	}
	t, err := openSite(ctx, s)
	if err != nil {
		return err
	}
	defer func() { _ = errors.Join(t.close(), s.Close()) }() // nothing of it is kept
	admin, err := t.visitor(ctx, benchAdmin)
	if err != nil {
		return err
	}
	file := filepath.Join(b.folder, fmt.Sprintf("pages_%d_0.db", n.exported))
	var ours, theirs time.Duration
	var heap uint64
	const turns = 3
	for range turns {
		peak := watchMemory()
		began := time.Now()
		if err := save(ctx, admin, t.url+"/competitors.csv", filepath.Join(b.folder, "ours.csv")); err != nil {
			return err
		}
		ours += time.Since(began) / turns
		heap = max(heap, peak())
		began = time.Now()
		if err := b.commandLine(ctx, file); err != nil {
			return err
		}
		theirs += time.Since(began) / turns
	}
	b.say(fmt.Sprintf("CSV of %d competitors by the sqlite3 command line, mean of %d", n.exported, turns), seconds(theirs), "")
	b.say("  the portal's export of them", seconds(ours), "")
	b.say("  times as long", fmt.Sprintf("%.2f", ours.Seconds()/theirs.Seconds()), "1.2 or less")
	b.say("  heap in use at most meanwhile", fmt.Sprintf("%d MB", heap>>20), "flat")
	return nil
}

func save(ctx context.Context, client *http.Client, address, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // read to its end or given up
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: status %d", address, answer.StatusCode)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, answer.Body)
	return errors.Join(err, f.Close())
}

// sameColumns are those of the portal's export, in its order.
const sameColumns = `SELECT c.competitor_id, p.first_name, p.last_name, COALESCE(p.email, ''), COALESCE(u.metactf_username, ''), co.name, co.email,
	COALESCE(t.name, ''), CASE c.division WHEN 'high_school' THEN 'High school' WHEN 'middle_school' THEN 'Middle school' ELSE 'College' END,
	p.grade, c.odl_solves, c.flash_solves, c.odl_points, c.flash_points, c.points,
	strftime('%Y-%m-%d %H:%M:%S', NULLIF(c.last_solve_at, 0) / 1000000, 'unixepoch'), strftime('%Y-%m-%d %H:%M:%S', NULLIF(c.last_seen_at, 0) / 1000000, 'unixepoch'),
	strftime('%Y-%m-%d %H:%M:%S', NULLIF(c.last_success_at, 0) / 1000000, 'unixepoch'), c.state
	FROM competitor_list c
	JOIN competitors p ON p.competitor_id = c.competitor_id
	JOIN coaches co ON co.coach_id = c.coach_id
	LEFT JOIN teams t ON t.team_id = c.team_id
	LEFT JOIN game_platform_sync_state st ON st.syned_user_id = c.game_platform_id
	LEFT JOIN game_platform_users u ON u.syned_user_id = c.game_platform_id
	ORDER BY c.sort_key, c.competitor_id`

func (b *workbench) commandLine(ctx context.Context, file string) error {
	out, err := os.Create(filepath.Join(b.folder, "theirs.csv"))
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "sqlite3", "-readonly", "-csv", "-header", file, sameColumns)
	command.Stdout, command.Stderr = out, os.Stderr
	return errors.Join(command.Run(), out.Close())
}
