package handlers

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/PuerkitoBio/goquery"
	"github.com/xuri/excelize/v2"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
)

// hostile are texts that people and the platform can put into names and titles.
var hostile = []string{
	"<img src=x onerror=alert(1)>", `"><script>alert(1)</script>`, `'onmouseover='alert(1)`, "=1+1", "+1", "-1", "@SUM(A1)", "{{7*7}}", "${7*7}", "%00%0d%0a", "javascript:alert(1)",
	"\u202eevitagen\u202c", "مرحبا بالعالم", "👩‍👩‍👧‍👦🏳️‍🌈", "Zalgo H̶̢̛͕̲̿̀e", strings.Repeat("W", 200), strings.Repeat("ü👍a.", 50), "a&amp;b", "</title><b>x</b>", "../../etc/passwd", "＝1＋1",
}

// besiege gives the owner's competitors, teams, challenges and events hostile names, and the coach too.
func (p *portal) besiege() {
	p.t.Helper()
	var rows []roster.Row
	for i, text := range hostile {
		row := p.pupil(owner, roster.Row{
			CompetitorID: fmt.Sprintf("H-%02d", i), FirstName: text, LastName: text, Email: fmt.Sprintf("h%d@pupil.example", i), GamePlatformID: fmt.Sprintf("H-%d", i),
			Team: "Team " + text, Grade: "9", School: text,
		})
		row.School = "Northgate School"
		rows = append(rows, row)
	}
	p.enrol(rows...)
	for i, text := range hostile {
		event := domain.FlashEvent{Name: text, StartsAt: p.clock.Now().AddDate(0, 0, -i)}
		result := inEvent(event, int64(i), 10)
		result.Solves[0].Title, result.Solves[0].Category = text, text
		s := odl(int64(900+i), text, text, 10, i)
		s.WorkRoles = []string{text, "PD-WRL-001"}
		nul := odl(int64(700+i), "nul\x00"+text, "nul\x00"+text, 1, i)
		p.pull(fmt.Sprintf("H-%d", i), []domain.Solve{s, nul}, func(pull *store.Pull) {
			pull.User.Username = text
			pull.Flash = &store.FlashPull{RequestedAt: pull.At, Results: []domain.FlashResult{result}}
		})
	}
	name := strings.ReplaceAll(hostile[1], "'", "''")
	p.exec(`UPDATE coaches SET name = '` + name + `', school = '` + name + `' WHERE coach_id = 'K-1'`)
}

// wantHarmless looks for elements and attributes that a page cannot have of itself.
func (p *portal) wantHarmless(path string, page answer) {
	p.t.Helper()
	if page.status != 200 {
		p.t.Errorf("%s: status %d", path, page.status)
		return
	}
	if !utf8.ValidString(page.body) || strings.ContainsRune(page.body, 0) {
		p.t.Errorf("%s: holds a NUL or is no UTF-8", path)
	}
	doc := page.doc()
	if n := doc.Find("main img, main script, main iframe, main b:not(.sizes b), main i, [onerror], [onmouseover], main style").Length(); n > 0 {
		p.t.Errorf("%s: %d elements or attributes made of data", path, n)
	}
	doc.Find("[href], [action], [hx-get], [hx-post]").Each(func(_ int, s *goquery.Selection) {
		for _, name := range []string{"href", "action", "hx-get", "hx-post"} {
			if v := s.AttrOr(name, "/"); goquery.NodeName(s) != "link" && !strings.HasPrefix(v, "/") && !strings.HasPrefix(v, "#") {
				p.t.Errorf("%s: %s=%q leads out of the portal", path, name, v)
			}
		}
	})
	if titles := doc.Find("title"); titles.Length() != 1+doc.Find("svg title").Length() || !strings.HasSuffix(titles.First().Text(), " · Flagpole") {
		p.t.Errorf("%s: title %q", path, titles.First().Text())
	}
}

