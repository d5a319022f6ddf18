package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
)

// solveShown is a row of a competitor's solves, on the screen or in the export.
type solveShown struct{ Challenge, Category, Points, Solved string }

// solves are the rows on the screen.
func (b *tab) solves() []solveShown {
	b.t.Helper()
	return js[[]solveShown](b, `[...document.querySelectorAll("#solves tbody tr")].map(row => {
		const words = cell => [...cell.childNodes].filter(n => n.nodeType === Node.TEXT_NODE).map(n => n.data.trim()).join("")
		return {
			Challenge: words(row.cells[0]), Category: row.cells[1].textContent.trim(),
			Points: row.cells[4].textContent.trim().replace(",", ""), Solved: row.querySelector("time").dateTime,
		}
	})`)
}

// listShown is what a coach takes the page for: its address and its table.
type listShown struct {
	At     string
	Solves []solveShown
}

func (b *tab) list() listShown {
	b.t.Helper()
	return listShown{b.at(), b.solves()}
}

func (b *tab) wantList(what string, want listShown) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.list()); diff != "" {
		b.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// busyCompetitor is the path of the competitor with the most solves of those whose solves stand on one page.
func (b *tab) busyCompetitor() string {
	b.t.Helper()
	return js[string](b, `[...document.querySelectorAll("#list tbody tr")].map(row => ({
		path: row.querySelector("a").pathname, solves: Number(row.cells[3].textContent) + Number(row.cells[4].textContent),
		synced: row.textContent.includes("Synced"),
	})).filter(c => c.synced && c.solves < 100).sort((a, b) => b.solves - a.solves)[0].path`)
}

// coachJourney is one sitting: wrong password, right one, list, competitor, filter, sort, back, reload, export, out.
func (w *world) coachJourney(t *testing.T) {
	b := w.newTab(t, w.url)
	b.open("/competitors")
	b.wantAt("/login?next=%2Fcompetitors")
	b.expect("status of 401")
	b.fillLogin(w.coach, "a wrong one")
	b.wantText("#login-problem", "password")
	if got := js[string](b, `document.querySelector("[name=email]").value`); got != w.coach {
		t.Errorf("the form has the email %q, want it kept", got)
	}
	b.fillLogin(w.coach, anyPassword)
	b.wantAt("/competitors")
	b.wantText("h1", "Competitors")
	b.wantListExport()

	path := b.busyCompetitor()
	name := b.text(fmt.Sprintf(`a[href=%q]`, path))
	b.follow(fmt.Sprintf(`a[href=%q]`, path))
	b.wantAt(path)
	b.wantText("h1", name)
	all := b.list()

	b.mark()
	filtered, category := b.filter(path, len(all.Solves))
	most, fewest := b.sortByPoints(path, category)
	b.same()
	if len(filtered.Solves) != len(most.Solves) {
		t.Errorf("%d solves in the category, %d after sorting them", len(filtered.Solves), len(most.Solves))
	}

	b.back(most)
	b.do(chromedp.Reload())
	b.wantList("after a reload", most)
	b.back(filtered)
	b.back(all)
	b.forward(filtered)
	b.forward(most)
	b.forward(fewest)
	b.wantExport(fewest.Solves)

	b.leave()
}

// leave signs out and goes back: nothing of the pages before may be seen, nor lie in the browser's storage.
func (b *tab) leave() {
	b.t.Helper()
	if kept := js[string](b, `JSON.stringify({...localStorage, ...sessionStorage})`); strings.Contains(kept, "<") {
		b.t.Errorf("a page lies in the browser's storage: %.300s", kept) // htmx keeps an address there, which is well
	}
	b.signOut()
	b.wantAt("/login")
	b.mark()
	js[chromedp.Void](b, `history.back()`)
	b.loaded()
	b.until(`location.pathname === "/login"`)
	if n := js[int](b, `document.querySelectorAll(".top, table").length`); n != 0 {
		b.t.Errorf("Back after signing out shows a page of before\n%s", b.describe())
	}
}

// wantListExport holds the export of the list against the screen.
func (b *tab) wantListExport() {
	b.t.Helper()
	var exported []string
	for _, row := range b.download(`.head a[href$=".csv"]`, "flagpole-competitors-") {
		exported = append(exported, "/competitors/"+row["competitor_id"])
	}
	shown := js[[]string](b, `[...document.querySelectorAll("#list tbody a")].map(a => a.pathname)`)
	if diff := cmp.Diff(shown, exported); diff != "" {
		b.t.Errorf("the file is not what the screen shows (-screen +file):\n%s", diff)
	}
}

// filter chooses the category with the most solves with the keyboard's focus on the button, as htmx replaces the table.
func (b *tab) filter(path string, all int) (filtered listShown, category string) {
	b.t.Helper()
	category = js[string](b, `[...document.querySelectorAll("#solves-category option")].slice(1)
		.sort((a, b) => parseInt(b.text.match(/\((\d+)/)[1]) - parseInt(a.text.match(/\((\d+)/)[1]))[0].value`)
	b.do(chromedp.SetValue(chromedp.CSS("#solves-category"), category))
	b.click("#solves-apply")
	b.until(`location.search.includes("category=")`)
	b.until(`document.querySelector("#solves h2").textContent.includes(" of ")`)
	filtered = b.list()
	if want := path + "?category=" + category + "&sort=-date"; filtered.At != want {
		b.t.Errorf("after the filter the address is %s, want %s", filtered.At, want)
	}
	if n := len(filtered.Solves); n == 0 || n >= all {
		b.t.Errorf("%d of %d solves are in the category %s", n, all, category)
	}
	for _, s := range filtered.Solves {
		if s.Category != filtered.Solves[0].Category {
			b.t.Errorf("%v is not in the category %s", s, filtered.Solves[0].Category)
		}
	}
	b.wantWhole()
	b.wantFocus("solves-apply")
	b.until(fmt.Sprintf(`document.getElementById("said").textContent.includes("of %d")`, len(filtered.Solves)))
	return filtered, category
}

// sortByPoints sorts with the keyboard, then reverses with it.
func (b *tab) sortByPoints(path, category string) (most, fewest listShown) {
	b.t.Helper()
	sorted := func(sort, aria string) listShown {
		b.t.Helper()
		b.do(chromedp.Focus(chromedp.CSS("#solves-by-points")), chromedp.KeyEvent("\r"))
		b.until(fmt.Sprintf(`location.search === "?category=%s&sort=%s"`, category, sort))
		b.until(fmt.Sprintf(`document.getElementById("solves-by-points").closest("th").ariaSort === %q`, aria))
		b.wantWhole()
		b.wantFocus("solves-by-points")
		b.until(`document.getElementById("said").textContent.includes("points first")`)
		if n := js[int](b, `document.querySelectorAll("#solves thead [aria-sort]").length`); n != 1 {
			b.t.Errorf("%d columns claim to be sorted by", n)
		}
		return b.list()
	}
	most, fewest = sorted("-points", "descending"), sorted("points", "ascending")
	for i := 1; i < len(most.Solves); i++ {
		if points(b.t, most.Solves[i-1]) < points(b.t, most.Solves[i]) || points(b.t, fewest.Solves[i-1]) > points(b.t, fewest.Solves[i]) {
			b.t.Fatalf("not sorted by points:\n%v\n%v", most.Solves, fewest.Solves)
		}
	}
	return most, fewest
}

func points(t *testing.T, s solveShown) int {
	t.Helper()
	n, err := strconv.Atoi(s.Points)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// wantFocus fails the test where the keyboard's focus is elsewhere.
func (b *tab) wantFocus(id string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.activeElement.id === %q`, id))
}

func (b *tab) back(want listShown)    { b.t.Helper(); b.travel("back", want) }
func (b *tab) forward(want listShown) { b.t.Helper(); b.travel("forward", want) }

// travel uses the browser's history: address, table and form must be those of before, on one whole page.
func (b *tab) travel(way string, want listShown) {
	b.t.Helper()
	js[chromedp.Void](b, `history.`+way+`()`)
	b.until(fmt.Sprintf(`location.pathname + location.search === %q && document.readyState === "complete"`, want.At))
	b.until(fmt.Sprintf(`document.querySelectorAll("#solves tbody tr").length === %d`, len(want.Solves)))
	b.until(fmt.Sprintf(`document.querySelector("#solves tbody time").dateTime === %q`, want.Solves[0].Solved))
	b.wantList("after going "+way, want)
	b.wantWhole()
	if got := js[string](b, `(new URLSearchParams(location.search).get("category") ?? "") === document.getElementById("solves-category").value ? "" : "other"`); got != "" {
		b.t.Errorf("after going %s the form shows another category than the address", way)
	}
}

// wantExport follows Export CSV and holds the file against the screen.
func (b *tab) wantExport(want []solveShown) {
	b.t.Helper()
	at := b.at()
	file := b.download(`#solves a[href*=".csv"]`, "flagpole-solves-")
	if diff := cmp.Diff(want, solvesIn(b.t, file)); diff != "" {
		b.t.Errorf("the file is not what the screen shows (-screen +file):\n%s", diff)
	}
	b.wantAt(at)
}

// download clicks on a link and gives the rows of the CSV file it leads to, by column.
func (b *tab) download(selector, prefix string) []map[string]string {
	b.t.Helper()
	folder := b.t.TempDir()
	browser := chromedp.FromContext(b.ctx)
	if err := browser.Browser.Call(b.ctx, "Browser.setDownloadBehavior", map[string]any{
		"behavior": "allow", "downloadPath": folder, "browserContextId": browser.BrowserContextID, "eventsEnabled": true,
	}, nil); err != nil {
		b.t.Fatal(err)
	}
	progress, stop := browser.Browser.Subscribe("Browser.downloadProgress")
	defer stop()
	b.click(selector)
	for state := ""; state != "completed"; { // until then a file of this name may be there, and empty
		select {
		case event := <-progress:
			var download struct{ State string }
			if err := json.Unmarshal(event, &download); err != nil {
				b.t.Fatal(err)
			}
			state = download.State
		case <-time.After(patience):
			b.t.Fatal("the download does not end")
		}
	}
	files, err := filepath.Glob(filepath.Join(folder, prefix+"*.csv"))
	if err != nil || len(files) != 1 {
		b.t.Fatalf("%d files are called %s and the day, want one (%v)", len(files), prefix, err)
	}
	file, err := os.ReadFile(files[0])
	if err != nil {
		b.t.Fatal(err)
	}
	lines, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(file, []byte("\ufeff")))).ReadAll()
	if err != nil || len(lines) == 0 {
		b.t.Fatalf("%d lines, %v", len(lines), err)
	}
	var rows []map[string]string
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, cell := range line {
			row[lines[0][i]] = cell
		}
		rows = append(rows, row)
	}
	return rows
}

