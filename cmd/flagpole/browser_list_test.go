package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"
)

// rowShown is a row of the list of competitors: its cells by their column's name, times in the form of machines.
type rowShown map[string]string

// rows are the rows of the list on the screen.
func (b *tab) rows() []rowShown {
	b.t.Helper()
	return js[[]rowShown](b, `(() => {
		const heads = [...document.querySelectorAll("#list thead th")].map(h => h.textContent.trim())
		return [...document.querySelectorAll("#list tbody tr")].map(row => ({
			path: row.querySelector("a").pathname,
			...Object.fromEntries([...row.cells].map((cell, i) => [heads[i],
				cell.querySelector("time")?.dateTime ?? cell.textContent.replaceAll(",", "").replace(/\s+/g, " ").trim()])),
		}))
	})()`)
}

func column(rows []rowShown, name string) []string {
	var cells []string
	for _, row := range rows {
		cells = append(cells, row[name])
	}
	return cells
}

// narrowed wants all rows to have a cell, and their number to be what the page says.
func (b *tab) narrowed(name, want string) []rowShown {
	b.t.Helper()
	rows := b.rows()
	for _, row := range rows {
		if row[name] != want {
			b.t.Errorf("%s of %s is %q, want only %q", name, row["Competitor"], row[name], want)
		}
	}
	if n := b.number(".chips .meta"); len(rows) == 0 || n != len(rows) {
		b.t.Errorf("%d rows are shown, the page says %d", len(rows), n)
	}
	return rows
}

func (w *world) listJourney(t *testing.T) {
	b := w.newTab(t, w.url)
	b.open("/competitors")
	b.wantAt("/login?next=%2Fcompetitors")
	b.expect("status of 401")
	b.fillLogin(w.coach, "a wrong one")
	b.wantText("#login-problem", "password")
	b.fillLogin(w.coach, anyPassword)
	b.wantAt("/competitors")
	all := b.useTheList()
	b.searchByKeyboard(all)
	b.arrows()
}

// plainList is the same with links and forms alone.
func (w *world) plainList(t *testing.T) {
	b := w.newTab(t, w.url).withoutScripts()
	b.open("/competitors")
	b.expect("status of 401")
	b.fillLogin(w.coach, "a wrong one")
	b.wantText("#login-problem", "password")
	b.fillLogin(w.coach, anyPassword)
	b.wantAt("/competitors")
	if js[bool](b, `"htmx" in window`) {
		t.Fatal("scripts run, want them switched off")
	}
	b.useTheList()
}

// useTheList narrows, sorts and turns the pages of the list, and gives all rows.
func (b *tab) useTheList() []rowShown {
	b.t.Helper()
	b.wantText("h1", "Competitors")
	all := b.rows()
	b.drillDown(all)
	b.filters(all)
	b.sortEveryColumn(all)
	b.pages(all)
	return all
}

// drillDown holds the numbers above the list against its rows, and against the lists behind them.
func (b *tab) drillDown(all []rowShown) {
	b.t.Helper()
	solves, points := 0, 0
	for _, row := range all {
		solves += atoi(b.t, row["ODL"]) + atoi(b.t, row["Flash"])
		points += atoi(b.t, row["Points"])
	}
	figures := js[map[string]int](b, `Object.fromEntries([...document.querySelectorAll(".stats div")].map(d =>
		[d.querySelector("dt").textContent.trim(), Number(d.querySelector("dd").firstChild.data.replaceAll(",", ""))]))`)
	if figures["solves"] != solves || figures["points"] != points {
		b.t.Errorf("the page counts %d solves and %d points, its rows have %d and %d", figures["solves"], figures["points"], solves, points)
	}
	links := js[[]struct{ Label, Href string }](b, `[...document.querySelectorAll(".stats a")].map(a => ({Label: a.textContent.trim(), Href: a.getAttribute("href")}))`)
	if len(links) < 2 {
		b.t.Errorf("only %d of the numbers lead to a list", len(links))
	}
	for _, link := range links {
		b.use("list", fmt.Sprintf(`.stats a[href=%q]`, link.Href))
		b.wantAt(link.Href)
		if n := b.number(".chips .meta"); n != figures[link.Label] || n != len(b.rows()) {
			b.t.Errorf("%q says %d, behind it are %d in %d rows", link.Label, figures[link.Label], n, len(b.rows()))
		}
		b.use("list", ".chip")
		b.wantAt("/competitors")
	}
	if diff := cmp.Diff(column(all, "path"), column(b.rows(), "path")); diff != "" {
		b.t.Errorf("all rows, after the filter was taken away (-want +got):\n%s", diff)
	}
}

