package handlers

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"flagpole/internal/domain"
	"flagpole/store/storetest"
)

// solveOrders are C-1's challenges in each order.
var solveOrders = map[string][]string{
	"":        {"Padding Oracle", "<script>alert(1)</script>", "Old Cipher", "=1+2", `Quote " and line`, "Nameless Field", "Flash Cipher"},
	"date":    {"Flash Cipher", "Nameless Field", `Quote " and line`, "=1+2", "Old Cipher", "<script>alert(1)</script>", "Padding Oracle"},
	"-points": {"Padding Oracle", "=1+2", "Flash Cipher", `Quote " and line`, "<script>alert(1)</script>", "Nameless Field", "Old Cipher"},
	"points":  {"Old Cipher", "Nameless Field", "<script>alert(1)</script>", `Quote " and line`, "Flash Cipher", "=1+2", "Padding Oracle"},
}

// challenges are the titles on a page, without the mark of retired ones.
func challenges(page answer) []string {
	page.t.Helper()
	list := page.words("#solves tbody th")
	for i := range list {
		list[i] = strings.TrimSuffix(list[i], " retired")
	}
	return list
}

func TestCompetitorPageShowsPersonTotalsEventsAndSolves(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		page := p.as(owner).get("/competitors/C-1")
		wantStatus(t, page, 200)
		wantEqual(t, "who", page.words("h1, .head > div:first-child p"), []string{"Amara Nwosu", "Salt & Hash · High school · grade 11 · on the platform player · id C-1"})
		wantEqual(t, "totals", page.words(".stats dt, .stats dd"), []string{
			"points", "1,400", "solves, 1 in flash CTFs", "7", "last solve", "yesterday", "last seen on the platform", "never", "at the moment", "Active"})
		wantEqual(t, "events", page.words("section[aria-labelledby=events-title] tbody tr > *"), []string{"Autumn Qualifier", "30 Oct 2026", "7", "1 solve in Autumn Qualifier", "250 of 1,000", ""})
		wantEqual(t, "first solve", page.words("#solves tbody tr:nth-child(1) > *"), []string{
			"Padding Oracle", "Cryptography", "ODL", "PD-WRL-001, IO-WRL-002", "400", "17 Nov, 12:00"})
		wantEqual(t, "retired solve", page.words("#solves tbody tr:nth-child(3) > *"), []string{
			"Old Cipher retired", "Cryptography", "ODL", "PD-WRL-001", "50", "15 Nov, 12:00"})
		wantEqual(t, "no category", page.words("#solves tbody tr:nth-child(6) > td:nth-child(2)"), []string{"No category"})
		wantEqual(t, "flash solve", page.words("#solves tbody tr:nth-child(7) > *"), []string{
			"Flash Cipher", "Cryptography", "Flash CTF Autumn Qualifier", "none given", "250", "30 Oct, 13:00"})
		wantEqual(t, "who is told to admins", p.as(admin).get("/competitors/C-1").words(".head > div:first-child p"), []string{
			"Salt & Hash · High school · grade 11 · on the platform player · id C-1 · coach Halima Osei · Northgate School"})
	})
}

func TestSolvesAreSortedByDateAndPointsBothWays(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(owner)
		for sort, want := range solveOrders {
			wantEqual(t, "sort="+sort, challenges(b.get("/competitors/C-1?sort="+sort)), want)
		}
		wantEqual(t, "the default by its name", challenges(b.get("/competitors/C-1?sort=-date")), solveOrders[""])
	})
}

func TestSolvesAreFilteredByCategoryWhateverItsSpelling(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(owner)
		for category, want := range map[string][]string{
			"crypto":        {"Padding Oracle", "Old Cipher", "Flash Cipher"},
			"web":           {"<script>alert(1)</script>", `Quote " and line`},
			"steganography": {"=1+2"},
			"none":          {"Nameless Field"},
		} {
			page := b.get("/competitors/C-1?category=" + category)
			wantEqual(t, category, challenges(page), want)
			wantEqual(t, "selected", page.attr("#solves-category option[selected]", "value"), category)
		}
		page := b.get("/competitors/C-1?category=crypto&sort=points")
		wantEqual(t, "filtered and sorted", challenges(page), []string{"Old Cipher", "Flash Cipher", "Padding Oracle"})
		wantEqual(t, "heading", page.words("#solves h2"), []string{"3 of 7 solves"})
		wantEqual(t, "categories by name", page.words("#solves-category option"), []string{
			"All", "Cryptography (3)", "No category (1)", "Steganography (1)", "Web (2)"})
	})
}