// solvesIn gives the file's rows in the form of the screen, whose times are in UTC here.
func solvesIn(t *testing.T, rows []map[string]string) []solveShown {
	t.Helper()
	var solves []solveShown
	for _, row := range rows {
		at, err := time.Parse(time.DateTime, row["solved"])
		if err != nil {
			t.Fatal(err)
		}
		solves = append(solves, solveShown{row["challenge"], row["category"], row["points"], at.Format(time.RFC3339)})
	}
	return solves
}

// plainJourney is the same without any script: links and forms alone.
func (w *world) plainJourney(t *testing.T) {
	b := w.newTab(t, w.url)
	b.do(command("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}))
	b.expect("status of 401")
	b.open("/competitors")
	b.fillLogin(w.coach, "a wrong one")
	b.wantText("#login-problem", "password")
	b.fillLogin(w.coach, anyPassword)
	b.wantAt("/competitors")

	path := b.busyCompetitor()
	b.follow(fmt.Sprintf(`a[href=%q]`, path))
	if js[bool](b, `"htmx" in window`) {
		t.Fatal("scripts run, want them switched off")
	}
	all := b.list()

	category := js[string](b, `document.querySelector("#solves-category option:nth-child(2)").value`)
	b.do(chromedp.SetValue(chromedp.CSS("#solves-category"), category))
	b.follow("#solves-apply")
	b.wantAt(path + "?category=" + category + "&sort=-date")
	b.wantWhole()
	filtered := b.list()
	if n := len(filtered.Solves); n == 0 || n >= len(all.Solves) {
		t.Errorf("%d of %d solves are in the category %s", n, len(all.Solves), category)
	}

	b.follow("#solves-by-points")
	b.wantAt(path + "?category=" + category + "&sort=-points")
	most := b.list()
	b.follow("#solves-by-points")
	b.wantAt(path + "?category=" + category + "&sort=points")
	fewest := b.list()
	if n := len(most.Solves); points(t, most.Solves[0]) < points(t, most.Solves[n-1]) || points(t, fewest.Solves[0]) > points(t, fewest.Solves[n-1]) {
		t.Errorf("not sorted by points:\n%v\n%v", most.Solves, fewest.Solves)
	}
	b.back(most)
	b.do(chromedp.Reload())
	b.wantList("after a reload", most)
	b.wantExport(most.Solves)
	b.follow("#solves-clear")
	b.wantAt(path + "?sort=-points")

	b.leave()
}

// opened is a tab of the coach at a competitor with solves, and their path.
func (w *world) opened(t *testing.T, url string) (b *tab, path string) {
	t.Helper()
	b = w.signedIn(t, url, w.coach)
	path = b.busyCompetitor()
	b.open(path)
	return b, path
}

// errorInPlace asks for a category that does not exist, as a page from before a change might.
func (w *world) errorInPlace(t *testing.T) {
	b, path := w.opened(t, w.url)
	before := b.list()
	b.mark()
	b.expect("status of 422")
	b.expect("Error Code 422") // htmx says it too
	js[chromedp.Void](b, `void (document.querySelector("#solves-category").selectedOptions[0].value = "knitting")`)
	b.click("#solves-apply")
	b.until(`!!document.querySelector("#problem [role=alert]")`)
	b.wantText("#problem", "is not a category")
	b.wantText("#problem", "Use one of")
	b.wantList("after the error", before)
	b.wantAt(path)
	b.same()

	b.click("#solves-by-points") // the next answer that is good takes the note away
	b.until(`location.search === "?sort=-points"`)
	b.until(`document.getElementById("problem").childElementCount === 0`)
	b.same()
}

// portalGone stops the portal while somebody looks at a page.
func (w *world) portalGone(t *testing.T) {
	env := map[string]string{}
	for name, value := range w.console.env {
		env[name] = value
	}
	env["GAME_PLATFORM_INTEGRATION_ENABLED"] = "false"
	url, stop := startPortal(t, env)
	b, path := w.opened(t, url)
	b.wantText(".band", "Syncs are switched off")
	before := b.list()
	b.mark()
	stop()
	b.expect("ERR_CONNECTION_REFUSED")
	b.expect("htmx:sendError")
	b.expect("htmx:afterRequest")
	b.click("#solves-by-points")
	b.until(`!!document.querySelector("#problem [role=alert]")`)
	b.wantText("#problem", "did not answer")
	b.wantList("without an answer", before)
	b.wantAt(path)
	b.same()
}

// sessionEnded signs out behind the page's back, as another tab would.
func (w *world) sessionEnded(t *testing.T) {
	b, path := w.opened(t, w.url)
	other, cancel := chromedp.NewContext(b.ctx)
	defer cancel()
	if err := signOutElsewhere(other, w.url); err != nil {
		t.Fatal(err)
	}
	b.expect("status of 401")
	b.follow("#solves-by-points")
	b.wantAt("/login?next=" + strings.ReplaceAll(path, "/", "%2F"))
	b.wantText("h1", "Sign in")
	if n := js[int](b, `document.querySelectorAll(".top, table").length`); n != 0 {
		t.Errorf("the login page stands inside another one\n%s", b.describe())
	}
	b.fillLogin(w.coach, anyPassword)
	b.wantAt(path)
}

func signOutElsewhere(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return chromedp.Do(ctx, chromedp.Navigate(url+"/competitors"),
		chromedp.Click(chromedp.CSS("#user-menu summary")),
		chromedp.Click(chromedp.CSS("#user-menu button"), chromedp.NodeVisible),
		chromedp.WaitReady(chromedp.CSS("[name=password]")))
}
