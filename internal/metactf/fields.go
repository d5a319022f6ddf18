package metactf

import (
	"encoding/json"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// FieldFault says how a field of answers differs from the platform's description.
type FieldFault string

// The faults of fields.
const (
	FieldUnknown FieldFault = "unknown" // it comes, and no schema lists it
	FieldMissing FieldFault = "missing" // a schema demands it, and it does not come
)

// Field is one field that differs, for example "GET /scores/get_odl_scores: challenge_solves.difficulty".
type Field struct {
	Name  string // endpoint, and where it stands
	Fault FieldFault
}

// strangeFields counts fields of answers that differ from the schema. A field that was silently stripped once made a whole
// programme's results vanish, so the first of each name is logged; names only, a value may be personal data.
type strangeFields struct {
	log    *slog.Logger
	mu     sync.Mutex
	counts map[Field]int64
}

// The platform chooses the names, so neither their number nor their length is unbounded here.
const (
	maxStrangeFields = 200
	maxFieldName     = 64 // runes
)

// Fields is how often each field came that no schema lists, and each did not come that one demands.
func (c *Client) Fields() map[Field]int64 {
	c.fields.mu.Lock()
	defer c.fields.mu.Unlock()
	return maps.Clone(c.fields.counts)
}

// countUnknown finds the members of the object raw that the struct behind wire has no field for.
func (f *strangeFields) countUnknown(raw []byte, wire any, where string) {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return // cannot be: raw has just been read as an object
	}
	known := fieldNames(wire)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		isName := func(k string) bool { return strings.EqualFold(k, name) } // as encoding/json matches them
		if !slices.ContainsFunc(known, isName) {
			f.add(Field{where + shorten(name, maxFieldName), FieldUnknown}, "the platform sent a field no schema lists")
		}
	}
}

// countMissing finds the fields of the struct behind wire that did not come, but for those whose tag says that they need not.
func (f *strangeFields) countMissing(wire any, where string) {
	v := reflect.ValueOf(wire).Elem()
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if came, ok := v.Field(i).Interface().(interface{ came() bool }); ok && !came.came() && field.Tag.Get("wire") != "optional" {
			f.add(Field{where + field.Tag.Get("json"), FieldMissing}, "the platform left out a field its schema demands")
		}
	}
}

func (f *strangeFields) add(field Field, what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, seen := f.counts[field]; !seen {
		if len(f.counts) >= maxStrangeFields {
			return
		}
		f.log.Warn(what, "field", field.Name)
	}
	f.counts[field]++
}

func fieldNames(wire any) []string {
	t := reflect.TypeOf(wire).Elem()
	names := make([]string, t.NumField())
	for i := range names {
		names[i] = t.Field(i).Tag.Get("json")
	}
	return names
}
