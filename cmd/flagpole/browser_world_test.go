package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"flagpole/internal/domain"
	"flagpole/internal/metactf/simulator"
	"flagpole/internal/roster"
	"flagpole/store/storetest"
)

// patience is how long a page may take to become what a test waits for.
const patience = 20 * time.Second

// world is a season that was pulled into a database, users, a portal that serves it, and a browser to look at it with.
type world struct {
	console *console
	browser context.Context
	url     string  // of the portal
	coach   string  // email of a coach with a roster of usual size
	raw     *sql.DB // the same database, to bring about what takes long by itself
}

const (
	noviceEmail  = "una.falk@elm.example" // a coach whose roster is empty
	adminEmail   = "admin@flagpole.example"
	productEmail = "product@flagpole.example"
	anyPassword  = "correct horse"
)

func newWorld(t *testing.T, browser context.Context, kind string) *world {
	t.Helper()
	for _, name := range []string{"vendor/htmx.min.js", "vendor/pico.min.css", "node_modules/axe-core/axe.min.js"} {
		if _, err := os.Stat(filepath.Join("..", "..", "static", name)); err != nil {
			t.Fatalf("static/%s is missing; ./task test fetches it before it tests", name)
		}
	}
	w := bareWorld(t, browser, kind, simulator.Options{Seed: 5, Competitors: 240, Coaches: 8, Teams: 24})
	w.addNovice(t)
	w.console.must("rollout", "set", "100", "--reason", "the tests look at everybody")
	w.addUsers(t, map[string]domain.Role{
		w.coach: domain.RoleCoach, noviceEmail: domain.RoleCoach, adminEmail: domain.RoleAdmin, productEmail: domain.RoleProduct,
	})
	w.console.do("", "sync", "--all") // some fail: the season has its faults
	w.url, _ = startPortal(t, w.console.env)
	w.signedIn(t, w.url, w.coach).follow("#introduction button")
	return w
}

// bareWorld is a roster in a database: nothing pulled, nobody enrolled, no users and no portal.
func bareWorld(t *testing.T, browser context.Context, kind string, season simulator.Options) *world {
	t.Helper()
	w := emptyWorld(t, browser, kind, season)
	w.console.imported()
	return w
}

// emptyWorld has a platform and an address of a database, and nothing in it.
func emptyWorld(t *testing.T, browser context.Context, kind string, season simulator.Options) *world {
	t.Helper()
	season.Token = "sim-token"
	sim, err := simulator.New(season)
	if err != nil {
		t.Fatal(err)
	}
	platform := httptest.NewServer(sim)
	t.Cleanup(platform.Close)
	c := &console{t, map[string]string{
		"FLAGPOLE_ADDR":                     "127.0.0.1:0",
		"DATABASE_URL":                      storetest.URL(t, kind),
		"GAME_PLATFORM_API_BASE_URL":        platform.URL + simulator.BaseURLPath,
		"GAME_PLATFORM_API_TOKEN":           "sim-token",
		"GAME_PLATFORM_INTEGRATION_ENABLED": "true",
		"GAME_PLATFORM_RATE_LIMIT":          "2000",
	}, sim}
	return &world{console: c, coach: usualCoach(t, sim), browser: browser, raw: openRaw(t, kind, c.env["DATABASE_URL"])}
}

func (w *world) addUsers(t *testing.T, roles map[string]domain.Role) {
	t.Helper()
	for email, role := range roles {
		if o := w.console.do(anyPassword, "user", "add", "--email", email, "--role", string(role), "--password-stdin"); o.status != 0 {
			t.Fatal(o.stderr)
		}
	}
}

// openRaw connects to the database beside the portal.
func openRaw(t *testing.T, kind, address string) *sql.DB {
	t.Helper()
	driver, source := "pgx", address
	if kind == "sqlite" {
		driver, source = "sqlite3", "file:"+strings.TrimPrefix(address, "sqlite:")+"?_busy_timeout=10000&_foreign_keys=on"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// exec runs a statement beside the portal. It must change something.
func (w *world) exec(t *testing.T, statement string, values ...any) {
	t.Helper()
	result, err := w.raw.ExecContext(t.Context(), statement, values...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%s: %d rows, %v", statement, n, err)
	}
}

// value reads one text beside the portal.
func (w *world) value(t *testing.T, query string, values ...any) string {
	t.Helper()
	var text string
	if err := w.raw.QueryRowContext(t.Context(), query, values...).Scan(&text); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return text
}

func usualCoach(t *testing.T, sim *simulator.Simulator) string {
	t.Helper()
	var file bytes.Buffer
	if err := sim.WriteRoster(&file); err != nil {
		t.Fatal(err)
	}
	rows, bad, err := roster.Read(&file)
	if err != nil || len(bad) > 0 {
		t.Fatal(bad, err)
	}
	return demoCoach(rows, func(string) bool { return true })
}

// addNovice imports a coach whose only competitor then moves to another one; a team without members stays behind.
func (w *world) addNovice(t *testing.T) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "novice.csv")
	for _, coach := range []string{noviceEmail + ",Una Falk", "nils.roth@elm.example,Nils Roth"} {
		team := map[bool]string{true: "Elm Juniors"}[strings.HasPrefix(coach, noviceEmail)]
		write(t, path, "coach_email,coach_name,school,region,first_name,last_name,email,division,grade,status,team,competitor_id,game_platform_id\n"+
			coach+",Elm,North,Ivo,Berg,,high_school,9,pending,"+team+",C-novice,\n")
		w.console.must("import", path)
	}
}

// startPortal serves on a free port until stop is called, at the latest with the test.
func startPortal(t *testing.T, env map[string]string) (url string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	said := &lines{found: make(chan string, 1)}
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"serve"}, func(name string) string { return env[name] }, strings.NewReader(""), &bytes.Buffer{}, said)
	}()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve ended with %v", err)
		}
	}
	t.Cleanup(stop)
	select {
	case line := <-said.found:
		var entry struct{ Address string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		return "http://" + entry.Address, stop
	case err := <-ended:
		ended <- nil
		t.Fatalf("serve ended: %v", err)
	}
	return "", stop
}

// startBrowser starts a browser that reaches nothing but this machine.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(browserPath(t)), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
	)...)
	t.Cleanup(cancel)
	browser, _ := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		if err := chromedp.Cancel(browser); err != nil { // waits until it has ended and its folder is gone
			t.Errorf("end the browser: %v", err)
		}
	})
	if err := chromedp.Do(browser); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	return browser
}

// browserPath finds what scripts/setup-tests looks for and installs.
func browserPath(t *testing.T) string {
	t.Helper()
	names := []string{"headless_shell", "headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatalf("no browser in PATH (one of %s); ./task test installs Chromium on Debian and says what to do elsewhere", strings.Join(names, ", "))
	return ""
}
