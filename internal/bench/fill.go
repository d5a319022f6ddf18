package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
)

// season is how much a database of pages holds.
type season struct {
	competitors int // coaches have 20 each, teams 4; every tenth competitor has no team
	solvesEach  int
}

const (
	coachSize  = 20
	teamSize   = 4
	eventCount = 8
	challenges = 400
)

var benchCategories = []string{"crypto", "web", "foren", "reven", "binexp", "osint", "networking", "misc", "recon", "os"}

// filled opens a database with the season in it. In the folder of -keep one that was filled before is taken as it is; there
// address names the server, or is "" for SQLite.
func (b *workbench) filled(ctx context.Context, address string, n season) (*store.Store, func(context.Context) error, error) {
	name := fmt.Sprintf("pages_%d_%d", n.competitors, n.solvesEach)
	drop := func(context.Context) error { return nil }
	there := false
	var err error
	switch {
	case address == "":
		file := filepath.Join(b.folder, name+".db")
		_, missing := os.Stat(file)
		there, address = missing == nil, "sqlite:"+file
	case b.keep:
		if address, there, err = namedSchema(ctx, address, name); err != nil {
			return nil, nil, err
		}
	default:
		if address, drop, err = ownSchema(ctx, address); err != nil {
			return nil, nil, err
		}
	}
	s, err := store.Open(ctx, address, time.Now)
	if err != nil {
		return nil, nil, err
	}
	if !there {
		if _, err := s.MigrateUp(ctx); err != nil {
			return nil, nil, err
		}
		if err := fill(ctx, s, n); err != nil {
			return nil, nil, err
		}
	}
	return s, drop, settle(ctx, address)
}

// namedSchema is a schema that outlives the bench.
func namedSchema(ctx context.Context, server, name string) (address string, there bool, err error) {
	db, err := sql.Open("pgx", server)
	if err != nil {
		return "", false, err
	}
	defer func() { _ = db.Close() }() // the error of the statement is the one to tell
	if err := db.QueryRowContext(ctx, `SELECT COUNT(*) > 0 FROM information_schema.schemata WHERE schema_name = $1`, name).Scan(&there); err != nil {
		return "", false, err
	}
	if _, err := db.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+name); err != nil {
		return "", false, err
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", false, err
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String(), there, nil
}

// settle has the database count what its planner goes by, as it does by itself in time.
func settle(ctx context.Context, address string) error {
	driver, source, statement := "pgx", address, "VACUUM ANALYZE"
	if file, ok := strings.CutPrefix(address, "sqlite:"); ok {
		driver, source, statement = "sqlite3", "file:"+file, "PRAGMA wal_checkpoint(TRUNCATE)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // the error of the statement is the one to tell
	_, err = db.ExecContext(ctx, statement)
	return err
}

// fill stores the roster and then the syncs of everybody, as the syncer does.
func fill(ctx context.Context, s *store.Store, n season) error {
	for begin := 0; begin < n.competitors; begin += 20_000 {
		if err := fillRoster(ctx, s, begin, min(n.competitors, begin+20_000)); err != nil {
			return err
		}
	}
	const workers = 2
	faults := make(chan error, workers)
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := w; i < n.competitors; i += workers {
				if err := fillOne(ctx, s, i, n.solvesEach); err != nil {
					faults <- err
					return
				}
			}
		})
	}
	all.Wait()
	close(faults)
	return <-faults
}

func fillRoster(ctx context.Context, s *store.Store, begin, end int) error {
	rows := make([]roster.Row, 0, end-begin)
	for i := begin; i < end; i++ {
		coach := i / coachSize
		row := roster.Row{
			Line: len(rows) + 2, CoachEmail: benchCoach(coach), CoachName: benchName(coach+7) + " " + fmt.Sprint(coach), School: "School", FirstName: benchName(i),
			LastName: fmt.Sprintf("Player%06d", i), Email: fmt.Sprintf("p%06d@bench.example", i), Division: domain.Divisions[i%2],
			Status: domain.ProfileComplete, CompetitorID: fmt.Sprintf("C-%06d", i),
		}
		if i%10 != 9 {
			row.Team = fmt.Sprintf("Team %d of %d", i%coachSize/teamSize, coach)
		}
		if i%16 != 15 {
			row.GamePlatformID = fmt.Sprintf("syn-%06d", i)
		}
		rows = append(rows, row)
	}
	_, bad, err := s.System().ImportRoster(ctx, rows, false)
	if err == nil && len(bad) > 0 {
		err = fmt.Errorf("the roster was refused: %s", bad[0])
	}
	if err == nil {
		err = enrolAll(ctx, s.System())
	}
	return err
}

