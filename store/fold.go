package store

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"flagpole/internal/roster"
)

// emailKey is how an email address is compared and kept unique. The spelling that came in is stored beside it.
func emailKey(email string) string { return roster.EmailKey(email) }

// nameKey is how the names of people and teams are recognised.
func nameKey(name string) string { return roster.NameKey(name) }

// maxSortKey keeps a sort key with its ids inside one row of a Postgres index, which holds 2,704 bytes.
const maxSortKey = 1000

// sortKey is the place of a shown name in a list, the same on both databases when it is compared as bytes. It is no key:
// different names may share it, so the id is always compared after it. Letters that are not an accented form of another
// (ø, ł) stand after z.
func sortKey(name string) string { return beginning(plain(name), maxSortKey) }

// beginning is as much of a text as fits into so many bytes, with no character cut in two.
func beginning(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// plain is a text as it is sorted and searched: without case and accents, white space collapsed, compatible forms alike.
func plain(text string) string {
	var plain strings.Builder
	for _, r := range norm.NFKD.String(text) {
		if !unicode.Is(unicode.Mn, r) {
			plain.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(cases.Fold().String(plain.String())), " ")
}