func TestCategoryWithoutSolveIsEmptyAndCanBeCleared(t *testing.T) {
	p := newPortal(t, "sqlite")
	page := p.as(owner).get("/competitors/C-1?category=forensics&sort=points")
	wantStatus(t, page, 200)
	wantEqual(t, "text", page.words("#solves .empty h3, #solves .empty p"), []string{"No solve matches", "Amara Nwosu has no solve that fits all of the above at once."})
	wantEqual(t, "clear", page.attr("#solves .empty a", "href"), "/competitors/C-1?sort=points")
}

func TestFilterAndSortStayInEveryLink(t *testing.T) {
	p := newPortal(t, "sqlite")
	b := p.as(owner)
	page := b.get("/competitors/C-1?category=crypto&sort=-points")
	for selector, want := range map[string]string{
		"#solves-by-points":        "/competitors/C-1?category=crypto&sort=points",
		"#solves-by-date":          "/competitors/C-1?category=crypto",
		"#solves-without-category": "/competitors/C-1?sort=-points",
		"#solves a[href*='.csv']":  "/competitors/C-1/solves.csv?category=crypto&sort=-points",
	} {
		wantEqual(t, selector, page.attr(selector, "href"), want)
	}
	wantEqual(t, "sort of the form", page.attr("#solves-sort option[selected]", "value"), "-points")
	wantEqual(t, "sorted column", page.attr("th[aria-sort]", "aria-sort")+" "+page.words("th[aria-sort]")[0], "descending Points")

	page = b.get("/competitors/C-1")
	wantEqual(t, "by date again", page.attr("#solves-by-date", "href"), "/competitors/C-1?sort=date")
	wantEqual(t, "by points", page.attr("#solves-by-points", "href"), "/competitors/C-1?sort=-points")
	wantEqual(t, "export", page.attr("#solves a[href*='.csv']", "href"), "/competitors/C-1/solves.csv")
}

func TestLinksOfAnOddIDWork(t *testing.T) {
	p := newPortal(t, "sqlite")
	p.pull("P-4", amarasSolves())
	b := p.as(owner)
	page := b.get("/competitors/" + url.PathEscape(oddID) + "?category=crypto")
	hrefs := page.doc().Find("#solves a[href]").Map(func(_ int, s *goquery.Selection) string { return s.AttrOr("href", "") })
	hrefs = append(hrefs, page.attr("#solves form", "action")+"?category=web")
	if len(hrefs) < 5 {
		t.Errorf("links %q", hrefs)
	}
	for _, href := range hrefs {
		if got := b.get(href); got.status != 200 {
			t.Errorf("%s: status %d", href, got.status)
		}
	}
}

