package handlers

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/xuri/excelize/v2"
)

// exported are chosen columns of an export, joined to one text a row.
func (b *browser) exported(path string, columns ...string) []string {
	b.p.t.Helper()
	_, rows := b.get(path).table()
	list := []string{}
	for _, row := range rows {
		var cells []string
		for _, c := range columns {
			cells = append(cells, strings.Join(strings.Fields(plain(row[c])), " "))
		}
		list = append(list, strings.Join(cells, "¦"))
	}
	return list
}

// shown are chosen columns of rows on the screen, joined alike; numbers lose their commas, and words for nothing are nothing.
func shown(rows [][]string, columns ...int) []string {
	list := []string{}
	for _, row := range rows {
		var cells []string
		for _, c := range columns {
			cells = append(cells, noNumber.ReplaceAllString(nothing.ReplaceAllString(thousands.ReplaceAllString(row[c], "$1$2"), ""), "0"))
		}
		list = append(list, strings.Join(cells, "¦"))
	}
	return list
}

var (
	thousands = regexp.MustCompile(`(\d),(\d)`)
	nothing   = regexp.MustCompile(`^(No team|No solve yet|Never|No school)$`)
	noNumber  = regexp.MustCompile(`^(not ranked|none|not known)$`)
)

func TestExportOfTeamsHasTheRowsOfThePage(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.november()
		for _, who := range []string{owner, other, admin, newcomer} {
			b, columns := p.as(who), []int{0, 1, 2, 3, 4, 5}
			if who == admin {
				columns = []int{0, 2, 3, 4, 5, 6}
			}
			for _, query := range []string{"", "?sort=-points", "?sort=average", "?sort=coach", "?q=s", "?q=zzz", "?sort=-name&q=salt"} {
				page := b.get("/teams" + query)
				rows := b.allRows("/teams"+query, "teams")
				if foot := page.cells("#teams tfoot tr"); len(foot) == 2 {
					foot[0][0] = "no team" // the file says it too
					rows = append(rows, foot[0])
				}
				want := shown(rows, columns...)
				got := b.exported("/teams.csv"+query, "team", "members", "on_platform", "active", "solves", "points")
				if n := len(got); n > 0 {
					got[n-1] = strings.Replace(got[n-1], "No team¦", "no team¦", 1)
				}
				wantEqual(t, who+query, got, want)
			}
		}
	})
}

func TestExportsOfEventsHaveTheRowsOfThePages(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.november()
		for _, who := range []string{owner, other, admin, newcomer} {
			b, shift := p.as(who), 0
			if who == admin {
				shift = 1
			}
			page := b.get("/events")
			wantEqual(t, who, b.exported("/events.csv", "event", "took_part", "did_not", "best_rank", "possible_points"),
				shown(page.cells("table tbody tr"), 0, 2, 3, 4, 5))
			page.doc().Find("table tbody th a").Each(func(_ int, s *goquery.Selection) {
				path := s.AttrOr("href", "")
				took := b.allRows(path, "results")
				for i := range took {
					took[i][4+shift], _, _ = strings.Cut(took[i][4+shift], " ") // of the possible points
				}
				want := append(shown(took, 1, 2, 0, 3+shift, 4+shift), shown(b.allRows(path, "absent"), 0, 1)...)
				got := []string{}
				for _, row := range b.exported(path+"/results.csv", "first_name", "last_name", "team", "took_part", "rank", "solves", "points") {
					cells := strings.Split(row, "¦")
					name := strings.TrimSpace(cells[0] + " " + cells[1])
					if cells[3] == "no" {
						got = append(got, name+"¦"+cells[2])
						continue
					}
					got = append(got, strings.Join(append([]string{name, cells[2]}, cells[4:]...), "¦"))
				}
				wantEqual(t, who+" "+path, got, want)
			})
		}
	})
}

func TestExportOfCoachesAndUnsolvedAndCategories(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.november()
		b := p.as(admin)
		for _, query := range []string{"", "?q=osei", "?q=zzz"} {
			wantEqual(t, "coaches"+query, b.exported("/coaches.csv"+query, "name", "school", "competitors", "on_platform", "waiting", "teams", "solves", "points"),
				shown(withoutTeamWords(b.allRows("/coaches"+query, "coaches")), 0, 1, 2, 3, 4, 5, 6, 7))
		}
		team := "/teams/" + p.teamID("Southern Cross")
		for _, query := range []string{"?show=all", "?show=all&category=web"} {
			page := p.as(other).get(team + query)
			got := p.as(other).exported(team+"/unsolved.csv"+strings.Replace(query, "?show=all&", "?", 1), "challenge", "category", "points")
			wantEqual(t, "unsolved"+query, got, shown(page.cells("#unsolved tbody tr"), 0, 1, 2))
			if len(got) == 0 {
				t.Error("nothing is unsolved")
			}
		}
		var known []string
		for _, row := range b.get("/admin/categories").cells("section[aria-labelledby=known-title] tbody tr") {
			for spelling := range strings.SplitSeq(row[1], ", ") {
				known = append(known, row[0]+"¦"+spelling+"¦yes")
			}
		}
		got := b.exported("/admin/categories.csv", "category", "spelling", "in_the_table")
		wantEqual(t, "categories", got, append(known, "Cooking¦cooking¦no", "No category¦none¦no", "Steganography¦steganography¦no"))
	})
}

// withoutTeamWords leaves the number of "2 teams of Halima Osei".
func withoutTeamWords(rows [][]string) [][]string {
	for i := range rows {
		rows[i][5], _, _ = strings.Cut(rows[i][5], " ")
	}
	return rows
}