func atoi(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// filters narrows the list in every way it can be narrowed, and takes the filters away again.
func (b *tab) filters(all []rowShown) {
	b.t.Helper()
	apply := func(id, value string) {
		b.t.Helper()
		b.choose(id, value)
		b.use("list", "#list-apply")
		b.wantFocus("list-apply")
	}
	clear := func() {
		b.t.Helper()
		b.use("list", ".chip")
		b.wantAt("/competitors")
	}

	team := js[[]string](b, `(o => [o.value, o.text])(document.querySelector("#list-team option:nth-child(2)"))`)
	apply("list-team", team[0])
	of := b.narrowed("Team", team[1])
	b.wantText(".chip", "Team: "+team[1])

	division := map[string]string{"High school": "high_school", "Middle school": "middle_school", "College": "college"}
	apply("list-division", division[of[0]["Division"]]) // on top of the team
	both := b.narrowed("Division", of[0]["Division"])
	b.wantAt("/competitors?sort=name&division=" + division[of[0]["Division"]] + "&team=" + team[0])
	if len(both) > len(of) {
		b.t.Errorf("%d have two filters, only %d have one", len(both), len(of))
	}
	b.use("list", "#list-without-team")
	if n := len(b.narrowed("Division", of[0]["Division"])); n < len(both) {
		b.t.Errorf("%d are left without the team, %d were there with it", n, len(both))
	}
	clear()

	apply("list-state", "synced")
	b.narrowed("State", "Synced")
	clear()

	apply("list-activity", "active")
	active := b.narrowed("", "")
	clear()
	if n := b.number(`.stats a[href*="activity=active"]`); len(active) == 0 || b.text(".chips") != "" {
		b.t.Errorf("%d are active, the page said %d; chips: %q", len(active), n, b.text(".chips"))
	}

	apply("list-category", js[string](b, `document.querySelector("#list-category option:nth-child(2)").value`))
	if n := len(b.narrowed("", "")); n == len(all) {
		b.t.Errorf("all %d have solved something in the category", n)
	}
	clear()

	name := all[slices.IndexFunc(all, func(r rowShown) bool { return r["State"] == "Synced" })]["Competitor"]
	b.choose("list-q", strings.ToUpper(name))
	b.use("list", "#list-apply")
	b.narrowed("Competitor", name)
	apply("list-activity", "not_synced")
	b.wantText(".empty", "Nobody matches")
	b.use("list", "#list-clear-all")
	b.wantAt("/competitors")
}

// sortEveryColumn clicks on every head twice.
func (b *tab) sortEveryColumn(all []rowShown) {
	b.t.Helper()
	heads := js[[]struct{ ID, Name string }](b, `[...document.querySelectorAll("#list thead a")].map(a => ({ID: a.id, Name: a.textContent.trim()}))`)
	if len(heads) != 10 {
		b.t.Errorf("%d columns can be sorted by, want 10", len(heads))
	}
	for _, head := range heads {
		ways := map[string][]string{}
		for range 2 {
			b.use("list", "#"+head.ID)
			b.wantFocus(head.ID)
			sorted := js[[]string](b, `[...document.querySelectorAll("#list thead [aria-sort]")].map(th => th.querySelector("a").id + " " + th.ariaSort)`)
			if len(sorted) != 1 || !strings.HasPrefix(sorted[0], head.ID+" ") {
				b.t.Fatalf("after a click on %s the list is sorted by %q", head.Name, sorted)
			}
			rows := b.rows()
			if len(rows) != len(all) {
				b.t.Errorf("sorted by %s there are %d rows, want %d", head.Name, len(rows), len(all))
			}
			ways[strings.TrimPrefix(sorted[0], head.ID+" ")] = column(rows, head.Name)
		}
		wantOrder(b.t, head.Name, ways["ascending"], ways["descending"])
	}
	b.open("/competitors")
}

// wantOrder wants a column to run one way and, but for what is missing, the other way.
func wantOrder(t *testing.T, name string, up, down []string) {
	t.Helper()
	missing := func(cell string) bool {
		return slices.Contains([]string{"No team", "No solve yet", "Never", "Not yet"}, cell)
	}
	up, down = slices.DeleteFunc(up, missing), slices.DeleteFunc(down, missing)
	slices.Reverse(down)
	if name == "State" { // in the order of urgency, and some change by themselves
		return
	}
	if diff := cmp.Diff(up, down); diff != "" || len(up) == 0 {
		t.Errorf("by %s: up, and down read from the end, differ (-up +down):\n%s", name, diff)
	}
	if !slices.IsSortedFunc(up, func(a, b string) int {
		n, err := strconv.Atoi(a)
		m, err2 := strconv.Atoi(b)
		if err == nil && err2 == nil {
			return n - m
		}
		return strings.Compare(strings.ToLower(a), strings.ToLower(b))
	}) {
		t.Errorf("by %s the list runs:\n%v", name, up)
	}
}

// pages turns the pages of the list in steps of 25.
func (b *tab) pages(all []rowShown) {
	b.t.Helper()
	if len(all) <= 25 || len(all) > 50 {
		b.t.Fatalf("the coach has %d competitors, want a list of two pages", len(all))
	}
	b.use("list", "#list-size-25")
	b.wantAt("/competitors?size=25")
	span := fmt.Sprintf(" of %d", len(all))
	b.wantText("#list .foot", "1 to 25"+span)
	b.use("list", "#list-next")
	b.wantText("#list .foot", fmt.Sprintf("26 to %d", len(all))+span)
	b.wantFocus("list-next")
	rest := b.rows()
	b.use("list", "#list-prev")
	b.wantText("#list .foot", "1 to 25"+span)
	if diff := cmp.Diff(column(all, "path"), append(column(b.rows(), "path"), column(rest, "path")...)); diff != "" {
		b.t.Errorf("the pages together are not the list (-want +got):\n%s", diff)
	}
	b.use("list", "#list-size-100")
	b.wantAt("/competitors?size=100")
	b.use("list", "#list-size-50")
	b.wantAt("/competitors")
}

// searchByKeyboard never touches the mouse: / goes to the field, the return key sends it.
func (b *tab) searchByKeyboard(all []rowShown) {
	b.t.Helper()
	name := all[3]["Competitor"]
	b.mark()
	b.old("list")
	b.do(command("Input.dispatchKeyEvent", map[string]any{"type": "keyDown", "key": "/", "code": "Slash", "text": "/"}))
	b.wantFocus("list-q")
	b.do(chromedp.KeyEvent(name + "\r"))
	b.renewed("list")
	b.same()
	if got := js[string](b, `document.getElementById("list-q").value`); got != name {
		b.t.Errorf("the field says %q, want what was typed: %q", got, name)
	}
	b.narrowed("Competitor", name)
	b.until(`document.getElementById("said").textContent.includes("1 to 1 of 1")`)
	b.use("list", "#list-without-q")
	b.wantFocus("list") // the link is gone, so the region has it
}

// arrows go from row to row.
func (b *tab) arrows() {
	b.t.Helper()
	at := func() int {
		b.t.Helper()
		return js[int](b, `[...document.querySelectorAll("#list tbody th a")].indexOf(document.activeElement)`)
	}
	b.do(chromedp.Focus(chromedp.CSS("#list tbody tr:nth-child(2) th a")))
	for _, step := range []struct {
		key  string
		want int
	}{{kb.ArrowDown, 2}, {kb.ArrowDown, 3}, {kb.ArrowUp, 2}, {kb.ArrowUp, 1}, {kb.ArrowUp, 0}, {kb.ArrowUp, 0}} {
		b.do(chromedp.KeyEvent(step.key))
		if got := at(); got != step.want {
			b.t.Errorf("the focus is in row %d, want %d", got, step.want)
		}
	}
}
