package report

import (
	"fmt"
	"io"
	"time"

	"github.com/xuri/excelize/v2"
)

// Sheet is a spreadsheet file (XLSX) of one table: texts are texts, numbers numbers, and times times of the zone.
type Sheet struct {
	file  *excelize.File
	out   *excelize.StreamWriter
	zone  *time.Location
	stamp int // the style of times
	row   int
}

// NewSheet begins a file whose only sheet has this name and these column heads, which stay in view.
func NewSheet(name string, heads []string, zone *time.Location) (*Sheet, error) {
	f := excelize.NewFile()
	s := &Sheet{file: f, zone: zone, row: 1}
	if err := s.begin(name, heads); err != nil {
		_ = f.Close() // the first error is the one to tell
		return nil, fmt.Errorf("begin a spreadsheet: %w", err)
	}
	return s, nil
}

func (s *Sheet) begin(name string, heads []string) error {
	if err := s.file.SetSheetName("Sheet1", name); err != nil {
		return err
	}
	format := "yyyy-mm-dd hh:mm:ss"
	var err error
	if s.stamp, err = s.file.NewStyle(&excelize.Style{CustomNumFmt: &format}); err != nil {
		return err
	}
	bold, err := s.file.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return err
	}
	if s.out, err = s.file.NewStreamWriter(name); err != nil {
		return err
	}
	if err := s.out.SetColWidth(1, len(heads), 18); err != nil {
		return err
	}
	if err := s.out.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	cells := make([]any, len(heads))
	for i, head := range heads {
		cells[i] = excelize.Cell{StyleID: bold, Value: head}
	}
	return s.out.SetRow("A1", cells)
}

// Row adds a row of the same kinds of cells that a CSV takes. Texts are stored as such: no program runs them as formulas.
func (s *Sheet) Row(cells ...any) error {
	s.row++
	row := make([]any, len(cells))
	for i, cell := range cells {
		t, isTime := cell.(time.Time)
		switch {
		case isTime && t.IsZero():
			row[i] = nil
		case isTime: // a spreadsheet knows no zones
			local := t.In(s.zone)
			row[i] = excelize.Cell{StyleID: s.stamp, Value: time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), local.Second(), 0, time.UTC)}
		default:
			row[i] = cell
		}
	}
	place, err := excelize.CoordinatesToCellName(1, s.row)
	if err != nil {
		return err
	}
	return s.out.SetRow(place, row)
}

// Save ends the file and writes it; no row can follow.
func (s *Sheet) Save(w io.Writer) error {
	if err := s.out.Flush(); err != nil {
		return fmt.Errorf("end a spreadsheet: %w", err)
	}
	if err := s.file.Write(w); err != nil {
		return fmt.Errorf("write a spreadsheet: %w", err)
	}
	return nil
}

// Close removes what the file kept outside of memory.
func (s *Sheet) Close() { _ = s.file.Close() } // nothing is lost with it
