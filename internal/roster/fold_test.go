package roster

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEmailKey(t *testing.T) {
	for email, want := range map[string]string{
		"":                          "",
		" Ada@Harbor.Example\u00a0": "ada@harbor.example",
		"JOSÉ@harbor.example":       "josé@harbor.example",
		"Jose\u0301@harbor.example": "josé@harbor.example",
		"groß@harbor.example":       "groß@harbor.example", // not gross@: two mailboxes
	} {
		if got := EmailKey(email); got != want {
			t.Errorf("EmailKey(%q) = %q, want %q", email, got, want)
		}
	}
}

func TestNameKey(t *testing.T) {
	for name, want := range map[string]string{
		"":                            "",
		"  Ada \t\n Fennimore":        "ada fennimore",
		"ADA\u00a0\u2003FENNIMORE":    "ada fennimore",
		"Jose\u0301 STRAßE":           "josé strasse",
		"JOSÉ Strasse":                "josé strasse",
		"\uff21\uff24\uff21":          "ada", // full width
		"ﬁnn":                         "finn",
		"ΣΊΣΥΦΟΣ":                     "σίσυφοσ",
		"Σίσυφος":                     "σίσυφοσ",
		"José":                        "josé",
		"Jose":                        "jose",
		"<b>Ada</b> \"A\" O'Neil 👩‍💻": "<b>ada</b> \"a\" o'neil 👩‍💻",
	} {
		if got := NameKey(name); got != want {
			t.Errorf("NameKey(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestNameKeyIsBoundedAndTellsLongNamesApart(t *testing.T) {
	long := strings.Repeat("\ufdfa", 166) // folds to eleven times its length
	a, b := NameKey(long+"a"), NameKey(long+"b")
	if len(a) > maxKey || len(b) > maxKey || !utf8.ValidString(a) || a == b {
		t.Errorf("%d and %d bytes, the same: %v", len(a), len(b), a == b)
	}
}
