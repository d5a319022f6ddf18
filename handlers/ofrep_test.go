package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/labstack/echo/v4"

	"flagpole/internal/rollout"
	"flagpole/store"
)

const (
	ofrepToken = "a-token-of-more-than-32-characters"
	ofrepOne   = ofrepPath + "/" + rollout.Feature
)

// asking is a program that asks a portal, and holds every answer against docs/ofrep.yaml.
type asking struct {
	t    *testing.T
	p    *portal
	doc  *openapi3.T
	said *[]string // the text and the headers of all answers
}

// ofrepStore is the portal's store once there is one: a portal is made with it.
type ofrepStore struct{ p *portal }

// panics is a coach of whom the store cannot tell.
const panics = "K-panic"

func (s *ofrepStore) Ask(ctx context.Context, coachID string) (store.RolloutAnswer, error) {
	if coachID == panics {
		panic("a fault in the code about K-1")
	}
	return s.p.store.System().Rollout("test").Ask(ctx, coachID)
}

func newAsking(t *testing.T, kind string, change ...func(*Options)) asking {
	t.Helper()
	from := &ofrepStore{}
	from.p = newPortal(t, kind, append([]func(*Options){func(o *Options) { o.OFREPToken, o.Rollout = ofrepToken, from }}, change...)...)
	return asking{t, from.p, ofrepDescription(t), &[]string{}}
}

func asksOnBoth(t *testing.T, test func(t *testing.T, a asking)) {
	t.Helper()
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, newAsking(t, kind))
		})
	}
}

var decodePages = sync.OnceFunc(func() {
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.RegisteredBodyDecoder("text/plain"))
})

