// Package monitoring_test holds the files in docs/monitoring to what the portal shows and to each other. It has no code of
// its own.
package monitoring_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"flagpole/internal/domain"
)

const folder = "../../docs/monitoring"

// known are the metrics there are, histograms without _bucket, _sum and _count.
var known = []string{
	"flagpole_alert",
	"flagpole_competitors_due",
	"flagpole_competitors_fresh",
	"flagpole_competitors_overdue",
	"flagpole_competitors_tried",
	"flagpole_database_errors_total",
	"flagpole_disk_free_ratio",
	"flagpole_job_duration_seconds",
	"flagpole_job_timed_out",
	"flagpole_job_timeouts_total",
	"flagpole_last_attempt_timestamp_seconds",
	"flagpole_last_cycle_timestamp_seconds",
	"flagpole_last_success_timestamp_seconds",
	"flagpole_latest_run_competitors",
	"flagpole_open_failures",
	"flagpole_platform_call_duration_seconds",
	"flagpole_platform_rate_limit",
	"flagpole_platform_state",
	"flagpole_platform_token_refused",
	"flagpole_runs_failed_in_a_row",
	"flagpole_snapshot_timestamp_seconds",
	"flagpole_syncs_stopped",
	"flagpole_rollout_frozen",
	"flagpole_syncs_total",
	"flagpole_undelivered_messages",

	"go_goroutines",
	"process_cpu_seconds_total",
	"process_resident_memory_bytes",
	"process_start_time_seconds",
	"up", // of Prometheus itself
}

// example are series as Prometheus has them after an hour of one replica: every dashboard query must find something in them.
var example = []series{
	{`flagpole_alert{rule="token_refused", state="firing"}`, gauge},
	{`flagpole_alert{rule="token_refused", state="acknowledged"}`, gauge},
	{`flagpole_competitors_due{}`, gauge},
	{`flagpole_competitors_overdue{}`, gauge},
	{`flagpole_competitors_fresh{within="1h"}`, gauge},
	{`flagpole_competitors_fresh{within="4h"}`, gauge},
	{`flagpole_competitors_fresh{within="8h"}`, gauge},
	{`flagpole_competitors_fresh{within="24h"}`, gauge},
	{`flagpole_competitors_fresh{within="older"}`, gauge},
	{`flagpole_competitors_fresh{within="never"}`, gauge},
	{`flagpole_competitors_tried{result="succeeded"}`, gauge},
	{`flagpole_competitors_tried{result="failed"}`, gauge},
	{`flagpole_database_errors_total{}`, counter},
	{`flagpole_disk_free_ratio{}`, gauge},
	{`flagpole_job_duration_seconds_bucket{exported_job="sync", le="60"}`, counter},
	{`flagpole_job_duration_seconds_bucket{exported_job="sync", le="+Inf"}`, counter},
	{`flagpole_job_timed_out{}`, gauge},
	{`flagpole_job_timeouts_total{}`, counter},
	{`flagpole_last_attempt_timestamp_seconds{}`, gauge},
	{`flagpole_last_cycle_timestamp_seconds{}`, gauge},
	{`flagpole_last_success_timestamp_seconds{}`, gauge},
	{`flagpole_latest_run_competitors{result="tried"}`, gauge},
	{`flagpole_latest_run_competitors{result="platform_error"}`, gauge},
	{`flagpole_open_failures{class="timeout"}`, gauge},
	{`flagpole_platform_call_duration_seconds_bucket{endpoint="GET /users", class="timeout", le="1"}`, counter},
	{`flagpole_platform_call_duration_seconds_bucket{endpoint="GET /users", class="timeout", le="+Inf"}`, counter},
	{`flagpole_platform_call_duration_seconds_count{endpoint="GET /users", class="timeout"}`, counter},
	{`flagpole_platform_rate_limit{kind="configured"}`, gauge},
	{`flagpole_platform_rate_limit{kind="current"}`, gauge},
	{`flagpole_platform_state{state="open"}`, gauge},
	{`flagpole_platform_token_refused{}`, gauge},
	{`flagpole_runs_failed_in_a_row{}`, gauge},
	{`flagpole_snapshot_timestamp_seconds{}`, gauge},
	{`flagpole_syncs_stopped{}`, gauge},
	{`flagpole_rollout_frozen{}`, gauge},
	{`flagpole_syncs_total{result="changed"}`, counter},
	{`flagpole_undelivered_messages{channel="mail"}`, gauge},
	{`go_goroutines{}`, gauge},
	{`process_cpu_seconds_total{}`, counter},
	{`process_resident_memory_bytes{}`, gauge},
	{`up{}`, gauge},
}

