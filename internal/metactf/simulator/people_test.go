package simulator

import (
	"strings"
	"testing"
)

// A letter that slug does not know would be dropped, and an email address would misspell its owner.
func TestSlugKnowsEveryLetterOfTheNames(t *testing.T) {
	for _, name := range append(append([]string{}, firstNames...), lastNames...) {
		name = strings.TrimSpace(name)
		letters := strings.NewReplacer(" ", "", "-", "", "'", "", ".", "").Replace(name)
		if got := slug(name, ""); len(got) != len([]rune(letters)) {
			t.Errorf("slug(%q) = %q", name, got)
		}
	}
}

func TestChallengeTitlesAreDifferent(t *testing.T) {
	odl, flash := catalogue(stream(1, streamChallenges))
	if len(odl) != 121 || len(flash) != 55 {
		t.Errorf("%d ODL challenges, %d for flash CTFs", len(odl), len(flash))
	}
	seen := map[string]bool{}
	for _, c := range append(append([]*challenge{}, odl...), flash...) {
		if c.title == "" || seen[c.title] {
			t.Errorf("the title %q is empty or stands twice", c.title)
		}
		seen[c.title] = true
	}
}
