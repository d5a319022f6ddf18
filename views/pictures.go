package views

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DayCount is one calendar day with what was solved on it.
type DayCount struct {
	Day    time.Time // noon UTC of the calendar day: only its date counts
	Solves int
	Points int64
}

// PointsOverTime is a line of points, week by week, beside the team's average. Weeks begin with From and are seven
// days long; the last one may be unfinished: it ends with To. Fewer than two weeks draw nothing.
type PointsOverTime struct {
	Who, Team     string    // Team is "" where there is none
	From, To      time.Time // the first day of the first week and the last day of the last one, noon UTC
	Mine, Average []float64 // points up to the end of each week; Average is nil where there is no team
}

// CategoryBars is a table of categories with a bar in each row.
type CategoryBars struct {
	Who, Team string // Team is "" where there is none
	Rows      []CategoryBar
	URL       func(key string) string // the link of a category, "" for none; may be nil
	Total     CategoryBar             // the last row; left zero, it is the sum of the rows
}

// CategoryBar is what was solved in one category.
type CategoryBar struct {
	Name, Key   string
	Solves      int
	Points      int64
	TeamAverage float64 // points
}

// YearOfDays is a square for each day, a column for each week from Monday to Sunday.
type YearOfDays struct {
	Who         string
	First, Last time.Time  // noon UTC: a Monday, and 52 weeks and some days later today in the portal's zone
	Days        []DayCount // only days with solves, ascending
}

const fullDate = "2 Jan 2006"

// whole rounds to what Number takes. What no sum of points can be counts as 0.
func whole(v float64) int64 {
	switch {
	case !(v > 0): // also not a number
		return 0
	case v >= math.MaxInt64:
		return math.MaxInt64
	}
	return int64(math.Round(v))
}

// percent is a place along a picture's width.
func percent(part, of float64) string {
	if !(part > 0) || !(of > 0) {
		return "0%"
	}
	return strconv.FormatFloat(100*min(part/of, 1), 'f', 1, 64) + "%"
}

// ticks are the heights that get a line: from 0 to the first that is not below top, two or three round steps.
func ticks(top float64) []float64 {
	step, grow := 1.0, 0
	for 3*step < top && step < 1e19 {
		step *= []float64{2, 2.5, 2}[grow%3] // 1, 2, 5, 10
		grow++
	}
	lines := []float64{0, step, 2 * step}
	if 2*step < top {
		lines = append(lines, 3*step)
	}
	return lines
}

// The plot of the chart in pixels: its top, its height, and the line the dates stand on.
const (
	plotTop    = 14
	plotHeight = 205
	plotDates  = plotTop + plotHeight + 18
	chartTall  = plotDates + 6
)

// gridLine is a line across the chart with its number; the line of 0 has none.
type gridLine struct{ Y, TextY, Text string }

// dateLabel is a date below the chart.
type dateLabel struct{ X, Anchor, Text string }

func (p PointsOverTime) drawn() bool { return len(p.Mine) >= 2 }

// compares reports whether there is an average for each week.
func (p PointsOverTime) compares() bool { return len(p.Average) > 0 && len(p.Average) == len(p.Mine) }

func (p PointsOverTime) averageName() string { return "Average of " + cmp.Or(p.Team, "the team") }

// weekEnd is the last day of a week, at midnight UTC.
func (p PointsOverTime) weekEnd(week int) time.Time {
	end, to := midnight(p.From).AddDate(0, 0, 7*week+6), midnight(p.To)
	if week == len(p.Mine)-1 || end.After(to) {
		return to
	}
	return end
}

// along is where a week stands between the first (0) and the last (1). A short last week is shown as short.
func (p PointsOverTime) along(week int) float64 {
	first, last := p.weekEnd(0), p.weekEnd(len(p.Mine)-1)
	if !last.After(first) {
		return float64(week) / float64(len(p.Mine)-1)
	}
	return float64(p.weekEnd(week).Sub(first)) / float64(last.Sub(first))
}

func (p PointsOverTime) ticks() []float64 {
	top := 0.0
	for week, v := range p.Mine {
		top = max(top, float64(whole(v)))
		if p.compares() {
			top = max(top, float64(whole(p.Average[week])))
		}
	}
	return ticks(top)
}

func (p PointsOverTime) grid() []gridLine {
	lines := p.ticks()
	top := lines[len(lines)-1]
	var drawn []gridLine
	for i, v := range lines {
		y := plotTop + plotHeight*(1-v/top)
		line := gridLine{Y: strconv.Itoa(int(math.Round(y))), TextY: strconv.Itoa(int(math.Round(y)) - 4)}
		if i > 0 {
			line.Text = Number(whole(v))
		}
		if i == len(lines)-1 {
			line.Text += " points"
		}
		drawn = append(drawn, line)
	}
	return drawn
}

