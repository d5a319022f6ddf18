package report_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"flagpole/internal/report"
)

// opened is the sheet as a spreadsheet program would read it.
func opened(t *testing.T, zone *time.Location, heads []string, rows ...[]any) *excelize.File {
	t.Helper()
	s, err := report.NewSheet("People", heads, zone)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, row := range rows {
		if err := s.Row(row...); err != nil {
			t.Fatal(err)
		}
	}
	var file bytes.Buffer
	if err := s.Save(&file); err != nil {
		t.Fatal(err)
	}
	read, err := excelize.OpenReader(&file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = read.Close() })
	return read
}

func TestSheetKeepsTheKindOfEveryCell(t *testing.T) {
	at := time.Date(2026, 11, 19, 6, 47, 5, 0, time.UTC) // 22:47:05 of the day before in Los Angeles
	f := opened(t, pacific(t), []string{"text", "number"}, []any{"Ada", 7, int64(1 << 40), 1.5, true, at, time.Time{}, ""})
	for cell, want := range map[string]struct {
		kind excelize.CellType
		text string
	}{
		"A1": {excelize.CellTypeInlineString, "text"}, "A2": {excelize.CellTypeInlineString, "Ada"}, "B2": {excelize.CellTypeUnset, "7"},
		"C2": {excelize.CellTypeUnset, "1099511627776"}, "D2": {excelize.CellTypeUnset, "1.5"}, "E2": {excelize.CellTypeBool, "TRUE"},
		"F2": {excelize.CellTypeUnset, "2026-11-18 22:47:05"}, "G2": {excelize.CellTypeUnset, ""},
	} {
		kind, err1 := f.GetCellType("People", cell)
		text, err2 := f.GetCellValue("People", cell)
		if err := errors.Join(err1, err2); err != nil || kind != want.kind || text != want.text {
			t.Errorf("%s: kind %d %q, %v; want kind %d %q", cell, kind, text, err, want.kind, want.text)
		}
	}
	if sheets := f.GetSheetList(); !cmp.Equal(sheets, []string{"People"}) {
		t.Errorf("sheets %q", sheets)
	}
	if panes, err := f.GetPanes("People"); err != nil || !panes.Freeze || panes.YSplit != 1 {
		t.Errorf("the heads do not stay in view: %+v, %v", panes, err)
	}
}

func TestSheetRunsNoFormulaAndKeepsTexts(t *testing.T) {
	texts := []any{"=1+1", `=HYPERLINK("http://evil.example")`, "+49", "-5", "@SUM(A1)", "\tx", "007", "1e5", "<b>&amp;</b>", " both ends ", "two\nlines",
		"🙂 مرحبا \u202ex", "_x0041_", strings.Repeat("ü", 200)}
	f := opened(t, time.UTC, []string{"text"}, texts)
	rows, err := f.GetRows("People")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, text := range texts {
		want = append(want, text.(string))
	}
	if diff := cmp.Diff([][]string{{"text"}, want}, rows); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
	for column := range texts {
		name, err := excelize.CoordinatesToCellName(column+1, 2)
		if err != nil {
			t.Fatal(err)
		}
		formula, err1 := f.GetCellFormula("People", name)
		kind, err2 := f.GetCellType("People", name)
		if err := errors.Join(err1, err2); err != nil || formula != "" || kind != excelize.CellTypeInlineString {
			t.Errorf("%s: formula %q, kind %d, %v", name, formula, kind, err)
		}
	}
}

func TestSheetTellsThatItCouldNotBeWritten(t *testing.T) {
	s, err := report.NewSheet("People", []string{"id"}, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Save(&full{10}); err == nil {
		t.Error("a sheet was lost in silence")
	}
	if _, err := report.NewSheet("a/b", []string{"id"}, time.UTC); err == nil {
		t.Error("a sheet has a name that none may have")
	}
}
