package handlers

import (
	"cmp"
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"flagpole/internal/domain"
)

// table reads an export back: the header, then rows by column name.
func (a answer) table() (header []string, rows []map[string]string) {
	a.t.Helper()
	wantStatus(a.t, a, 200)
	text, marked := strings.CutPrefix(a.body, "\ufeff")
	if !marked {
		a.t.Error("no byte order mark")
	}
	records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(records) == 0 {
		a.t.Fatalf("%d records, %v", len(records), err)
	}
	for _, r := range records[1:] {
		row := map[string]string{}
		for i, name := range records[0] {
			row[name] = r[i]
		}
		rows = append(rows, row)
	}
	return records[0], rows
}

// column is one column of an export.
func (a answer) column(name string) []string {
	a.t.Helper()
	_, rows := a.table()
	var list []string
	for _, row := range rows {
		list = append(list, row[name])
	}
	return list
}

func TestExportOfTheListHasWhatTheListShows(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.crowd(120) // more than a page of the list
		for _, who := range []string{owner, other, admin} {
			b := p.as(who)
			var want []string
			for link := "/competitors"; link != "(none)"; {
				page := b.get(link)
				page.doc().Find("#list tbody tr").Each(func(_ int, row *goquery.Selection) {
					cells := row.Children().Map(func(_ int, s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") })
					if who == admin {
						cells = slices.Delete(cells, 2, 3) // the coach
					}
					want = append(want, strings.Join([]string{cells[0], cells[1], cells[2], cells[3], cells[4], strings.ReplaceAll(cells[5], ",", ""), cells[9]}, "|"))
				})
				link = page.attr("#list-next", "href")
			}
			_, rows := b.get("/competitors.csv").table()
			var got []string
			for _, r := range rows {
				team := cmp.Or(plain(r["team"]), "No team")
				got = append(got, strings.Join([]string{plain(r["first_name"]) + " " + r["last_name"], team, r["division"], r["odl_solves"], r["flash_solves"], r["points"], r["state"]}, "|"))
			}
			wantEqual(t, "rows of "+who, got, want)
		}
	})
}

// plain takes off the apostrophe that keeps a cell from being a formula.
func plain(cell string) string { return strings.TrimPrefix(cell, "'") }

func TestExportOfTheListIdentifiesEverybody(t *testing.T) {
	p := newPortal(t, "sqlite", func(o *Options) { o.Zone = losAngeles(t) })
	header, rows := p.as(admin).get("/competitors.csv").table()
	wantEqual(t, "header", header, []string{"competitor_id", "first_name", "last_name", "email", "username", "coach", "coach_email", "team", "division", "grade",
		"odl_solves", "flash_solves", "odl_points", "flash_points", "points", "last_solve", "last_seen", "last_synced", "state"})
	wantEqual(t, "Amara", rows[1], map[string]string{
		"competitor_id": "C-1", "first_name": "Amara", "last_name": "Nwosu", "email": "amara@pupil.example", "username": "player", "coach": "Halima Osei", "coach_email": owner,
		"team": "Salt & Hash", "division": "High school", "grade": "11", "odl_solves": "6", "flash_solves": "1", "odl_points": "1150", "flash_points": "250",
		"points": "1400", "last_solve": "2026-11-17 04:00:00", "last_seen": "", "last_synced": "2026-11-18 04:00:00", "state": "Synced",
	})
	if r := rows[3]; r["competitor_id"] != "C-3" || r["email"] != "" || r["team"] != "" || r["last_solve"] != "" || r["last_synced"] != "" {
		t.Errorf("without team, email and sync: %v", r)
	}
}

func losAngeles(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestExportOfSolvesHasWhatThePageShows(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(owner)
		for _, query := range []string{"", "?sort=date", "?sort=points", "?sort=-points", "?category=crypto", "?category=crypto&sort=points", "?category=none", "?category=osint"} {
			page := b.get("/competitors/C-1" + query)
			href := page.attr("#solves a[href*='.csv']", "href")
			if query == "?category=osint" {
				href = "/competitors/C-1/solves.csv" + query
			}
			var got []string
			_, rows := b.get(href).table()
			for _, r := range rows {
				retired := map[string]string{"yes": " retired", "no": ""}[r["retired"]]
				roles := strings.ReplaceAll(r["nice_work_roles"], " ", ", ")
				if roles == "" {
					roles = "none given"
				}
				at, err := time.Parse(time.DateTime, r["solved"])
				if err != nil {
					t.Error(err)
				}
				got = append(got, strings.Join(strings.Fields(plain(r["challenge"])), " ")+retired, r["category"], strings.TrimSpace(r["source"]+" "+r["event"]), roles, r["points"], at.Format("2 Jan, 15:04"))
			}
			wantEqual(t, query, strings.Join(got, "|"), strings.Join(page.words("#solves tbody tr > *"), "|"))
		}
	})
}

