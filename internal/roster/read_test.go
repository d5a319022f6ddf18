package roster

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
)

const header = "coach_email,coach_name,school,region,first_name,last_name,email,division,grade,status,team,competitor_id,game_platform_id"

// ada is a whole line under header, and what it says.
const ada = "mara@quill.example,Mara Quill,Harbor High,North,Ada,Fennimore,ada@harbor.example,high_school,11,complete,Red Foxes,cp-1,gp-1"

func adaRow(line int) Row {
	return Row{
		Line: line, CoachEmail: "mara@quill.example", CoachName: "Mara Quill", School: "Harbor High", Region: "North",
		FirstName: "Ada", LastName: "Fennimore", Email: "ada@harbor.example", Division: domain.HighSchool, Grade: "11",
		Status: domain.ProfileComplete, Team: "Red Foxes", CompetitorID: "cp-1", GamePlatformID: "gp-1",
	}
}

func lines(text ...string) string { return strings.Join(text, "\n") + "\n" }

func texts(bad []LineError) []string {
	var all []string
	for _, e := range bad {
		all = append(all, e.String())
	}
	return all
}

func read(t *testing.T, file string) ([]Row, []string) {
	t.Helper()
	rows, bad, err := Read(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return rows, texts(bad)
}

func TestReadForms(t *testing.T) {
	swapped := lines("team_id,GAME_PLATFORM_ID, competitor_id ,team,status,grade,division,email,last_name,first_name,region,school,coach_name,coach_email,coach_id",
		"t-1,gp-1,cp-1,Red Foxes,complete,11,high_school,ada@harbor.example,Fennimore,Ada,North,Harbor High,Mara Quill,mara@quill.example,co-1")
	withIDs := adaRow(2)
	withIDs.CoachID, withIDs.TeamID = "co-1", "t-1"
	multiline := adaRow(4)
	multiline.School = "Harbor\nHigh"
	after := adaRow(6)
	after.CompetitorID, after.GamePlatformID, after.Email, after.School = "cp-2", "gp-2", "ida@harbor.example", "Harbor\nHigh"
	for name, c := range map[string]struct {
		file string
		want []Row
	}{
		"plain":                   {lines(header, ada), []Row{adaRow(2)}},
		"header only":             {lines(header), nil},
		"header without line end": {header, nil},
		"no line end":             {header + "\n" + ada, []Row{adaRow(2)}},
		"CRLF":                    {header + "\r\n" + ada + "\r\n", []Row{adaRow(2)}},
		"byte order mark":         {"\uFEFF" + lines(header, ada), []Row{adaRow(2)}},
		"mark before a quote":     {"\uFEFF" + lines(strings.Replace(header, "coach_email", `"coach_email"`, 1), ada), []Row{adaRow(2)}},
		"other order, more ids":   {swapped, []Row{withIDs}},
		"blank lines":             {lines("", header, "", "  ", ada, ",,,,,,,,,,,,", "\u00a0,"), []Row{adaRow(5)}},
		"outer white space":       {lines(header, strings.ReplaceAll(ada, ",", " \t,\u00a0 ")), []Row{adaRow(2)}},
		"space before a quote":    {lines(header, strings.Replace(ada, "Harbor High", ` "Harbor High"`, 1)), []Row{adaRow(2)}},
		"cells of several lines": {lines(header, "", "", strings.Replace(ada, "Harbor High", "\"Harbor\r\nHigh\"", 1),
			strings.NewReplacer("Harbor High", "\"Harbor\nHigh\"", "cp-1", "cp-2", "gp-1", "gp-2", "ada@", "ida@").Replace(ada)),
			[]Row{multiline, after}},
	} {
		t.Run(name, func(t *testing.T) {
			rows, bad := read(t, c.file)
			if diff := cmp.Diff(c.want, rows); diff != "" || bad != nil {
				t.Errorf("bad %q, rows (-want +got):\n%s", bad, diff)
			}
		})
	}
}

func TestReadKeepsTextsAsTheyCome(t *testing.T) {
	for _, text := range []string{
		`<b onclick="x">Ada</b>`, "=1+1", "@cmd", "-2", "👩‍💻", "عَدَا", "José", "Jose\u0301", `O'Neil "Sparks"`, "a,b;c\td", "Ада\x01", "\u202eadA", "NULL", "中村",
	} {
		var file strings.Builder
		w := csv.NewWriter(&file)
		cells := strings.Split(ada, ",")
		cells[1], cells[2], cells[4], cells[5], cells[8], cells[10] = text, text, text, text, text, text
		if err := errors.Join(w.Write(strings.Split(header, ",")), w.Write(cells)); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		want := adaRow(2)
		want.CoachName, want.School, want.FirstName, want.LastName, want.Grade, want.Team = text, text, text, text, text, text
		rows, bad := read(t, file.String())
		if diff := cmp.Diff([]Row{want}, rows); diff != "" || bad != nil {
			t.Errorf("%q: bad %q, rows (-want +got):\n%s", text, bad, diff)
		}
	}
}

func TestReadRefusesFiles(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"empty":      {"", "line 1: the file is empty: the first line names the columns"},
		"blank":      {"\n\n", "line 1: the file is empty: the first line names the columns"},
		"mark only":  {"\uFEFF", "line 1: the file is empty: the first line names the columns"},
		"unknown":    {lines(header+",shoe_size", ada+",9"), `line 1: unknown column "shoe_size"`},
		"nameless":   {lines(header+",", ada+","), "line 1: column 14 has no name"},
		"missing":    {lines(strings.TrimPrefix(header, "coach_email,")), "line 1: coach_email: this column is missing"},
		"repeated":   {lines(header + ",Email "), "line 1: email: this column is there twice"},
		"several":    {lines("x,"+strings.TrimSuffix(header, ",game_platform_id"), "x"), `line 1: unknown column "x"; game_platform_id: this column is missing`},
		"semicolons": {lines(strings.ReplaceAll(header, ",", ";")), "line 1: the cells are not separated by commas: save the file as CSV with commas"},
		"UTF-16":     {"\xff\xfec\x00o\x00,\x00", "line 1: not UTF-8: save the file as UTF-8"},
		"quote in the header": {lines(`coach "email"`), "line 1: a quotation mark is not closed, or stands inside a cell without being doubled" +
			" (found in line 1, byte 7); the file was not read from here on"},
	} {
		t.Run(name, func(t *testing.T) {
			rows, bad := read(t, c.file)
			if diff := cmp.Diff([]string{c.want}, bad); diff != "" || rows != nil {
				t.Errorf("rows %v, bad lines (-want +got):\n%s", rows, diff)
			}
		})
	}
}

