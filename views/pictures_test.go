package views

import (
	"bytes"
	"compress/gzip"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"
	"github.com/google/go-cmp/cmp"
)

// date is noon UTC of a day, as the pictures take it.
func date(t *testing.T, text string) time.Time {
	t.Helper()
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return day.Add(12 * time.Hour)
}

func somePoints(t *testing.T) PointsOverTime {
	return PointsOverTime{
		Who: "Amara Nwosu", Team: "Byte Lions", From: date(t, "2026-08-31"), To: date(t, "2026-11-19"),
		Mine:    []float64{1340, 2680, 2900, 3350, 3800, 5600, 6700, 8500, 10500, 10500, 10500, 10500},
		Average: []float64{2450, 2700, 3000, 3250, 3500, 3800, 4100, 4350, 4650, 4950, 5250.5, 5799.6},
	}
}

func someBars() CategoryBars {
	return CategoryBars{
		Who: "Amara Nwosu", Team: "Byte Lions", URL: func(key string) string { return "/competitors/C-1?category=" + key },
		Rows: []CategoryBar{
			{"Cryptography", "crypto", 14, 3200, 1600}, {"Web", "web", 1100, 2400, 2100.4},
			{"OSINT", "osint", 0, 0, 450}, {"", "", 1, 100, 0},
		},
	}
}

func someYear(t *testing.T) YearOfDays {
	return YearOfDays{Who: "Amara Nwosu", First: date(t, "2025-11-17"), Last: date(t, "2026-11-19"), Days: []DayCount{
		{date(t, "2025-12-31"), 1, 100}, {date(t, "2026-03-24"), 1, 0}, {date(t, "2026-10-15"), 2, 300},
		{date(t, "2026-10-31"), 9, 2400}, {date(t, "2026-11-01"), 3, 1000}, {date(t, "2026-11-19"), 4, 50},
	}}
}

