// Command bench measures what the syncs and the pages are held to, side by side in one run, and prints it as a table: ./task bench.
// It runs the real client, syncer and store against a platform in a process of its own, so that the platform's work is
// not counted as ours. With -postgres ADDRESS it measures that database too; its tables are made in a schema that is
// dropped again.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"flagpole/internal/config"
	"flagpole/internal/domain"
	"flagpole/internal/metactf"
	"flagpole/internal/roster"
	"flagpole/internal/syncer"
	"flagpole/store"
)

func main() {
	serve := flag.Bool("serve", false, "be the platform (used by bench itself)")
	postgres := flag.String("postgres", os.Getenv("FLAGPOLE_TEST_POSTGRES"), "also measure this Postgres database")
	quick := flag.Bool("quick", false, "smaller numbers, to see that it works")
	only := flag.String("only", "", "measure only syncs, pages, failures or export")
	keep := flag.String("keep", "", "keep the databases of the pages in this folder and, where they are there, use them again")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *serve {
		servePlatform(ctx)
		return
	}
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" { // as the portal does
		debug.SetGCPercent(config.GCPercent)
		debug.SetMemoryLimit(config.MemoryLimit)
	}
	n := fullSizes
	if *quick {
		n = quickSizes
	}
	if err := bench(ctx, os.Stdout, *postgres, n, *only, *keep); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// sizes are the numbers of one bench.
type sizes struct {
	abreast             int // competitors synced one at a time and eight abreast
	limited             int // competitors under the request limit
	stored, solvesEach  int
	table               []int
	callTime            time.Duration
	unchanged, unSolves int
	small, large        season        // of the pages
	each                time.Duration // how long each page is asked for
	exported            int           // rows
	failing             [2]int        // competitors, all of whom fail
}

var (
	fullSizes = sizes{357, 500, 2000, 500, []int{18, 100, 1000, 10_000}, 300 * time.Millisecond, 5000, 30,
		season{480, 30}, season{100_000, 106}, 2 * time.Second, 1_000_000, [2]int{1000, 100_000}}
	quickSizes = sizes{40, 100, 100, 500, []int{18, 100}, 50 * time.Millisecond, 200, 30,
		season{480, 30}, season{2000, 30}, 300 * time.Millisecond, 20_000, [2]int{200, 1000}}
)

