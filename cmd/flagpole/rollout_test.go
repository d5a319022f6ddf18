package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/store/storetest"
)

// standing is what rollout show --json prints.
func (c *console) standing() rolloutStanding {
	c.t.Helper()
	var st rolloutStanding
	dec := json.NewDecoder(strings.NewReader(c.must("rollout", "show", "--json")))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&st); err != nil {
		c.t.Fatal(err)
	}
	return st
}

// gates are the names of the gates in the order they are printed.
func (c *console) gates() (names []string) {
	c.t.Helper()
	for _, g := range c.standing().Gates {
		if g.Sentence == "" || !slices.Contains([]string{"pass", "hold", "fail", "unknown"}, g.Verdict) {
			c.t.Errorf("%+v", g)
		}
		names = append(names, g.Name)
	}
	return names
}

// fourCoaches imports coaches a to d with one competitor each, and gives nobody the feature.
func (c *console) fourCoaches() *console {
	c.t.Helper()
	c.must("migrate", "up")
	path := filepath.Join(c.t.TempDir(), "roster.csv")
	text := "coach_id,coach_email,coach_name,school,region,first_name,last_name,email,division,grade,status,team,competitor_id,game_platform_id\n"
	for _, id := range []string{"a", "b", "c", "d"} {
		text += id + "," + id + "@oak.example,Coach " + id + ",Oak,North,Ivo,Berg," + id + "@pupil.example,high_school,11,complete,,C-" + id + ",\n"
	}
	write(c.t, path, text)
	c.must("import", path)
	return c
}

// The contract for scripts, word for word.
func TestRolloutPrintsWhatScriptsRelyOn(t *testing.T) {
	onBoth(t, func(t *testing.T, c *console) {
		c.must("migrate", "up")
		got := c.must("rollout", "show", "--json")
		if want := `{"enabled":true,"percent":0,"pilots":[],"held_back":[],"enrolled":[],"eligible":0,"phase":"off","frozen":false,"gates":[` +
			`{"name":"sync_success","verdict":"unknown","value":null,"n":0,"threshold":0.95,"sentence":"`; !strings.HasPrefix(got, want) {
			t.Errorf("an empty database: %s", got)
		}
		if names := c.gates(); !slices.Equal(names, []string{
			"sync_success", "failure_rate", "recent_success", "no_alert", "job_duration", "soak", "pilots_ready", "problem_reports",
		}) {
			t.Errorf("gates %q", names)
		}
		c.fourCoaches()
		first := c.must("rollout", "set", "25", "--reason", "try", "--dry-run")
		if c.standing().Percent != 0 {
			t.Error("a dry run was stored")
		}
		for _, step := range []struct{ args, want string }{
			{"set 25 --reason try", strings.TrimSpace(first)},
			{"set 25 --reason again", `{"gained":[],"lost":[]}`},
			{"set 100 --reason all", ""},
			{"set 25 --reason keep --keep", `{"gained":[],"lost":[]}`},
			{"set 0 --reason nobody", `{"gained":[],"lost":["a","b","c","d"]}`},
			{"pilot add c", `{"gained":["c"],"lost":[]}`},
			{"pilot add a --reason also", `{"gained":["a"],"lost":[]}`},
			{"set 0 --reason pilots_stay", `{"gained":[],"lost":[]}`},
			{"set off --reason all_over", `{"gained":[],"lost":["a","c"]}`},
			{"set 50 --reason on", `{"gained":["a","c"],"lost":[]}`},
			{"pilot remove a", `{"gained":[],"lost":[]}`},
			{"off --reason trouble", `{"gained":[],"lost":[]}`},
			{"on --reason over", `{"gained":[],"lost":[]}`},
			{"restore 3 --reason back", `{"gained":["b","d"],"lost":[]}`},
		} {
			got := strings.TrimSpace(c.must(append([]string{"rollout"}, strings.Fields(step.args)...)...))
			if step.want != "" && got != step.want {
				t.Errorf("%s: %s, want %s", step.args, got, step.want)
			}
			if enabled := c.standing().Enabled; enabled == strings.HasPrefix(step.args, "off ") {
				t.Errorf("%s: enabled %v", step.args, enabled)
			}
		}
		if got := c.must("rollout", "show", "--json"); !strings.HasPrefix(got, `{"enabled":true,"percent":100,"pilots":[],"held_back":[],"enrolled":["a","b","c","d"],"eligible":4,"phase":"100 %",`) {
			t.Errorf("in the end: %s", got)
		}
		if got := c.must("rollout", "show"); !strings.HasPrefix(got, "100 %: 4 of 4 coaches have the game platform.\n") {
			t.Errorf("in words: %s", got)
		}
	})
}