func TestSolvesPageForwardAndBackWithinFilterAndSort(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		var solves []domain.Solve
		var want []string
		for i := range 230 {
			s := odl(int64(i+1), fmt.Sprintf("Task %03d", i), "crypto", int64(i/10), 0) // ten of each number of points
			s.SolvedAt = storetest.Start.Add(-time.Duration(i) * time.Hour)
			solves = append(solves, s, odl(int64(1000+i), "Other", "web", 5, 1))
			want = append(want, s.Title)
		}
		p.pull("P-7", solves)
		b := p.as(other)
		var pages []answer
		var got []string
		for link := "/competitors/D-1?category=crypto&sort=-points"; link != "(none)"; {
			page := b.get(link)
			wantStatus(t, page, 200)
			pages, got = append(pages, page), append(got, challenges(page)...)
			link = page.attr("#solves-next", "href")
		}
		slices.SortFunc(want, func(a, b string) int { // most points first, then newest first
			if a[:7] != b[:7] {
				return strings.Compare(b, a)
			}
			return strings.Compare(a, b)
		})
		wantEqual(t, "all pages", got, want)
		wantEqual(t, "places", []string{pages[0].place("solves"), pages[4].place("solves")},
			[]string{"1 to 50 of 230", "201 to 230 of 230"})
		back := b.get(pages[4].attr("#solves-prev", "href"))
		wantEqual(t, "back", challenges(back), challenges(pages[3]))
		for range 3 {
			back = b.get(back.attr("#solves-prev", "href"))
		}
		wantEqual(t, "back to the start", challenges(back), challenges(pages[0]))
		wantEqual(t, "still filtered", back.attr("#solves-category option[selected]", "value"), "crypto")
	})
}

func TestUnknownValuesAreRefusedWithTheKnownOnes(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(owner)
		for query, want := range map[string]string{
			"?sort=name":                     `"name" is not a value of "sort". Use one of: -date, date, -points, points, category, -category.`,
			"?sort=" + "x%3Cb%3E":            `"x<b>" is not a value of "sort". Use one of: -date, date, -points, points, category, -category.`,
			"?category=cooking":              `"cooking" is not a category. Use one of: crypto, none, steganography, web.`,
			"?category=Cryptography":         `"Cryptography" is not a category. Use one of: crypto, none, steganography, web.`,
			"?after=nonsense":                "This page link is damaged. Open the list again from its first page.",
			"?before=odl..1":                 "This page link is damaged. Open the list again from its first page.",
			"?after=odl..999.999":            "The list has changed since this link was made. Open it again from its first page.",
			"?category=a%00b":                `"a\x00b" is not a category. Use one of: crypto, none, steganography, web.`,
			"?after=%FF":                     "This page link is damaged. Open the list again from its first page.",
			"?category=%zz":                  "The part after the question mark cannot be read. Leave it out, or open the page again from its link.",
			"?category=web&after=odl..1.101": "The list has changed since this link was made. Open it again from its first page.",
		} {
			for _, path := range []string{"/competitors/C-1", "/competitors/C-1/solves.csv"} {
				if strings.HasSuffix(path, ".csv") && (strings.Contains(query, "after=") || strings.Contains(query, "before=")) {
					continue // exports have no pages
				}
				got := b.get(path + query)
				if got.status != 422 || got.words("main p")[1] != want {
					t.Errorf("%s%s: %d %q, want %q", path, query, got.status, got.words("main p"), want)
				}
				if got.header.Get("Content-Disposition") != "" || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
					t.Errorf("%s%s: %v", path, query, got.header)
				}
			}
		}
	})
}

func TestIDsThatNoDatabaseHoldsAreMissing(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		for _, id := range []string{"%00", "C-1%00", "%FF", "a%2Fb%FF", "%C3%28"} {
			wantStatus(t, p.as(owner).get("/competitors/"+id), 404)
			wantStatus(t, p.as(owner).get("/competitors/"+id+"/solves.csv"), 404)
		}
	})
}

func TestMarkupInNamesAndTitlesIsText(t *testing.T) {
	p := newPortal(t, "sqlite")
	p.pull("P-4", []domain.Solve{odl(1, `<img src=x onerror="alert(1)">`, "<i>field</i>", 10, 1)})
	p.exec(`UPDATE coaches SET name = '<u>Halima</u>' WHERE coach_id = 'K-1'`)
	for _, path := range []string{"/competitors", "/competitors/C-1", "/competitors/" + url.PathEscape(oddID), "/competitors/" + url.PathEscape(oddID) + "?category=%3Ci%3Efield%3C%2Fi%3E"} {
		page := p.as(admin).get(path)
		wantStatus(t, page, 200)
		if n := page.doc().Find("main b, main i, main u, main script, img, [onerror], header u").Length(); n > 0 {
			t.Errorf("%s: %d elements made of data", path, n)
		}
	}
}
