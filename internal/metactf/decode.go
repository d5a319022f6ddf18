package metactf

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"flagpole/internal/domain"
)

// The platform sends nulls where its schema has none, and fields that no schema lists. So an answer is read into
// fields that accept every JSON value and remember what came; the code that builds the result then says what it
// cannot do without. That way one bad value costs one record, never the answer.

// presence is what came for a field.
type presence int

const (
	absent presence = iota
	null
	wrong // another kind of value
	present
)

func (p presence) came() bool { return p != absent }

// fault says in words why the field's value cannot be used, or "" when it can.
func (p presence) fault(field, kind string) string {
	switch p {
	case absent:
		return field + " is missing"
	case null:
		return field + " is null"
	case wrong:
		return field + " is not " + kind
	}
	return ""
}

func presenceOf(raw []byte, isKind bool) presence {
	switch {
	case isKind:
		return present
	case string(raw) == "null":
		return null
	}
	return wrong
}

// Times outside these years are faults of the sender; the bounds also keep arithmetic on them safe.
var (
	earliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	latest   = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
)

const maxNumber = 1_000_000_000 // of points, ranks and counts

// integer is a whole number; 12.0 is one, "12" is not.
type integer struct {
	presence
	value int64
}

func (i *integer) UnmarshalJSON(raw []byte) error {
	value, ok := wholeNumber(string(raw))
	*i = integer{presenceOf(raw, ok), value}
	return nil
}

func wholeNumber(raw string) (int64, bool) {
	if n, err := strconv.ParseInt(raw, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(raw, 64)
	const exact = 1 << 53 // beyond it a float64 no longer holds every whole number
	if err != nil || f != math.Trunc(f) || math.Abs(f) > exact {
		return 0, false
	}
	return int64(f), true
}

// required says what keeps i from being a number from low up to, but not including, high.
func (i integer) required(field string, low, high int64) string {
	if i.presence == present && (i.value < low || i.value >= high) {
		return field + " is out of range"
	}
	return i.fault(field, "a whole number")
}

// optional is required for a field that may be absent or null.
func (i integer) optional(field string, low, high int64) string {
	if i.presence == absent || i.presence == null {
		return ""
	}
	return i.required(field, low, high)
}

// pointer is nil where there is no number.
func (i integer) pointer() *int64 {
	if i.presence != present {
		return nil
	}
	return &i.value
}

// orZero is the number, or 0 where it cannot be used as points, rank or count.
func (i integer) orZero() int64 {
	if i.required("", 0, maxNumber+1) != "" {
		return 0
	}
	return i.value
}

// time reads unix seconds; it is zero where they are missing or no likely time (0 stands for never).
func (i integer) time() time.Time {
	if i.required("", earliest, latest) != "" {
		return time.Time{}
	}
	return time.Unix(i.value, 0).UTC()
}

// text is a string without the NULs, which Postgres cannot store. Invalid UTF-8 was replaced by the JSON decoder.
type text struct {
	presence
	value string
}

func (t *text) UnmarshalJSON(raw []byte) error {
	*t = text{presence: presenceOf(raw, raw[0] == '"')}
	if t.presence != present {
		return nil
	}
	if bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) { // the usual text stands there as it is
		t.value = string(raw[1 : len(raw)-1])
		return nil
	}
	err := json.Unmarshal(raw, &t.value)
	t.value = strings.ReplaceAll(t.value, "\x00", "")
	return err
}

// required says what keeps t from being a text with something in it.
func (t text) required(field string) string {
	if t.presence == present && strings.TrimSpace(t.value) == "" {
		return field + " is empty"
	}
	return t.fault(field, "a text")
}

// optional says what is wrong with a text that may be absent or null.
func (t text) optional(field string) string {
	if t.presence == wrong {
		return t.fault(field, "a text")
	}
	return ""
}

// mustName says what is wrong with the id of the user an answer is about. It may be left out, not differ.
func (t text) mustName(id string) string { return t.mustBe(id, "user") }

func (t text) mustBe(id, kind string) string {
	if t.presence == wrong || (t.presence == present && t.value != id) {
		return "the answer is about another " + kind + " than the one asked for"
	}
	return ""
}

// boolean is true or false.
type boolean struct {
	presence
	value bool
}

func (b *boolean) UnmarshalJSON(raw []byte) error {
	value := string(raw) == "true"
	*b = boolean{presenceOf(raw, value || string(raw) == "false"), value}
	return nil
}

func (b boolean) optional(field string) string {
	if b.presence == wrong {
		return b.fault(field, "true or false")
	}
	return ""
}

// list keeps its items as they came.
type list struct {
	presence
	items []json.RawMessage
}

func (l *list) UnmarshalJSON(raw []byte) error {
	*l = list{presence: presenceOf(raw, raw[0] == '[')}
	if l.presence != present {
		return nil
	}
	return json.Unmarshal(raw, &l.items)
}

func (l list) required(field string) string { return l.fault(field, "a list") }

// texts is a list of texts; null and empty ones are left out.
type texts struct {
	presence
	values []string
}

func (t *texts) UnmarshalJSON(raw []byte) error {
	var members []text
	*t = texts{presence: presenceOf(raw, raw[0] == '[')}
	if t.presence != present {
		return nil
	}
	err := json.Unmarshal(raw, &members)
	for _, m := range members {
		if m.presence == wrong {
			t.presence = wrong
		}
		if m.value != "" {
			t.values = append(t.values, m.value)
		}
	}
	return err
}

func (t texts) optional(field string) string {
	if t.presence == wrong {
		return t.fault(field, "a list of texts")
	}
	return ""
}

// ignored is a field that is documented and not used here.
type ignored struct{ presence }

func (i *ignored) UnmarshalJSON([]byte) error {
	i.presence = present
	return nil
}

// read reads the object of an answer into wire, a pointer to a struct of the kinds above.
func (c *Client) read(a answer, wire any) error {
	if !json.Valid(a.body) {
		return a.malformed(notJSON(a.body))
	}
	if fault := c.readObject(bytes.TrimSpace(a.body), wire, a.endpoint()+": "); fault != "" {
		return a.malformed("the answer " + fault)
	}
	return nil
}

// readObject reads one object of valid JSON and says what kept it from being read. The usual object has no unknown
// field and is read once, strictly; only when that fails is it read again and the strange names looked for.
func (c *Client) readObject(raw []byte, wire any, where string) string {
	if len(raw) == 0 || raw[0] != '{' {
		return "is not an object"
	}
	strict := json.NewDecoder(bytes.NewReader(raw))
	strict.DisallowUnknownFields()
	if strict.Decode(wire) != nil {
		if err := json.Unmarshal(raw, wire); err != nil {
			return "could not be read"
		}
		c.fields.countUnknown(raw, wire, where)
	}
	c.fields.countMissing(wire, where)
	return ""
}

const maxPayload = 16 << 10 // bytes kept of a record that could not be read

// quarantine keeps a bad record as it came, apart from bytes no database takes as text.
func quarantine(source domain.Source, raw []byte, reason string) domain.Quarantined {
	payload := strings.ToValidUTF8(string(raw), string(utf8.RuneError))
	if len(payload) > maxPayload {
		payload = strings.ToValidUTF8(payload[:maxPayload], "") // the cut may have split a character
	}
	return domain.Quarantined{Source: source, Payload: payload, Reason: reason}
}

// firstFault is the first fault found, or "".
func firstFault(faults ...string) string { return cmp.Or(faults...) }