type series struct {
	Series string `json:"series"`
	Values string `json:"values"`
}

const (
	gauge   = "1x60"
	counter = "0+1x60"
)

func TestPrometheusTakesTheRules(t *testing.T) {
	out := promtool(t, "check", "rules", "--lint=all", "--lint-fatal", filepath.Join(folder, "prometheus-rules.yml"))
	rules := readRules(t)
	if want := fmt.Sprintf("SUCCESS: %d rules found", len(rules)); !strings.Contains(out, want) {
		t.Errorf("promtool says %q, want %q: is the file laid out otherwise than this test reads it?", out, want)
	}
}

func TestTheRulesFireWhenTheyShould(t *testing.T) {
	t.Parallel()
	promtool(t, "test", "rules", filepath.Join(folder, "rules-test.yml"))
}

// TestEachRuleIsTested wants a moment in which each rule is silent, and one in which it fires.
func TestEachRuleIsTested(t *testing.T) {
	script := read(t, "rules-test.yml")
	for _, r := range readRules(t) {
		silent := regexp.MustCompile(`\{eval_time: \w+, alertname: ` + r.alert + `\}`)
		fires := regexp.MustCompile(`alertname: ` + r.alert + `\n +exp_alerts:`)
		if !silent.MatchString(script) || !fires.MatchString(script) {
			t.Errorf("%s: rules-test.yml has no moment in which it is silent, or none in which it fires", r.alert)
		}
	}
}

func TestEachBuiltInRuleHasOneMirror(t *testing.T) {
	mirrors := map[string][]string{}
	for _, r := range readRules(t) {
		if r.rule != "" {
			mirrors[r.rule] = append(mirrors[r.rule], r.alert)
		}
	}
	for _, rule := range domain.AlertRules {
		if alerts := mirrors[string(rule)]; len(alerts) != 1 || alerts[0] != "Flagpole"+camel(string(rule)) {
			t.Errorf("the rule %s is mirrored by %q, want Flagpole%s alone", rule, alerts, camel(string(rule)))
		}
		delete(mirrors, string(rule))
	}
	for rule, alerts := range mirrors {
		t.Errorf("%q mirror the rule %s, which there is not", alerts, rule)
	}
}

// TestAlertsSayWhatThePortalSays holds the words of each mirror to those of the portal.
func TestAlertsSayWhatThePortalSays(t *testing.T) {
	for _, r := range readRules(t) {
		if r.severity != "warning" && r.severity != "critical" {
			t.Errorf("%s has the severity %q, want warning or critical", r.alert, r.severity)
		}
		if !strings.HasPrefix(r.alert, "Flagpole") || r.summary == "" || r.description == "" {
			t.Errorf("%s lacks the prefix, the summary or the description", r.alert)
		}
		if r.rule == "" {
			continue
		}
		rule := domain.AlertRule(r.rule)
		if r.summary != rule.Title() {
			t.Errorf("%s has the summary %q, the portal calls it %q", r.alert, r.summary, rule.Title())
		}
		if end := rule.Advice().Do + " " + rule.Advice().Who; !strings.HasSuffix(r.description, " "+end) {
			t.Errorf("%s: the description %q does not end as the portal's advice does: %q", r.alert, r.description, end)
		}
	}
}

// TestTheGuideListsEachAlert holds the table in docs/operators.md to the rules.
func TestTheGuideListsEachAlert(t *testing.T) {
	page := read(t, "../operators.md")
	rules := readRules(t)
	for _, r := range rules {
		rule := " "
		if r.rule != "" {
			rule = " `" + r.rule + "` "
		}
		if row := "\n| `" + r.alert + "` |" + rule + "| " + r.severity + " | "; !strings.Contains(page, row) {
			t.Errorf("docs/operators.md lacks the row %s", row)
		}
	}
	if rows := strings.Count(page, "\n| `Flagpole"); rows != len(rules) {
		t.Errorf("docs/operators.md lists %d alerts, there are %d", rows, len(rules))
	}
}

func TestEveryMetricIsKnown(t *testing.T) {
	for _, r := range readRules(t) {
		for _, name := range unknown(r.expr) {
			t.Errorf("%s: there is no metric %s", r.alert, name)
		}
	}
	for _, p := range readDashboard(t).Panels {
		for _, target := range p.Targets {
			for _, name := range unknown(target.Expr) {
				t.Errorf("panel %q: there is no metric %s", p.Title, name)
			}
		}
	}
}

