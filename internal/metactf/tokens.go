package metactf

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// Token is a bearer token, or a file that holds one.
type Token struct {
	Name  string // what people know it by, for example the variable it came from
	Value string // empty: it is in the file
	File  string // read again when it has changed, so that a token can be replaced without a restart
}

// TokenUse says which token is in use, without saying what it is.
type TokenUse struct {
	Name        string
	Fingerprint string // the first 12 hex digits of the token's SHA-256; "" where the file holds none
	Refused     bool   // the platform refused it when it was last tried
	Taken       int64  // how many calls it was taken for
}

// fingerprintDigits is how much of a hash names a token: enough to tell two apart, of no use for guessing one.
const fingerprintDigits = 12

func fingerprint(token string) string {
	if token == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])[:fingerprintDigits]
}

// maxTokenFile is how large a file with a token may be, in bytes.
const maxTokenFile = 8 << 10

// tokens are the tokens a client has. The first one that the platform has not refused is used. Where it has refused all, they
// are tried in turn.
type tokens struct {
	mu      sync.Mutex
	list    []Token // Value is what the file held when it was last read
	changed []time.Time
	no      map[string]bool // by value: refused when last tried
	taken   map[string]int64
	turn    int // where all are refused: which is tried next
}

func newTokens(list []Token) (*tokens, error) {
	t := &tokens{changed: make([]time.Time, len(list)), no: map[string]bool{}, taken: map[string]int64{}}
	if len(list) == 0 {
		return nil, errors.New("platform token: is empty")
	}
	for i, token := range list {
		if token.File != "" {
			value, changed, err := readToken(token.File)
			if err != nil {
				return nil, err
			}
			token.Value, t.changed[i] = value, changed
		}
		if err := checkToken(token.Value); err != nil {
			return nil, err
		}
		t.list = append(t.list, token)
	}
	return t, nil
}

// readToken reads a file with a token. White space around it is not part of it: editors end files with a line break.
func readToken(path string) (value string, changed time.Time, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", changed, fmt.Errorf("platform token: the file cannot be opened: %w", errors.Unwrap(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", changed, errors.New("platform token: the file cannot be read")
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxTokenFile))
	if err != nil {
		return "", changed, errors.New("platform token: the file cannot be read")
	}
	return strings.TrimSpace(string(raw)), info.ModTime(), nil
}

// use is the token for the next call.
func (t *tokens) use() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reread()
	i := t.current()
	if t.no[t.list[i].Value] {
		t.turn = (i + 1) % len(t.list)
	}
	return t.list[i].Value
}

// current is the place of the token in use. The caller holds the lock.
func (t *tokens) current() int {
	for i, token := range t.list {
		if !t.no[token.Value] {
			return i
		}
	}
	return t.turn
}

// reread takes what the files hold now. One that cannot be read, or holds nothing that can be a token, leaves the token as it
// was: it may be about to be replaced.
func (t *tokens) reread() {
	for i, token := range t.list {
		if token.File == "" {
			continue
		}
		info, err := os.Stat(token.File)
		if err != nil || info.ModTime().Equal(t.changed[i]) {
			continue
		}
		if value, changed, err := readToken(token.File); err == nil && checkToken(value) == nil {
			t.list[i].Value, t.changed[i] = value, changed
		}
	}
}

// refused notes that the platform does not take a token, and reports whether there is another one to try.
func (t *tokens) refused(value string) (other bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.no[value] = true
	return !t.no[t.list[t.current()].Value]
}

// accepted notes that the platform takes a token.
func (t *tokens) accepted(value string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.no, value)
	t.taken[value]++
}

func (t *tokens) inUse() TokenUse {
	t.mu.Lock()
	defer t.mu.Unlock()
	token := t.list[t.current()]
	return TokenUse{token.Name, fingerprint(token.Value), t.no[token.Value], t.taken[token.Value]}
}

// values are all tokens there are, and those that were refused.
func (t *tokens) values() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var values []string
	for _, token := range t.list {
		values = append(values, token.Value)
	}
	for value := range t.no {
		values = append(values, value)
	}
	return values
}