func ofrepDescription(t *testing.T) *openapi3.T {
	t.Helper()
	decodePages()
	doc, err := openapi3.NewLoader().LoadFromFile("../docs/ofrep.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return doc
}

// send asks as a program does; headers replace those of a right request, an empty one takes it away.
func (a asking) send(method, path, body string, headers ...string) answer {
	a.t.Helper()
	all := http.Header{"Authorization": {"Bearer " + ofrepToken}, "Content-Type": {"application/json"}}
	// It sends no form's token and comes from nowhere: neither may matter.
	all.Set("Sec-Fetch-Site", "cross-site")
	for i := 0; i+1 < len(headers); i += 2 {
		all.Set(headers[i], headers[i+1])
	}
	var list []string
	for name := range all {
		if all.Get(name) != "" {
			list = append(list, name, all.Get(name))
		}
	}
	got, err := a.p.visitor().tryBody(method, path, strings.NewReader(body), list...)
	if err != nil {
		a.t.Fatal(err)
	}
	*a.said = append(*a.said, got.body, fmt.Sprint(got.header))
	if len(got.header.Values("Set-Cookie")) > 0 {
		a.t.Errorf("%s %s sets cookies: %q", method, path, got.header.Values("Set-Cookie"))
	}
	wantEqual(a.t, path+": Cache-Control", got.header.Values("Cache-Control"), []string{"no-store"})
	if err := a.described(method, path, got); err != nil {
		a.t.Errorf("%s %s %.80s: status %d: %v", method, path, body, got.status, err)
	}
	return got
}

// patternOf is the description's name for an address, with the flag's key in it.
func patternOf(path string) (pattern string, key map[string]string) {
	if key, one := strings.CutPrefix(path, ofrepPath+"/"); one {
		return ofrepPath + "/{key}", map[string]string{"key": key}
	}
	return ofrepPath, nil
}

// request is one as the description's filter takes it.
func (a asking) request(method, path, body string) *openapi3filter.RequestValidationInput {
	pattern, key := patternOf(path)
	item := a.doc.Paths.Value(pattern)
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return &openapi3filter.RequestValidationInput{
		Request: r, PathParams: key,
		Route:   &routers.Route{Spec: a.doc, Path: pattern, PathItem: item, Method: http.MethodPost, Operation: item.Post},
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
}

// described holds an answer against the description. Other methods than POST get the answer that it gives for them.
func (a asking) described(method, path string, got answer) error {
	pattern, _ := patternOf(path)
	if got.status == http.StatusNotModified { // the filter lets it pass, whatever it is
		return notModified(a.doc.Paths.Value(pattern).Post, got)
	}
	return openapi3filter.ValidateResponse(a.t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: a.request(method, path, ""),
		Status:                 got.status, Header: got.header, Body: io.NopCloser(bytes.NewReader([]byte(got.body))),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
}

func notModified(operation *openapi3.Operation, got answer) error {
	described := operation.Responses.Value("304")
	if described == nil || got.body != "" {
		return fmt.Errorf("304 with the body %q is not described", got.body)
	}
	for name, header := range described.Value.Headers {
		if err := header.Value.Schema.Value.VisitJSON(got.header.Get(name)); err != nil {
			return fmt.Errorf("the header %s: %w", name, err)
		}
	}
	return nil
}

// object is an answer in JSON.
func (a answer) object() map[string]any {
	a.t.Helper()
	var all map[string]any
	if err := json.Unmarshal([]byte(a.body), &all); err != nil {
		a.t.Fatalf("%v in %q", err, a.body)
	}
	return all
}

func about(coachID string) string { return fmt.Sprintf(`{"context":{"targetingKey":%q}}`, coachID) }

// flagJSON is the answer for one flag.
func flagJSON(value bool, reason string, maySee bool, percent int) string {
	variant := map[bool]string{true: "on", false: "off"}[value]
	return fmt.Sprintf(`{"key":"game-platform","value":%t,"reason":%q,"variant":%q,"metadata":{"maySee":%t,"percent":%d}}`, value, reason, variant, maySee, percent)
}

func (a asking) change(c store.RolloutChange) {
	a.t.Helper()
	c.Reason, c.Seen = "test", -1
	if _, err := a.p.store.System().Rollout("test").Apply(a.t.Context(), c); err != nil {
		a.t.Fatal(err)
	}
}

func toPercent(percent int, keep bool) store.RolloutChange {
	return store.RolloutChange{Action: store.SetLevel, Level: store.Level{Percent: percent}, Keep: keep, Override: true}
}

// The coaches are K-1, K-2 and K-3. Which of them has it first, the order decides: the test reads it.
func TestOFREPGivesEachReason(t *testing.T) {
	off := store.RolloutChange{Action: store.SetLevel, Level: store.Level{Off: true}}
	pilot := store.RolloutChange{Action: store.AddPilot, CoachID: "K-1"}
	held := store.RolloutChange{Action: store.HoldBack, CoachID: "K-2"}
	kill := store.RolloutChange{Action: store.Kill}
	for name, c := range map[string]struct {
		changes     []store.RolloutChange
		environment bool
		coach, want string
	}{
		"environment off":                     {nil, false, "K-1", flagJSON(false, "DISABLED", true, 100)},
		"environment off, a stranger":         {nil, false, "nobody", flagJSON(false, "DISABLED", false, 100)},
		"kill switch":                         {[]store.RolloutChange{kill}, true, "K-1", flagJSON(false, "DISABLED", true, 100)},
		"kill switch, a pilot":                {[]store.RolloutChange{pilot, kill}, true, "K-1", flagJSON(false, "DISABLED", true, 100)},
		"kill switch, held back":              {[]store.RolloutChange{held, kill}, true, "K-2", flagJSON(false, "DISABLED", false, 100)},
		"kill switch, a stranger":             {[]store.RolloutChange{kill}, true, "nobody", flagJSON(false, "DISABLED", false, 100)},
		"a pilot":                             {[]store.RolloutChange{pilot, toPercent(0, false)}, true, "K-1", flagJSON(true, "TARGETING_MATCH", true, 0)},
		"a pilot at 100 percent":              {[]store.RolloutChange{pilot}, true, "K-1", flagJSON(true, "TARGETING_MATCH", true, 100)},
		"a pilot while it is off":             {[]store.RolloutChange{pilot, off}, true, "K-1", flagJSON(false, "DEFAULT", false, 0)},
		"held back":                           {[]store.RolloutChange{held}, true, "K-2", flagJSON(false, "TARGETING_MATCH", false, 100)},
		"held back while it is off":           {[]store.RolloutChange{held, off}, true, "K-2", flagJSON(false, "TARGETING_MATCH", false, 0)},
		"enrolled":                            {nil, true, "K-3", flagJSON(true, "SPLIT", true, 100)},
		"enrolled at a part":                  {[]store.RolloutChange{toPercent(1, true)}, true, "K-3", flagJSON(true, "SPLIT", true, 1)},
		"kept at 0 percent":                   {[]store.RolloutChange{toPercent(0, true)}, true, "K-3", flagJSON(true, "SPLIT", true, 0)},
		"not yet at 1 percent":                {[]store.RolloutChange{toPercent(0, false), pilot, toPercent(1, false)}, true, "K-3", flagJSON(false, "SPLIT", false, 1)},
		"a stranger at a part":                {[]store.RolloutChange{toPercent(50, true)}, true, "nobody", flagJSON(false, "DEFAULT", false, 50)},
		"a stranger at 100 percent":           {nil, true, "nobody", flagJSON(false, "DEFAULT", false, 100)},
		"0 percent":                           {[]store.RolloutChange{toPercent(0, false)}, true, "K-1", flagJSON(false, "DEFAULT", false, 0)},
		"off":                                 {[]store.RolloutChange{off}, true, "K-1", flagJSON(false, "DEFAULT", false, 0)},
		"100 percent, a coach who came later": {nil, true, "K-4", flagJSON(false, "DEFAULT", false, 100)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAsking(t, "sqlite", func(o *Options) { o.SyncEnabled = c.environment })
			for _, change := range c.changes {
				a.change(change)
			}
			a.p.exec(`INSERT INTO coaches (coach_id, email, email_key, name, sort_key, created_at, updated_at)
				VALUES ('K-4', 'late@west.example', 'late@west.example', 'Late Comer', 'late comer', 0, 0)`)
			one := a.send(http.MethodPost, ofrepOne, about(c.coach))
			wantEqual(t, "one", fmt.Sprint(one.status, " ", strings.TrimSpace(one.body)), "200 "+c.want)
			all := a.send(http.MethodPost, ofrepPath, about(c.coach))
			wantEqual(t, "all", fmt.Sprint(all.status, " ", all.body), `200 {"flags":[`+c.want+`]}`)
		})
	}
}

// 99 % of 3 coaches are all of them, so this needs 50 %: the first two of the order.
func TestOFREPSplitsTheKnownCoaches(t *testing.T) {
	asksOnBoth(t, func(t *testing.T, a asking) {
		a.change(toPercent(0, false))
		a.change(toPercent(50, false))
		st, err := a.p.store.System().Rollout("test").State(t.Context())
		if err != nil || len(st.Enrolled()) != 2 {
			t.Fatal(st.Enrolled(), err)
		}
		for _, coach := range st.Coaches {
			got := a.send(http.MethodPost, ofrepOne, about(coach.ID))
			wantEqual(t, coach.ID, strings.TrimSpace(got.body), flagJSON(coach.Enrolled, "SPLIT", coach.Enrolled, 50))
		}
	})
}

func TestOFREPNeedsItsToken(t *testing.T) {
	a := newAsking(t, "sqlite")
	for name, c := range map[string]struct {
		headers []string
		want    int
	}{
		"right":                {nil, 200},
		"scheme in lower case": {[]string{"Authorization", "bearer " + ofrepToken}, 200},
		"none":                 {[]string{"Authorization", ""}, 401},
		"wrong":                {[]string{"Authorization", "Bearer another-token-of-more-than-32-characters"}, 401},
		"a part":               {[]string{"Authorization", "Bearer " + ofrepToken[:20]}, 401},
		"more":                 {[]string{"Authorization", "Bearer " + ofrepToken + "x"}, 401},
		"empty":                {[]string{"Authorization", "Bearer "}, 401},
		"without its scheme":   {[]string{"Authorization", ofrepToken}, 401},
		"another scheme":       {[]string{"Authorization", "Basic " + ofrepToken}, 401},
		"in another header":    {[]string{"Authorization", "", "X-Api-Key", ofrepToken}, 401},
		"in a cookie":          {[]string{"Authorization", "", "Cookie", "token=" + ofrepToken + "; Authorization=Bearer " + ofrepToken}, 401},
	} {
		for _, path := range []string{ofrepOne, ofrepPath, ofrepPath + "/another"} {
			want := c.want
			if want == 200 && strings.HasSuffix(path, "/another") {
				want = 404
			}
			got := a.send(http.MethodPost, path, about("K-1"), c.headers...)
			if got.status != want {
				t.Errorf("%s: %s: status %d, want %d", name, path, got.status, want)
			}
			if got.status == 401 && (got.header.Get("WWW-Authenticate") != "Bearer" || len(got.object()) != 1 || strings.Contains(got.body, "K-1")) {
				t.Errorf("%s: %s: %v %s", name, path, got.header, got.body)
			}
		}
	}
	for _, text := range append(*a.said, a.p.log.String()) {
		if strings.Contains(text, ofrepToken) {
			t.Errorf("the token stands in %s", text)
		}
	}
}

// A person's session opens nothing here, and is not looked at: with a broken database it would be a fault.
func TestOFREPTakesNoSession(t *testing.T) {
	a := newAsking(t, "sqlite")
	session := "flagpole_session=" + a.p.as(admin).cookie("flagpole_session")
	if got := a.send(http.MethodPost, ofrepOne, about("K-1"), "Authorization", "", "Cookie", session); got.status != 401 {
		t.Errorf("status %d", got.status)
	}
	a.p.exec(`DROP TABLE sessions`)
	if got := a.send(http.MethodPost, ofrepOne, about("K-1"), "Cookie", session); got.status != 200 {
		t.Errorf("with the token: status %d", got.status)
	}
	if strings.Contains(a.p.log.String(), `"user":"u`) {
		t.Error("the log has a user")
	}
}

func TestOFREPIsNotThereWithoutAToken(t *testing.T) {
	a := newAsking(t, "sqlite", func(o *Options) { o.OFREPToken = "" })
	for _, headers := range [][]string{nil, {"Authorization", ""}, {"Authorization", "Bearer "}, {"Authorization", "Bearer"}} {
		for _, path := range []string{ofrepOne, ofrepPath, ofrepPath + "/another"} {
			for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodPut, http.MethodDelete} {
				if got := a.send(method, path, about("K-1"), headers...); got.status != 404 {
					t.Errorf("%s %s with %q: status %d", method, path, headers, got.status)
				}
			}
		}
	}
}

func TestOFREPRefusesWhatIsWrong(t *testing.T) {
	a := newAsking(t, "sqlite")
	full := func(size int) string {
		return `{"context":{"targetingKey":"K-1","more":"` + strings.Repeat("x", size-len(`{"context":{"targetingKey":"K-1","more":""}}`)) + `"}}`
	}
	for name, c := range map[string]struct {
		body, kind, want string // the code, "" where nothing is wrong
	}{
		"more than is needed":          {`{"context":{"targetingKey":"K-1","role":"x","n":[1,{}]},"more":1}`, "application/json", ""},
		"with a character set":         {about("K-1"), "application/json; charset=utf-8", ""},
		"64 kB":                        {full(64 << 10), "application/json", ""},
		"64 kB and one":                {full(64<<10 + 1), "application/json", "GENERAL"},
		"huge":                         {full(5 << 20), "application/json", "GENERAL"},
		"huge and nothing":             {strings.Repeat(" ", 5<<20), "application/json", "GENERAL"},
		"nothing":                      {"", "application/json", "PARSE_ERROR"},
		"no JSON":                      {"now please", "application/json", "PARSE_ERROR"},
		"broken off":                   {`{"context":{"targetingKey":"K-1"}`, "application/json", "PARSE_ERROR"},
		"two objects":                  {about("K-1") + about("K-2"), "application/json", "PARSE_ERROR"},
		"a list":                       {`[]`, "application/json", "PARSE_ERROR"},
		"null":                         {`null`, "application/json", "PARSE_ERROR"},
		"a text":                       {`"K-1"`, "application/json", "PARSE_ERROR"},
		"not UTF-8":                    {"{\"context\":{\"targetingKey\":\"K-\xff\"}}", "application/json", "PARSE_ERROR"},
		"too deep":                     {strings.Repeat(`{"context":`, 6000), "application/json", "GENERAL"},
		"deep":                         {`{"context":` + strings.Repeat(`[`, 30_000), "application/json", "PARSE_ERROR"},
		"another type":                 {about("K-1"), "text/plain", "PARSE_ERROR"},
		"a form":                       {about("K-1"), "application/x-www-form-urlencoded", "PARSE_ERROR"},
		"almost the type":              {about("K-1"), "application/json5", "PARSE_ERROR"},
		"a type that cannot be read":   {about("K-1"), ";", "PARSE_ERROR"},
		"no type":                      {about("K-1"), "", "PARSE_ERROR"},
		"no context":                   {`{}`, "application/json", "TARGETING_KEY_MISSING"},
		"context in another spelling":  {`{"Context":{"targetingKey":"K-1"}}`, "application/json", "TARGETING_KEY_MISSING"},
		"an empty context":             {`{"context":{}}`, "application/json", "TARGETING_KEY_MISSING"},
		"the key beside the context":   {`{"context":{},"targetingKey":"K-1"}`, "application/json", "TARGETING_KEY_MISSING"},
		"the key in another spelling":  {`{"context":{"targetingkey":"K-1"}}`, "application/json", "TARGETING_KEY_MISSING"},
		"an empty key":                 {about(""), "application/json", "TARGETING_KEY_MISSING"},
		"context is null":              {`{"context":null}`, "application/json", "INVALID_CONTEXT"},
		"context is a text":            {`{"context":"K-1"}`, "application/json", "INVALID_CONTEXT"},
		"context is a list":            {`{"context":["K-1"]}`, "application/json", "INVALID_CONTEXT"},
		"the key is a number":          {`{"context":{"targetingKey":7}}`, "application/json", "INVALID_CONTEXT"},
		"the key is null":              {`{"context":{"targetingKey":null}}`, "application/json", "INVALID_CONTEXT"},
		"the key is a list":            {`{"context":{"targetingKey":["K-1"]}}`, "application/json", "INVALID_CONTEXT"},
		"the key is an object":         {`{"context":{"targetingKey":{"id":"K-1"}}}`, "application/json", "INVALID_CONTEXT"},
		"the key is true":              {`{"context":{"targetingKey":true}}`, "application/json", "INVALID_CONTEXT"},
		"a key that no coach can have": {`{"context":{"targetingKey":"K-1\u0000'; DROP TABLE coaches; --"}}`, "application/json", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := a
			a.t = t
			for path, key := range map[string]any{ofrepOne: "game-platform", ofrepPath: nil} {
				got := a.send(http.MethodPost, path, c.body, "Content-Type", c.kind)
				err := openapi3filter.ValidateRequest(t.Context(), a.request(http.MethodPost, path, c.body))
				if described := err == nil; described != (c.want == "") && (c.want == "" || c.want == ofrepNoKey || c.want == ofrepContext) {
					t.Errorf("%s: the description says of the request: %v", path, err)
				}
				if c.want == "" {
					wantStatus(t, got, 200)
					continue
				}
				said := got.object()
				if got.status != 400 || said["errorCode"] != c.want || said["reason"] != "ERROR" || said["key"] != key || got.header.Get("ETag") != "" {
					t.Errorf("%s: status %d, %s; want 400 and %s", path, got.status, got.body, c.want)
				}
			}
		})
	}
	if got := a.send(http.MethodPost, ofrepOne, about("K-1")); strings.TrimSpace(got.body) != flagJSON(true, "SPLIT", true, 100) {
		t.Errorf("afterwards: %s", got.body)
	}
}

