package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
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
	url     string // of the portal
	coach   string // email of a coach with a roster of usual size
}

const (
	noviceEmail  = "una.falk@elm.example" // a coach whose roster is empty
	adminEmail   = "admin@flagpole.example"
	productEmail = "product@flagpole.example"
	anyPassword  = "correct horse"
)

// TestInTheBrowser uses the portal as people do.
func TestInTheBrowser(t *testing.T) {
	w := newWorld(t)
	t.Run("a coach from login to CSV", w.coachJourney)
	t.Run("a coach without JavaScript", w.plainJourney)
	t.Run("an answer that is an error", w.errorInPlace)
	t.Run("a portal that is gone", w.portalGone)
	t.Run("a session that ended", w.sessionEnded)
	t.Run("an admin", w.adminJourney)
	t.Run("product staff", w.productJourney)
	t.Run("every page with axe", w.everyPage)
	t.Run("the policy is kept watch over", w.policyWatch)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	for _, name := range []string{"vendor/htmx.min.js", "vendor/pico.min.css", "node_modules/axe-core/axe.min.js"} {
		if _, err := os.Stat(filepath.Join("..", "..", "static", name)); err != nil {
			t.Fatalf("static/%s is missing; ./task test fetches it before it tests", name)
		}
	}
	sim, err := simulator.New(simulator.Options{Seed: 5, Competitors: 240, Coaches: 8, Teams: 24, Token: "sim-token"})
	if err != nil {
		t.Fatal(err)
	}
	platform := httptest.NewServer(sim)
	t.Cleanup(platform.Close)
	c := &console{t, map[string]string{
		"FLAGPOLE_ADDR":                     "127.0.0.1:0",
		"DATABASE_URL":                      storetest.URL(t, "sqlite"),
		"GAME_PLATFORM_API_BASE_URL":        platform.URL + simulator.BaseURLPath,
		"GAME_PLATFORM_API_TOKEN":           "sim-token",
		"GAME_PLATFORM_INTEGRATION_ENABLED": "true",
		"GAME_PLATFORM_RATE_LIMIT":          "2000",
	}, sim}
	w := &world{console: c, coach: usualCoach(t, sim), browser: startBrowser(t)}
	c.filled()
	w.addNovice(t)
	for email, role := range map[string]domain.Role{
		w.coach: domain.RoleCoach, noviceEmail: domain.RoleCoach, adminEmail: domain.RoleAdmin, productEmail: domain.RoleProduct,
	} {
		if o := c.do(anyPassword, "user", "add", "--email", email, "--role", string(role), "--password-stdin"); o.status != 0 {
			t.Fatal(o.stderr)
		}
	}
	c.do("", "sync", "--all") // some fail: the season has its faults
	w.url, _ = startPortal(t, c.env)
	return w
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
	return demoCoach(rows)
}

// addNovice imports a coach whose only competitor then moves to another one.
func (w *world) addNovice(t *testing.T) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "novice.csv")
	for _, coach := range []string{noviceEmail + ",Una Falk", "nils.roth@elm.example,Nils Roth"} {
		write(t, path, "coach_email,coach_name,school,region,first_name,last_name,email,division,grade,status,team,competitor_id,game_platform_id\n"+
			coach+",Elm,North,Ivo,Berg,,high_school,9,pending,,C-novice,\n")
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

// tab is a browser window with cookies of its own, looking at one portal. What its console says, and what its content
// security policy blocks, fails the test, unless it was expected.
type tab struct {
	t        *testing.T
	ctx      context.Context
	url      string
	expected []string // parts of messages; each must come
}

func (w *world) newTab(t *testing.T, url string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(w.browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	messages := chromedp.Console(ctx)
	b := &tab{t: t, ctx: ctx, url: url}
	b.view(1280, false)
	t.Cleanup(func() {
		if t.Failed() || b.ctx.Err() != nil {
			return
		}
		const last = "the test is over"
		js[chromedp.Void](b, `console.log("`+last+`")`)
		unseen := map[string]bool{}
		for _, part := range b.expected {
			unseen[part] = true
		}
		for m, err := range messages {
			if err != nil {
				t.Errorf("read the console: %v", err)
				return
			}
			if m.Text == last {
				break
			}
			switch m.Type {
			case chromedp.ConsoleError, chromedp.ConsoleWarning, chromedp.ConsoleException:
				if part := b.expects(m.Text); part != "" {
					delete(unseen, part)
				} else {
					t.Errorf("the browser complains: %s %s (%s)", m.Type, m.Text, m.URL)
				}
			}
		}
		for part := range unseen {
			t.Errorf("the browser did not say %q", part)
		}
	})
	return b
}

// expect tells that a message with this text has to come.
func (b *tab) expect(part string) { b.expected = append(b.expected, part) }

func (b *tab) expects(message string) string {
	for _, part := range b.expected {
		if strings.Contains(message, part) {
			return part
		}
	}
	return ""
}

// view sets the window's width and the colours that the person prefers. Nothing moves, so a picture is never half way.
func (b *tab) view(width int64, dark bool) {
	b.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	b.do(chromedp.EmulateViewport(width, 900), command("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{
		{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"},
	}}))
}

// command is one of the browser's own.
func command(method string, parameters map[string]any) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		return target.Call(ctx, method, parameters, nil)
	})
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%v\n%s", err, b.describe())
	}
}

