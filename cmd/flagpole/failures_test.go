package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"flagpole/internal/domain"
)

// failed is what flagpole failures --json prints; fields that the contract does not have fail the test.
func (c *console) failed(args ...string) failuresResult {
	c.t.Helper()
	var r failuresResult
	c.decode(c.must(append([]string{"failures", "--json"}, args...)...), &r)
	sum := 0
	for _, cause := range r.Causes {
		sum += cause.Competitors
	}
	if sum != r.Open {
		c.t.Errorf("%d are open, the causes have %d", r.Open, sum)
	}
	return r
}

func (c *console) operated(args ...string) operationResult {
	c.t.Helper()
	var r operationResult
	c.decode(c.must(args...), &r)
	if r.Matched != r.Queued+r.Skipped || r.OperationID == 0 {
		c.t.Errorf("%q: %+v does not add up", args, r)
	}
	return r
}

func (c *console) decode(text string, into any) {
	c.t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		c.t.Fatalf("%q: %v", text, err)
	}
}

func TestFailuresPrintsWhatScriptsRelyOn(t *testing.T) {
	onBoth(t, func(t *testing.T, c *console) {
		c.must("migrate", "up")
		if got := c.must("failures", "--json"); got != `{"causes":[],"open":0}`+"\n" {
			t.Errorf("an empty database: %s", got)
		}
		c.filled()
		if _, status := c.json("--all"); status != 0 {
			t.Fatalf("sync: status %d", status)
		}
		all := c.failed()
		kinds := map[string]bool{}
		for _, cause := range all.Causes {
			kinds[cause.Kind] = true
			if cause.Fingerprint == "" || cause.Message == "" || cause.Hint == "" || cause.Coaches < 1 || cause.FirstSeen.IsZero() || cause.LastSeen.Before(cause.FirstSeen) {
				t.Errorf("%+v lacks something", cause)
			}
			if got := c.failed("--class", cause.Class); !slices.ContainsFunc(got.Causes, func(o causeResult) bool { return o == cause }) {
				t.Errorf("--class %s does not find it: %+v", cause.Class, got)
			}
		}
		if !kinds["failure"] || !kinds["blocked"] {
			t.Fatalf("the season has kinds %v, want failures and blocked ones", kinds)
		}
		if got := c.must("failures"); !strings.Contains(got, strconv.Itoa(all.Open)+" open.") || !strings.Contains(got, all.Causes[0].Hint) {
			t.Errorf("in words: %s", got)
		}
		for _, args := range [][]string{{"--class", "nonsense"}, {"--coach", "nobody"}} {
			if o := c.do("", append([]string{"failures"}, args...)...); o.status != exitUsage {
				t.Errorf("%q: status %d, want 2", args, o.status)
			}
		}
	})
}

func TestRetryAndClearPrintWhatTheyDid(t *testing.T) {
	onBoth(t, func(t *testing.T, c *console) {
		c.must("migrate", "up")
		if r := c.operated("retry", "--all"); r.Matched != 0 {
			t.Errorf("an empty database: %+v", r)
		}
		path := filepath.Join(t.TempDir(), "roster.csv")
		text := strings.Builder{}
		text.WriteString("coach_id,coach_email,coach_name,school,region,first_name,last_name,email,division,grade,status,team,competitor_id,game_platform_id\n")
		const many = 1100 // more than are planned at once
		for i := range many {
			n := strconv.Itoa(i)
			text.WriteString("k,k@oak.example,Coach K,Oak,North,P" + n + ",Berg,p" + n + "@pupil.example,high_school,11,complete,,C-" + n + ",syn-nobody-" + n + "\n")
		}
		text.WriteString("k,k@oak.example,Coach K,Oak,North,Lone,Berg,,high_school,11,complete,,C-lone,\n")
		write(t, path, text.String())
		c.must("import", path)
		c.must("rollout", "set", "100", "--reason", "test")
		c.json("--all") // the platform knows no such accounts: blocked
		if r := c.operated("retry", "--all"); r.Matched != many+1 || r.Skipped != many+1 {
			t.Errorf("blocked ones and one without an account: %+v, want all left alone", r)
		}
		if r := c.operated("clear", "--class", "blocked", "--reason", "asked MetaCTF"); r.Queued != many {
			t.Errorf("clear: %+v, want %d", r, many)
		}
		if r := c.operated("clear", "--competitor", "C-lone", "--reason", "asked the coach"); r.Queued != 1 {
			t.Errorf("clear of one: %+v, want 1", r)
		}
		if open := c.failed().Open; open != 0 {
			t.Errorf("%d are open, want none", open)
		}
		print := domain.Cause{Kind: domain.KindFailure, Class: domain.MissingEmail}.Fingerprint()
		if r := c.operated("clear", "--fingerprint", print, "--reason", "again"); r.Matched != 0 {
			t.Errorf("what is cleared is open no more: %+v", r)
		}
		for _, args := range [][]string{
			{"retry"}, {"retry", "--all", "--class", "timeout"}, {"retry", "--class", "nonsense"}, {"retry", "--competitor", "nobody"}, {"clear", "--all"}, {"clear", "--all", "--reason", " "},
		} {
			if o := c.do("", args...); o.status != exitUsage || o.stderr == "" {
				t.Errorf("%q: status %d, %q, want 2 and why", args, o.status, o.stderr)
			}
		}
	})
}
