package handlers

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"flagpole/internal/auth"
	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/static"
	"flagpole/store"
	"flagpole/store/storetest"
)

// The people who sign in.
const (
	owner    = "h.osei@north.example"      // the coach whose competitors the tests open
	other    = "r.castellan@south.example" // a coach with others
	newcomer = "i.falk@west.example"       // a coach with nobody
	admin    = "admin@flagpole.example"
	product  = "product@flagpole.example"

	password = "correct horse battery"
)

// hashed is the stored form of everybody's password; making it takes a while.
var hashed = sync.OnceValues(func() (string, error) { return auth.HashPassword(password) })

// portal is a portal on a database of its own, answering over HTTP, with the people of season.
type portal struct {
	t       *testing.T
	address string // of the database
	store   *store.Store
	clock   *storetest.Clock
	echo    *echo.Echo
	server  *httptest.Server
	log     *syncedBuffer
}

// newPortal starts a portal on the kind of database. It is known outside as http://portal.example unless change says
// otherwise.
func newPortal(t *testing.T, kind string, change ...func(*Options)) *portal {
	t.Helper()
	p := &portal{t: t, address: storetest.URL(t, kind), clock: storetest.NewClock(), log: &syncedBuffer{}}
	p.store = storetest.Open(t, p.address, p.clock)
	conf := Options{PublicURL: "http://portal.example", Zone: time.UTC, SyncEnabled: true, RateLimit: 5, SyncEvery: 30 * time.Minute, SyncAtMost: 8 * time.Hour}
	for _, c := range change {
		c(&conf)
	}
	files, err := static.New()
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewJSONHandler(p.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	p.echo = New(p.store, auth.New(p.store.Accounts(), conf.secure(), p.clock.Now), files, conf, p.clock.Now, log).(*echo.Echo)
	p.server = httptest.NewServer(p.echo)
	t.Cleanup(p.server.Close)
	p.season()
	return p
}

// onBoth runs test with a portal on SQLite and one on Postgres.
func onBoth(t *testing.T, test func(t *testing.T, p *portal)) {
	t.Helper()
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, newPortal(t, kind))
		})
	}
}

// exec changes the database behind the portal's back.
func (p *portal) exec(statement string) {
	p.t.Helper()
	p.raw(func(db *sql.DB) error {
		_, err := db.ExecContext(p.t.Context(), statement)
		return err
	})
}

// texts reads the rows of a query behind the portal's back, the columns of a row joined by spaces.
func (p *portal) texts(query string) []string {
	p.t.Helper()
	var list []string
	p.raw(func(db *sql.DB) error {
		rows, err := db.QueryContext(p.t.Context(), query)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				return err
			}
			list = append(list, text)
		}
		return rows.Err()
	})
	return list
}

