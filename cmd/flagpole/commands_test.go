package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/metactf/simulator"
	"flagpole/store/storetest"
)

// console runs commands as a shell would, on an empty database and a simulated platform.
type console struct {
	t   *testing.T
	env map[string]string
	sim *simulator.Simulator
}

// outcome is what a command printed and exited with.
type outcome struct {
	status         int
	stdout, stderr string
}

// onBoth runs test on SQLite and on Postgres, with a small season.
func onBoth(t *testing.T, test func(t *testing.T, c *console)) {
	t.Helper()
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) { test(t, newConsole(t, storetest.URL(t, kind))) })
	}
}

func newConsole(t *testing.T, database string) *console {
	t.Helper()
	sim, err := simulator.New(simulator.Options{
		Seed: 3, Competitors: 60, Coaches: 4, Teams: 8, Token: "sim-token", Start: time.Now().Add(-time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return &console{t, map[string]string{
		"DATABASE_URL":                      database,
		"GAME_PLATFORM_API_BASE_URL":        server.URL + simulator.BaseURLPath,
		"GAME_PLATFORM_API_TOKEN":           "sim-token",
		"GAME_PLATFORM_INTEGRATION_ENABLED": "true",
		"GAME_PLATFORM_RATE_LIMIT":          "2000",
	}, sim}
}

// do runs a command with input on its standard input.
func (c *console) do(input string, args ...string) outcome {
	c.t.Helper()
	var stdout, stderr bytes.Buffer
	err := run(c.t.Context(), args, func(name string) string { return c.env[name] }, strings.NewReader(input), &stdout, &stderr)
	status := exitStatus(err, &stderr)
	return outcome{status, stdout.String(), stderr.String()}
}

// must runs a command that has to succeed and gives what it printed.
func (c *console) must(args ...string) string {
	c.t.Helper()
	o := c.do("", args...)
	if o.status != 0 {
		c.t.Fatalf("flagpole %s: status %d\n%s%s", strings.Join(args, " "), o.status, o.stdout, o.stderr)
	}
	return o.stdout
}

// filled migrates, imports the season's roster and enrols all coaches.
func (c *console) filled() *console {
	c.t.Helper()
	c.imported().must("rollout", "set", "100", "--reason", "test")
	return c
}

// imported migrates and imports the season's roster.
func (c *console) imported() *console {
	c.t.Helper()
	c.must("migrate", "up")
	path := filepath.Join(c.t.TempDir(), "roster.csv")
	if err := writeRoster(c.sim, path); err != nil {
		c.t.Fatal(err)
	}
	c.must("import", path)
	return c
}

// json runs sync with --json and gives its object and status.
func (c *console) json(args ...string) (syncResult, int) {
	c.t.Helper()
	o := c.do("", append([]string{"sync", "--json"}, args...)...)
	var r syncResult
	dec := json.NewDecoder(strings.NewReader(o.stdout))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		c.t.Fatalf("sync %q printed %q and %q: %v", args, o.stdout, o.stderr, err)
	}
	return r, o.status
}

func TestSyncPullsEverybodyAndSaysWhatItDid(t *testing.T) {
	onBoth(t, func(t *testing.T, c *console) {
		c.filled()
		first, status := c.json("--all")
		want := c.sim.Totals(time.Now())
		if first.NewSolves != want.ODLSolves+want.FlashSolves {
			t.Errorf("%d new solves, the platform has %d", first.NewSolves, want.ODLSolves+want.FlashSolves)
		}
		if first.Attempted == 0 || first.Attempted != first.Changed+first.Unchanged+first.Blocked+first.Failed {
			t.Errorf("the counts do not add up: %+v", first)
		}
		if first.RunID == "" || first.APICalls < 2*first.Changed || first.Seconds <= 0 {
			t.Errorf("got %+v", first)
		}
		if wantStatus := min(first.Failed, 1); status != wantStatus {
			t.Errorf("status %d with %d failed", status, first.Failed)
		}
		second, _ := c.json("--all")
		if second.Changed != 0 || second.NewSolves != 0 || second.Attempted != first.Attempted {
			t.Errorf("nothing happened in between, and yet: %+v", second)
		}
		if full, _ := c.json("--all", "--full"); full.Changed != 0 || full.APICalls <= second.APICalls {
			t.Errorf("a full pull of the same: %+v", full)
		}
	})
}

func TestSyncPrintsTheContractsFields(t *testing.T) {
	c := newConsole(t, storetest.URL(t, "sqlite")).filled()
	o := c.do("", "sync", "--all", "--json")
	var fields map[string]any
	if err := json.Unmarshal([]byte(o.stdout), &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"run_id", "attempted", "changed", "unchanged", "blocked", "failed", "skipped", "not_enrolled", "new_solves", "api_calls", "seconds"} {
		if _, ok := fields[name]; !ok {
			t.Errorf("%q is missing in %s", name, o.stdout)
		}
		delete(fields, name)
	}
	if len(fields) > 0 {
		t.Errorf("unknown fields: %v", fields)
	}
}

func TestADryRunOfSyncStoresNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, c *console) {
		c.filled()
		dry, status := c.json("--all", "--dry-run")
		if status != 0 || dry.NewSolves == 0 {
			t.Errorf("status %d, %+v", status, dry)
		}
		again, _ := c.json("--all")
		if again.NewSolves != dry.NewSolves || again.Changed != dry.Changed {
			t.Errorf("the real run did %+v, the dry run foretold %+v", again, dry)
		}
	})
}

