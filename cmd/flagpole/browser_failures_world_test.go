package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/chromedp/chromedp"

	"flagpole/internal/domain"
	"flagpole/internal/metactf/simulator"
)

// sideBySide is how many syncs there are at once: fewer than half of what the client's breaker needs to take the faults of one
// kind of call for an outage.
const sideBySide = 4

const secondAdmin = "grete.op@flagpole.example"

// mending is a world whose syncs fail as a test wants, and which keeps all that is logged.
type mending struct {
	*world
	front  *front
	log    *keptLog
	roster []map[string]string // as the platform wrote it
	groups map[string][]person // who fails from the start, by journey
	absent []person            // have neither email nor account on file; the platform knows all but the last
	left   []person            // are synced, and wait for a journey that needs some
}

// person is a competitor.
type person struct{ id, account, name string }

func (p person) page() string { return "/competitors/" + p.id }

// emptyMending has a platform whose calls are seen, and users, but no roster.
func emptyMending(t *testing.T, browser context.Context, kind string, season simulator.Options) *mending {
	t.Helper()
	season.Flawless = true
	w := &mending{world: emptyWorld(t, browser, kind, season), log: &keptLog{}, groups: map[string][]person{}}
	w.front = &front{sim: w.console.sim, answers: map[string]answer{}}
	w.front.open(t)
	t.Cleanup(w.front.close)
	for name, value := range map[string]string{
		"GAME_PLATFORM_API_BASE_URL": "http://" + w.front.address + simulator.BaseURLPath,
		"GAME_PLATFORM_RETRY_LIMIT":  "0", // each sync fails at once
		"GAME_PLATFORM_CONCURRENCY":  strconv.Itoa(sideBySide),
		"GAME_PLATFORM_TIMEOUT":      "2m", // of a call that a test holds
	} {
		w.console.env[name] = value
	}
	w.console.must("migrate", "up")
	var file bytes.Buffer
	if err := w.console.sim.WriteRoster(&file); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, cell := range line {
			row[lines[0][i]] = cell
		}
		w.roster = append(w.roster, row)
	}
	return w
}

// settle imports the roster as change leaves it, enrols everybody and adds the users.
func (w *mending) settle(t *testing.T, change func(lines [][]string) [][]string) {
	t.Helper()
	head := []string{"coach_email", "coach_name", "school", "region", "first_name", "last_name", "email", "division", "grade", "status", "team", "competitor_id", "game_platform_id"}
	lines := [][]string{head}
	for _, row := range w.roster {
		var line []string
		for _, name := range head {
			line = append(line, row[name])
		}
		lines = append(lines, line)
	}
	var file bytes.Buffer
	if err := csv.NewWriter(&file).WriteAll(change(lines)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "roster.csv")
	write(t, path, file.String())
	w.run(t, "import", path)
	w.run(t, "rollout", "set", "100", "--reason", "the tests look at everybody")
	w.addUsers(t, map[string]domain.Role{
		w.roster[0]["coach_email"]: domain.RoleCoach, adminEmail: domain.RoleAdmin, secondAdmin: domain.RoleAdmin, productEmail: domain.RoleProduct,
	})
}