func (p *portal) raw(do func(*sql.DB) error) {
	p.t.Helper()
	driver, source := "pgx", p.address
	if file, ok := strings.CutPrefix(p.address, "sqlite:"); ok {
		driver, source = "sqlite3", "file:"+file+"?_busy_timeout=5000"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := do(db); err != nil {
		p.t.Fatal(err)
	}
}

// audited lists the audit log: action, competitor, detail and the email of who did it.
func (p *portal) audited() []string {
	p.t.Helper()
	return p.texts(`SELECT a.action || ' ' || a.competitor_id || ' ' || a.detail || ' ' || u.email
		FROM audit_log a JOIN users u ON u.user_id = a.user_id ORDER BY a.audit_id`)
}

// enrol imports a roster.
func (p *portal) enrol(rows ...roster.Row) {
	p.t.Helper()
	for i := range rows {
		rows[i].Line = i + 2
	}
	_, wrong, err := p.store.System().ImportRoster(p.t.Context(), rows, false)
	if err != nil || len(wrong) > 0 {
		p.t.Fatal(err, wrong)
	}
}

// pull stores a successful sync of the competitor with this game platform id; change may make it another one.
func (p *portal) pull(id string, solves []domain.Solve, change ...func(*store.Pull)) {
	p.t.Helper()
	now := p.clock.Now()
	pull := store.Pull{
		GamePlatformID: id, At: now, Result: domain.SyncSuccess, Full: true,
		User:    &domain.PlatformUser{MetaCTFUserID: 1, Username: "player", Status: domain.PlatformApproved},
		ODL:     &store.ODLPull{RequestedAt: now, Snapshot: true, Solves: solves},
		NextDue: func(store.Activity) time.Time { return now.Add(30 * time.Minute) },
	}
	for _, c := range change {
		c(&pull)
	}
	if _, err := p.store.System().StorePull(p.t.Context(), pull); err != nil {
		p.t.Fatal(err)
	}
}

// browser is one visitor with a cookie jar. It follows no redirects and sends no Sec-Fetch-Site, so forms need their
// token.
type browser struct {
	p      *portal
	client *http.Client
}

// visitor is somebody who is not signed in.
func (p *portal) visitor() *browser {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	transport := &http.Transport{DisableCompression: true}
	p.t.Cleanup(transport.CloseIdleConnections)
	return &browser{p, &http.Client{Transport: transport, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}
}

// as is somebody with a live session, without the time that the password takes.
func (p *portal) as(email string) *browser {
	p.t.Helper()
	user, err := p.store.Accounts().UserByEmail(p.t.Context(), email)
	if err != nil {
		p.t.Fatal(err)
	}
	id := "session-of-" + email
	sum := sha256.Sum256([]byte(id))
	hash := hex.EncodeToString(sum[:])
	if err := p.store.Accounts().StartSession(p.t.Context(), hash, hash, store.Proof{UserID: user.ID, Password: user.PasswordHash, Code: true}, p.clock.Now().AddDate(0, 0, 7)); err != nil {
		p.t.Fatal(err)
	}
	b := p.visitor()
	b.client.Jar.SetCookies(b.url("/"), []*http.Cookie{{Name: "flagpole_session", Value: id, Path: "/"}})
	return b
}

func (b *browser) url(path string) *url.URL {
	b.p.t.Helper()
	u, err := url.Parse(b.p.server.URL + path)
	if err != nil {
		b.p.t.Fatal(err)
	}
	return u
}

// cookie is a cookie of the jar, "" where there is none.
func (b *browser) cookie(name string) string {
	for _, c := range b.client.Jar.Cookies(b.url("/")) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// answer is what came back.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

// get asks for a path; headers are names and values in turn.
func (b *browser) get(path string, headers ...string) answer {
	b.p.t.Helper()
	return b.send(http.MethodGet, path, nil, headers...)
}

// post sends a form.
func (b *browser) post(path string, form url.Values, headers ...string) answer {
	b.p.t.Helper()
	return b.send(http.MethodPost, path, form, headers...)
}

// submit opens the page, fills in its form and sends it, token and all.
func (b *browser) submit(page, form string, fields ...string) answer {
	b.p.t.Helper()
	found := b.get(page).doc().Find(form)
	if found.Length() != 1 {
		b.p.t.Fatalf("%s has %d forms %s", page, found.Length(), form)
	}
	values := url.Values{}
	found.Find("input").Each(func(_ int, s *goquery.Selection) { values.Set(s.AttrOr("name", ""), s.AttrOr("value", "")) })
	for i := 0; i+1 < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	return b.post(found.AttrOr("action", ""), values)
}

func (b *browser) send(method, path string, form url.Values, headers ...string) answer {
	b.p.t.Helper()
	got, err := b.try(method, path, form, headers...)
	if err != nil {
		b.p.t.Fatalf("%s %s: %v", method, path, err)
	}
	return got
}

// try is send for an answer that may break off.
func (b *browser) try(method, path string, form url.Values, headers ...string) (answer, error) {
	if form != nil {
		headers = append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)
	}
	return b.tryBody(method, path, strings.NewReader(form.Encode()), headers...)
}

// tryBody is try with any body.
func (b *browser) tryBody(method, path string, body io.Reader, headers ...string) (answer, error) {
	ctx, cancel := context.WithTimeout(b.p.t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, b.url(path).String(), body)
	if err != nil {
		return answer{}, err
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := b.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	return answer{b.p.t, res.StatusCode, res.Header, string(text)}, err
}

func (a answer) doc() *goquery.Document {
	a.t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
	if err != nil {
		a.t.Fatal(err)
	}
	return doc
}

// words are the texts of the elements that the selector finds.
func (a answer) words(selector string) []string {
	a.t.Helper()
	return a.doc().Find(selector).Map(func(_ int, s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") })
}

// attr is an attribute of the first element that the selector finds.
func (a answer) attr(selector, name string) string {
	a.t.Helper()
	return a.doc().Find(selector).AttrOr(name, "(none)")
}

// setCookie is a cookie that the answer sets.
func (a answer) setCookie(name string) *http.Cookie {
	a.t.Helper()
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name == name {
			return c
		}
	}
	a.t.Fatalf("the answer sets no cookie %s", name)
	return nil
}

func wantStatus(t *testing.T, got answer, want int) {
	t.Helper()
	if got.status != want {
		t.Fatalf("status %d, want %d; body:\n%s", got.status, want, got.body)
	}
}

func wantEqual[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// syncedBuffer is a log that requests write side by side.
type syncedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncedBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncedBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// press sends a form of names and values from the portal's own page.
func (b *browser) press(path string, fields ...string) answer {
	b.p.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	return b.post(path, values, "Sec-Fetch-Site", "same-origin")
}