func TestThePanelsAreComplete(t *testing.T) {
	d := readDashboard(t)
	if d.SchemaVersion < 39 || d.Title == "" || d.UID == "" {
		t.Errorf("schema %d, title %q, uid %q", d.SchemaVersion, d.Title, d.UID)
	}
	for _, v := range d.Templating.List {
		if v.Type == "query" && v.Datasource.UID != "${datasource}" {
			t.Errorf("the variable %q has the data source %q, want the variable", v.Name, v.Datasource.UID)
		}
	}
	if names := d.variables(); !slices.Equal(names, []string{"datasource", "job"}) {
		t.Errorf("the variables are %q, want datasource and job", names)
	}
	ids := map[int]string{}
	for _, p := range d.Panels {
		if other, taken := ids[p.ID]; taken {
			t.Errorf("the panels %q and %q have the same id", other, p.Title)
		}
		ids[p.ID] = p.Title
		if p.Type == "row" {
			continue
		}
		defaults := p.FieldConfig.Defaults
		if p.Title == "" || p.Description == "" || defaults.Unit == "" || len(defaults.Thresholds.Steps) == 0 || len(p.Targets) == 0 {
			t.Errorf("panel %d %q lacks a title, a description, a unit, thresholds or queries", p.ID, p.Title)
		}
		if p.Datasource.UID != "${datasource}" {
			t.Errorf("panel %q has the data source %q, want the variable", p.Title, p.Datasource.UID)
		}
		for _, target := range p.Targets {
			if target.Legend == "" || target.Datasource.UID != "${datasource}" || !strings.Contains(target.Expr, `job="$job"`) {
				t.Errorf("panel %q, query %s lacks a legend, the variable of the data source or that of the job", p.Title, target.RefID)
			}
		}
	}
	for _, fault := range layout(d.Panels) {
		t.Error(fault)
	}
}

// TestEveryPanelFindsSomething has Prometheus work out each query of the dashboard over the example.
func TestEveryPanelFindsSomething(t *testing.T) {
	if out, err := ask(t, example, readDashboard(t).Panels); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

func TestNoFileNamesAHost(t *testing.T) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) < 3 {
		t.Fatalf("%s holds %d files, want 3 or more", folder, len(entries))
	}
	for _, entry := range entries {
		for _, name := range hosts(read(t, entry.Name())) {
			t.Errorf("%s names the host or address %q", entry.Name(), name)
		}
	}
}

// The checks must be able to fail.
func TestTheChecksRefuse(t *testing.T) {
	for expr, want := range map[string]string{
		`max by (job) (flagpole_job_timed_out) > 0`:                                        "",
		`sum by (le, x) (rate(flagpole_job_duration_seconds_bucket{a="b"}[5m] offset 1h))`: "",
		`flagpole_jobs_timed_out == 1`:                                                     "flagpole_jobs_timed_out",
		`up and on (job, instance) flagpole_wrong{job="up"} unless bogus`:                  "flagpole_wrong bogus",
		`time() - max(flagpole_last_sync_timestamp_seconds[24h:1m])`:                       "flagpole_last_sync_timestamp_seconds",
	} {
		if got := strings.Join(unknown(expr), " "); got != want {
			t.Errorf("unknown(%q) = %q, want %q", expr, got, want)
		}
	}

	for text, want := range map[string]string{
		"rate(x[5m]) at 10:30, le 0.05, rules-test.yml": "",
		"see https://grafana.example/d/1":               "https://grafana.example/d/1",
		"instance: 10.0.0.7":                            "10.0.0.7",
		"instance: localhost":                           "localhost",
		"instance: fe80::1":                             "fe80::1",
		"instance: portal:8080":                         "portal:8080",
		"instance: portal.example.org":                  "portal.example.org",
	} {
		if got := strings.Join(hosts(text), " "); got != want {
			t.Errorf("hosts(%q) = %q, want %q", text, got, want)
		}
	}

	at := func(x, y, w, h int) panel { return panel{Title: "p", Grid: grid{X: x, Y: y, W: w, H: h}} }
	for name, test := range map[string]struct {
		panels []panel
		faults int
	}{
		"side by side":      {[]panel{at(0, 0, 12, 8), at(12, 0, 12, 8), at(0, 8, 24, 1)}, 0},
		"one over another":  {[]panel{at(0, 0, 12, 8), at(11, 7, 12, 8)}, 1},
		"beyond the border": {[]panel{at(16, 0, 12, 8)}, 1},
		"without a height":  {[]panel{at(0, 0, 12, 0)}, 1},
	} {
		if faults := layout(test.panels); len(faults) != test.faults {
			t.Errorf("%s: faults %q, want %d", name, faults, test.faults)
		}
	}

	for name, lost := range map[string]query{
		"time_out": {Expr: `max(flagpole_open_failures{job="$job", class="time_out"})`},
		"cause":    {Expr: `max by (class) (flagpole_open_failures{job="$job"})`, Legend: "{{cause}}"},
	} {
		if out, err := ask(t, example, []panel{{Targets: []query{lost}}}); err == nil || !strings.Contains(out, name) {
			t.Errorf("%s: a query that finds nothing is taken: %v\n%s", name, err, out)
		}
	}
}