func TestOFREPKnowsOneFlag(t *testing.T) {
	a := newAsking(t, "sqlite")
	for path, key := range map[string]string{"another": "another", "Game-Platform": "Game-Platform", "game-platform%20": "game-platform ", "game%2Dplatform%2F": "game-platform/", "a%3Cb%3E": "a<b>", "game-platform/more": "game-platform/more", "%FF": "\uFFFD"} {
		for _, body := range []string{about("K-1"), "nonsense", ""} {
			got := a.send(http.MethodPost, ofrepPath+"/"+path, body)
			if got.status != 404 || got.object()["errorCode"] != "FLAG_NOT_FOUND" || got.object()["reason"] != "ERROR" || got.object()["key"] != key {
				t.Errorf("%q: status %d, %s", path, got.status, got.body)
			}
		}
	}
}

func TestOFREPKnowsTheFlagHoweverItIsEncoded(t *testing.T) {
	a := newAsking(t, "sqlite")
	wantStatus(t, a.send(http.MethodPost, ofrepPath+"/game%2Dplatform", about("K-1")), 200)
}

func TestOFREPTakesPOSTOnly(t *testing.T) {
	a := newAsking(t, "sqlite")
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, "BREW"} {
		for _, path := range []string{ofrepOne, ofrepPath, ofrepPath + "/another"} {
			for _, token := range []string{"Bearer " + ofrepToken, ""} {
				got := a.send(method, path, about("K-1"), "Authorization", token)
				if got.status != 405 || got.header.Get("Allow") != "POST" {
					t.Errorf("%s %s: status %d, Allow %q", method, path, got.status, got.header.Get("Allow"))
				}
			}
		}
	}
	for _, path := range []string{"/ofrep/", ofrepPath + "/", "/ofrep/v1/configuration", "/ofrep/v2/evaluate/flags"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			got := a.p.visitor().send(method, path, nil)
			if got.status != 404 || len(got.header.Values("Set-Cookie")) > 0 || got.object()["errorDetails"] == nil {
				t.Errorf("%s %s: status %d, %s", method, path, got.status, got.body)
			}
		}
	}
}