func TestSwitchedOffSyncMakesNoCall(t *testing.T) {
	c := newConsole(t, storetest.URL(t, "sqlite"))
	c.env["GAME_PLATFORM_INTEGRATION_ENABLED"] = ""
	c.env["GAME_PLATFORM_API_BASE_URL"] = "http://127.0.0.1:1" // a call would fail
	got, status := c.json("--all")
	if diff := cmp.Diff(syncResult{Stopped: "disabled"}, got); diff != "" || status != 0 {
		t.Errorf("status %d (-want +got):\n%s", status, diff)
	}
}

func TestARefusedTokenIsSaidOnce(t *testing.T) {
	c := newConsole(t, storetest.URL(t, "sqlite")).filled()
	c.env["GAME_PLATFORM_API_TOKEN"] = "a-wrong-token"
	got, status := c.json("--all")
	if status != 1 || got.Stopped != "token_refused" || got.Failed != 0 || got.Attempted != 0 || got.Skipped == 0 {
		t.Errorf("status %d, %+v", status, got)
	}
}

func TestWrongUseExitsWithTwo(t *testing.T) {
	c := newConsole(t, storetest.URL(t, "sqlite")).filled()
	for name, args := range map[string][]string{
		"unknown command":          {"fly"},
		"unknown flag":             {"sync", "--everything"},
		"no selection":             {"sync"},
		"two selections":           {"sync", "--all", "--coach", "x"},
		"unknown coach":            {"sync", "--coach", "nobody"},
		"unknown competitor":       {"sync", "--competitor", "nobody"},
		"superfluous argument":     {"serve", "now"},
		"import without a file":    {"import"},
		"import of a missing file": {"import", filepath.Join(t.TempDir(), "missing.csv")},
		"user without password":    {"user", "add", "--email", "a@b.example", "--role", "admin"},
		"user with a wrong role":   {"user", "add", "--email", "a@b.example", "--role", "king", "--password-stdin"},
		"user with a wrong email":  {"user", "add", "--email", "nobody", "--role", "admin", "--password-stdin"},
		"migrate without a step":   {"migrate"},
		"unknown fault":            {"simulator", "--fault", "earthquake"},
		"clean without a choice":   {"clean"},
		"clean with two choices":   {"clean", "--mock", "--sync-state"},
		"replay of a missing file": {"simulator", "--replay", filepath.Join(t.TempDir(), "missing.csv")},
	} {
		t.Run(name, func(t *testing.T) {
			o := c.do("long enough\n", args...)
			if o.status != exitUsage || !strings.HasPrefix(o.stderr, "flagpole: ") {
				t.Errorf("status %d, said %q; want %d and a reason", o.status, o.stderr, exitUsage)
			}
		})
	}
	c.env["GAME_PLATFORM_RATE_LIMIT"] = "fast"
	if o := c.do("", "sync", "--all"); o.status != exitUsage || !strings.Contains(o.stderr, "GAME_PLATFORM_RATE_LIMIT") {
		t.Errorf("a wrong setting: status %d, said %q", o.status, o.stderr)
	}
}

