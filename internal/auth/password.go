package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"flagpole/internal/domain"
)

// Parameters of argon2id, OWASP's second choice: 19 MiB, two passes, one lane. More memory would let a handful of
// sign-ins at once exhaust the machine.
const (
	memoryKiB = 19 * 1024
	passes    = 2
	lanes     = 1
	keyBytes  = 32
	saltBytes = 16
	atOnce    = 2 // passwords hashed side by side
)

// Passwords have from 8 characters up to 1,024 bytes.
const (
	minCharacters = 8
	maxBytes      = 1024
)

// hasher hashes passwords, at most two at a time.
type hasher struct{ slots chan struct{} }

func newHasher() hasher { return hasher{make(chan struct{}, atOnce)} }

// CheckPassword says what is wrong with a new password, as an Invalid error, or nil.
func CheckPassword(password string) error {
	switch {
	case utf8.RuneCountInString(password) < minCharacters:
		return domain.Errorf(domain.Invalid, "The password is too short.").WithHint("Use at least 8 characters; a few random words are good.")
	case len(password) > maxBytes:
		return domain.Errorf(domain.Invalid, "The password is too long.").WithHint("Use at most 1,024 bytes.")
	case !utf8.ValidString(password):
		return domain.Errorf(domain.Invalid, "The password is not UTF-8 text.")
	}
	return nil
}

// HashPassword makes the stored form of a new password, in the PHC format:
// $argon2id$v=19$m=19456,t=2,p=1$salt$hash.
func HashPassword(password string) (string, error) {
	if err := CheckPassword(password); err != nil {
		return "", err
	}
	salt := make([]byte, saltBytes)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("make a salt: %w", err)
	}
	return encode(salt, argon2.IDKey([]byte(password), salt, passes, memoryKiB, lanes, keyBytes)), nil
}

func encode(salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memoryKiB, passes, lanes, b64.EncodeToString(salt), b64.EncodeToString(key))
}

// matches reports whether password is the one stored. It waits for a free slot, or for ctx to end.
func (h hasher) matches(ctx context.Context, password, stored string) (bool, error) {
	salt, want, err := decode(stored)
	if err != nil {
		return false, err
	}
	if err := h.slot(ctx); err != nil {
		return false, err
	}
	defer h.free()
	got := argon2.IDKey([]byte(password), salt, passes, memoryKiB, lanes, keyBytes)
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// hash is HashPassword in its turn.
func (h hasher) hash(ctx context.Context, password string) (string, error) {
	if err := h.slot(ctx); err != nil {
		return "", err
	}
	defer h.free()
	return HashPassword(password)
}

// slot waits for a free slot, or for ctx to end.
func (h hasher) slot(ctx context.Context) error {
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h hasher) free() { <-h.slots }

// decode reads the form that encode writes; other parameters are refused, since none were ever stored.
func decode(stored string) (salt, key []byte, err error) {
	part := strings.Split(stored, "$")
	if len(part) != 6 || strings.Join(part[:4], "$") != fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d", argon2.Version, memoryKiB, passes, lanes) {
		return nil, nil, fmt.Errorf("the stored password has an unknown form")
	}
	b64 := base64.RawStdEncoding
	if salt, err = b64.DecodeString(part[4]); err == nil {
		key, err = b64.DecodeString(part[5])
	}
	if err != nil {
		return nil, nil, fmt.Errorf("the stored password cannot be read: %w", err)
	}
	return salt, key, nil
}