func TestReadRefusesLines(t *testing.T) {
	long := strings.Repeat("é", 251)
	for name, c := range map[string]struct {
		old, new string // in ada's line
		want     string
	}{
		"too few cells":        {"Mara Quill,", "", "has 12 cells, the header has 13"},
		"too many cells":       {"Mara Quill,", "Quill,Mara,", "has 14 cells, the header has 13"},
		"one cell":             {ada, "ada", "has 1 cell, the header has 13"},
		"no coach":             {"mara@quill.example", " ", "coach_email: must not be empty"},
		"no first name":        {",Ada,", ",\u00a0,", "first_name: must not be empty"},
		"no last name":         {"Fennimore", "", "last_name: must not be empty"},
		"several":              {"Ada,Fennimore,ada@harbor.example", ",,ada", `first_name: must not be empty; last_name: must not be empty; email: "ada" is not an email address`},
		"email with a name":    {"ada@harbor.example", "Ada <ada@harbor.example>", `email: "Ada <ada@harbor.example>" is not an email address`},
		"email with a comment": {"ada@harbor.example", "ada@harbor.example (Ada)", `email: "ada@harbor.example (Ada)" is not an email address`},
		"email with a space":   {"ada@harbor.example", "ada @harbor.example", `email: "ada @harbor.example" is not an email address`},
		"two emails":           {"ada@harbor.example", "\"a@b.example,c@d.example\"", `email: "a@b.example,c@d.example" is not an email address`},
		"long email": {"ada@harbor.example", strings.Repeat("a", 241) + "@harbor.example",
			`email: "` + strings.Repeat("a", 60) + `…" has 256 bytes, at most 254 can be stored`},
		"coach email":        {"mara@quill.example", "mara@", `coach_email: "mara@" is not an email address`},
		"division":           {"high_school", "High School", `division: "High School" is none of high_school, middle_school, college`},
		"status":             {"complete", "done", `status: "done" is none of pending, profile, in_the_game_not_compliant, complete`},
		"control in id":      {"cp-1", "cp\x01\x7f", `competitor_id: "cp\x01\x7f" holds control characters, which an id must not`},
		"line in id":         {"gp-1", "\"gp\n1\"", `game_platform_id: "gp\n1" holds control characters, which an id must not`},
		"dot":                {"cp-1", ".", `competitor_id: "." cannot be an id`},
		"dots":               {"gp-1", "..", `game_platform_id: ".." cannot be an id`},
		"long id":            {"cp-1", strings.Repeat("x", 201), `competitor_id: "` + strings.Repeat("x", 60) + `…" has 201 bytes, at most 200 can be stored`},
		"long text":          {"Harbor High", long, `school: "` + strings.Repeat("é", 60) + `…" has 502 bytes, at most 500 can be stored`},
		"NUL":                {"Harbor High", "Harbor\x00High", `school: "Harbor\x00High" holds a NUL character, which cannot be stored`},
		"Latin-1":            {"Harbor High", "Caf\xe9", "school: not UTF-8: save the file as UTF-8"},
		"escapes in a reply": {"complete", "\"\x1b[2J\r\nx\u202e\"", `status: "\x1b[2J\nx\u202e" is none of pending, profile, in_the_game_not_compliant, complete`},
	} {
		t.Run(name, func(t *testing.T) {
			other := strings.NewReplacer("cp-1", "cp-2", "gp-1", "gp-2", "ada@", "ida@").Replace(ada)
			rows, bad := read(t, lines(header, other, strings.Replace(ada, c.old, c.new, 1)))
			if diff := cmp.Diff([]string{"line 3: " + c.want}, bad); diff != "" {
				t.Errorf("bad lines (-want +got):\n%s", diff)
			}
			if len(rows) == 0 || rows[0].Line != 2 {
				t.Errorf("the good line is not among the rows: %v", rows)
			}
		})
	}
}