// newMending is a small world: groups of two or more that fail, each with a status of its own, some without an email, and others.
func newMending(t *testing.T, browser context.Context, kind string) *mending {
	t.Helper()
	w := emptyMending(t, browser, kind, simulator.Options{Seed: 11, Competitors: 44, Coaches: 4, Teams: 6})
	w.settle(t, func(lines [][]string) [][]string {
		for _, line := range lines[1:] {
			if len(w.absent) < 3 && w.solves(t, line[12]) > 3 {
				line[6], line[11], line[12] = "", line[12], ""
				w.absent = append(w.absent, person{line[11], line[11], line[4] + " " + line[5]})
			}
		}
		nobody := append([]string{}, lines[1]...)
		nobody[4], nobody[5], nobody[6], nobody[10], nobody[11], nobody[12] = "Ottoline", "Quarrington", "", "", "C-nobody", ""
		w.absent = append(w.absent, person{"C-nobody", "", "Ottoline Quarrington"})
		return append(lines, nobody)
	})
	rows, err := w.raw.QueryContext(t.Context(), `
		SELECT competitor_id, game_platform_id, first_name || ' ' || last_name FROM competitors WHERE game_platform_id IS NOT NULL ORDER BY competitor_id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var p person
		if err := rows.Scan(&p.id, &p.account, &p.name); err != nil {
			t.Fatal(err)
		}
		w.left = append(w.left, p)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, of := range []struct {
		journey   string
		n, status int
	}{{"late", 2, 501}, {"cleared", 1, 505}, {"both", 3, 507}, {"plain", 3, 508}, {"axe", 3, 510}, {"keyboard", 1, 511}} {
		w.groups[of.journey] = w.take(of.n)
		w.fail(of.status, w.groups[of.journey]...)
	}
	gossip := w.take(1) // of these the platform says more than it should
	w.groups["gossip"] = gossip
	w.front.answer(answer{status: 500, text: "no score of " + gossip[0].name + " <" + w.email(t, gossip[0]) + ">, id " + gossip[0].account}, gossip[0].account)
	w.try("sync", "--all")
	w.try("sync", "--coach", w.value(t, `SELECT coach_id FROM competitors WHERE competitor_id = $1`, w.left[0].id)) // a run that names a coach
	w.later(t)
	w.serve(t)
	return w
}

// take gives some who are synced to a journey.
func (w *mending) take(n int) []person {
	taken := w.left[:n]
	w.left = w.left[n:]
	return taken
}

func (w *mending) email(t *testing.T, p person) string {
	t.Helper()
	return w.value(t, `SELECT email FROM competitors WHERE competitor_id = $1`, p.id)
}

// fail has the platform answer the first score call about these with a status.
func (w *mending) fail(status int, who ...person) {
	for _, p := range who {
		w.front.answer(answer{status: status, text: fmt.Sprintf("worker %d of %q is gone", len(p.name), p.name)}, p.account)
	}
}

// heal has the platform answer well about these.
func (w *mending) heal(who ...person) {
	for _, p := range who {
		w.front.answer(answer{}, p.account)
	}
}

// hold has the platform answer well about these once goOn is called.
func (w *mending) hold(t *testing.T, who ...person) (goOn func()) {
	t.Helper()
	gate := make(chan struct{})
	for _, p := range who {
		w.front.answer(answer{hold: gate}, p.account)
	}
	goOn = sync.OnceFunc(func() { close(gate) })
	t.Cleanup(goOn)
	return goOn
}

// later puts off what is due soon, so that only what a test asks for is tried.
func (w *mending) later(t *testing.T, who ...person) { w.due(t, time.Now().Add(3*time.Hour), who...) }

// due has these, or everybody, due at a time.
func (w *mending) due(t *testing.T, at time.Time, who ...person) {
	t.Helper()
	if len(who) == 0 {
		w.exec(t, `UPDATE game_platform_sync_state SET next_due_at = $1`, at.UnixMicro())
	}
	for _, p := range who {
		w.exec(t, `UPDATE game_platform_sync_state SET next_due_at = $1 WHERE syned_user_id = $2`, at.UnixMicro(), p.account)
	}
	_, err := w.raw.ExecContext(t.Context(), `
		UPDATE sync_failures SET next_due_at = (
			SELECT s.next_due_at FROM game_platform_sync_state s JOIN competitors c ON c.game_platform_id = s.syned_user_id
			WHERE c.competitor_id = sync_failures.competitor_id)
		WHERE ended_at IS NULL AND next_due_at IS NOT NULL`)
	if err != nil {
		t.Fatal(err)
	}
}

// try runs a command, whatever its status, and keeps its log.
func (w *mending) try(args ...string) outcome {
	o := w.console.do("", args...)
	_, _ = w.log.Write([]byte(o.stderr)) // it never fails
	return o
}

// run is try for what has to succeed.
func (w *mending) run(t *testing.T, args ...string) {
	t.Helper()
	if o := w.try(args...); o.status != 0 {
		t.Fatalf("flagpole %s: %s%s", strings.Join(args, " "), o.stdout, o.stderr)
	}
}

// solves is how many the platform has of an account.
func (w *mending) solves(t *testing.T, account string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+w.front.address+simulator.BaseURLPath+odlCall+"?syned_user_id="+account, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer sim-token")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var scores struct {
		N int `json:"total_challenges_solved"`
	}
	if err := json.NewDecoder(response.Body).Decode(&scores); err != nil {
		t.Fatal(err)
	}
	return scores.N
}

// serve is startPortal with everything logged, the smallest thing too.
func (w *mending) serve(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &program{getenv: func(name string) string { return w.console.env[name] }, stdout: &bytes.Buffer{}, stderr: w.log}
	conf, err := p.config()
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.openMigrated(ctx, conf)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, listener, s, conf, p.logger(slog.LevelDebug)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve ended with %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	w.url = "http://" + listener.Addr().String()
}

// failure is the id of somebody's newest failure.
func (w *mending) failure(t *testing.T, p person) string {
	t.Helper()
	return w.value(t, `SELECT CAST(MAX(failure_id) AS TEXT) FROM sync_failures WHERE competitor_id = $1`, p.id)
}

// number is failure as a number.
func (w *mending) number(t *testing.T, p person) int {
	t.Helper()
	n, err := strconv.Atoi(w.failure(t, p))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// row is the id of its element.
func (w *mending) row(t *testing.T, p person) string {
	t.Helper()
	return "failure-" + w.failure(t, p)
}

// cause is the fingerprint of somebody's newest failure.
func (w *mending) cause(t *testing.T, p person) string {
	t.Helper()
	return w.value(t, `SELECT fingerprint FROM sync_failures WHERE failure_id = `+w.failure(t, p))
}

// list is the page of the failures with somebody's cause.
func (w *mending) list(t *testing.T, p person) string {
	return "/admin/failures?cause=" + w.cause(t, p)
}

// standing is all that is kept of somebody's newest failure and when it is due.
func (w *mending) standing(t *testing.T, p person) string {
	t.Helper()
	return w.value(t, `
		SELECT f.failure_id || ' ' || f.state || ' ' || f.next_due_at || ' ' || f.last_at || ' ' || f.failed_in_a_row || ' ' || COALESCE(f.running_at, 0) || ' ' ||
			COALESCE(f.ended_at, 0) || ' ' || s.next_due_at
		FROM sync_failures f JOIN game_platform_sync_state s ON s.syned_user_id = $1 WHERE f.failure_id = `+w.failure(t, p), p.account)
}

// again opens a page until it is as wanted.
func (b *tab) again(path, condition string) {
	b.t.Helper()
	deadline := time.Now().Add(3 * patience / 2) // the schedule ticks every 15 seconds
	for {
		b.open(path)
		if js[bool](b, condition) {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("this did not become true: %s\n%s", condition, b.describe())
		}
		time.Sleep(50 * time.Millisecond) // between two looks
	}
}

// says is a condition: the element's text has the part.
func says(selector, part string) string {
	return fmt.Sprintf(`(document.querySelector(%q)?.textContent ?? "").replace(/\s+/g, " ").includes(%q)`, selector, part)
}

// press presses the Enter key where the focus is.
func (b *tab) press() {
	b.t.Helper()
	b.do(chromedp.KeyEvent("\r"))
}

// named are the people and emails of the roster that a text names.
func (w *mending) named(text string) (found []string) {
	words := map[string]bool{}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' && r != '-' }) {
		words[word] = true
	}
	seen := map[string]bool{}
	say := func(what string) {
		if !seen[what] {
			seen[what] = true
			found = append(found, what)
		}
	}
	for _, row := range w.roster {
		for _, whole := range []string{row["email"], row["coach_email"], row["coach_name"], row["first_name"] + " " + row["last_name"]} {
			if whole != "" && strings.Contains(text, whole) {
				say(whole)
			}
		}
		for _, part := range []string{row["first_name"], row["last_name"]} {
			if words[part] {
				say(part)
			}
		}
	}
	for _, p := range w.absent {
		if strings.Contains(text, p.name) {
			say(p.name)
		}
	}
	return found
}

// nobodyInTheLog wants the whole log to name nobody and to hold no secret.
func (w *mending) nobodyInTheLog(t *testing.T) {
	log := w.log.String()
	for _, part := range []string{`"level":"INFO"`, `"level":"DEBUG"`, `"level":"WARN"`, "sync failed", "/admin/failures"} {
		if !strings.Contains(log, part) {
			t.Errorf("the log has no %s: it is not that of a full run", part)
		}
	}
	for line := range strings.Lines(log) {
		if found := w.named(line); len(found) > 0 {
			t.Errorf("the log names %q: %s", found, line)
		}
		for _, secret := range []string{"sim-token", "Bearer", anyPassword, "@"} {
			if strings.Contains(line, secret) {
				t.Errorf("the log has %q: %s", secret, line)
			}
		}
	}
}

// keptLog keeps what is logged.
type keptLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *keptLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *keptLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

const odlCall = "/scores/get_odl_scores"

// front stands before the simulated platform: it sees every call, fails where a test wants it, and can be gone.
type front struct {
	sim     http.Handler
	address string
	server  *http.Server

	mu      sync.Mutex
	down    int // the status of every answer; 0: none
	answers map[string]answer
	calls   []seenCall
}

// answer is what becomes of calls about somebody. The zero answer is the platform's own.
type answer struct {
	status int           // of ODL scores
	text   string        // what it says
	hold   chan struct{} // closed: answers come
}

type seenCall struct {
	at            time.Time
	path, account string
}

// open listens; again where it was.
func (f *front) open(t *testing.T) {
	t.Helper()
	address := f.address
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	f.address = listener.Addr().String()
	f.server = &http.Server{Handler: f, ReadHeaderTimeout: time.Minute}
	go func(server *http.Server) { _ = server.Serve(listener) }(f.server) // ends with close
}

// close breaks all connections and refuses new ones.
func (f *front) close() { _ = f.server.Close() }

func (f *front) answer(a answer, account string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[account] = a
}

// fails has every call answered with a status; 0: as it is due.
func (f *front) fails(status int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = status
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, account := strings.TrimPrefix(r.URL.Path, simulator.BaseURLPath), r.URL.Query().Get("syned_user_id")
	f.mu.Lock()
	f.calls = append(f.calls, seenCall{time.Now(), path, account})
	down, a := f.down, f.answers[account]
	f.mu.Unlock()
	if a.hold != nil {
		select {
		case <-a.hold:
		case <-r.Context().Done():
			return
		}
	}
	status, text := down, "upstream is gone"
	if status == 0 && path == odlCall {
		status, text = a.status, a.text
	}
	if status == 0 {
		f.sim.ServeHTTP(w, r)
		return
	}
	body, err := json.Marshal(map[string]string{"detail": text})
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller that has gone needs no answer
}

// forget begins to count calls anew.
func (f *front) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = nil
}

// seen are the calls so far.
func (f *front) seen() []seenCall {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]seenCall{}, f.calls...)
}

// asked counts the ODL calls about somebody.
func (f *front) asked(p person) (n int) {
	for _, c := range f.seen() {
		if c.account == p.account && c.path == odlCall {
			n++
		}
	}
	return n
}
