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

// unknownFields counts fields of answers that no schema lists, by where they stand. A field that was silently
// stripped once made a whole programme's results vanish, so the first of each name is logged; names only, a value
// may be personal data.
type unknownFields struct {
	log    *slog.Logger
	mu     sync.Mutex
	counts map[string]int64
}

// The platform chooses the names, so neither their number nor their length is unbounded here.
const (
	maxUnknownFields = 200
	maxUnknownName   = 64 // runes
)

// UnknownFields is how often each unlisted field came, for example under
// "GET /scores/get_odl_scores: challenge_solves.difficulty".
func (c *Client) UnknownFields() map[string]int64 {
	c.unknown.mu.Lock()
	defer c.unknown.mu.Unlock()
	return maps.Clone(c.unknown.counts)
}

// count finds the members of the object raw that the struct behind wire has no field for.
func (u *unknownFields) count(raw []byte, wire any, where string) {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return // cannot be: raw has just been read as an object
	}
	known := fieldNames(wire)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		isName := func(k string) bool { return strings.EqualFold(k, name) } // as encoding/json matches them
		if !slices.ContainsFunc(known, isName) {
			u.add(where + shorten(name, maxUnknownName))
		}
	}
}

func (u *unknownFields) add(field string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, seen := u.counts[field]; !seen {
		if len(u.counts) >= maxUnknownFields {
			return
		}
		u.log.Warn("the platform sent a field no schema lists", "field", field)
	}
	u.counts[field]++
}

func fieldNames(wire any) []string {
	t := reflect.TypeOf(wire).Elem()
	names := make([]string, t.NumField())
	for i := range names {
		names[i] = t.Field(i).Tag.Get("json")
	}
	return names
}