func bench(ctx context.Context, out io.Writer, postgres string, n sizes, only, keep string) error {
	b := &workbench{out: out, folder: keep, keep: keep != ""}
	if !b.keep {
		folder, err := os.MkdirTemp("", "flagpole-bench-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(folder) }() // only a temporary folder
		b.folder = folder
	}
	fmt.Fprintf(out, "%s, %d cores\n\n%-64s %12s   %s\n", runtime.Version(), runtime.NumCPU(), "what", "measured", "wanted")
	databases := []database{{"SQLite", ""}}
	if postgres != "" {
		databases = append(databases, database{"Postgres", postgres})
	}
	for _, part := range []struct {
		name    string
		measure func(context.Context, []database, sizes) error
	}{{"syncs", b.syncs}, {"pages", b.allPages}, {"failures", b.failures}, {"export", b.export}} {
		if only != "" && only != part.name {
			continue
		}
		if err := part.measure(ctx, databases, n); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// database is a kind of database and the address of its server, "" for SQLite.
type database struct{ name, address string }

// syncs measures what the syncs are held to.
func (b *workbench) syncs(ctx context.Context, databases []database, n sizes) error {
	if err := b.startPlatform(ctx); err != nil {
		return err
	}
	defer b.stopPlatform()
	for _, step := range []func(context.Context, sizes) error{b.eightAbreast, b.keptLimit} {
		if err := step(ctx, n); err != nil {
			return err
		}
	}
	for _, d := range databases {
		if err := b.storing(ctx, d.name, d.address, n); err != nil {
			return err
		}
	}
	return b.programmeTable(ctx, n)
}

// allPages measures the pages on each database.
func (b *workbench) allPages(ctx context.Context, databases []database, n sizes) error {
	for _, d := range databases {
		if err := b.pages(ctx, d.name, d.address, n); err != nil {
			return err
		}
	}
	return nil
}

func (b *workbench) say(what, measured, wanted string) {
	fmt.Fprintf(b.out, "%-64s %12s   %s\n", what, measured, wanted)
}

// eightAbreast compares one sync at a time with eight, without a request limit.
func (b *workbench) eightAbreast(ctx context.Context, n sizes) error {
	b.platform(behaviour{Latency: n.callTime, Solves: 30})
	took := map[int]time.Duration{}
	for _, width := range []int{8, 1} {
		p, err := b.portal(ctx, "", n.abreast, width, 10_000)
		if err != nil {
			return err
		}
		report, err := p.sync(ctx, true)
		if err != nil {
			return err
		}
		took[width] = report.Took
	}
	b.say(fmt.Sprintf("%d competitors, %s a call: one at a time", n.abreast, n.callTime), seconds(took[1]), "")
	b.say("  the same, 8 abreast", seconds(took[8]), "")
	b.say("  times faster", fmt.Sprintf("%.1f", took[1].Seconds()/took[8].Seconds()), "7 or more")
	return nil
}

// keptLimit measures how much of the request limit is used, and the most sends in any second.
func (b *workbench) keptLimit(ctx context.Context, n sizes) error {
	const limit = 50
	b.platform(behaviour{Latency: 20 * time.Millisecond, Solves: 30})
	p, err := b.portal(ctx, "", n.limited, 8, limit)
	if err != nil {
		return err
	}
	if _, err := p.sync(ctx, true); err != nil {
		return err
	}
	seen, err := b.arrivals(ctx)
	if err != nil {
		return err
	}
	rate := float64(len(seen)-1) / seen[len(seen)-1].Sub(seen[0]).Seconds()
	b.say(fmt.Sprintf("limit of %d requests a second: share of it kept", limit), fmt.Sprintf("%.1f %%", 100*rate/limit), "95 % or more")
	b.say("  most requests in any second, as they arrived", strconv.Itoa(mostIn(seen, time.Second)), "51 or less")
	return nil
}

// mostIn is the most moments of a sorted list within any span.
func mostIn(moments []time.Time, span time.Duration) (most int) {
	first := 0
	for i, t := range moments {
		for t.Sub(moments[first]) >= span {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// storing compares the rate of a first pull with that of plain multi-row upserts on the same database, and measures an
// unchanged sync.
func (b *workbench) storing(ctx context.Context, name, address string, n sizes) error {
	rows := n.stored * n.solvesEach
	raw, err := b.rawUpserts(ctx, address, rows)
	if err != nil {
		return err
	}
	b.platform(behaviour{Solves: n.solvesEach})
	p, err := b.portal(ctx, address, n.stored, 8, 10_000)
	if err != nil {
		return err
	}
	report, err := p.sync(ctx, false)
	if err != nil {
		return err
	}
	if report.Counts.NewSolves != rows {
		return fmt.Errorf("%s: %d solves were stored, want %d", name, report.Counts.NewSolves, rows)
	}
	rate := float64(rows) / report.Took.Seconds()
	b.say(fmt.Sprintf("%s: plain multi-row upserts, rows a second", name), fmt.Sprintf("%.0f", raw), "")
	b.say(fmt.Sprintf("  first pull of %d competitors with %d solves, rows a second", n.stored, n.solvesEach), fmt.Sprintf("%.0f", rate), "")
	b.say("  share of the plain rate", fmt.Sprintf("%.0f %%", 100*rate/raw), "20 % or more")
	if err := p.close(ctx); err != nil {
		return err
	}
	return b.unchanged(ctx, name, address, n)
}

// unchanged measures the processor time of a sync that finds nothing new, and the memory at two sizes.
func (b *workbench) unchanged(ctx context.Context, name, address string, n sizes) error {
	b.platform(behaviour{Solves: n.unSolves})
	var memory []uint64
	var each time.Duration
	for _, competitors := range []int{n.unchanged / 10, n.unchanged} {
		p, err := b.portal(ctx, address, competitors, 8, 10_000)
		if err != nil {
			return err
		}
		if _, err := p.sync(ctx, false); err != nil {
			return err
		}
		before := processorTime()
		peak := watchMemory()
		report, err := p.sync(ctx, false)
		if err != nil {
			return err
		}
		if report.Counts.Unchanged != competitors {
			return fmt.Errorf("%s: %+v, want %d unchanged", name, report.Counts, competitors)
		}
		each = (processorTime() - before) / time.Duration(competitors)
		memory = append(memory, peak())
		if err := p.close(ctx); err != nil {
			return err
		}
	}
	b.say(fmt.Sprintf("  processor time per unchanged competitor (of %d)", n.unchanged), fmt.Sprintf("%.2f ms", each.Seconds()*1000), "under 0.5 ms")
	b.say(fmt.Sprintf("  heap in use at most, %d and %d competitors", n.unchanged/10, n.unchanged),
		fmt.Sprintf("%d, %d MB", memory[0]>>20, memory[1]>>20), "flat")
	return nil
}

// programmeTable is the programme's own: what a full pull of everybody takes.
func (b *workbench) programmeTable(ctx context.Context, n sizes) error {
	fmt.Fprintf(b.out, "\nFull pull on SQLite, 30 solves each, no latency, 8 abreast\n%12s %10s %8s %10s %22s %22s\n",
		"competitors", "seconds", "calls", "rows", "at 5 requests a second", "at 50 a second")
	b.platform(behaviour{Solves: 30})
	for _, competitors := range n.table {
		p, err := b.portal(ctx, "", competitors, 8, 10_000)
		if err != nil {
			return err
		}
		report, err := p.sync(ctx, true)
		if err != nil {
			return err
		}
		calls := time.Duration(report.Counts.APICalls) * time.Second
		fmt.Fprintf(b.out, "%12d %10.1f %8d %10d %22s %22s\n", competitors, report.Took.Seconds(), report.Counts.APICalls,
			report.Counts.NewSolves, (calls / 5).Round(time.Second), (calls / 50).Round(time.Second))
	}
	return nil
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// portal is what a serving portal syncs with: store, client and syncer.
type portal struct {
	address string
	store   *store.Store
	syncer  *syncer.Syncer
	drop    func(context.Context) error
}

// portal makes one on an empty database with so many competitors; an empty address is a SQLite file.
func (b *workbench) portal(ctx context.Context, address string, competitors, width int, limit float64) (*portal, error) {
	p := &portal{drop: func(context.Context) error { return nil }}
	var err error
	if address == "" {
		b.files++
		address = "sqlite:" + filepath.Join(b.folder, strconv.Itoa(b.files)+".db")
	} else if address, p.drop, err = ownSchema(ctx, address); err != nil {
		return nil, err
	}
	p.address = address
	if p.store, err = store.Open(ctx, address, time.Now); err != nil {
		return nil, err
	}
	if _, err := p.store.MigrateUp(ctx); err != nil {
		return nil, err
	}
	if err := p.enrol(ctx, competitors); err != nil {
		return nil, err
	}
	quiet := slog.New(slog.DiscardHandler)
	client, err := metactf.New(metactf.Config{BaseURL: b.url, Tokens: []metactf.Token{{Name: "token", Value: "bench"}}, RateLimit: limit}, quiet)
	if err != nil {
		return nil, err
	}
	p.syncer = syncer.New(p.store.System(), client, syncer.Settings{
		Concurrency: width, RateLimit: limit, Overlap: 48 * time.Hour, Every: 30 * time.Minute, AtMost: 8 * time.Hour, Zone: time.UTC,
	}, time.Now, quiet)
	return p, nil
}

func (p *portal) enrol(ctx context.Context, competitors int) error {
	rows := make([]roster.Row, competitors)
	for i := range rows {
		id := fmt.Sprintf("%06d", i)
		rows[i] = roster.Row{
			Line: i + 2, CoachEmail: fmt.Sprintf("coach%d@bench.example", i/20), CoachName: "Coach", FirstName: "Player", LastName: id,
			Email: id + "@bench.example", Division: domain.HighSchool, Status: domain.ProfileComplete, CompetitorID: "C-" + id, GamePlatformID: "syn-" + id,
		}
	}
	_, bad, err := p.store.System().ImportRoster(ctx, rows, false)
	if err == nil && len(bad) > 0 {
		err = fmt.Errorf("the roster was refused: %s", bad[0])
	}
	if err == nil {
		err = enrolAll(ctx, p.store.System())
	}
	return err
}

// sync pulls everybody; last closes the portal afterwards.
func (p *portal) sync(ctx context.Context, last bool) (syncer.Report, error) {
	report, err := p.syncer.Do(ctx, store.RunRequest{By: "command"})
	if err == nil && report.Counts.Failed > 0 {
		err = fmt.Errorf("%d syncs failed", report.Counts.Failed)
	}
	if err == nil && last {
		err = p.close(ctx)
	}
	return report, err
}

func (p *portal) close(ctx context.Context) error {
	if err := p.store.Close(); err != nil {
		return err
	}
	return p.drop(ctx)
}
