package auth

import (
	"context"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"flagpole/internal/domain"
)

const password = "correct horse battery"

var phc = regexp.MustCompile(`^\$argon2id\$v=19\$m=19456,t=2,p=1\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$`)

func hashed(t *testing.T, word string) string {
	t.Helper()
	hash, err := HashPassword(word)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func TestPasswordsAreStoredInThePHCForm(t *testing.T) {
	part := phc.FindStringSubmatch(hashed(t, password))
	if part == nil {
		t.Fatal("not the form $argon2id$v=19$m=19456,t=2,p=1$salt$hash")
	}
	salt, err := base64.RawStdEncoding.DecodeString(part[1])
	if err != nil {
		t.Fatal(err)
	}
	// The parameters in the text are those that were used: whatever else reads the form comes to the same hash.
	want := base64.RawStdEncoding.EncodeToString(argon2.IDKey([]byte(password), salt, 2, 19456, 1, 32))
	if part[2] != want {
		t.Errorf("the hash is %s, want %s", part[2], want)
	}
}

func TestTheSamePasswordIsStoredDifferentlyEachTime(t *testing.T) {
	a, b := hashed(t, password), hashed(t, password)
	if phc.FindStringSubmatch(a)[1] == phc.FindStringSubmatch(b)[1] || a == b {
		t.Error("one salt for two passwords")
	}
}

func TestOnlyTheRightPasswordMatches(t *testing.T) {
	h, stored := newHasher(), hashed(t, "pässwörd of some length")
	for word, want := range map[string]bool{
		"pässwörd of some length": true, "Pässwörd of some length": false, "password of some length": false, "": false, "pässwörd of some length ": false,
	} {
		if got, err := h.matches(t.Context(), word, stored); err != nil || got != want {
			t.Errorf("%q: %v, %v", word, got, err)
		}
	}
}

func TestStoredFormOfOtherKindsIsAnErrorAndNoMatch(t *testing.T) {
	good := hashed(t, password)
	for name, stored := range map[string]string{
		"empty": "", "plain": password, "less memory": strings.Replace(good, "m=19456", "m=64", 1), "other kind": strings.Replace(good, "argon2id", "argon2i", 1),
		"other version": strings.Replace(good, "v=19", "v=16", 1), "cut off": good[:len(good)-44], "not base64": good[:len(good)-1] + "!", "more parts": good + "$x",
	} {
		if ok, err := newHasher().matches(t.Context(), password, stored); ok || err == nil {
			t.Errorf("%s: %v, %v", name, ok, err)
		} else if strings.Contains(err.Error(), good[40:]) {
			t.Errorf("%s: the error holds the hash", name)
		}
	}
}

func TestPasswordsHaveALeastAndAMostLength(t *testing.T) {
	for name, test := range map[string]struct{ word, fault string }{
		"none":                         {"", "The password is too short."},
		"7 characters":                 {"1234567", "The password is too short."},
		"7 characters of 21 bytes":     {"ケケケケケケケ", "The password is too short."},
		"8 characters":                 {"12345678", ""},
		"8 characters of two bytes":    {"ääääääää", ""},
		"1,024 bytes":                  {strings.Repeat("x", 1024), ""},
		"1,025 bytes":                  {strings.Repeat("x", 1025), "The password is too long."},
		"1,024 characters, more bytes": {strings.Repeat("ä", 1024), "The password is too long."},
		"not UTF-8":                    {"12345678\xff", "The password is not UTF-8 text."},
	} {
		err := CheckPassword(test.word)
		if test.fault == "" && err == nil {
			continue
		}
		if err == nil || domain.CodeOf(err) != domain.Invalid || !strings.HasPrefix(err.Error(), test.fault) {
			t.Errorf("%s: %v, want %q", name, err, test.fault)
		}
		if _, hashErr := HashPassword(test.word); hashErr == nil || hashErr.Error() != err.Error() {
			t.Errorf("%s is hashed: %v", name, hashErr)
		}
	}
}

// The one for unknown emails must cost as much as a real one.
func TestHashForUnknownAccountsIsOneLikeAllOthers(t *testing.T) {
	if !phc.MatchString(unknownAccount) {
		t.Error("it has another form")
	}
	if ok, err := newHasher().matches(t.Context(), password, unknownAccount); ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
}

func TestAtMostTwoPasswordsAreHashedAtOnce(t *testing.T) {
	h, stored := newHasher(), hashed(t, password)
	if cap(h.slots) != 2 {
		t.Errorf("%d at once", cap(h.slots))
	}
	h.slots <- struct{}{}
	h.slots <- struct{}{}
	waiting, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if ok, err := h.matches(waiting, password, stored); ok || err != context.DeadlineExceeded {
		t.Errorf("a third did not wait: %v, %v", ok, err)
	}
	<-h.slots
	if ok, err := h.matches(t.Context(), password, stored); !ok || err != nil {
		t.Errorf("after one was done: %v, %v", ok, err)
	}
	if len(h.slots) != 1 {
		t.Error("the slot was not given back")
	}
}