func TestHostileNamesShowSafelyOnEveryPage(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.besiege()
		b := p.as(admin)
		paths := []string{"/competitors", "/competitors?size=100&sort=team", "/teams", "/teams?sort=-coach", "/events", "/coaches", "/admin/categories", "/admin/sync", "/admin/audit"}
		for i, text := range hostile {
			q := url.QueryEscape(text)
			if utf8.RuneCountInString(text) > maxSearch {
				q = url.QueryEscape(string([]rune(text)[:maxSearch]))
			}
			id := fmt.Sprintf("/competitors/H-%02d", i)
			paths = append(paths, id, id+"?source=flash&list="+url.QueryEscape("q="+q), "/competitors?q="+q, "/teams?q="+q, "/coaches?q="+q, "/admin/audit?competitor="+q, fmt.Sprintf("/admin/audit?competitor=H-%02d", i))
		}
		paths = append(paths, b.get("/teams").doc().Find("#teams tbody th a").Map(hrefOf)...)
		paths = append(paths, b.get("/events").doc().Find("main tbody th a").Map(hrefOf)...)
		paths = append(paths, b.get("/admin/categories").doc().Find("main tbody th a").Map(hrefOf)...)
		for _, path := range paths {
			p.wantHarmless(path, b.get(path))
		}
		if len(paths) < 170 {
			t.Errorf("only %d pages", len(paths))
		}
		looking := p.as(admin)
		wantStatus(t, looking.submit("/coaches", "form[action='/coaches/K-1/view']"), 303)
		p.wantHarmless("looking", looking.get("/competitors"))
		wantEqual(t, "banner", looking.get("/numbers").words(".band .s"), []string{"You see the portal as " + hostile[1] + " does."})
		for i, text := range hostile { // shown as it is, and found by it
			want := strings.Join(strings.Fields(text+" "+text), " ")
			wantEqual(t, "heading", b.get(fmt.Sprintf("/competitors/H-%02d", i)).words("h1"), []string{want})
			found := b.get("/competitors?size=100&q=" + url.QueryEscape(string([]rune(text)[:min(maxSearch, utf8.RuneCountInString(text))]))).words("#list tbody th")
			if !slices.Contains(found, want) {
				t.Errorf("%q is not found by its name: %q", text, found)
			}
		}
	})
}

func TestHostileNamesAreHarmlessInEveryExport(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.besiege()
		b := p.as(admin)
		exports := []string{"/competitors.csv", "/teams.csv", "/events.csv", "/coaches.csv", "/admin/categories.csv", "/admin/audit.csv"}
		for i := range hostile {
			exports = append(exports, fmt.Sprintf("/competitors/H-%02d/solves.csv", i))
		}
		for _, path := range b.get("/events").doc().Find("main tbody th a").Map(hrefOf) {
			exports = append(exports, path+"/results.csv")
		}
		for _, path := range b.get("/teams").doc().Find("#teams tbody th a").Map(hrefOf) {
			exports = append(exports, path+"/unsolved.csv")
		}
		for _, path := range exports {
			got := b.get(path)
			header, rows := got.table()
			for _, row := range rows {
				for _, name := range header {
					if cell := row[name]; strings.ContainsRune(cell, 0) || cell != "" && strings.ContainsAny(cell[:1], "=@\t\r") || strings.HasPrefix(cell, "＝") || runs(cell) {
						t.Errorf("%s: %s = %q", path, name, cell)
					}
				}
			}
			if name := got.header.Get("Content-Disposition"); strings.ContainsAny(strings.TrimSuffix(strings.TrimPrefix(name, `attachment; filename="`), `"`), `"/\<> ;`) || len(name) > 200 {
				t.Errorf("%s: %s", path, name)
			}
		}
		first := b.get("/competitors.csv").column("first_name")
		for _, text := range hostile {
			if !slices.ContainsFunc(first, func(s string) bool { return plain(s) == plain(text) }) {
				t.Errorf("%q is not in the list", text)
			}
		}
		sheet, err := excelize.OpenReader(strings.NewReader(b.get("/competitors.xlsx").body))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := sheet.GetRows("Competitors")
		if err != nil || len(rows) != len(first)+1 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		for _, row := range rows[1:] {
			var i int
			if n, _ := fmt.Sscanf(row[0], "H-%d", &i); n == 1 {
				wantEqual(t, "name in the sheet, as it is", row[1], hostile[i])
			}
		}
	})
}

// runs reports whether a spreadsheet would take a cell that is no number for a formula.
func runs(cell string) bool {
	if cell == "" || cell[0] != '+' && cell[0] != '-' {
		return false
	}
	return strings.Trim(cell[1:], "0123456789.") != ""
}