// line is the points attribute of values in a box of 100 by plotHeight.
func (p PointsOverTime) line(values []float64) string {
	lines := p.ticks()
	top := lines[len(lines)-1]
	var points []string
	for week, v := range values {
		y := plotHeight * (1 - float64(whole(v))/top)
		points = append(points, fmt.Sprintf("%.1f,%.1f", 100*p.along(week), y))
	}
	return strings.Join(points, " ")
}

// area is what lies below the own line.
func (p PointsOverTime) area() string {
	return fmt.Sprintf("0,%d %s 100,%d", plotHeight, p.line(p.Mine), plotHeight)
}

// dates labels the first week, the last, and up to three between them that are clear of both.
func (p PointsOverTime) dates() []dateLabel {
	last := len(p.Mine) - 1
	gaps := 3
	if last%4 == 0 {
		gaps = 4
	}
	gaps = min(gaps, last)
	var labels []dateLabel
	for i := range gaps + 1 {
		week := int(math.Round(float64(i*last) / float64(gaps)))
		at, anchor := p.along(week), "middle"
		switch {
		case week == 0:
			anchor = "start"
		case week == last:
			anchor = "end"
		case at < .17 || at > .82:
			continue
		}
		labels = append(labels, dateLabel{percent(at, 1), anchor, p.weekEnd(week).Format("2 Jan")})
	}
	return labels
}

// label says what the picture shows.
func (p PointsOverTime) label() string {
	from, to := p.weekEnd(0), p.weekEnd(len(p.Mine)-1)
	first, last := whole(p.Mine[0]), whole(p.Mine[len(p.Mine)-1])
	text := "Points of " + p.Who + " from " + Day(from, to, nil) + " to " + to.Format(fullDate) + ": "
	switch week := p.flatSince(); {
	case week == 0:
		text += Number(last) + " throughout"
	case calendarDays(p.weekEnd(week), to) >= 3*7:
		text += "from " + Number(first) + " to " + Number(last) + ", flat since " + Day(p.weekEnd(week), to, nil)
	default:
		text += "from " + Number(first) + " to " + Number(last)
	}
	if p.compares() {
		text += ". " + p.averageName() + ": from " + Number(whole(p.Average[0])) + " to " + Number(whole(p.Average[len(p.Average)-1]))
	}
	return text + "."
}

// flatSince is the week at whose end the points were what they are now.
func (p PointsOverTime) flatSince() int {
	week := len(p.Mine) - 1
	for week > 0 && whole(p.Mine[week-1]) == whole(p.Mine[week]) {
		week--
	}
	return week
}

func (c CategoryBars) compares() bool { return c.Team != "" }

// caption is read out before the table.
func (c CategoryBars) caption() string {
	if c.compares() {
		return "Solves and points of " + c.Who + " by category, with the average of " + c.Team
	}
	return "Solves and points of " + c.Who + " by category"
}

// longest is the number of points a full bar stands for.
func (c CategoryBars) longest() float64 {
	longest := 0.0
	for _, r := range c.Rows {
		longest = max(longest, float64(r.Points))
		if c.compares() {
			longest = max(longest, float64(whole(r.TeamAverage)))
		}
	}
	return longest
}

func (c CategoryBars) total() CategoryBar {
	if c.Total.Solves != 0 || c.Total.Points != 0 || c.Total.TeamAverage != 0 {
		return c.Total
	}
	var sum CategoryBar
	for _, r := range c.Rows {
		sum.Solves += r.Solves
		sum.Points += r.Points
		sum.TeamAverage += r.TeamAverage
	}
	return sum
}

func (c CategoryBars) url(key string) string {
	if c.URL == nil || key == "" {
		return ""
	}
	return c.URL(key)
}

// The heat map in pixels: a square takes 12 of the 15 to the next one. Squares are drawn as paths of 8 with a round
// stroke of 4 around, so that all empty ones fit in one short path.
const (
	heatLeft, heatTop = 30, 18
	heatPitch         = 15
	heatTall          = heatTop + 7*heatPitch + 1
	heatSquare        = "h8v8h-8z"
)

// monthLabel is a month above its first whole week.
type monthLabel struct{ X, Anchor, Text string }

// heatDay is the square of a day with solves.
type heatDay struct{ Class, Path, Title string }

func (y YearOfDays) drawn() bool {
	return !y.First.IsZero() && !y.Last.IsZero() && !midnight(y.Last).Before(midnight(y.First))
}

// monday is the midnight that begins t's week.
func monday(t time.Time) time.Time {
	t = midnight(t)
	return t.AddDate(0, 0, -(int(t.Weekday())+6)%7)
}

// place is the column and row of a day.
func (y YearOfDays) place(day time.Time) (week, weekday int) {
	days := calendarDays(monday(y.First), day)
	return days / 7, days % 7
}

func (y YearOfDays) weeks() int {
	week, _ := y.place(y.Last)
	return week + 1
}

func (y YearOfDays) wide() int { return heatLeft + y.weeks()*heatPitch }

func (y YearOfDays) viewBox() string { return fmt.Sprintf("0 0 %d %d", y.wide(), heatTall) }