func TestExportOfSolvesCarriesThePersonInEveryRow(t *testing.T) {
	p := newPortal(t, "sqlite")
	header, rows := p.as(owner).get("/competitors/C-1/solves.csv").table()
	wantEqual(t, "header", header, []string{"competitor_id", "first_name", "last_name", "email", "challenge", "category", "source", "event",
		"points", "retired", "nice_work_roles", "solved"})
	wantEqual(t, "rows", len(rows), 7)
	for _, r := range rows {
		wantEqual(t, r["challenge"], []string{r["competitor_id"], r["first_name"], r["last_name"], r["email"]}, []string{"C-1", "Amara", "Nwosu", "amara@pupil.example"})
	}
	header, rows = p.as(owner).get("/competitors/C-3/solves.csv").table()
	wantEqual(t, "without solves", fmt.Sprint(len(header), " ", len(rows)), "12 0")
	header, rows = p.as(newcomer).get("/competitors.csv").table()
	wantEqual(t, "without competitors", fmt.Sprint(len(header), " ", len(rows)), "19 0")
}

func TestExportRunsNoFormulaAndKeepsQuotesAndLines(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(owner)
		list := b.get("/competitors.csv")
		wantEqual(t, "names", list.column("first_name")[0], `'=HYPERLINK("http://evil.example")`)
		wantEqual(t, "teams", list.column("team")[4], "'=cmd|' /C calc'!A0")
		wantEqual(t, "emails", list.column("email")[5], "'+zola@pupil.example")
		wantEqual(t, "quotes", list.column("last_name")[4], `O'Neil & "Sons"`)
		wantEqual(t, "ids", list.column("competitor_id")[4], oddID)
		solves := b.get("/competitors/C-1/solves.csv")
		wantEqual(t, "titles", solves.column("challenge")[3], "'=1+2")
		wantEqual(t, "a line break inside", solves.column("challenge")[4], "Quote \" and\nline")
		if n := strings.Count(solves.body, "\r\n"); n != 1+7+1 || strings.Count(solves.body, "\n") != n {
			t.Errorf("%d CRLF and %d LF in 8 lines and a broken cell", n, strings.Count(solves.body, "\n"))
		}
	})
}

func TestExportIsAFileNamedByScopeAndDay(t *testing.T) {
	p := newPortal(t, "sqlite", func(o *Options) { o.Zone = losAngeles(t) })
	p.clock.Advance(14 * time.Hour) // 02:12 UTC of the next day, the evening before in Los Angeles
	for path, want := range map[string]string{
		"/competitors.csv":            `attachment; filename="flagpole-competitors-halima-osei-2026-11-18.csv"`,
		"/competitors/C-1/solves.csv": `attachment; filename="flagpole-solves-c-1-2026-11-18.csv"`,
	} {
		h := p.as(owner).get(path).header
		wantEqual(t, path, []string{h.Get("Content-Disposition"), h.Get("Content-Type"), h.Get("Cache-Control")}, []string{want, "text/csv; charset=utf-8", "no-store"})
	}
}

func TestExportIsCompressed(t *testing.T) {
	p := newPortal(t, "sqlite")
	p.crowd(120)
	b := p.as(other)
	small := b.get("/competitors.csv", "Accept-Encoding", "gzip")
	wantEqual(t, "encoding", small.header.Get("Content-Encoding"), "gzip")
	unzipped, err := gzip.NewReader(strings.NewReader(small.body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "text", string(text), b.get("/competitors.csv").body)
}

func TestExportsAreAudited(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(owner)
		b.get("/competitors.csv").table()
		b.get("/competitors/C-1/solves.csv?category=crypto&sort=points").table()
		b.get("/competitors/" + url.PathEscape(oddID) + "/solves.csv").table()
		wantStatus(t, b.get("/competitors/D-1/solves.csv"), 404)
		wantStatus(t, b.get("/competitors/C-1/solves.csv?category=cooking"), 422)
		wantEqual(t, "audit log", p.audited(), []string{
			"competitors.export  csv " + owner, "solves.export C-1 csv " + owner, "solves.export " + oddID + " csv " + owner})
	})
}

func TestMoreThanTenThousandSolvesAreExported(t *testing.T) {
	p := newPortal(t, "sqlite")
	var solves []domain.Solve
	for i := range 10_050 {
		solves = append(solves, odl(int64(i+1), fmt.Sprintf("Task %d", i), "crypto", 10, i%300))
	}
	p.pull("P-7", solves)
	b := p.as(other)
	wantEqual(t, "rows", len(b.get("/competitors/D-1/solves.csv").column("challenge")), 10_050)
	wantEqual(t, "heading", b.get("/competitors/D-1").words("#solves h2"), []string{"All 10,050 solves"})
	wantEqual(t, "list", b.get("/competitors").words("#list tbody tr:nth-child(1) td:nth-child(4)"), []string{"10,050"})
}