func TestWrongUseOfRolloutIsRefused(t *testing.T) {
	c := newConsole(t, storetest.URL(t, "sqlite")).fourCoaches()
	for name, args := range map[string]string{
		"nothing": "", "unknown word": "fly", "no percentage": "set --reason x", "not a number": "set half --reason x", "too much": "set 101 --reason x",
		"no reason": "set 10", "empty reason": "set 10 --reason=", "off without a reason": "off", "on without a reason": "on",
		"restore without a reason": "restore 1", "restore of nothing": "restore 9 --reason x", "restore of a word": "restore it --reason x",
		"unknown coach": "pilot add nobody", "pilot of nobody": "pilot add", "pilot alone": "pilot", "keep and off": "set off --keep --reason x",
	} {
		o := c.do("", append([]string{"rollout"}, strings.Fields(args)...)...)
		if o.status != exitUsage || !strings.HasPrefix(o.stderr, "flagpole: ") || o.stdout != "" {
			t.Errorf("%s: status %d, %q, %q", name, o.status, o.stdout, o.stderr)
		}
	}
	st := c.standing()
	st.Gates = nil
	if diff := cmp.Diff(rolloutStanding{Enabled: true, Pilots: []string{}, HeldBack: []string{}, Enrolled: []string{}, Eligible: 4, Phase: "off"}, st); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSyncUnderTheKillSwitchPrintsZeros(t *testing.T) {
	onBoth(t, func(t *testing.T, c *console) {
		c.filled()
		before := c.standing()
		c.must("rollout", "off", "--reason", "test")
		got, status := c.json("--all")
		if got.RunID == "" || status != 0 {
			t.Errorf("status %d, %+v", status, got)
		}
		got.RunID, got.Seconds = "", 0
		if diff := cmp.Diff(syncResult{Stopped: "kill_switch"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(before.Enrolled, c.standing().Enrolled); diff != "" {
			t.Errorf("who has it (-before +after):\n%s", diff)
		}
		c.must("rollout", "on", "--reason", "test")
		if got, _ := c.json("--all"); got.Attempted == 0 || got.Stopped != "" {
			t.Errorf("after it: %+v", got)
		}
	})
}

// TestRolloutOffEndsARunningSync is against the simulator, with a budget that makes the run last for a minute.
func TestRolloutOffEndsARunningSync(t *testing.T) {
	onBoth(t, func(t *testing.T, c *console) {
		c.filled()
		c.env["GAME_PLATFORM_RATE_LIMIT"] = "2"
		ended := make(chan syncResult, 1)
		go func() {
			r, _ := c.json("--all")
			ended <- r
		}()
		s := storetest.Open(t, c.env["DATABASE_URL"], storetest.NewClock())
		until := time.Now().Add(20 * time.Second)
		for running := false; !running; {
			runs, err := s.For(domain.Viewer{Role: domain.RoleAdmin}).LastRuns(t.Context(), 5)
			if err != nil || time.Now().After(until) {
				t.Fatal("no run began", err)
			}
			running = slices.ContainsFunc(runs, func(r store.Run) bool { return !r.Queued && r.FinishedAt.IsZero() })
		}
		c.must("rollout", "off", "--reason", "test")
		select {
		case r := <-ended:
			if r.Stopped != "kill_switch" || r.Skipped == 0 || r.Attempted != r.Changed+r.Unchanged+r.Blocked+r.Failed {
				t.Errorf("got %+v", r)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("it still runs 5 seconds after rollout off")
		}
	})
}

func TestNotEnrolledAreCountedAsCompetitors(t *testing.T) {
	onBoth(t, func(t *testing.T, c *console) {
		c.filled()
		all, _ := c.json("--all", "--dry-run")
		c.must("rollout", "set", "50", "--reason", "half")
		half, _ := c.json("--all", "--dry-run")
		if half.NotEnrolled == 0 || half.Attempted+half.NotEnrolled != all.Attempted || all.NotEnrolled != 0 {
			t.Errorf("half %+v, all %+v", half, all)
		}
	})
}

func TestAPhaseIsEnteredByItsName(t *testing.T) {
	onBoth(t, func(t *testing.T, c *console) {
		c.fourCoaches()
		c.must("rollout", "pilot", "add", "a")
		c.must("rollout", "phase", "pilot", "--reason", "begin")
		if st := c.standing(); st.Phase != "pilot" || !slices.Equal(st.Enrolled, []string{"a"}) {
			t.Errorf("standing %+v", st)
		}
		for _, test := range []struct {
			args   []string
			status int
			says   string
		}{
			{[]string{"10"}, 2, "A reason is missing"},
			{[]string{"20", "--reason", "x"}, 2, `"20" is not a phase. Use one of: off, pilot, 10 %, 50 %, 100 %.`},
			{[]string{"10", "--reason", "x"}, 1, "Not all gates pass. Syncs succeed (unknown): No trial counts yet."},
			{[]string{"10", "--reason", "x", "--override-for", "1h"}, 2, "goes with --override"},
			{[]string{"10", "--reason", "x", "--override", "--override-for", "200h"}, 2, "An override cannot last that long"},
		} {
			o := c.do("", append([]string{"rollout", "phase"}, test.args...)...)
			if o.status != test.status || !strings.Contains(o.stderr, test.says) {
				t.Errorf("%q: %d, %s", test.args, o.status, o.stderr)
			}
		}
		if st := c.standing(); st.Phase != "pilot" {
			t.Errorf("what was refused was done: %+v", st)
		}
		c.must("rollout", "phase", "50%", "--reason", "sure", "--override")
		if st := c.standing(); st.Phase != "50 %" || st.Percent != 50 || len(st.Enrolled) != 2 {
			t.Errorf("standing %+v", st)
		}
		c.must("rollout", "phase", "off", "--reason", "enough")
		if st := c.standing(); st.Phase != "off" || len(st.Enrolled) != 0 {
			t.Errorf("standing %+v", st)
		}
		if text := c.must("rollout", "show"); !strings.Contains(text, "phase: off") || !strings.Contains(text, "gates for pilot:") {
			t.Errorf("for people: %s", text)
		}
	})
}
