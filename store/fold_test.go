package store

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestSortKeyOrdersNames(t *testing.T) {
	names := []string{"Øyvind", "zoe", "Éva", "eva b", "EVA  A", "Eva", "\uff21da", "ada", "Zoë"}
	slices.SortStableFunc(names, func(a, b string) int { return strings.Compare(sortKey(a), sortKey(b)) })
	want := []string{"\uff21da", "ada", "Éva", "Eva", "EVA  A", "eva b", "zoe", "Zoë", "Øyvind"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSortKeyIsBounded(t *testing.T) {
	key := sortKey(strings.Repeat("\ufdfa", 333) + " x")
	if len(key) > maxSortKey || len(key) < maxSortKey-3 || !utf8.ValidString(key) {
		t.Errorf("%d bytes, valid: %v", len(key), utf8.ValidString(key))
	}
}
