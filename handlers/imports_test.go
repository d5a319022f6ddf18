package handlers

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"flagpole/internal/roster"
)

const rosterHeader = "coach_email,coach_name,school,region,first_name,last_name,email,division,grade,status,team,competitor_id,game_platform_id\n"

// upload sends a file by the form, without following where it leads.
func (b *browser) upload(content string) answer {
	b.p.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("file", "roster.csv")
	if err == nil {
		_, err = file.Write([]byte(content))
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		b.p.t.Fatal(err)
	}
	got, err := b.tryBody(http.MethodPost, "/admin/import", &body, "Content-Type", form.FormDataContentType(), "Sec-Fetch-Site", "same-origin")
	if err != nil {
		b.p.t.Fatal(err)
	}
	return got
}

// staged uploads a file and opens its preview.
func (b *browser) staged(content string) (path string, page answer) {
	b.p.t.Helper()
	got := b.upload(content)
	wantStatus(b.p.t, got, 303)
	path = got.header.Get("Location")
	page = b.get(path)
	wantStatus(b.p.t, page, 200)
	return path, page
}

func TestAnImportIsLookedAtThenConfirmedOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(admin)
		before := p.texts("SELECT first_name FROM competitors ORDER BY competitor_id")
		path, page := b.staged(rosterHeader +
			other + ",,,,Amara,Nwosu,,,12,,,C-1,\n" +
			owner + ",,,,Amara,Nwosu,amara2@pupil.example,college,,complete,,,\n" +
			owner + ",,,,Beatriz,Quintanilla,,,,pending,,C-2,\n")
		wantEqual(t, "h1", page.words("h1"), []string{"Check what would be imported"})
		wantEqual(t, "competitors", page.words("main > table tbody tr:first-child > *"), []string{"Competitors", "1", "2", "0"})
		wantEqual(t, "duplicate", page.words("#duplicates-title ~ table tbody tr:first-child > *"), []string{"Amara Nwosu", "3", "Amara Nwosu, coach " + owner})
		wantEqual(t, "move", page.words("#moved-title ~ table tbody tr > *"), []string{"Amara Nwosu", "2", owner, other, "Salt & Hash"})
		changes := strings.Join(page.words("#changes-title ~ table tbody tr > *"), "|")
		for _, want := range []string{"Amara Nwosu|competitor|Coach|Halima Osei|Ruben Castellan", "Amara Nwosu|competitor|Grade|11|12", "Beatriz Quintanilla|competitor|Profile|Complete|Not begun"} {
			if !strings.Contains(changes, want) {
				t.Errorf("the changes lack %s: %s", want, changes)
			}
		}
		wantEqual(t, "nothing is stored before", p.texts("SELECT first_name FROM competitors ORDER BY competitor_id"), before)

		digest := page.attr("[name=digest]", "value")
		wantStatus(t, b.press(path, "do", "import", "digest", digest), 303)
		wantEqual(t, "stored", p.texts("SELECT coach_id || ' ' || grade FROM competitors WHERE competitor_id = 'C-1'"), []string{"K-2 12"})
		wantEqual(t, "the file is gone", p.texts("SELECT state FROM roster_imports WHERE content IS NULL"), []string{"imported"})
		wantEqual(t, "whose history it is", p.texts("SELECT DISTINCT actor || ' ' || source FROM roster_changes WHERE subject_id = 'C-2' AND field = 'status'"), []string{p.userID(admin) + " import"})
		done := b.get(path)
		wantEqual(t, "h1 afterwards", done.words("h1"), []string{"The roster is imported"})
		wantEqual(t, "no buttons", len(done.words("main form button")), 0)

		again := b.press(path, "do", "import", "digest", digest)
		wantStatus(t, again, 409)
		wantEqual(t, "told", again.words("#fault p"), []string{"Nothing was stored. This file has been imported already. Nothing was changed."})
		wantEqual(t, "list", b.get("/admin/import").words("#last-title ~ table tbody td:last-child"), []string{"1 competitor added, 2 changed, 1 moved"})
	})
}

func TestAnImportThatWouldDoSomethingElseByNowIsShownAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(admin)
		path, page := b.staged(rosterHeader + owner + ",,,,Amara,Nwosu,,,12,,,C-1,\n")
		p.exec("UPDATE competitors SET grade = '10' WHERE competitor_id = 'C-1'")
		got := b.press(path, "do", "import", "digest", page.attr("[name=digest]", "value"))
		wantStatus(t, got, 409)
		wantEqual(t, "told", got.words("#fault .s"), []string{"Nothing was stored."})
		wantEqual(t, "as it is now", got.words("#changes-title ~ table tbody tr > *"), []string{"Amara Nwosu", "competitor", "Grade", "10", "12"})
		wantStatus(t, b.press(path, "do", "import", "digest", got.attr("[name=digest]", "value")), 303)
	})
}

