package report_test

import (
	"errors"
	"strings"
	"testing"

	"flagpole/internal/report"
)

func TestCSVIsWhatSpreadsheetsRead(t *testing.T) {
	var out strings.Builder
	c := report.NewCSV(&out)
	if err := errors.Join(c.Row("id", "name"), c.Row("C-1", `Ada "the first", Lovelace`), c.Row("C-2", "two\nlines"), c.Flush()); err != nil {
		t.Fatal(err)
	}
	want := "\ufeffid,name\r\nC-1,\"Ada \"\"the first\"\", Lovelace\"\r\nC-2,\"two\r\nlines\"\r\n"
	if out.String() != want {
		t.Errorf("got %q\nwant %q", out.String(), want)
	}
}

func TestFormulasAreNeutralised(t *testing.T) {
	for cell, want := range map[string]string{
		"=1+1": "'=1+1", "+49": "'+49", "-5": "'-5", "@SUM(A1)": "'@SUM(A1)", "\tx": "'\tx", "\rx": "'\rx",
		"＝1": "'＝1", "Ada": "Ada", "": "", "a=b": "a=b",
	} {
		if got := report.Neutral(cell); got != want {
			t.Errorf("Neutral(%q) = %q, want %q", cell, got, want)
		}
	}
}