// A spreadsheet of the list is its CSV, cell by cell, with numbers as numbers and times as times.
func TestSheetIsTheCSVWithTypedCells(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.november()
		for _, v := range []struct{ who, query string }{{owner, ""}, {owner, "?sort=-points&state=synced"}, {other, "?q=pupil&sort=-name"}, {admin, "?coach=K-1"}, {newcomer, ""}} {
			b := p.as(v.who)
			file := b.get("/competitors.xlsx" + v.query)
			wantStatus(t, file, 200)
			wantEqual(t, "type", file.header.Get("Content-Type"), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
			sheet, err := excelize.OpenReader(strings.NewReader(file.body))
			if err != nil {
				t.Fatal(err)
			}
			records, err := csv.NewReader(bytes.NewReader([]byte(strings.TrimPrefix(b.get("/competitors.csv"+v.query).body, "\ufeff")))).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			for row, record := range records {
				for column, want := range record {
					p.wantCell(sheet, row, column, records[0][column], want)
				}
			}
			rows, err := sheet.GetRows("Competitors")
			if err != nil || len(rows) != len(records) {
				t.Errorf("%s%s: %d rows, the CSV has %d, %v", v.who, v.query, len(rows), len(records), err)
			}
		}
	})
}

func (p *portal) wantCell(sheet *excelize.File, row, column int, head, want string) {
	p.t.Helper()
	name, err := excelize.CoordinatesToCellName(column+1, row+1)
	if err != nil {
		p.t.Fatal(err)
	}
	text, err1 := sheet.GetCellValue("Competitors", name)
	kind, err2 := sheet.GetCellType("Competitors", name)
	raw, err3 := sheet.GetCellValue("Competitors", name, excelize.Options{RawCellValue: true})
	if err := cmp.Or(err1, err2, err3); err != nil {
		p.t.Fatal(err)
	}
	isText := kind == excelize.CellTypeInlineString
	wantsText := row == 0 || !regexp.MustCompile(`solves$|points$|^last_s`).MatchString(head)
	if wantsText {
		want = plain(want)
	}
	if text != want || isText != (wantsText && want != "" || isText && want == "") {
		p.t.Errorf("%s (%s): %q as kind %d, the CSV has %q", name, head, text, kind, want)
	}
	if _, err := strconv.ParseFloat(raw, 64); !wantsText && want != "" && err != nil {
		p.t.Errorf("%s (%s): %q is no number to a spreadsheet", name, head, raw)
	}
}

func TestFilesAreNamedByWhoseTheyAreAndDay(t *testing.T) {
	p := newPortal(t, "sqlite", func(o *Options) { o.Zone = losAngeles(t) })
	p.clock.Advance(14 * time.Hour) // 02:12 UTC of the next day, the evening before in Los Angeles
	team := "/teams/" + p.teamID("Salt & Hash") + "/unsolved.csv"
	for _, ask := range []struct{ who, path, want string }{
		{owner, "/competitors.xlsx", "competitors-halima-osei-2026-11-18.xlsx"}, {admin, "/competitors.csv", "competitors-all-2026-11-18.csv"},
		{admin, "/competitors.csv?coach=K-2", "competitors-ruben-castellan-2026-11-18.csv"}, {owner, "/teams.csv", "teams-halima-osei-2026-11-18.csv"},
		{owner, "/events.csv", "flash-ctf-halima-osei-2026-11-18.csv"}, {admin, "/coaches.csv", "coaches-all-2026-11-18.csv"},
		{owner, "/events/" + autumn.ID() + "/results.csv", "flash-ctf-autumn-qualifier-halima-osei-2026-11-18.csv"}, {owner, team, "unsolved-salt-hash-2026-11-18.csv"},
		{admin, "/admin/categories.csv", "categories-2026-11-18.csv"},
	} {
		wantEqual(t, ask.path, p.as(ask.who).get(ask.path).header.Get("Content-Disposition"), `attachment; filename="flagpole-`+ask.want+`"`)
	}
	for text, want := range map[string]string{
		"Zoë Öztürk-Ñandú": "zoe-ozturk-nandu", `../../etc/pass"wd`: "etc-pass-wd", "日本": "", "=cmd|' /C": "cmd-c", strings.Repeat("ab ", 50): strings.TrimSuffix(strings.Repeat("ab-", 13), "-") + "-a",
		"\x00\r\n": "",
	} {
		wantEqual(t, text, fileWord(text), want)
	}
}

func TestEveryExportIsAudited(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b, a := p.as(owner), p.as(admin)
		team, event := p.teamID("Salt & Hash"), autumn.ID()
		for _, path := range []string{"/competitors.xlsx?q=amara", "/teams.csv", "/events.csv", "/events/" + event + "/results.csv", "/teams/" + team + "/unsolved.csv"} {
			wantStatus(t, b.get(path), 200)
		}
		wantStatus(t, a.get("/coaches.csv"), 200)
		wantStatus(t, a.get("/admin/audit.csv?user="+owner), 200)
		for _, path := range []string{"/competitors.xlsx?sort=x", "/teams.csv?sort=x", "/events/none/results.csv", "/teams/none/unsolved.csv", "/teams/" + team + "/unsolved.csv?category=x", "/coaches.csv", "/admin/audit.csv"} {
			if got := b.get(path); got.status < 400 {
				t.Errorf("%s: status %d", path, got.status)
			}
		}
		var want []string
		for _, line := range []string{"competitors.export  xlsx", "teams.export  csv", "events.export  csv", "event.export  event=" + event, "unsolved.export  csv team=" + team} {
			want = append(want, line+" "+owner)
		}
		wantEqual(t, "audit log", p.audited(), slices.Concat(want, []string{fmt.Sprintf("coaches.export  csv %s", admin), "audit.export  csv " + admin}))
	})
}