// rem is a length that grows with the reader's letters.
func rem(pixels int) string { return strconv.FormatFloat(float64(pixels)/16, 'f', -1, 64) + "rem" }

// active are the days that are drawn and have solves.
func (y YearOfDays) active() []DayCount {
	var days []DayCount
	for _, d := range y.Days {
		if day := midnight(d.Day); d.Solves > 0 && !day.Before(midnight(y.First)) && !day.After(midnight(y.Last)) {
			days = append(days, d)
		}
	}
	return days
}

func (y YearOfDays) newestFirst() []DayCount {
	days := y.active()
	slices.Reverse(days)
	return days
}

// months names each month above its first column that begins in it, the first one where there is room.
func (y YearOfDays) months() []monthLabel {
	begin, weeks := monday(y.First), y.weeks()
	var labels []monthLabel
	for week := range weeks {
		day := begin.AddDate(0, 0, 7*week)
		enters := day.Day() <= 7
		if week == 0 {
			enters = day.AddDate(0, 0, 14).Month() == day.Month() || weeks <= 2
		}
		if !enters {
			continue
		}
		label := monthLabel{strconv.Itoa(heatLeft + week*heatPitch), "start", day.Format("Jan")}
		if week > 0 && week == weeks-1 {
			label.X, label.Anchor = strconv.Itoa(y.wide()-heatPitch+12), "end"
		}
		labels = append(labels, label)
	}
	return labels
}

// none is the path of all days without a solve. Each square starts where the one before it did.
func (y YearOfDays) none() string {
	solved := map[time.Time]bool{}
	for _, d := range y.active() {
		solved[midnight(d.Day)] = true
	}
	var path strings.Builder
	atX, atY := 0, 0
	for day := midnight(y.First); !day.After(midnight(y.Last)); day = day.AddDate(0, 0, 1) {
		if solved[day] {
			continue
		}
		toX, toY := y.corner(day)
		fmt.Fprintf(&path, "m%d %d"+heatSquare, toX-atX, toY-atY)
		atX, atY = toX, toY
	}
	return path.String()
}

// corner is where the path of a day's square begins.
func (y YearOfDays) corner(day time.Time) (int, int) {
	week, weekday := y.place(day)
	return heatLeft + week*heatPitch + 2, heatTop + weekday*heatPitch + 2
}

func (y YearOfDays) squares() []heatDay {
	var squares []heatDay
	for _, d := range y.active() {
		toX, toY := y.corner(d.Day)
		squares = append(squares, heatDay{
			Class: heat(d.Solves),
			Path:  fmt.Sprintf("M%d %d"+heatSquare, toX, toY),
			Title: d.Day.Format("Mon 2 Jan") + ": " + Plural(d.Solves, "solve", "solves"),
		})
	}
	return squares
}

// heat is the class of a day by its solves. The key below the picture says the same.
func heat(solves int) string {
	switch {
	case solves <= 0:
		return "none"
	case solves == 1:
		return "h1"
	case solves == 2:
		return "h2"
	case solves <= 4:
		return "h3"
	}
	return "h4"
}

// heatKey explains the classes.
var heatKey = []struct{ Class, Text string }{{"h1", "1 solve"}, {"h2", "2"}, {"h3", "3 or 4"}, {"h4", "5 or more"}}

// label says what the picture shows.
func (y YearOfDays) label() string {
	days := y.active()
	if len(days) == 0 {
		return "No solve since " + y.First.Format(fullDate)
	}
	best := y.best()
	return Plural(len(days), "active day", "active days") + " with " + Plural(y.solves(), "solve", "solves") +
		" since " + y.First.Format(fullDate) + "; best day " + Day(midnight(best.Day), midnight(y.Last), nil) + " with " + Number(best.Solves)
}

func (y YearOfDays) solves() int {
	sum := 0
	for _, d := range y.active() {
		sum += d.Solves
	}
	return sum
}

// best is the day with most solves, the last of several.
func (y YearOfDays) best() DayCount {
	var best DayCount
	for _, d := range y.active() {
		if d.Solves >= best.Solves {
			best = d
		}
	}
	return best
}

func (y YearOfDays) activeText() string {
	days := len(y.active())
	if days == 0 {
		return "0"
	}
	return Number(days) + ", with " + Plural(y.solves(), "solve", "solves")
}

func (y YearOfDays) bestText() string {
	best := y.best()
	return Day(midnight(best.Day), midnight(y.Last), nil) + ", " + Plural(best.Solves, "solve", "solves")
}

// weekday is the one with most solves. Under five solves, and where two lead, none is usual.
func (y YearOfDays) weekday() string {
	var solves [7]int
	for _, d := range y.active() {
		solves[d.Day.Weekday()] += d.Solves
	}
	usual, leads := time.Sunday, 0
	for weekday, n := range solves {
		switch {
		case n > solves[usual]:
			usual, leads = time.Weekday(weekday), 1
		case n == solves[usual]:
			leads++
		}
	}
	if y.solves() < 5 || leads > 1 {
		return ""
	}
	return usual.String()
}