func TestReadTellsEveryBadLineOnce(t *testing.T) {
	_, bad := read(t, lines(header,
		strings.Replace(ada, "complete", "done", 1),
		"ada",
		strings.Replace(ada, "Fennimore", "", 1),
		"\"two\nlines\"",
		strings.Replace(ada, "11", `1"1`, 1),
		"after the broken quote"))
	want := []string{
		`line 2: status: "done" is none of pending, profile, in_the_game_not_compliant, complete`,
		"line 3: has 1 cell, the header has 13",
		`line 4: last_name: must not be empty; competitor_id: "cp-1" is in line 2 already; game_platform_id: "gp-1" is in line 2 already;` +
			` email: "ada@harbor.example" is in line 2 already`,
		"line 5: has 1 cell, the header has 13",
		"line 7: a quotation mark is not closed, or stands inside a cell without being doubled (found in line 7, byte 95); the file was not read from here on",
	}
	if diff := cmp.Diff(want, bad); diff != "" {
		t.Errorf("bad lines (-want +got):\n%s", diff)
	}
}

func TestReadOpenQuoteNamesTheLineItBeginsOn(t *testing.T) {
	_, bad := read(t, lines(header, ada, strings.Replace(ada, "Mara Quill", `"Mara Quill`, 1), ada, ada))
	if len(bad) != 1 || !strings.HasPrefix(bad[0], "line 3: a quotation mark is not closed") {
		t.Errorf("bad lines: %q", bad)
	}
}

