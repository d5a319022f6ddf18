package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
)

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

// exports hold the files against the screen: the same rows in the same order, narrowed in the same way.
func (w *world) exports(t *testing.T) {
	b := w.signedIn(t, w.url, w.coach)
	b.open("/competitors?division=high_school&sort=-points")
	rows := b.rows()
	paths, points := column(rows, "path"), column(rows, "Points")

	var exported, sums []string
	for _, row := range b.download(`.head a[href*=".csv"]`, "flagpole-competitors-") {
		exported, sums = append(exported, "/competitors/"+row["competitor_id"]), append(sums, row["points"])
	}
	if diff := cmp.Diff([][]string{paths, points}, [][]string{exported, sums}); diff != "" {
		t.Errorf("the file is not what the screen shows (-screen +file):\n%s", diff)
	}

	sheet := b.sheet(`.head a[href*=".xlsx"]`, "flagpole-competitors-")
	exported, sums = nil, nil
	for i := 2; i <= len(rows)+1; i++ {
		exported = append(exported, "/competitors/"+cell(t, sheet, "A", i))
		sums = append(sums, cell(t, sheet, "O", i))
	}
	if diff := cmp.Diff([][]string{paths, points}, [][]string{exported, sums}); diff != "" {
		t.Errorf("the sheet is not what the screen shows (-screen +sheet):\n%s", diff)
	}
	if head, below := cell(t, sheet, "O", 1), cell(t, sheet, "A", len(rows)+2); head != "points" || below != "" {
		t.Errorf("the sheet's column is %q, below its last row stands %q", head, below)
	}
	if kind, err := sheet.GetCellType("Competitors", "O2"); err != nil || kind != excelize.CellTypeUnset && kind != excelize.CellTypeNumber {
		t.Errorf("points are of type %v, want a number (%v)", kind, err)
	}

	b.open("/teams?sort=-points")
	shown := js[[]string](b, `[...document.querySelectorAll("#teams tbody th")].map(cell => cell.textContent.trim())`)
	var teams []string
	for _, row := range b.download(`.head a[href*=".csv"]`, "flagpole-teams-") {
		if row["team_id"] != "" {
			teams = append(teams, row["team"])
		}
	}
	if diff := cmp.Diff(shown, teams); diff != "" {
		t.Errorf("the teams' file (-screen +file):\n%s", diff)
	}
}

func cell(t *testing.T, sheet *excelize.File, column string, row int) string {
	t.Helper()
	text, err := sheet.GetCellValue("Competitors", column+strconv.Itoa(row), excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// sheet clicks on a link and gives the spreadsheet it leads to.
func (b *tab) sheet(selector, prefix string) *excelize.File {
	b.t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(b.file(selector, prefix, ".xlsx")))
	if err != nil {
		b.t.Fatal(err)
	}
	return f
}

var sheetOfPaper = regexp.MustCompile(`/Type\s*/Page\b`)

// printed prints a competitor with at most 50 solves: the card, then the solves, on two sheets of either size.
func (w *world) printed(t *testing.T) {
	b, _ := w.opened(t, w.url)
	if n := len(b.solves()); n < 20 {
		t.Fatalf("the competitor has only %d solves", n)
	}
	b.do(command("Emulation.setEmulatedMedia", map[string]any{"media": "print"}))
	for selector, want := range map[string]bool{
		"h1": true, ".stats": true, "#solves tbody tr:last-child": true, "#sync": true,
		".top": false, "#refresh": false, "#solves form": false, ".crumb": false, "[data-print]": false, ".chart + .twin table": false,
	} {
		if got := js[bool](b, `document.querySelector("`+selector+`").checkVisibility()`); got != want {
			t.Errorf("on paper %s is shown: %v, want %v", selector, got, want)
		}
	}
	if got := js[string](b, `getComputedStyle(document.getElementById("solves")).breakBefore`); got != "page" {
		t.Errorf("before the solves the break is %q, want a new page", got)
	}
	b.do(command("Emulation.setEmulatedMedia", map[string]any{"media": ""}))
	for name, size := range map[string]chromedp.PaperSize{"A4": chromedp.PaperA4, "Letter": chromedp.PaperLetter} {
		file, err := chromedp.Run(b.ctx, chromedp.PrintToPDF(chromedp.PDFPaper(size), chromedp.PDFPreferCSSPageSize()))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(sheetOfPaper.FindAll(file, -1)); n != 2 {
			t.Errorf("%s: %d pages, want the card and the solves on one each", name, n)
			if folder := os.Getenv("FLAGPOLE_SCREENSHOTS"); folder != "" {
				_ = os.WriteFile(filepath.Join(folder, name+".pdf"), file, 0o600)
			}
		}
	}
}

// file clicks on a link and gives the file it leads to.
func (b *tab) file(selector, prefix, ending string) []byte {
	b.t.Helper()
	folder := b.t.TempDir()
	browser := chromedp.FromContext(b.ctx)
	if err := browser.Browser.Call(b.ctx, "Browser.setDownloadBehavior", map[string]any{
		"behavior": "allow", "downloadPath": folder, "browserContextId": browser.BrowserContextID, "eventsEnabled": true,
	}, nil); err != nil {
		b.t.Fatal(err)
	}
	begun, stop := browser.Browser.Subscribe("Browser.downloadWillBegin")
	defer stop()
	progress, stop := browser.Browser.Subscribe("Browser.downloadProgress")
	defer stop()
	b.click(selector)

	// The browser tells of every tab's downloads: this tab's is the one that its own frame began.
	deadline := time.After(patience)
	own, completed := "", map[string]bool{}
	for own == "" || !completed[own] { // until then a file of this name may be there, and empty
		select {
		case event := <-begun:
			var download struct{ FrameID, GUID string }
			if err := json.Unmarshal(event, &download); err != nil {
				b.t.Fatal(err)
			}
			if download.FrameID == string(browser.Target.TargetID) {
				own = download.GUID
			}
		case event := <-progress:
			var download struct{ GUID, State string }
			if err := json.Unmarshal(event, &download); err != nil {
				b.t.Fatal(err)
			}
			completed[download.GUID] = download.State == "completed"
		case <-deadline:
			b.t.Fatal("the download does not end")
		}
	}
	files, err := filepath.Glob(filepath.Join(folder, prefix+"*"+ending))
	if err != nil || len(files) != 1 {
		b.t.Fatalf("%d files are called %s and the day, want one (%v)", len(files), prefix, err)
	}
	file, err := os.ReadFile(files[0])
	if err != nil {
		b.t.Fatal(err)
	}
	return file
}

// download clicks on a link and gives the rows of the CSV file it leads to, by column.
func (b *tab) download(selector, prefix string) []map[string]string {
	b.t.Helper()
	file := b.file(selector, prefix, ".csv")
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
