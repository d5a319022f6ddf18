package domain

import "strings"

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
	return Category{folded, strings.TrimSpace(text)}
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