func TestOFREPSaysWhenNothingIsNew(t *testing.T) {
	asksOnBoth(t, func(t *testing.T, a asking) {
		ask := func(coachID, tags string) answer {
			t.Helper()
			return a.send(http.MethodPost, ofrepPath, about(coachID), "If-None-Match", tags)
		}
		first := ask("K-1", "")
		tag := first.header.Get("ETag")
		wantEqual(t, "again", []any{ask("K-1", "").header.Get("ETag"), ask("K-1", "").body}, []any{tag, first.body})
		for _, tags := range []string{tag, "W/" + tag, `"x", ` + tag, `"x",W/"y",` + tag + `,"z"`, "*"} {
			got := ask("K-1", tags)
			if got.status != 304 || got.body != "" || got.header.Get("ETag") != tag {
				t.Errorf("%s: status %d, %q, %v", tags, got.status, got.body, got.header)
			}
		}
		for _, tags := range []string{"", `"x"`, strings.Trim(tag, `"`), `"*"`, tag + "x", `W/"x"`} {
			wantStatus(t, ask("K-1", tags), 200)
		}
		wantStatus(t, ask("nobody", tag), 200)
		wantStatus(t, ask("", tag), 400)
		wantStatus(t, a.send(http.MethodPost, ofrepPath, about("K-1"), "If-None-Match", tag, "Authorization", ""), 401)
		a.change(store.RolloutChange{Action: store.Kill})
		killed := ask("K-1", tag)
		wantStatus(t, killed, 200)
		if killed.header.Get("ETag") == tag {
			t.Error("another answer has the same tag")
		}
		a.change(store.RolloutChange{Action: store.Unkill})
		wantStatus(t, ask("K-1", tag), 304)
		wantEqual(t, "one flag has no tag", a.send(http.MethodPost, ofrepOne, about("K-1"), "If-None-Match", "*").status, 200)
	})
}