// promtool runs it. It is looked for in PROMTOOL, in PATH, and where scripts/setup-tests puts it.
func promtool(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(promtoolPath(t), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func promtoolPath(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("PROMTOOL"); path != "" {
		return path
	}
	if path, err := exec.LookPath("promtool"); err == nil {
		return path
	}
	path, err := filepath.Abs("../../.task/bin/promtool")
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		t.Fatalf("promtool is missing: scripts/setup-tests fetches it, or PROMTOOL says where it is (%v)", err)
	}
	return path
}

// labels are those that a legend is made of.
var labels = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)

// ask has promtool work out every query of the panels over the series. The error says that one is wrong, or finds nothing with
// the labels of its legend.
func ask(t *testing.T, over []series, panels []panel) (string, error) {
	t.Helper()
	type sample struct {
		Labels string  `json:"labels"`
		Value  float64 `json:"value"`
	}
	type question struct {
		Expr    string   `json:"expr"`
		At      string   `json:"eval_time"`
		Samples []sample `json:"exp_samples"`
	}
	type script struct {
		Interval  string     `json:"interval"`
		Series    []series   `json:"input_series"`
		Questions []question `json:"promql_expr_test"`
	}
	s := script{Interval: "1m"}
	for _, one := range over {
		one.Series = strings.Replace(one.Series, "{", `{job="flagpole", instance="a", `, 1)
		s.Series = append(s.Series, one)
	}
	variables := strings.NewReplacer("$__rate_interval", "5m", "$job", "flagpole")
	for _, p := range panels {
		for _, target := range p.Targets {
			expr := "(" + variables.Replace(target.Expr) + ")"
			for _, label := range labels.FindAllStringSubmatch(target.Legend, -1) {
				expr += " unless on (" + label[1] + ") vector(1)" // leaves out what lacks the label
			}
			expr = "count(" + expr + ") > bool 0"
			s.Questions = append(s.Questions, question{Expr: expr, At: "1h", Samples: []sample{{"{}", 1}}})
		}
	}
	text, err := json.Marshal(map[string]any{"tests": []script{s}}) // JSON is YAML, too
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "dashboard-test.yml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(promtoolPath(t), "test", "rules", file).CombinedOutput()
	return string(out), err
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// alerting is one rule of the file for Prometheus.
type alerting struct{ alert, expr, severity, rule, summary, description string }

var field = regexp.MustCompile(`^ {8,10}(expr|severity|rule|summary|description): (.*)$`)

// readRules reads the file by its lines: promtool has checked that it is well formed, and a text over several lines is
// indented further than its name.
func readRules(t *testing.T) (rules []alerting) {
	t.Helper()
	var text *string // the one that goes on
	for line := range strings.Lines(read(t, "prometheus-rules.yml")) {
		line = strings.TrimRight(line, "\n")
		if name, ok := strings.CutPrefix(line, "      - alert: "); ok {
			rules = append(rules, alerting{alert: name})
			text = nil
			continue
		}
		if m := field.FindStringSubmatch(line); m != nil && len(rules) > 0 {
			r := &rules[len(rules)-1]
			text = map[string]*string{"expr": &r.expr, "severity": &r.severity, "rule": &r.rule, "summary": &r.summary, "description": &r.description}[m[1]]
			*text = strings.Trim(m[2], "|>-")
			continue
		}
		more := strings.TrimSpace(line)
		switch {
		case more == "" || strings.HasPrefix(more, "#"):
		case !strings.HasPrefix(line, "          "):
			text = nil
		case text != nil:
			*text = strings.TrimSpace(*text + " " + more)
		}
	}
	if len(rules) == 0 {
		t.Fatal("prometheus-rules.yml holds no alert")
	}
	return rules
}

type dashboard struct {
	UID           string  `json:"uid"`
	Title         string  `json:"title"`
	SchemaVersion int     `json:"schemaVersion"`
	Panels        []panel `json:"panels"`
	Templating    struct {
		List []variable `json:"list"`
	} `json:"templating"`
}

type variable struct {
	Name       string `json:"name"`
	Type       string `json:"type"`
	Datasource source `json:"datasource"`
}

func (d dashboard) variables() (names []string) {
	for _, v := range d.Templating.List {
		names = append(names, v.Name)
	}
	return names
}

type panel struct {
	ID          int    `json:"id"`
	Type        string `json:"type"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Grid        grid   `json:"gridPos"`
	Datasource  source `json:"datasource"`
	FieldConfig struct {
		Defaults struct {
			Unit       string `json:"unit"`
			Thresholds struct {
				Steps []any `json:"steps"`
			} `json:"thresholds"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
	Targets []query `json:"targets"`
}

type grid struct {
	X int `json:"x"`
	Y int `json:"y"`
	W int `json:"w"`
	H int `json:"h"`
}

type source struct {
	UID string `json:"uid"`
}

type query struct {
	RefID      string `json:"refId"`
	Expr       string `json:"expr"`
	Legend     string `json:"legendFormat"`
	Datasource source `json:"datasource"`
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	if err := json.Unmarshal([]byte(read(t, "grafana-dashboard.json")), &d); err != nil {
		t.Fatalf("grafana-dashboard.json: %v", err)
	}
	if len(d.Panels) == 0 {
		t.Fatal("grafana-dashboard.json holds no panel")
	}
	return d
}

const columns = 24

// layout returns a sentence for each panel that leaves the grid or lies over another.
func layout(panels []panel) (faults []string) {
	for i, p := range panels {
		g := p.Grid
		if g.X < 0 || g.Y < 0 || g.W < 1 || g.H < 1 || g.X+g.W > columns {
			faults = append(faults, fmt.Sprintf("panel %q does not fit into the grid: %+v", p.Title, g))
		}
		for _, other := range panels[:i] {
			o := other.Grid
			if g.X < o.X+o.W && o.X < g.X+g.W && g.Y < o.Y+o.H && o.Y < g.Y+g.H {
				faults = append(faults, fmt.Sprintf("the panels %q and %q overlap", other.Title, p.Title))
			}
		}
	}
	return faults
}

var (
	quoted   = regexp.MustCompile(`"[^"]*"`)
	braces   = regexp.MustCompile(`\{[^}]*\}|\[[^\]]*\]`)
	grouping = regexp.MustCompile(`\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)`)
	word     = regexp.MustCompile(`\b[a-zA-Z_:][a-zA-Z0-9_:]*\b(\s*\()?`)
	suffix   = regexp.MustCompile(`_(bucket|sum|count)$`)
)

var keywords = []string{"and", "or", "unless", "bool", "offset", "group_left", "group_right"}

// unknown are the metrics in an expression that there are not.
func unknown(expr string) []string {
	expr = quoted.ReplaceAllString(expr, "")
	expr = braces.ReplaceAllString(expr, "")
	expr = grouping.ReplaceAllString(expr, "")
	found := map[string]bool{}
	var names []string
	for _, name := range word.FindAllString(expr, -1) {
		if slices.Contains(keywords, strings.TrimRight(name, "( ")) || strings.HasSuffix(name, "(") || found[name] {
			continue
		}
		found[name] = true
		if !slices.Contains(known, name) && !slices.Contains(known, suffix.ReplaceAllString(name, "")) {
			names = append(names, name)
		}
	}
	return names
}

var (
	suspects = regexp.MustCompile(`[a-z]+://[^\s"]*|\blocalhost\b|\b[\w-]+(\.[\w-]+)*\.(com|org|net|edu|io|dev|local|internal|lan|example|test)\b|\b[a-zA-Z][\w.-]*:\d{2,5}\b`)
	numbers  = regexp.MustCompile(`[0-9a-fA-F.:]{3,}`)
)

// hosts are the names of hosts and the addresses in a text.
func hosts(text string) []string {
	found := map[string]bool{}
	for _, name := range suspects.FindAllString(text, -1) {
		found[name] = true
	}
	for _, name := range numbers.FindAllString(text, -1) {
		if _, err := netip.ParseAddr(strings.Trim(name, ".")); err == nil {
			found[name] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func camel(name string) string {
	var out strings.Builder
	for part := range strings.SplitSeq(name, "_") {
		out.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return out.String()
}