// js evaluates an expression in the page, whose own scripts may be switched off.
func js[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := tryJS[T](b, expression)
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

func tryJS[T any](b *tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// until waits for an expression to become true.
func (b *tab) until(condition string) {
	b.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		ok, err := tryJS[bool](b, condition) // an error while one page gives way to the next
		if ok && err == nil {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("this did not become true: %s (%v)\n%s", condition, err, b.describe())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// describe says where the tab is, for the text of a failure.
func (b *tab) describe() string {
	text, err := tryJS[string](b, `location.href + "\n" + document.title + "\n" + document.body.innerText.slice(0, 1500)`)
	if err != nil {
		return err.Error()
	}
	return text
}

// open goes to a page of the portal.
func (b *tab) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.url + path))
}

// click clicks on an element that must be on the screen, or be brought there.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`!!document.querySelector(%q)`, selector))
	b.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// follow clicks on what loads another page, and waits for that.
func (b *tab) follow(selector string) {
	b.t.Helper()
	b.mark()
	b.click(selector)
	b.loaded()
}

// mark leaves something in the page that is gone when another one is loaded.
func (b *tab) mark() {
	b.t.Helper()
	js[chromedp.Void](b, `void (window.marked = true)`)
}

func (b *tab) loaded() {
	b.t.Helper()
	b.until(`!window.marked && document.readyState === "complete"`)
}

// same fails the test where the page was loaded anew since mark.
func (b *tab) same() {
	b.t.Helper()
	if !js[bool](b, `window.marked === true`) {
		b.t.Error("the page was loaded anew, want only a part of it replaced")
	}
}

// at is the path and query the tab shows.
func (b *tab) at() string {
	b.t.Helper()
	return js[string](b, `location.pathname + location.search`)
}

// wantAt fails the test where the tab is elsewhere.
func (b *tab) wantAt(want string) {
	b.t.Helper()
	if got := b.at(); got != want {
		b.t.Fatalf("the tab is at %s, want %s\n%s", got, want, b.describe())
	}
}

// text is the text of an element, "" where there is none.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return js[string](b, fmt.Sprintf(`(document.querySelector(%q)?.textContent ?? "").replace(/\s+/g, " ").trim()`, selector))
}

// wantText fails the test where the element's text does not have the part.
func (b *tab) wantText(selector, part string) {
	b.t.Helper()
	if got := b.text(selector); !strings.Contains(got, part) {
		b.t.Errorf("%s says %q, want %q in it", selector, got, part)
	}
}

// wantWhole fails the test where the page is not one whole page.
func (b *tab) wantWhole() {
	b.t.Helper()
	if n := js[int](b, `document.querySelectorAll("main, .top, body > footer").length`); n != 3 {
		b.t.Errorf("the page is not whole or in itself twice: %d of its 3 parts\n%s", n, b.describe())
	}
}

// fillLogin fills the form and sends it.
func (b *tab) fillLogin(email, password string) {
	b.t.Helper()
	b.until(`!!document.querySelector("[name=password]")`)
	b.do(chromedp.SetValue(chromedp.CSS("[name=email]"), email), chromedp.SendKeys(chromedp.CSS("[name=password]"), password))
	b.follow("form button")
}

// signedIn is a tab of somebody who has just signed in.
func (w *world) signedIn(t *testing.T, url, email string) *tab {
	t.Helper()
	b := w.newTab(t, url)
	b.open("/login")
	b.fillLogin(email, anyPassword)
	if b.at() == "/login" {
		t.Fatalf("%s could not sign in: %s", email, b.text("#login-problem"))
	}
	return b
}

// signOut uses the menu.
func (b *tab) signOut() {
	b.t.Helper()
	b.click("#user-menu summary")
	b.follow("#user-menu button")
}