func TestOFREPSaysThatThePortalFailed(t *testing.T) {
	asksOnBoth(t, func(t *testing.T, a asking) {
		for _, ask := range [][2]string{{ofrepOne, panics}, {ofrepPath, panics}, {ofrepOne, "K-1"}, {ofrepPath, "K-1"}} {
			if ask[1] != panics {
				_ = a.p.store.Close() // twice
			}
			got := a.send(http.MethodPost, ask[0], about(ask[1]))
			wantStatus(t, got, 500)
			details, _ := got.object()["errorDetails"].(string)
			reference := strings.TrimSuffix(details[strings.LastIndexByte(details, ' ')+1:], ".")
			if len(got.object()) != 1 || len(reference) != 7 || !strings.Contains(a.p.log.String(), `"reference":"`+reference+`"`) {
				t.Errorf("%s; the log:\n%s", got.body, a.p.log.String())
			}
			if strings.Contains(details, "database") || strings.Contains(details, "sql") || strings.Contains(details, "fault in") {
				t.Errorf("shows the inside: %s", details)
			}
		}
	})
}

// Programs learn about coaches by their ids only, and so does whoever reads the log; which coach was asked for, nobody.
func TestOFREPNamesNobody(t *testing.T) {
	asksOnBoth(t, func(t *testing.T, a asking) {
		for _, path := range []string{ofrepOne, ofrepPath, ofrepPath + "/another"} {
			for _, coach := range []string{"K-1", "K-2", "K-3", "nobody", owner, "Halima Osei"} {
				a.send(http.MethodPost, path, about(coach))
				a.send(http.MethodPost, path, about(coach), "Authorization", "Bearer x")
				a.send(http.MethodPost, path, about(coach)+"x")
				a.send(http.MethodPut, path, about(coach))
			}
		}
		a.p.exec(`ALTER TABLE rollout RENAME TO elsewhere`)
		for _, coach := range []string{"K-1", owner} {
			wantStatus(t, a.send(http.MethodPost, ofrepOne, about(coach)), 500)
		}
		log := a.p.log.String()
		if !strings.Contains(log, `"route":"/ofrep/v1/evaluate/flags/:key"`) {
			t.Error("the log has no request")
		}
		secrets := slices.Concat(peopleOf[owner], peopleOf[other], []string{newcomer, "Ines Falk", "@", "Northgate", "K-1", "K-2", "K-3", ofrepToken})
		for _, text := range append(*a.said, log) {
			for _, secret := range secrets {
				if strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
					t.Errorf("%q stands in %s", secret, text)
				}
			}
		}
	})
}