func TestReadContradictions(t *testing.T) {
	const columns = "coach_id,coach_email,coach_name,school,region,first_name,last_name,email,division,grade,status,team_id,team,competitor_id,game_platform_id"
	line := func(change ...string) string {
		return strings.NewReplacer(change...).Replace("CID,mara@quill.example,Mara Quill,Harbor High,North,FIRST,LAST,EMAIL,college,,pending,TID,TEAM,COMP,GAME")
	}
	blank := strings.NewReplacer("CID", "", "EMAIL", "", "TID", "", "TEAM", "", "COMP", "", "GAME", "", "FIRST", "Ida", "LAST", "Rowe")
	for name, c := range map[string]struct{ a, b, want string }{
		"competitor_id":    {line("COMP", "cp-1"), line("COMP", "cp-1", "FIRST", "Bo"), `competitor_id: "cp-1" is in line 2 already`},
		"game_platform_id": {line("GAME", "gp-1"), line("GAME", "gp-1", "FIRST", "Bo"), `game_platform_id: "gp-1" is in line 2 already`},
		"email":            {line("EMAIL", "Ida@harbor.example"), line("EMAIL", "ida@HARBOR.example", "FIRST", "Bo"), `email: "ida@HARBOR.example" is in line 2 already`},
		"same name":        {line(), line("FIRST", "IDA  "), "competitor_id: the same coach and name as line 2: tell the two apart by competitor_id, game_platform_id or email"},
		"same name, apart": {line(), line("COMP", "cp-1"), ""},
		"other coach":      {line(), line("mara@", "nils@"), ""},
		"coach_name": {line(), line("Mara Quill", "Maria Quill", "FIRST", "Bo", "mara@", "MARA@"),
			`coach_name: "Maria Quill", but "Mara Quill" for the same coach in line 2`},
		"no coach_name":                  {line(), line("Mara Quill", "", "FIRST", "Bo"), ""},
		"composed accent":                {line("Mara Quill", "Zoé"), line("Mara Quill", "Zoe\u0301", "FIRST", "Bo"), ""},
		"school":                         {line(), line("Harbor High", "Hill High", "FIRST", "Bo"), `school: "Hill High", but "Harbor High" for the same coach in line 2`},
		"region":                         {line(), line("North", "South", "FIRST", "Bo"), `region: "South", but "North" for the same coach in line 2`},
		"coach_id":                       {line("CID", "co-1"), line("CID", "co-2", "FIRST", "Bo"), `coach_id: "co-2", but "co-1" for the same coach in line 2`},
		"coach_email":                    {line("CID", "co-1"), line("CID", "co-1", "mara@", "nils@"), `coach_email: "nils@quill.example", but "mara@quill.example" for the same coach_id in line 2`},
		"team of two":                    {line("TID", "t-1"), line("TID", "t-1", "mara@", "nils@"), `team_id: "t-1" is a team of the coach "mara@quill.example" in line 2`},
		"team of two names":              {line("TID", "t-1", "TEAM", "Red"), line("TID", "t-1", "TEAM", "Blue", "FIRST", "Bo"), `team: "Blue", but "Red" for the same team_id in line 2`},
		"team of two ids":                {line("TID", "t-1", "TEAM", "Red"), line("TID", "t-2", "TEAM", "RED", "FIRST", "Bo"), `team_id: "t-2", but "t-1" for the team of this name in line 2`},
		"two coaches' teams of one name": {line("TID", "t-1", "TEAM", "Red"), line("TID", "t-2", "TEAM", "Red", "mara@", "nils@"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			var want []string
			if c.want != "" {
				want = []string{"line 3: " + c.want}
			}
			_, bad := read(t, lines(columns, blank.Replace(c.a), blank.Replace(c.b)))
			if diff := cmp.Diff(want, bad); diff != "" {
				t.Errorf("bad lines (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWrongCellsContradictNothing(t *testing.T) {
	_, bad := read(t, lines(header,
		"mara@quill.example,Mara Quill,Caf\xe9,,Ida,Rowe,ida,college,,pending,,,",
		"mara@quill.example,Mara Quill,Harbor High,,Ida,Rowe,,college,,pending,,,"))
	want := []string{`line 2: school: not UTF-8: save the file as UTF-8; email: "ida" is not an email address`}
	if diff := cmp.Diff(want, bad); diff != "" {
		t.Errorf("bad lines (-want +got):\n%s", diff)
	}
}

func TestReadTellsWhatTheReaderReturned(t *testing.T) {
	for _, start := range []string{"", "co", header + "\n", header + "\n\"open"} {
		broken := errors.New("cable pulled")
		_, _, err := Read(io.MultiReader(strings.NewReader(start), iotest.ErrReader(broken)))
		if !errors.Is(err, broken) {
			t.Errorf("after %q: error %v", start, err)
		}
	}
}

// endless gives the same line for ever.
type endless struct{ line string }

func (e endless) Read(p []byte) (int, error) {
	n := 0
	for n+len(e.line) <= len(p) {
		n += copy(p[n:], e.line)
	}
	return n, nil
}

func TestReadStopsAtTheLimit(t *testing.T) {
	_, _, err := Read(io.MultiReader(strings.NewReader(header+"\n"), endless{strings.Repeat(" ", 4000) + "\n"}))
	if domain.CodeOf(err) != domain.Invalid || !strings.Contains(err.Error(), "larger than 64 MB") {
		t.Errorf("error %v", err)
	}
}

func TestMerge(t *testing.T) {
	a := []LineError{{2, []Problem{{"email", "a"}}}, {9, []Problem{{"", "b"}}}}
	b := []LineError{{2, []Problem{{"team", "c"}}}, {5, []Problem{{"", "d"}}}}
	if diff := cmp.Diff([]string{"line 2: email: a", "line 5: d", "line 9: b"}, texts(Merge(a, b))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if Merge(nil, nil) != nil {
		t.Error("nothing merged is not nil")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(lines(header, ada))
	f.Add("\uFEFF" + header + "\r\n" + strings.Replace(ada, "Harbor High", "\"Harbor\r\nHigh\"", 1) + "\r\n")
	f.Add(lines(header, "", ada, ada, strings.Replace(ada, "Ada", `A"da`, 1), ada))
	f.Add(lines(header, strings.Replace(ada, "Quill", "\xff\x00\x1b", 1)))
	f.Add(lines(header+",coach_id,team_id", ada+",co-1,t-1", "x"))
	f.Add(lines("team_id,"+header, "t-1,nils@quill.example,,,,Cy,Vane,,,,,,,", "t-2,mara@quill.example,,,,Ada,Fennimore,bo@harbor.example,,,,,,"))
	f.Fuzz(func(t *testing.T, file string) {
		rows, bad, err := Read(strings.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		last, end := 1, strings.Count(file, "\n")+1
		for _, row := range rows {
			if row.Line <= last || row.Line > end {
				t.Errorf("row in line %d after line %d of %d", row.Line, last, end)
			}
			last = row.Line
		}
		last = 0
		for _, e := range bad {
			if text := e.String(); e.Line <= last || e.Line > end || len(e.Problems) == 0 || strings.ContainsAny(text, "\r\n\x1b\x00") {
				t.Errorf("bad line after %d of %d: %q", last, end, text)
			}
			last = e.Line
		}
		plan, wrong := NewPlan(people(), rows, counter())
		if wrong != nil {
			return
		}
		if Check(rows) != nil {
			t.Error("planned what Check refuses")
		}
		again, wrong := NewPlan(apply(people(), plan), rows, counter())
		if n := len(again.Coaches) + len(again.Teams) + len(again.Competitors); n > 0 || wrong != nil {
			t.Errorf("again: bad lines %q, plan %+v", texts(wrong), again)
		}
	})
}
