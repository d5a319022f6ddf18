package report_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"flagpole/internal/report"
)

// pacific is a zone whose clock is changed twice a year.
func pacific(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestCSVIsWhatSpreadsheetsRead(t *testing.T) {
	var out strings.Builder
	c := report.NewCSV(&out, time.UTC)
	if err := errors.Join(c.Header("id", "name"), c.Row("C-1", `Ada "the first", Lovelace`), c.Row("C-2", "two\nlines"), c.Flush()); err != nil {
		t.Fatal(err)
	}
	want := "\ufeffid,name\r\nC-1,\"Ada \"\"the first\"\", Lovelace\"\r\nC-2,\"two\r\nlines\"\r\n"
	if out.String() != want {
		t.Errorf("got %q\nwant %q", out.String(), want)
	}
}

func TestCSVCells(t *testing.T) {
	winter, summer := time.Date(2026, 11, 19, 6, 47, 5, 999, time.UTC), time.Date(2026, 7, 1, 6, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		cell any
		want string
	}{
		{"Ada", "Ada"}, {"", ""}, {"=1", "'=1"}, {7, "7"}, {-7, "-7"}, {int64(1 << 40), "1099511627776"}, {int64(-5), "-5"}, {1234.56, "1234.6"}, {0.0, "0.0"},
		{true, "yes"}, {false, "no"}, {time.Time{}, ""}, {winter, "2026-11-18 22:47:05"}, {summer, "2026-06-30 23:00:00"},
	} {
		var out strings.Builder
		c := report.NewCSV(&out, pacific(t))
		if err := errors.Join(c.Row(test.cell, "|"), c.Flush()); err != nil || out.String() != test.want+",|\r\n" {
			t.Errorf("%T %v: %q, %v; want %q", test.cell, test.cell, out.String(), err, test.want)
		}
	}
}

func TestCSVTakesNoOtherCells(t *testing.T) {
	var out strings.Builder
	c := report.NewCSV(&out, time.UTC)
	for _, cell := range []any{nil, []string{"x"}, int32(1), struct{}{}} {
		if err := c.Row("first", cell); err == nil {
			t.Errorf("a %T was written", cell)
		}
	}
	if err := c.Flush(); err != nil || out.String() != "" {
		t.Errorf("half a row was written: %q, %v", out.String(), err)
	}
}

// full takes so many bytes and then no more.
type full struct{ left int }

func (f *full) Write(p []byte) (int, error) {
	if len(p) > f.left {
		return 0, errors.New("the disk is full")
	}
	f.left -= len(p)
	return len(p), nil
}

func TestCSVTellsThatItCouldNotWrite(t *testing.T) {
	if err := report.NewCSV(&full{2}, time.UTC).Header("id"); err == nil {
		t.Error("the header was lost in silence")
	}
	c := report.NewCSV(&full{3}, time.UTC)
	if err := errors.Join(c.Header("id"), c.Row("C-1"), c.Flush()); err == nil {
		t.Error("a row was lost in silence")
	}
}

func TestFormulasAreNeutralised(t *testing.T) {
	for cell, want := range map[string]string{
		"=1+1": "'=1+1", "+49": "'+49", "-5": "'-5", "@SUM(A1)": "'@SUM(A1)", "\tx": "'\tx", "\rx": "'\rx", "\nx": "'\nx",
		"＝1": "'＝1", "＋1": "'＋1", "－1": "'－1", "＠x": "'＠x", "Ada": "Ada", "": "", "a=b": "a=b", "zoë": "zoë", "'=1": "'=1", "🙂": "🙂", "\u202e=1": "\u202e=1", "7": "7",
	} {
		if got := report.Neutral(cell); got != want {
			t.Errorf("Neutral(%q) = %q, want %q", cell, got, want)
		}
	}
}