// html is what the component writes.
func html(t *testing.T, c templ.Component) string {
	t.Helper()
	var out strings.Builder
	if err := c.Render(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func attrs(doc *goquery.Document, selector, attr string) []string {
	return doc.Find(selector).Map(func(_ int, s *goquery.Selection) string { return s.AttrOr(attr, "(none)") })
}

func TestTicks(t *testing.T) {
	tests := []struct {
		top  float64
		want []float64
	}{
		{0, []float64{0, 1, 2}}, {1, []float64{0, 1, 2}}, {2, []float64{0, 1, 2}}, {3, []float64{0, 1, 2, 3}}, {4, []float64{0, 2, 4}},
		{6, []float64{0, 2, 4, 6}}, {7, []float64{0, 5, 10}}, {15, []float64{0, 5, 10, 15}}, {16, []float64{0, 10, 20}},
		{10500, []float64{0, 5000, 10000, 15000}}, {60000, []float64{0, 20000, 40000, 60000}}, {1e18, []float64{0, 5e17, 1e18}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, ticks(test.top)); diff != "" {
			t.Errorf("ticks(%v) (-want +got):\n%s", test.top, diff)
		}
	}
	for top := 1.0; top < math.MaxInt64; top *= 1.17 {
		got := ticks(top)
		if n := len(got); n < 3 || n > 4 || got[n-1] < top {
			t.Errorf("ticks(%v) = %v", top, got)
		}
	}
}

func TestWhole(t *testing.T) {
	for v, want := range map[float64]int64{
		0: 0, .4: 0, .5: 1, 5799.6: 5800, -3: 0, math.NaN(): 0, math.Inf(1): math.MaxInt64, math.Inf(-1): 0, 1e30: math.MaxInt64,
	} {
		if got := whole(v); got != want {
			t.Errorf("whole(%v) = %d, want %d", v, got, want)
		}
	}
}

func TestPointsOverTime(t *testing.T) {
	doc := render(t, pointsOverTime(somePoints(t)))
	wantEach(t, doc, ".key li", "Amara Nwosu, 10,500", "Average of Byte Lions, 5,800")
	wantEach(t, doc, "svg.chart text", "5,000", "10,000", "15,000 points", "6 Sep", "4 Oct", "25 Oct", "19 Nov")
	if diff := cmp.Diff([]string{"219", "151", "82", "14"}, attrs(doc, "svg.chart .grid", "y1")); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	wantAttr(t, doc, "svg.chart svg", "viewBox", "0 0 100 205")
	wantAttr(t, doc, "svg.chart svg", "preserveAspectRatio", "none")
	mine := doc.Find("svg.chart .ln.me").AttrOr("points", "")
	if n := len(strings.Fields(mine)); n != 12 || !strings.HasPrefix(mine, "0.0,186.7 9.5,") || !strings.HasSuffix(mine, "94.6,61.5 100.0,61.5") {
		t.Errorf("own line with %d points: %s", n, mine)
	}
	wantAttr(t, doc, "svg.chart .area", "points", "0,205 "+mine+" 100,205")
	wantEach(t, doc, ".twin summary", "Show as a table")
	wantEach(t, doc, ".twin thead th", "Week ending", "Points", "Team average")
	wantEach(t, doc, ".twin tbody tr:first-child > *", "6 Sep 2026", "1,340", "2,450")
	wantEach(t, doc, ".twin tbody tr:nth-child(11) > *", "15 Nov 2026", "10,500", "5,251")
	wantEach(t, doc, ".twin tbody tr:last-child > *", "19 Nov 2026", "10,500", "5,800")
}

func TestPointsWithoutTeam(t *testing.T) {
	p := somePoints(t)
	p.Team, p.Average = "", nil
	doc := render(t, pointsOverTime(p))
	wantEach(t, doc, ".key li", "Amara Nwosu, 10,500")
	wantEach(t, doc, ".twin thead th", "Week ending", "Points")
	if doc.Find(".dash").Length() > 0 {
		t.Error("draws an average")
	}
}

func TestPointsLabel(t *testing.T) {
	steps := func(values ...float64) []float64 { return values }
	tests := []struct {
		name, from, to string
		mine, average  []float64
		want           string
	}{
		{"flat for less than three weeks", "2026-10-19", "2026-11-19", steps(0, 5, 1200, 1200, 1200), nil,
			"Points of Cy from 25 Oct to 19 Nov 2026: from 0 to 1,200."},
		{"flat for three weeks", "2026-10-19", "2026-11-22", steps(0, 1200, 1200, 1200, 1200), nil,
			"Points of Cy from 25 Oct to 22 Nov 2026: from 0 to 1,200, flat since 1 Nov."},
		{"flat since last year", "2025-12-15", "2026-01-18", steps(0, 7, 7, 7, 7), steps(1, 2, 3, 4, 5.5),
			"Points of Cy from 21 Dec 2025 to 18 Jan 2026: from 0 to 7, flat since 28 Dec 2025. Average of Byte Lions: from 1 to 6."},
		{"never grew", "2026-10-19", "2026-11-22", steps(7, 7, 7, 7, 7), nil,
			"Points of Cy from 25 Oct to 22 Nov 2026: 7 throughout."},
		{"an average that is no match is left out", "2026-10-19", "2026-10-27", steps(1, 2), steps(1),
			"Points of Cy from 25 Oct to 27 Oct 2026: from 1 to 2."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			doc := render(t, pointsOverTime(PointsOverTime{"Cy", "Byte Lions", date(t, test.from), date(t, test.to), test.mine, test.average}))
			wantAttr(t, doc, "svg.chart[role=img]", "aria-label", test.want)
		})
	}
}

func TestWeekEnds(t *testing.T) {
	tests := []struct {
		name, from, to string
		weeks          int
		want           []string
	}{
		{"into summer time", "2027-03-01", "2027-03-18", 3, []string{"7 Mar 2027", "14 Mar 2027", "18 Mar 2027"}},
		{"out of summer time", "2026-10-26", "2026-11-08", 2, []string{"1 Nov 2026", "8 Nov 2026"}},
		{"over a leap day", "2028-02-21", "2028-03-05", 2, []string{"27 Feb 2028", "5 Mar 2028"}},
		{"over the year's end", "2026-12-21", "2027-01-04", 3, []string{"27 Dec 2026", "3 Jan 2027", "4 Jan 2027"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			doc := render(t, pointsOverTime(PointsOverTime{Who: "Cy", From: date(t, test.from), To: date(t, test.to), Mine: make([]float64, test.weeks)}))
			wantEach(t, doc, ".twin tbody th", test.want...)
		})
	}
}

func TestDateLabels(t *testing.T) {
	tests := []struct {
		weeks int
		to    string
		want  []dateLabel
	}{
		{2, "2026-09-13", []dateLabel{{"0%", "start", "6 Sep"}, {"100.0%", "end", "13 Sep"}}},
		{3, "2026-09-14", []dateLabel{{"0%", "start", "6 Sep"}, {"100.0%", "end", "14 Sep"}}}, // 13 Sep would touch
		{3, "2026-09-20", []dateLabel{{"0%", "start", "6 Sep"}, {"50.0%", "middle", "13 Sep"}, {"100.0%", "end", "20 Sep"}}},
		{13, "2026-11-29", []dateLabel{{"0%", "start", "6 Sep"}, {"25.0%", "middle", "27 Sep"}, {"50.0%", "middle", "18 Oct"}, {"75.0%", "middle", "8 Nov"}, {"100.0%", "end", "29 Nov"}}},
	}
	for _, test := range tests {
		p := PointsOverTime{From: date(t, "2026-08-31"), To: date(t, test.to), Mine: make([]float64, test.weeks)}
		if diff := cmp.Diff(test.want, p.dates()); diff != "" {
			t.Errorf("%d weeks (-want +got):\n%s", test.weeks, diff)
		}
	}
}

func TestPicturesOfNothing(t *testing.T) {
	day := date(t, "2026-11-19")
	for name, c := range map[string]templ.Component{
		"no point": pointsOverTime(PointsOverTime{Who: "Cy"}), "one point": pointsOverTime(PointsOverTime{Who: "Cy", From: day, To: day, Mine: []float64{7}}),
		"no category": categoryBars(CategoryBars{Who: "Cy", Total: CategoryBar{Solves: 3}}), "no year": yearOfDays(YearOfDays{Who: "Cy"}),
		"a year that ends before it begins": yearOfDays(YearOfDays{First: day, Last: day.AddDate(0, 0, -1)}),
	} {
		if got := html(t, c); got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestPicturesOfHugeValues(t *testing.T) {
	values := []float64{math.NaN(), -5, 1e18, math.Inf(1)}
	p := PointsOverTime{Who: "Cy", Team: "T", From: date(t, "2026-08-31"), To: date(t, "2026-09-27"), Mine: values, Average: values}
	c := CategoryBars{Who: "Cy", Team: "T", Rows: []CategoryBar{{"A", "a", math.MaxInt32, math.MaxInt64, math.Inf(1)}, {"B", "b", 1, -4, math.NaN()}}}
	y := YearOfDays{First: date(t, "2026-08-31"), Last: date(t, "2026-09-27"), Days: []DayCount{{date(t, "2026-09-01"), math.MaxInt32, math.MaxInt64}}}
	for _, component := range []templ.Component{pointsOverTime(p), categoryBars(c), yearOfDays(y)} {
		if got := html(t, component); regexp.MustCompile(`NaN|Inf|"-\d|,-\d|e\+`).MatchString(got) {
			t.Errorf("not a picture: %s", got)
		}
	}
}

func TestCategoryBars(t *testing.T) {
	doc := render(t, categoryBars(someBars()))
	wantEach(t, doc, ".key li", "Amara Nwosu", "Average of Byte Lions")
	wantEach(t, doc, "thead th", "Category", "Solves", "Points", "Team average", "Points as a bar")
	wantEach(t, doc, "tbody tr:nth-child(2) > *", "Web", "1,100", "2,400", "2,100", "")
	wantEach(t, doc, "tbody tr:last-child > *", "No category", "1", "100", "0", "")
	wantEach(t, doc, "tfoot > tr > *", "All categories", "1,115", "5,700", "4,150", "")
	wantAttr(t, doc, "tbody tr:first-child th a", "href", "/competitors/C-1?category=crypto")
	if n := doc.Find("tbody a").Length(); n != 3 {
		t.Errorf("%d links, want one for each key", n)
	}
	if diff := cmp.Diff([]string{"100.0%", "75.0%", "0%", "3.1%"}, attrs(doc, "tbody .me", "width")); diff != "" {
		t.Errorf("bars (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"50.0%", "65.6%", "14.1%", "0%"}, attrs(doc, "tbody .mark", "x1")); diff != "" {
		t.Errorf("marks (-want +got):\n%s", diff)
	}
}

func TestCategoryBarsWithoutTeam(t *testing.T) {
	c := someBars()
	c.Team, c.URL, c.Rows[0].TeamAverage = "", nil, 99999
	doc := render(t, categoryBars(c))
	wantEach(t, doc, "thead th", "Category", "Solves", "Points", "Points as a bar")
	wantEach(t, doc, "tfoot > tr > *", "All categories", "1,115", "5,700", "")
	wantAttr(t, doc, "tbody .me", "width", "100.0%")
	if doc.Find(".mark, a").Length() > 0 {
		t.Error("draws a mark or a link")
	}
}

// The sums under the columns are those of the numbers above them, unless the page says otherwise.
func TestCategorySums(t *testing.T) {
	doc := render(t, categoryBars(someBars()))
	for column := 2; column <= 3; column++ {
		sum := 0
		for _, text := range each(doc, "tbody td:nth-child("+strconv.Itoa(column)+")") {
			n, err := strconv.Atoi(strings.ReplaceAll(text, ",", ""))
			if err != nil {
				t.Fatal(err)
			}
			sum += n
		}
		wantEach(t, doc, "tfoot td:nth-child("+strconv.Itoa(column)+")", Number(sum))
	}
	c := someBars()
	c.Total = CategoryBar{Solves: 2000, Points: 6000, TeamAverage: 5000}
	wantEach(t, render(t, categoryBars(c)), "tfoot > tr > *", "All categories", "2,000", "6,000", "5,000", "")
}

func TestYearOfDays(t *testing.T) {
	doc := render(t, yearOfDays(someYear(t)))
	wantAttr(t, doc, "svg[role=img]", "aria-label", "6 active days with 20 solves since 17 Nov 2025; best day 31 Oct with 9")
	wantAttr(t, doc, "svg[role=img]", "viewBox", "0 0 825 124")
	wantAttr(t, doc, "svg[role=img]", "width", "51.5625rem")
	wantEach(t, doc, "svg[role=img] title", "Wed 31 Dec: 1 solve", "Tue 24 Mar: 1 solve", "Thu 15 Oct: 2 solves", "Sat 31 Oct: 9 solves", "Sun 1 Nov: 3 solves", "Thu 19 Nov: 4 solves")
	if diff := cmp.Diff([]string{"none", "h1", "h1", "h2", "h4", "h3", "h3"}, attrs(doc, "svg[role=img] path", "class")); diff != "" {
		t.Errorf("classes (-want +got):\n%s", diff)
	}
	wantAttr(t, doc, ".h4", "d", "M767 95h8v8h-8z") // the Saturday of the 50th week
	wantEach(t, doc, ".key li", "1 solve", "2", "3 or 4", "5 or more")
	wantEach(t, doc, "dt", "Active days in a year", "Best day", "Usual weekday")
	wantEach(t, doc, "dd", "6, with 20 solves", "31 Oct, 9 solves", "Saturday")
	wantEach(t, doc, ".twin tbody th", "Thu 19 Nov 2026", "Sun 1 Nov 2026", "Sat 31 Oct 2026", "Thu 15 Oct 2026", "Tue 24 Mar 2026", "Wed 31 Dec 2025")
	wantEach(t, doc, ".twin tbody tr:nth-child(3) td", "9", "2,400")
	wantAttr(t, doc, ".latest", "tabindex", "0")
}

// squares are the corners of all squares in a path that goes from one to the next.
func squares(t *testing.T, path string) [][2]int {
	t.Helper()
	var corners [][2]int
	x, y := 0, 0
	for _, step := range regexp.MustCompile(`m(-?\d+) (-?\d+)`).FindAllStringSubmatch(path, -1) {
		dx, _ := strconv.Atoi(step[1])
		dy, _ := strconv.Atoi(step[2])
		x, y = x+dx, y+dy
		corners = append(corners, [2]int{x, y})
	}
	return corners
}

func TestEachDayHasItsSquare(t *testing.T) {
	tests := []struct {
		name, first, last, solved string
		days                      int // without a solve
		end                       [2]int
	}{
		{"a week", "2026-11-16", "2026-11-22", "2026-11-18", 6, [2]int{32, 110}},
		{"one day", "2026-11-16", "2026-11-16", "2026-11-15", 1, [2]int{32, 20}},
		{"into summer time", "2027-03-08", "2027-03-16", "2027-03-14", 8, [2]int{47, 35}},
		{"out of summer time", "2026-10-26", "2026-11-03", "2026-11-01", 8, [2]int{47, 35}},
		{"a leap day", "2028-02-28", "2028-03-01", "2028-02-29", 2, [2]int{32, 50}},
		{"the year's end", "2026-12-28", "2027-01-04", "2027-01-01", 7, [2]int{47, 20}},
		{"a year", "2025-11-17", "2026-11-19", "2026-11-20", 368, [2]int{812, 65}},
		{"begins on a Wednesday", "2026-11-18", "2026-11-20", "2026-11-19", 2, [2]int{32, 80}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			y := YearOfDays{First: date(t, test.first), Last: date(t, test.last), Days: []DayCount{{date(t, test.solved), 1, 1}}}
			got := squares(t, y.none())
			seen := map[[2]int]bool{}
			for _, c := range got {
				seen[c] = true
			}
			if len(got) != test.days || len(seen) != test.days || got[len(got)-1] != test.end {
				t.Errorf("%d squares in %d places, the last at %v; want %d and %v", len(got), len(seen), got[len(got)-1], test.days, test.end)
			}
			for _, d := range y.active() {
				if x, top := y.corner(d.Day); seen[[2]int{x, top}] {
					t.Errorf("%v is drawn as empty too", d.Day)
				}
			}
		})
	}
}

// A day's date counts, whatever the clock and the zone it comes with.
func TestOnlyTheDateCounts(t *testing.T) {
	zone := pacific(t)
	y := someYear(t)
	want := html(t, yearOfDays(y))
	for i, d := range y.Days {
		year, month, day := d.Day.Date()
		y.Days[i].Day = time.Date(year, month, day, 23, 30, 0, 0, zone)
	}
	y.First, y.Last = time.Date(2025, 11, 17, 0, 0, 0, 0, zone), time.Date(2026, 11, 19, 0, 10, 0, 0, zone)
	if diff := cmp.Diff(want, html(t, yearOfDays(y))); diff != "" {
		t.Errorf("another clock, another picture (-want +got):\n%s", diff)
	}
}

func TestMonths(t *testing.T) {
	at := func(y YearOfDays) string {
		var out []string
		for _, m := range y.months() {
			out = append(out, m.Text+" "+m.X)
		}
		return strings.Join(out, ", ")
	}
	tests := []struct{ name, first, last, want string }{
		{"no room for the first", "2025-11-17", "2026-11-19", "Dec 60, Jan 135, Feb 195, Mar 255, Apr 330, May 390, Jun 450, Jul 525, Aug 585, Sep 660, Oct 720, Nov 780"},
		{"room for the first", "2025-11-03", "2025-12-14", "Nov 30, Dec 90"},
		{"the last column ends with its month", "2026-11-02", "2026-12-08", "Nov 30, Dec 117"},
		{"leap year", "2028-02-07", "2028-03-07", "Feb 30, Mar 102"},
		{"one week", "2026-11-30", "2026-12-01", "Nov 30"},
	}
	for _, test := range tests {
		if got := at(YearOfDays{First: date(t, test.first), Last: date(t, test.last)}); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestHeat(t *testing.T) {
	for solves, want := range map[int]string{-1: "none", 0: "none", 1: "h1", 2: "h2", 3: "h3", 4: "h3", 5: "h4", 900: "h4"} {
		if got := heat(solves); got != want {
			t.Errorf("heat(%d) = %s, want %s", solves, got, want)
		}
	}
}

func TestYearInWords(t *testing.T) {
	tests := []struct {
		name                 string
		days                 map[string]int
		label, active, usual string
	}{
		{"none", nil, "No solve since 17 Nov 2025", "0", ""},
		{"outside", map[string]int{"2025-11-16": 3, "2026-11-20": 3, "2026-11-19": 0}, "No solve since 17 Nov 2025", "0", ""},
		{"one", map[string]int{"2025-11-17": 1}, "1 active day with 1 solve since 17 Nov 2025; best day 17 Nov 2025 with 1", "1, with 1 solve", ""},
		{"four solves are too few", map[string]int{"2026-11-16": 4}, "1 active day with 4 solves since 17 Nov 2025; best day 16 Nov with 4", "1, with 4 solves", ""},
		{"five are enough", map[string]int{"2026-11-16": 5}, "1 active day with 5 solves since 17 Nov 2025; best day 16 Nov with 5", "1, with 5 solves", "Monday"},
		{"several weeks", map[string]int{"2026-11-04": 2, "2026-11-11": 2, "2026-11-15": 3}, "3 active days with 7 solves since 17 Nov 2025; best day 15 Nov with 3", "3, with 7 solves", "Wednesday"},
		{"two weekdays lead", map[string]int{"2026-11-16": 3, "2026-11-15": 3}, "2 active days with 6 solves since 17 Nov 2025; best day 16 Nov with 3", "2, with 6 solves", ""},
		{"Sundays", map[string]int{"2026-11-15": 1200}, "1 active day with 1,200 solves since 17 Nov 2025; best day 15 Nov with 1,200", "1, with 1,200 solves", "Sunday"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			y := someYear(t)
			y.Days = nil
			for day := y.First.AddDate(0, 0, -7); day.Before(y.Last.AddDate(0, 0, 7)); day = day.AddDate(0, 0, 1) {
				if n, ok := test.days[day.Format(time.DateOnly)]; ok {
					y.Days = append(y.Days, DayCount{day, n, 100})
				}
			}
			doc := render(t, yearOfDays(y))
			wantAttr(t, doc, "svg[role=img]", "aria-label", test.label)
			wantEach(t, doc, "dd:first-of-type", test.active)
			if got := y.weekday(); got != test.usual {
				t.Errorf("usual weekday %q, want %q", got, test.usual)
			}
			if twins := doc.Find(".twin").Length(); (twins > 0) != (test.active != "0") {
				t.Errorf("%d tables", twins)
			}
		})
	}
}

// Names come from people, and the policy allows no style and no script.
func TestPicturesEscape(t *testing.T) {
	const name = `<b>"O'Neil" & Co`
	p, c, y := somePoints(t), someBars(), someYear(t)
	p.Who, p.Team, c.Who, c.Team, y.Who = name, name, name, name, name
	c.Rows[0].Name, c.Rows[0].Key = name, `"><script>`
	c.URL = func(key string) string { return "javascript:alert(1)//" + key }
	for _, component := range []templ.Component{pointsOverTime(p), categoryBars(c), yearOfDays(y)} {
		got := html(t, component)
		for _, bad := range []string{"<b>", "style=", "<style", "<script", "javascript:", " on", " id="} {
			if strings.Contains(got, bad) && bad != " on" || bad == " on" && regexp.MustCompile(`<[^>]* on\w+=`).MatchString(got) {
				t.Errorf("%q in %s", bad, got)
			}
		}
	}
	doc := render(t, pointsOverTime(p))
	if got := doc.Find(".chart").AttrOr("aria-label", ""); !strings.HasPrefix(got, "Points of "+name+" from 6 Sep") || !strings.Contains(got, "Average of "+name+":") {
		t.Errorf("aria-label = %q", got)
	}
	wantEach(t, render(t, categoryBars(c)), "tbody tr:first-child th", name)
}

// The page of a competitor may take 12 kB in all.
func TestPicturesAreSmall(t *testing.T) {
	y := someYear(t)
	y.Days = nil
	for i := range 120 {
		y.Days = append(y.Days, DayCount{y.First.AddDate(0, 0, 3*i), 1 + i%6, int64(100 * (i % 7))})
	}
	size := 0
	for _, component := range []templ.Component{pointsOverTime(somePoints(t)), categoryBars(someBars()), yearOfDays(y)} {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		if err := component.Render(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		size += packed.Len()
	}
	if size > 5000 {
		t.Errorf("the three pictures take %d bytes", size)
	}
}