func TestPendingMigrationsAreRefused(t *testing.T) {
	c := newConsole(t, storetest.URL(t, "sqlite"))
	for _, args := range [][]string{{"serve"}, {"sync", "--all"}} {
		o := c.do("", args...)
		if o.status != exitUsage || !strings.Contains(o.stderr, "flagpole migrate up") {
			t.Errorf("%v: status %d, said %q", args, o.status, o.stderr)
		}
	}
	if o := c.do("", "check"); o.status != exitFailed || !strings.Contains(o.stdout, "pending") {
		t.Errorf("check: status %d, said %q", o.status, o.stdout)
	}
}

func TestMigrateGoesUpAndDown(t *testing.T) {
	onBoth(t, func(t *testing.T, c *console) {
		c.must("migrate", "up")
		if out := c.must("migrate", "up"); !strings.Contains(out, "nothing to do") {
			t.Errorf("a second up said %q", out)
		}
		steps := strings.Count(c.must("migrate", "status"), "applied")
		for range steps {
			c.must("migrate", "down")
		}
		if out := c.must("migrate", "status"); strings.Contains(out, "applied") {
			t.Errorf("after all downs: %s", out)
		}
		c.must("migrate", "up")
	})
}

func TestABadRosterIsListedLineByLineAndNotStored(t *testing.T) {
	onBoth(t, func(t *testing.T, c *console) {
		c.must("migrate", "up")
		path := filepath.Join(t.TempDir(), "roster.csv")
		header := "coach_email,coach_name,school,region,first_name,last_name,email,division,grade,status,team,competitor_id,game_platform_id\n"
		good := "mara.lind@oak.example,Mara Lind,Oak,North,Ivo,Berg,ivo@oak.example,high_school,11,complete,Foxes,C-1,syn-1\n"
		write(t, path, header+good+
			"mara.lind@oak.example,Mara Lind,Oak,North,Una,Falk,not-an-email,high_school,11,complete,Foxes,C-2,syn-2\n"+
			"mara.lind@oak.example,Mara Lind,Oak,North,\"Two\nlines\",,una@oak.example,senior,11,complete,Foxes,C-3,syn-3\n"+
			"mara.lind@oak.example,Mara Lind,Oak,North,Jon,Dahl,jon@oak.example,high_school,11,complete,Foxes,C-1,syn-4\n")
		o := c.do("", "import", path)
		lines := strings.Split(strings.TrimSpace(o.stdout), "\n")
		if o.status != exitFailed || len(lines) != 3 {
			t.Fatalf("status %d, %d lines:\n%s", o.status, len(lines), o.stdout)
		}
		for i, want := range [][]string{{"line 3:", "email"}, {"line 4:", "last_name", "division"}, {"line 6:", "competitor_id"}} {
			for _, part := range want {
				if !strings.Contains(lines[i], part) {
					t.Errorf("%q does not say %q", lines[i], part)
				}
			}
		}
		write(t, path, header+good)
		if out := c.must("import", path); !strings.Contains(out, "1 added") {
			t.Errorf("the good line alone: %s", out)
		}
		if out := c.must("import", path); strings.Contains(out, "1 added") {
			t.Errorf("the same file again: %s", out)
		}
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCleanAsksFirst(t *testing.T) {
	onBoth(t, func(t *testing.T, c *console) {
		c.filled()
		first, _ := c.json("--all")
		if o := c.do("no\n", "clean", "--sync-state"); o.status != exitFailed || !strings.Contains(o.stdout, "Nothing was deleted") {
			t.Errorf("no: %+v", o)
		}
		if next, _ := c.json("--all"); next.APICalls >= first.APICalls {
			t.Errorf("the state is gone after a no: %+v", next)
		}
		if o := c.do("yes\n", "clean", "--sync-state"); o.status != 0 {
			t.Errorf("yes: %+v", o)
		}
		if next, _ := c.json("--all"); next.APICalls != first.APICalls || next.NewSolves != 0 {
			t.Errorf("everybody is to be pulled in full again, and nothing is new: %+v, the first was %+v", next, first)
		}
		if out := c.must("clean", "--mock", "--yes"); !strings.Contains(out, "deleted 0 ") {
			t.Errorf("there is no mock account, and yet: %s", out)
		}
	})
}

func TestUserAdd(t *testing.T) {
	c := newConsole(t, storetest.URL(t, "sqlite")).filled()
	add := func(email, role, password string) outcome {
		return c.do(password+"\n", "user", "add", "--email", email, "--role", role, "--password-stdin")
	}
	if o := add("ops@flagpole.example", "admin", "correct horse"); o.status != 0 {
		t.Errorf("admin: %+v", o)
	}
	for name, o := range map[string]outcome{
		"taken email":             add("OPS@flagpole.example", "product", "correct horse"),
		"coach nobody imported":   add("nobody@flagpole.example", "coach", "correct horse"),
		"password that is short":  add("new@flagpole.example", "admin", "short"),
		"password that is absent": add("new@flagpole.example", "admin", ""),
	} {
		if o.status != exitFailed || o.stderr == "" {
			t.Errorf("%s: %+v", name, o)
		}
		if strings.Contains(o.stderr, "correct horse") {
			t.Errorf("%s: the password stands in %q", name, o.stderr)
		}
	}
}

func TestCheckSaysWhatIsWrong(t *testing.T) {
	c := newConsole(t, storetest.URL(t, "sqlite"))
	c.must("migrate", "up")
	c.env["GAME_PLATFORM_INTEGRATION_ENABLED"] = "" // check calls all the same
	if out := c.must("check"); strings.Count(out, "ok  ") != 6 {
		t.Errorf("all is well, and check says:\n%s", out)
	}
	c.env["GAME_PLATFORM_API_TOKEN"] = "a-wrong-token"
	o := c.do("", "check")
	if o.status != exitFailed || !strings.Contains(o.stdout, "FAIL  token") {
		t.Errorf("with a wrong token: status %d\n%s", o.status, o.stdout)
	}
	if strings.Contains(o.stdout+o.stderr, "a-wrong-token") {
		t.Error("check prints the token")
	}
	c.env["GAME_PLATFORM_API_BASE_URL"] = "http://127.0.0.1:1"
	if o := c.do("", "check"); o.status != exitFailed || !strings.Contains(o.stdout, "FAIL  platform") {
		t.Errorf("without a platform: status %d\n%s", o.status, o.stdout)
	}
	c.env["GAME_PLATFORM_API_TOKEN"] = ""
	if o := c.do("", "check"); o.status != exitFailed || !strings.Contains(o.stdout, "neither GAME_PLATFORM_API_TOKEN nor GAME_PLATFORM_API_TOKEN_FILE is set") {
		t.Errorf("without a token: status %d\n%s", o.status, o.stdout)
	}
}

func TestAReplayedFileGivesItsOwnTotals(t *testing.T) {
	onBoth(t, func(t *testing.T, c *console) {
		folder := t.TempDir()
		file, rosterFile := filepath.Join(folder, "solves.csv"), filepath.Join(folder, "roster.csv")
		write(t, file, "player,event,challenge,category,points,solved_at\n"+
			"p1,Spring Cup,Warm up,misc,50,2026-03-07T10:00:04Z\n"+
			"p2,Spring Cup,Warm up,misc,50,2026-03-07T10:00:05Z\n"+
			"p1,Spring Cup,Locked door,crypto,200,2026-03-07T11:30:00Z\n"+
			"p3,,Homework,web,100,2026-03-09T09:00:00Z\n")
		sim, err := newSimulator(simulatorOptions{Options: simulator.Options{Token: "sim-token"}, replay: file})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(sim)
		defer server.Close()
		if err := writeRoster(sim, rosterFile); err != nil {
			t.Fatal(err)
		}
		c.env["GAME_PLATFORM_API_BASE_URL"] = server.URL + simulator.BaseURLPath
		c.must("migrate", "up")
		c.must("import", rosterFile)
		c.must("rollout", "set", "100", "--reason", "test")
		got, status := c.json("--all")
		if status != 0 || got.Attempted != 3 || got.Changed != 3 || got.NewSolves != 4 {
			t.Errorf("status %d, %+v; want three players with four solves", status, got)
		}
	})
}

// TestServeAnswersAndStops starts the portal on a free port and ends it as a signal would.
func TestServeAnswersAndStops(t *testing.T) {
	c := newConsole(t, storetest.URL(t, "sqlite")).filled()
	c.env["FLAGPOLE_ADDR"] = "127.0.0.1:0"
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	said := &lines{found: make(chan string, 1)}
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"serve"}, func(name string) string { return c.env[name] }, strings.NewReader(""), &bytes.Buffer{}, said)
	}()
	select {
	case <-said.found:
	case err := <-ended:
		t.Fatalf("serve ended: %v", err)
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("serve ended with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("serve did not end within 10 seconds")
	}
}

// lines reports the first log line that says where the portal listens.
type lines struct{ found chan string }

func (l *lines) Write(b []byte) (int, error) {
	if strings.Contains(string(b), "the portal listens") {
		select {
		case l.found <- string(b):
		default:
		}
	}
	return len(b), nil
}

func TestABackupIsRestoredByCommand(t *testing.T) {
	c := newConsole(t, storetest.URL(t, "sqlite")).filled()
	c.json("--all")
	file := filepath.Join(t.TempDir(), "backup")
	wrote := c.must("backup", file)
	if o := c.do("", "backup", file); o.status != exitFailed || !strings.Contains(o.stderr, "exists already") {
		t.Errorf("a second time: %+v", o)
	}
	if o := c.do("", "restore", file); o.status != exitFailed || !strings.Contains(o.stderr, "Nothing is overwritten") {
		t.Errorf("over what is there: %+v", o)
	}
	c.env["DATABASE_URL"] = "sqlite:" + filepath.Join(t.TempDir(), "restored.db")
	restored := c.must("restore", file)
	if strings.TrimPrefix(wrote, "backed up: ") != strings.TrimPrefix(restored, "restored: ") || !strings.Contains(wrote, "sqlite") || strings.Contains(wrote, " 0 solves") {
		t.Errorf("%s%s", wrote, restored)
	}
	if _, status := c.json("--all"); status == exitUsage {
		t.Error("the restored database cannot be used")
	}
	c.must("migrate", "down")
	older := filepath.Join(t.TempDir(), "older")
	c.must("backup", older)
	c.env["DATABASE_URL"] = "sqlite:" + filepath.Join(t.TempDir(), "restored.db")
	if text := c.must("restore", older); !strings.Contains(text, "1 migrations are pending; run: flagpole migrate up") {
		t.Errorf("an older one: %s", text)
	}
	c.must("migrate", "up")
	if o := c.do("", "backup"); o.status != exitUsage {
		t.Errorf("without a file: %+v", o)
	}
}
