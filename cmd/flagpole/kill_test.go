package main

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/store/storetest"
)

// asProgram is set for a child process that is to be the program itself.
const asProgram = "FLAGPOLE_TEST_AS_PROGRAM"

// TestMain lets the test's own binary be the program, so that real processes can be started and killed without building one.
func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// start runs a command in a process of its own.
func (c *console) start(args ...string) (*exec.Cmd, *bytes.Buffer) {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), os.Args[0], args...)
	cmd.Dir = c.t.TempDir()
	cmd.Env = append(os.Environ(), asProgram+"=1")
	for name, value := range c.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	return cmd, &out
}

// totals is what the portal shows of everybody.
func totals(t *testing.T, address string) store.CompetitorSums {
	t.Helper()
	s := storetest.Open(t, address, storetest.NewClock())
	sums, err := s.For(domain.Viewer{UserID: "admin", Role: domain.RoleAdmin}).CompetitorSums(t.Context(), "", domain.BoundsAt(storetest.Start, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

const kills = 20

// TestKilledTwentyTimesAndExactInTheEnd kills syncing processes at random moments. Each next one begins at once, waits for
// nothing, and the last one finishes the work.
func TestKilledTwentyTimesAndExactInTheEnd(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	onBoth(t, func(t *testing.T, c *console) {
		c.filled()
		c.env["GAME_PLATFORM_RATE_LIMIT"] = "300" // so that a run takes about half a second, and most kills hit one
		for range kills {
			cmd, _ := c.start("sync", "--all", "--full")
			time.Sleep(time.Duration(100+random.IntN(500)) * time.Millisecond) // the moment of the kill: any will do
			if err := cmd.Process.Signal(syscall.SIGKILL); err != nil && err != os.ErrProcessDone {
				t.Fatal(err)
			}
			_ = cmd.Wait() // says that it was killed
		}
		c.env["GAME_PLATFORM_RATE_LIMIT"] = "2000"
		cmd, out := c.start("sync", "--all", "--full", "--json")
		if err := cmd.Wait(); err != nil && cmd.ProcessState.ExitCode() != exitFailed { // some of the season's accounts always fail
			t.Fatalf("the last run: %v\n%s", err, out)
		}
		var last syncResult
		line := out.String()[strings.LastIndex(strings.TrimSpace(out.String()), "\n")+1:]
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		want := c.sim.Totals(time.Now())
		if last.Skipped != 0 || last.Attempted != want.Approved+want.Pending+want.Denied+want.Unknown {
			t.Errorf("the last run did not come to everybody: %+v of %+v", last, want)
		}
		got := totals(t, c.env["DATABASE_URL"])
		if got.Solves != int64(want.ODLSolves+want.FlashSolves) || got.Points != want.ODLPoints+want.FlashPoints {
			t.Errorf("%d solves and %d points are stored, the platform has %d and %d", got.Solves, got.Points,
				want.ODLSolves+want.FlashSolves, want.ODLPoints+want.FlashPoints)
		}
		runs := openRuns(t, c.env["DATABASE_URL"])
		if runs != 0 {
			t.Errorf("%d runs are still open", runs)
		}
	})
}

// openRuns counts the runs that were begun and have no end. One that was killed while it waited for its turn is closed
// half a minute later, when it is sure that nobody waits for it.
func openRuns(t *testing.T, address string) (open int) {
	t.Helper()
	s := storetest.Open(t, address, storetest.NewClock())
	list, err := s.For(domain.Viewer{UserID: "admin", Role: domain.RoleAdmin}).LastRuns(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		if r.FinishedAt.IsZero() && !r.Queued {
			open++
		}
	}
	return open
}

// TestACommandBesideAServingPortalUsesItsBudget runs sync while serve has the lead, and then ends serve with SIGTERM.
func TestACommandBesideAServingPortalUsesItsBudget(t *testing.T) {
	onBoth(t, func(t *testing.T, c *console) {
		c.filled()
		c.env["FLAGPOLE_ADDR"] = "127.0.0.1:0"
		portal, out := c.start("serve")
		defer func() {
			if err := portal.Process.Signal(syscall.SIGTERM); err != nil {
				t.Error(err)
			}
			began := time.Now()
			if err := portal.Wait(); err != nil {
				t.Errorf("serve ended with %v\n%s", err, out)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("serve took %s to stop", took)
			}
		}()
		if s := storetest.Open(t, c.env["DATABASE_URL"], storetest.NewClock()); !led(t, s) {
			t.Fatal("the portal never took the lead")
		}
		c.env["GAME_PLATFORM_API_BASE_URL"] = "http://127.0.0.1:1" // the command itself could call nobody
		got, _ := c.json("--all")
		if got.RunID == "" || got.Attempted == 0 || got.Changed+got.Unchanged == 0 {
			t.Errorf("got %+v", got)
		}
	})
}

// led waits until some process has the lead.
func led(t *testing.T, s *store.Store) bool {
	t.Helper()
	for range 500 {
		lead, got, err := s.System().TryLead(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !got {
			return true
		}
		if err := lead.Release(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond) // between two looks
	}
	return false
}
