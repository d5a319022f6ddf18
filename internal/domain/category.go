package domain

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Category is a field of challenges under its canonical name.
type Category struct {
	Key  string // short, for URLs
	Name string // as shown
}

// categories is the one table of canonical names and of the variants the platform has been seen to use, folded
// by foldCategory.
var categories = []struct {
	Category
	variants []string
}{
	{Category{"binexp", "Binary exploitation"}, []string{"binary exploitation", "pwn"}},
	{Category{"crypto", "Cryptography"}, []string{"cryptography"}},
	{Category{"forensics", "Forensics"}, []string{"foren"}},
	{Category{"misc", "Miscellaneous"}, []string{"miscellaneous"}},
	{Category{"networking", "Networking"}, []string{"network"}},
	{Category{"os", "Operating systems"}, []string{"operating systems", "operating system"}},
	{Category{"osint", "OSINT"}, []string{"open source intelligence"}},
	{Category{"recon", "Reconnaissance"}, []string{"reconnaissance"}},
	{Category{"reversing", "Reversing"}, []string{"reven", "reverse engineering", "rev"}},
	{Category{"social", "Social engineering"}, []string{"social engineering"}},
	{Category{"web", "Web"}, []string{"webex", "web exploitation"}},
}

// CategoryVariants is a canonical category with the other spellings that the platform has been seen to use.
type CategoryVariants struct {
	Category
	Variants []string
}

// Categories lists the canonical categories by name.
func Categories() []CategoryVariants {
	var list []CategoryVariants
	for _, c := range categories {
		list = append(list, CategoryVariants{c.Category, slices.Clone(c.variants)})
	}
	return list
}

var categoryByVariant = func() map[string]Category {
	m := map[string]Category{}
	for _, c := range categories {
		m[c.Key] = c.Category
		for _, v := range c.variants {
			m[v] = c.Category
		}
	}
	return m
}()

// CategoryOf names the platform's free text. An unknown text is a category of its own, under its own name.
func CategoryOf(text string) Category {
	folded := foldCategory(text)
	if folded == "" {
		return Category{"none", "No category"}
	}
	if c, ok := categoryByVariant[folded]; ok {
		return c
	}
	return Category{cut(folded, maxCategoryKey), strings.TrimSpace(text)}
}

// maxCategoryKey keeps the key of an unknown category short enough for an address and an index.
const maxCategoryKey = 120

// cut is the beginning of a text, at most so many bytes of it, with no character cut in two.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// KnownCategory reports whether key is the key of a canonical category.
func KnownCategory(key string) (Category, bool) {
	c, ok := categoryByVariant[key]
	return c, ok && c.Key == key
}

// foldCategory makes snake_case, kebab-case, Title Case and double spaces alike.
func foldCategory(text string) string {
	spaced := strings.NewReplacer("_", " ", "-", " ").Replace(strings.ToLower(text))
	return strings.Join(strings.Fields(spaced), " ")
}
