package views

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"flagpole/internal/domain"
)

// LatencyOverTime is how long the platform took to answer, hour by hour, oldest first. An hour without calls has zeros.
type LatencyOverTime struct {
	Zone  *time.Location
	Hours []LatencyHour
	All   LatencyHour // over all of them
}

// LatencyHour are percentiles of one hour.
type LatencyHour struct {
	At            time.Time
	Calls         int64
	P50, P95, P99 time.Duration
}

// Span is a short duration as people say it: "under 1 ms", "364 ms", "1.4 s".
func Span(d time.Duration) string {
	if d < time.Millisecond {
		return "under 1 ms"
	}
	if d < 999500*time.Microsecond {
		return strconv.Itoa(int(math.Round(float64(d)/float64(time.Millisecond)))) + " ms"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
}

func (l LatencyOverTime) drawn() bool { return l.All.Calls > 0 }

// The pictures by hour in pixels.
const (
	hoursTop    = 14
	hoursHeight = 150
	hoursFoot   = hoursTop + hoursHeight + 18
	hoursTall   = hoursFoot + 6
)

// latencyLines are the three lines, each with what it is called.
var latencyLines = []struct {
	class, name string
	of          func(LatencyHour) time.Duration
}{
	{"ln", "p99", func(h LatencyHour) time.Duration { return h.P99 }},
	{"ln dash", "p95", func(h LatencyHour) time.Duration { return h.P95 }},
	{"ln me", "median", func(h LatencyHour) time.Duration { return h.P50 }},
}

func (l LatencyOverTime) ticks() []float64 {
	top := 0.0
	for _, h := range l.Hours {
		top = max(top, h.P99.Seconds()*1000)
	}
	return ticks(top)
}

func (l LatencyOverTime) grid() []gridLine {
	return hourGrid(l.ticks(), 1, func(v float64) string { return Span(time.Duration(v) * time.Millisecond) })
}

// hourGrid are the lines across a picture by hour, those from the one given on with their text.
func hourGrid(lines []float64, from int, text func(float64) string) []gridLine {
	var drawn []gridLine
	for i, v := range lines {
		y := int(math.Round(hoursTop + hoursHeight*(1-v/lines[len(lines)-1])))
		g := gridLine{Y: strconv.Itoa(y), TextY: strconv.Itoa(y - 4)}
		if i >= from {
			g.Text = text(v)
		}
		drawn = append(drawn, g)
	}
	return drawn
}

// lines are the points of a line, in a box of 100 by hoursHeight: one for each row of hours with calls. An hour alone is a
// short dash.
func (l LatencyOverTime) lines(of func(LatencyHour) time.Duration) []string {
	scale := l.ticks()
	top := scale[len(scale)-1]
	var list []string
	var points []string
	end := func() {
		if len(points) == 1 {
			x, y, _ := strings.Cut(points[0], ",")
			at, _ := strconv.ParseFloat(x, 64) // it was written below
			points = []string{fmt.Sprintf("%.1f,%s", max(0, at-.8), y), fmt.Sprintf("%.1f,%s", min(100, at+.8), y)}
		}
		if len(points) > 0 {
			list = append(list, strings.Join(points, " "))
		}
		points = nil
	}
	for i, h := range l.Hours {
		if h.Calls == 0 {
			end()
			continue
		}
		y := hoursHeight * (1 - min(1, of(h).Seconds()*1000/top))
		points = append(points, fmt.Sprintf("%.1f,%.1f", 100*float64(i)/float64(max(1, len(l.Hours)-1)), y))
	}
	end()
	return list
}

// label says what the picture shows.
func (l LatencyOverTime) label() string {
	worst := l.All
	for _, h := range l.Hours {
		if worst.At.IsZero() || h.P95 > worst.P95 {
			worst = h
		}
	}
	return fmt.Sprintf("Response times over %d hours: median %s, p95 %s, p99 %s. The slowest hour began at %s with a p95 of %s.",
		len(l.Hours), Span(l.All.P50), Span(l.All.P95), Span(l.All.P99), in(worst.At, l.Zone).Format("15:04"), Span(worst.P95))
}

// hourLabels are the clock below a picture by hour: its first hour, its last, and the quarters between.
func hourLabels(hours []time.Time, zone *time.Location) []dateLabel {
	last := len(hours) - 1
	var labels []dateLabel
	for i, place := range []int{0, last / 4, last / 2, last * 3 / 4, last} {
		anchor := "middle"
		switch i {
		case 0:
			anchor = "start"
		case 4:
			anchor = "end"
		}
		labels = append(labels, dateLabel{percent(float64(place), float64(max(1, last))), anchor, in(hours[place], zone).Format("15:04")})
	}
	return labels
}

func (l LatencyOverTime) hours() []time.Time {
	var list []time.Time
	for _, h := range l.Hours {
		list = append(list, h.At)
	}
	return list
}

// SyncsByHour are syncs by the hour their run began in, oldest first.
type SyncsByHour struct {
	Zone  *time.Location
	Hours []SyncHour
}

// SyncHour are the syncs of one hour.
type SyncHour struct {
	At                         time.Time
	Succeeded, Failed, Blocked int
}

func (s SyncsByHour) sums() (n SyncHour) {
	for _, h := range s.Hours {
		n.Succeeded += h.Succeeded
		n.Failed += h.Failed
		n.Blocked += h.Blocked
	}
	return n
}

func (s SyncsByHour) drawn() bool { n := s.sums(); return n.Succeeded+n.Failed+n.Blocked > 0 }

func (s SyncsByHour) ticks() []float64 {
	top := 0
	for _, h := range s.Hours {
		top = max(top, h.Succeeded+h.Failed)
	}
	return ticks(float64(top))
}

func (s SyncsByHour) grid() []gridLine {
	lines := s.ticks() // a text further down would stand in the columns
	return hourGrid(lines, len(lines)-1, func(v float64) string { return Number(int64(v)) + " an hour" })
}

// column is a bar of a picture by hour.
type column struct{ Class, X, Y, Height string }

// columns are the bars: what failed stands on what succeeded, and is never thinner than two pixels.
func (s SyncsByHour) columns() []column {
	scale := s.ticks()
	top := scale[len(scale)-1]
	var list []column
	for i, h := range s.Hours {
		x := columnX(i, len(s.Hours))
		good, bad := pixels(h.Succeeded, top), pixels(h.Failed, top)
		if h.Failed > 0 {
			bad = max(bad, 2)
		}
		foot := hoursTop + hoursHeight
		if good > 0 {
			list = append(list, column{"ref", x, strconv.Itoa(foot - good), strconv.Itoa(good)})
		}
		if bad > 0 {
			list = append(list, column{"late", x, strconv.Itoa(foot - good - bad), strconv.Itoa(bad)})
		}
	}
	return list
}

func pixels(n int, top float64) int { return int(math.Round(hoursHeight * float64(n) / top)) }

func columnX(i, of int) string { return percent(float64(i)+.06, float64(max(1, of))) }

func (s SyncsByHour) label() string {
	n := s.sums()
	text := fmt.Sprintf("Syncs by hour over %d hours: %s succeeded, %s failed", len(s.Hours), Number(n.Succeeded), Number(n.Failed))
	recent := 0
	for _, h := range s.Hours[max(0, len(s.Hours)-2):] {
		recent += h.Failed
	}
	if n.Failed > 0 {
		text += ", " + Number(recent) + " of those in the last two hours"
	}
	return text + "."
}

func (s SyncsByHour) hours() []time.Time {
	var list []time.Time
	for _, h := range s.Hours {
		list = append(list, h.At)
	}
	return list
}

// CallsByHour are the platform's answers by their class, with a small picture of the hours for each.
type CallsByHour struct {
	Zone    *time.Location
	Hours   []time.Time
	Classes []CallClass
}

// CallClass is a class of answers: how many in each hour.
type CallClass struct {
	Class  domain.FailureClass // "" is answered well
	Name   string
	ByHour []int64
}

func (c CallClass) total() (n int64) {
	for _, some := range c.ByHour {
		n += some
	}
	return n
}

func (c CallsByHour) total() (n int64) {
	for _, class := range c.Classes {
		n += class.total()
	}
	return n
}

// The small picture of a class in pixels.
const (
	sparkStep = 6
	sparkTall = 18
)

func sparkBox(hours int) string {
	return "0 0 " + strconv.Itoa(sparkStep*max(1, hours)) + " " + strconv.Itoa(sparkTall)
}

// spark are the bars of a class, the highest as high as the picture.
func (c CallClass) spark() []column {
	top := int64(1)
	for _, n := range c.ByHour {
		top = max(top, n)
	}
	class := "late"
	if c.Class == "" {
		class = "ref"
	}
	var list []column
	for i, n := range c.ByHour {
		if n > 0 {
			tall := max(1, int(math.Round(sparkTall*float64(n)/float64(top))))
			list = append(list, column{class, strconv.Itoa(i * sparkStep), strconv.Itoa(sparkTall - tall), strconv.Itoa(tall)})
		}
	}
	return list
}

// say is what the small picture shows: when it was most.
func (c CallClass) say(hours []time.Time, zone *time.Location) string {
	most := 0
	for i, n := range c.ByHour {
		if n > c.ByHour[most] {
			most = i
		}
	}
	return "most from " + in(hours[most], zone).Format("15:04") + ", " + Number(c.ByHour[most])
}

func percentOfCalls(n, of int64) string { return percentOf(int(n), int(of)) }
