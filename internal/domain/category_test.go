package domain

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEveryWordingOfACategoryHasOneName(t *testing.T) {
	for name, wordings := range map[string][]string{
		"binexp Binary exploitation":  {"binexp", "Binary Exploitation", "binary_exploitation", "BINARY-EXPLOITATION", "pwn", "Pwn"},
		"crypto Cryptography":         {"crypto", "Cryptography", "CRYPTO", " crypto ", "cryptography\n"},
		"forensics Forensics":         {"foren", "forensics", "Forensics"},
		"misc Miscellaneous":          {"misc", "Misc", "Miscellaneous"},
		"networking Networking":       {"networking", "Network"},
		"os Operating systems":        {"os", "OS", "Operating Systems", "operating_system"},
		"osint OSINT":                 {"osint", "OSINT", "Open Source Intelligence", "open-source_intelligence"},
		"recon Reconnaissance":        {"recon", "Reconnaissance"},
		"reversing Reversing":         {"reven", "Reverse Engineering", "reverse_engineering", "reverse  engineering", "rev", "Reversing"},
		"social Social engineering":   {"social", "social_engineering", "Social Engineering"},
		"web Web":                     {"web", "webex", "Web", "web-exploitation"},
		"none No category":            {"", " ", "_", "- _"},
		"quantum Quantum":             {"Quantum", " Quantum "},
		"quantum stuff Quantum_Stuff": {"Quantum_Stuff"},
		"quantum stuff quantum stuff": {"quantum stuff"},
		"écoute Écoute":               {"Écoute"},
		"<b> <b>":                     {"<b>"},
	} {
		for _, text := range wordings {
			c := CategoryOf(text)
			if got := c.Key + " " + c.Name; got != name {
				t.Errorf("%q is %q, want %q", text, got, name)
			}
		}
	}
}

func TestTheCategoryTableNamesEachOnce(t *testing.T) {
	key := regexp.MustCompile(`^[a-z]+$`)
	taken, names, last := map[string]string{}, map[string]bool{}, ""
	for _, c := range categories {
		if !key.MatchString(c.Key) || c.Key <= last || c.Name == "" || names[c.Name] || c.Key == CategoryOf("").Key {
			t.Errorf("%+v: the keys are short words in order, the names differ", c)
		}
		last, names[c.Name] = c.Key, true
		for _, text := range append([]string{c.Key}, c.variants...) {
			if other, twice := taken[text]; twice {
				t.Errorf("%q stands for %s and %s", text, other, c.Key)
			}
			taken[text] = c.Key
			if text != foldCategory(text) {
				t.Errorf("%q is not folded, so nothing would be found under it", text)
			}
		}
		if got := CategoryOf(c.Name); got != c.Category {
			t.Errorf("the name of %s is taken for %+v", c.Key, got)
		}
	}
}

func TestAKeyIsKnownOnlyByItself(t *testing.T) {
	for key, want := range map[string]string{"crypto": "Cryptography", "os": "Operating systems", "cryptography": "", "CRYPTO": "", "reven": "", "none": "", "": "", "quantum": ""} {
		c, ok := KnownCategory(key)
		if ok != (want != "") || (ok && !cmp.Equal(c, Category{key, want})) {
			t.Errorf("%q: %+v, %v", key, c, ok)
		}
	}
}

// Whatever the platform writes, folding a key again changes nothing: a filter by the key finds what has it.
func FuzzACategorysKeyIsItsOwnKey(f *testing.F) {
	for _, text := range []string{"crypto", "Quantum_Stuff", " _ ", "İstanbul", "ẞ-K", "a\u00a0b", "\x00\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := CategoryOf(text)
		if c.Key == "" || c.Name == "" || strings.TrimSpace(c.Key) != c.Key {
			t.Errorf("%q is %+v", text, c)
		}
		if again := CategoryOf(c.Key); again.Key != c.Key && c.Key != "none" {
			t.Errorf("%q has the key %q, and that has %q", text, c.Key, again.Key)
		}
	})
}
