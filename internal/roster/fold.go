package roster

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// EmailKey is what two spellings of one email address have in common: outer white space, upper case and the way
// accents are composed do not count. It never holds an upper-case ASCII letter.
func EmailKey(email string) string {
	email = strings.TrimSpace(email)
	if isASCII(email) {
		return strings.ToLower(email)
	}
	return norm.NFC.String(strings.ToLower(norm.NFC.String(email)))
}

// NameKey is what two spellings of one name have in common: case, white space and Unicode's compatible forms (full
// width, ligatures, composed accents) do not count; an accent does. It never holds an upper-case ASCII letter, and it
// has at most maxKey bytes: of a longer one the beginning and a hash of the whole are kept.
func NameKey(name string) string {
	if isASCII(name) {
		name = strings.ToLower(name)
	} else {
		name = norm.NFKC.String(cases.Fold().String(norm.NFKC.String(name)))
	}
	return bounded(strings.Join(strings.Fields(name), " "))
}

// maxKey keeps a key with its ids inside one row of a Postgres index, which holds 2,704 bytes. A cell has at most 500
// bytes, but folding may make some characters eleven times as long.
const maxKey = 1000

func bounded(key string) string {
	if len(key) <= maxKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	hash := hex.EncodeToString(sum[:])
	cut := maxKey - len(hash)
	for !utf8.RuneStart(key[cut]) {
		cut--
	}
	return key[:cut] + hash
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