// The description must be able to refuse, else the tests above hold the answers against nothing.
func TestTheDescriptionOfOFREPRefuses(t *testing.T) {
	a := asking{t: t, doc: ofrepDescription(t)}
	kept := http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}}
	with := func(name, value string) http.Header {
		h := kept.Clone()
		h.Set(name, value)
		return h
	}
	tag := `"` + strings.Repeat("0a", 32) + `"`
	good := flagJSON(true, "SPLIT", true, 50)
	for name, c := range map[string]struct {
		path   string
		status int
		header http.Header
		body   string
		taken  bool
	}{
		"good":                      {ofrepOne, 200, kept, good, true},
		"another field":             {ofrepOne, 200, kept, strings.Replace(good, `"percent"`, `"name":"Halima","percent"`, 1), false},
		"a person beside the value": {ofrepOne, 200, kept, strings.Replace(good, `"key"`, `"coach":"Halima","key"`, 1), false},
		"value and variant differ":  {ofrepOne, 200, kept, strings.Replace(good, "true", "false", 1), false},
		"a reason of no value":      {ofrepOne, 200, kept, flagJSON(true, "DEFAULT", true, 50), false},
		"calls what is not seen":    {ofrepOne, 200, kept, flagJSON(true, "SPLIT", false, 50), false},
		"a reason nobody knows":     {ofrepOne, 200, kept, flagJSON(false, "STATIC", false, 50), false},
		"more than all":             {ofrepOne, 200, kept, flagJSON(false, "SPLIT", false, 101), false},
		"caches may keep it":        {ofrepOne, 200, with("Cache-Control", "max-age=60"), good, false},
		"all, good":                 {ofrepPath, 200, with("ETag", tag), `{"flags":[` + good + `]}`, true},
		"all without a tag":         {ofrepPath, 200, kept, `{"flags":[` + good + `]}`, false},
		"all with a weak tag":       {ofrepPath, 200, with("ETag", "W/"+tag), `{"flags":[` + good + `]}`, false},
		"no flags":                  {ofrepPath, 200, with("ETag", tag), `{"flags":[]}`, false},
		"304":                       {ofrepPath, 304, with("ETag", tag), "", true},
		"304 with a body":           {ofrepPath, 304, with("ETag", tag), "{}", false},
		"304 without a tag":         {ofrepPath, 304, kept, "", false},
		"304 for one":               {ofrepOne, 304, with("ETag", tag), "", false},
		"a failure":                 {ofrepOne, 400, kept, `{"key":"game-platform","errorCode":"GENERAL","errorDetails":"x","reason":"ERROR"}`, true},
		"a failure without a key":   {ofrepOne, 400, kept, `{"errorCode":"GENERAL","errorDetails":"x","reason":"ERROR"}`, false},
		"a failure of all with one": {ofrepPath, 400, kept, `{"key":"game-platform","errorCode":"GENERAL","errorDetails":"x","reason":"ERROR"}`, false},
		"401 without the scheme":    {ofrepOne, 401, kept, `{"errorDetails":"x"}`, false},
		"405 without the method":    {ofrepOne, 405, kept, `{"errorDetails":"x"}`, false},
		"500 with nothing":          {ofrepOne, 500, kept, `{}`, false},
		"a status nobody knows":     {ofrepOne, 418, kept, `{}`, false},
	} {
		if err := a.described(http.MethodPost, c.path, answer{status: c.status, header: c.header, body: c.body}); (err == nil) != c.taken {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whoever breaks off is not told that the portal failed, and the log does not say so either.
func TestOFREPWithoutAnybodyThere(t *testing.T) {
	a := newAsking(t, "sqlite")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequest(http.MethodPost, ofrepOne, strings.NewReader(about("K-1"))).WithContext(ctx)
	r.Header.Set(echo.HeaderAuthorization, "Bearer "+ofrepToken)
	r.Header.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	w := httptest.NewRecorder()
	a.p.echo.ServeHTTP(w, r)
	wantEqual(t, "status", w.Code, http.StatusBadRequest)
	if log := a.p.log.String(); strings.Contains(log, `"level":"ERROR"`) || strings.Contains(log, "reference") || !strings.Contains(log, "request given up") {
		t.Errorf("the log:\n%s", log)
	}
}