// enrolAll gives every coach the game platform, so that everybody is synced and shown.
func enrolAll(ctx context.Context, sys *store.System) error {
	_, err := sys.Rollout("bench").Apply(ctx, store.RolloutChange{
		Action: store.SetLevel, Level: store.Level{Percent: 100}, Override: true, Reason: "bench", Seen: -1,
	})
	return err
}

func benchCoach(n int) string { return fmt.Sprintf("coach%d@bench.example", n) }

func benchName(i int) string {
	names := []string{"Amara", "Beatriz", "Chidi", "Dara", "Elif", "Farid", "Greta", "Hiro", "Ines", "Jonas", "Kaya", "Lior", "Mina", "Noor", "Otto", "Priya"}
	return names[i*7%len(names)]
}

// fillOne stores one competitor's sync: solves over twelve weeks, a third of the competitors active in the last one, and
// results in two of five flash CTFs.
func fillOne(ctx context.Context, s *store.Store, i, solves int) error {
	if i%16 == 15 {
		return nil // has no account
	}
	random := rand.New(rand.NewPCG(1, uint64(i)))
	now := time.Now()
	newest := now.Add(-time.Duration(random.IntN(21*24)) * time.Hour)
	pull := store.Pull{
		GamePlatformID: fmt.Sprintf("syn-%06d", i), At: now, Result: domain.SyncSuccess, Full: true,
		User:    &domain.PlatformUser{MetaCTFUserID: int64(i), Username: fmt.Sprintf("player%d", i), Status: domain.PlatformApproved},
		ODL:     &store.ODLPull{RequestedAt: now, Snapshot: true, LastAccessedAt: newest},
		Flash:   &store.FlashPull{RequestedAt: now},
		NextDue: func(store.Activity) time.Time { return now.Add(time.Hour) },
	}
	if i%20 == 19 { // waits for approval
		pull.Result, pull.ODL, pull.Flash, pull.Full = domain.SyncBlocked, nil, nil, false
		pull.User.Status, pull.Failure = domain.PlatformPendingApproval, &domain.CallError{Class: domain.Blocked}
		_, err := s.System().StorePull(ctx, pull)
		return err
	}
	categories := benchCategories
	if i%50 == 0 {
		categories = []string{"Quantum", "web"} // one that the portal does not know
	}
	for j := range solves {
		pull.ODL.Solves = append(pull.ODL.Solves, domain.Solve{
			SolveKey: domain.SolveKey{Source: domain.SourceODL, ChallengeSolveID: int64(i*1000 + j), ChallengeID: int64((i*37 + j*3) % challenges)},
			Title:    fmt.Sprintf("Challenge %d", (i*37+j*3)%challenges), Category: categories[j%len(categories)],
			Points: int64(50 * (1 + random.IntN(10))), WorkRoles: []string{"PD-WRL-001"},
			SolvedAt: newest.Add(-time.Duration(random.IntN(12*7*24*60)*min(j, 1)) * time.Minute).Truncate(time.Second),
		})
	}
	for e := range eventCount {
		if random.IntN(5) < 2 {
			pull.Flash.Results = append(pull.Flash.Results, domain.FlashResult{
				Event: domain.FlashEvent{Name: fmt.Sprintf("Flash %d", e), StartsAt: now.Truncate(24*time.Hour).AddDate(0, 0, -3-20*e)},
				Rank:  int64(i + 1), PointsEarned: 300, MaxPoints: 1000, ChallengesSolved: 3,
			})
		}
	}
	_, err := s.System().StorePull(ctx, pull)
	return err
}