func TestWrongLinesAreToldAndCannotBeImported(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(admin)
		path, page := b.staged(rosterHeader + owner + ",,,,Nina,Neu,not-an-email,college,,pending,,,\n" + owner + ",,,,Otto,Neu,,,,pending,,,\n")
		wantEqual(t, "h1", page.words("h1"), []string{"2 lines need mending"})
		wantEqual(t, "first", page.words("main table tbody tr:first-child > *"), []string{"2", "email", `"not-an-email" is not an email address`})
		wantEqual(t, "buttons", page.words("main form button"), []string{"Drop this upload"})
		wantStatus(t, b.press(path, "do", "import", "digest", page.attr("[name=digest]", "value")), 409)
		file := b.get(path + "/errors.csv")
		wantStatus(t, file, 200)
		if !strings.Contains(file.body, "3,division,must not be empty: this is a new competitor") {
			t.Errorf("errors:\n%s", file.body)
		}
		wantStatus(t, b.press(path, "do", "cancel"), 303)
		wantEqual(t, "the file is gone", p.texts("SELECT state FROM roster_imports WHERE content IS NULL"), []string{"cancelled"})
		wantStatus(t, b.press(path, "do", "cancel"), 409)
	})
}

func TestFilesThatAreNoRosterAreRefused(t *testing.T) {
	p := newPortal(t, "sqlite")
	b := p.as(admin)
	for name, content := range map[string]string{
		"semicolons": strings.ReplaceAll(rosterHeader, ",", ";"), "a spreadsheet": "PK\x03\x04\xff\xfe", "Latin-1": strings.Replace(rosterHeader, "school", "sch\xfcle", 1), "no columns": "\n",
	} {
		_, page := b.staged(content)
		wantEqual(t, name, page.words("h1"), []string{"1 line needs mending"})
	}
	wantEqual(t, "empty", b.upload("").words("#fault p"), []string{"Nothing was stored. No file was chosen, or it is empty. Choose a CSV file."})
	large := b.upload(rosterHeader + strings.Repeat("x", roster.MaxBytes))
	wantStatus(t, large, 422)
	wantEqual(t, "large", large.words("#fault p"), []string{"Nothing was stored. The file is larger than 64 MB. Split it into several files, each with the header line."})
}

func TestTheExportIsImportedWithoutAChange(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.exec("UPDATE competitors SET first_name = '''=apostrophe' WHERE competitor_id = 'C-2'")
		b := p.as(admin)
		file := b.get("/admin/roster.csv")
		wantStatus(t, file, 200)
		for _, cell := range []string{"\n=", ",=", `,"=`, ",+", ",@"} {
			if strings.Contains(file.body, cell) {
				t.Errorf("a spreadsheet would run %q", cell)
			}
		}
		_, page := b.staged(file.body)
		wantEqual(t, "preview", page.words("main h1, .empty h2"), []string{"Check what would be imported", "Nothing to import"})
		template := b.get("/admin/import/template.csv")
		wantEqual(t, "template", strings.TrimPrefix(template.body, "\ufeff"), strings.Join(roster.Columns(), ",")+"\r\n")
	})
}

func TestALargeRosterIsShownInPart(t *testing.T) {
	p := newPortal(t, "sqlite")
	var file strings.Builder
	file.WriteString(rosterHeader)
	for i := range 20_000 {
		fmt.Fprintf(&file, "%s,,,,Nina,Neu%d,,college,,pending,,n-%d,\n", owner, i, i)
	}
	_, page := p.as(admin).staged(file.String())
	wantEqual(t, "added", page.words("#added-title ~ p"), []string{"The first 200 of 20,000."})
	if len(page.body) > 200_000 {
		t.Errorf("the page has %d bytes", len(page.body))
	}
}

func TestAnUndecidedUploadGoesAfterADay(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		path, _ := p.as(admin).staged(rosterHeader)
		expire := func() {
			t.Helper()
			if err := p.store.System().ExpireImports(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		p.clock.Advance(23 * time.Hour)
		expire()
		wantEqual(t, "still there", len(p.texts("SELECT import_id FROM roster_imports WHERE content IS NOT NULL")), 1)
		p.clock.Advance(2 * time.Hour)
		expire()
		page := p.as(admin).get(path)
		wantEqual(t, "told", page.words("h1"), []string{"This upload was dropped"})
		wantEqual(t, "gone", len(p.texts("SELECT import_id FROM roster_imports WHERE content IS NOT NULL")), 0)
	})
}
