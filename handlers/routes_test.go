package handlers

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"flagpole/internal/domain"
	"flagpole/store"
)

// access is what a route answers to each kind of visitor; path is one of its addresses, C-1 being the owner's.
type access struct {
	path                                    string
	anonymous, owner, other, admin, product int
}

// matrix holds every route. A route that is not in it fails the test.
var matrix = map[string]access{
	"GET /login":  {"/login", 200, 303, 303, 303, 303},
	"POST /login": {"/login", 401, 401, 401, 401, 401}, // with a wrong password

	"POST /logout":                    {"/logout", 303, 303, 303, 303, 303},
	"GET /":                           {"/", 303, 303, 303, 303, 303},
	"GET /competitors":                {"/competitors", 303, 200, 200, 200, 403},
	"GET /competitors.csv":            {"/competitors.csv", 303, 200, 200, 200, 403},
	"GET /competitors/:id":            {"/competitors/C-1", 303, 200, 404, 200, 403},
	"GET /competitors.xlsx":           {"/competitors.xlsx", 303, 200, 200, 200, 403},
	"GET /competitors/:id/solves.csv": {"/competitors/C-1/solves.csv", 303, 200, 404, 200, 403},

	"POST /competitors/:id/refresh": {"/competitors/C-1/refresh", 303, 303, 404, 303, 403},

	"GET /teams":                          {"/teams", 303, 200, 200, 200, 403},
	"GET /teams.csv":                      {"/teams.csv", 303, 200, 200, 200, 403},
	"GET /teams/:id":                      {"/teams/" + ownersTeam, 303, 200, 404, 200, 403},
	"GET /teams/:id/unsolved.csv":         {"/teams/" + ownersTeam + "/unsolved.csv", 303, 200, 404, 200, 403},
	"GET /events":                         {"/events", 303, 200, 200, 200, 403},
	"GET /events.csv":                     {"/events.csv", 303, 200, 200, 200, 403},
	"GET /events/:id":                     {"/events/" + autumn.ID(), 303, 200, 200, 200, 403},
	"GET /events/:id/results.csv":         {"/events/" + autumn.ID() + "/results.csv", 303, 200, 200, 200, 403},
	"GET /numbers":                        {"/numbers", 303, 200, 200, 200, 403},
	"GET /coaches":                        {"/coaches", 303, 403, 403, 200, 403},
	"GET /coaches.csv":                    {"/coaches.csv", 303, 403, 403, 200, 403},
	"POST /coaches/:id/view":              {"/coaches/K-1/view", 303, 403, 403, 303, 403},
	"POST /viewing/end":                   {"/viewing/end", 303, 403, 403, 303, 403},
	"GET /admin/categories":               {"/admin/categories", 303, 403, 403, 200, 403},
	"GET /admin/categories.csv":           {"/admin/categories.csv", 303, 403, 403, 200, 403},
	"GET /admin/audit":                    {"/admin/audit", 303, 403, 403, 200, 403},
	"GET /admin/audit.csv":                {"/admin/audit.csv", 303, 403, 403, 200, 403},
	"GET /admin/sync":                     {"/admin/sync", 303, 403, 403, 200, 200},
	"GET /admin/sync/runs.csv":            {"/admin/sync/runs.csv", 303, 403, 403, 200, 200},
	"GET /admin/sync/all":                 {"/admin/sync/all", 303, 403, 403, 200, 403},
	"POST /admin/sync/all":                {"/admin/sync/all", 303, 403, 403, 303, 403},
	"GET /admin/sync/coach":               {"/admin/sync/coach?coach=K-1", 303, 403, 403, 200, 403},
	"POST /admin/sync/coach":              {"/admin/sync/coach", 303, 403, 403, 422, 403}, // with no coach
	"GET /admin/sync/pause":               {"/admin/sync/pause", 303, 403, 403, 200, 403},
	"POST /admin/sync/pause":              {"/admin/sync/pause", 303, 403, 403, 422, 403}, // with no reason
	"GET /admin/sync/resume":              {"/admin/sync/resume", 303, 403, 403, 200, 403},
	"POST /admin/sync/resume":             {"/admin/sync/resume", 303, 403, 403, 409, 403}, // nothing is paused
	"GET /admin/failures":                 {"/admin/failures?open=" + timeouts, 303, 403, 403, 200, 200},
	"GET /admin/failures.csv":             {"/admin/failures.csv", 303, 403, 403, 200, 403},
	"GET /admin/failures/retry":           {"/admin/failures/retry", 303, 403, 403, 200, 403},
	"POST /admin/failures/retry":          {"/admin/failures/retry", 303, 403, 403, 422, 403}, // does not say which were meant
	"GET /admin/failures/clear":           {"/admin/failures/clear?id=1&id=3", 303, 403, 403, 200, 403},
	"POST /admin/failures/clear":          {"/admin/failures/clear", 303, 403, 403, 422, 403},
	"GET /admin/failures/:id":             {"/admin/failures/3", 303, 403, 403, 200, 403},
	"POST /admin/failures/:id/retry":      {"/admin/failures/3/retry", 303, 403, 403, 303, 403},
	"POST /admin/failures/:id/email":      {"/admin/failures/1/email", 303, 403, 403, 303, 403},
	"GET /admin/operations/:id":           {"/admin/operations/999", 303, 403, 403, 404, 403},
	"POST /admin/operations/:id/abort":    {"/admin/operations/999/abort", 303, 403, 403, 404, 403},
	"POST /admin/operations/:id/undo":     {"/admin/operations/999/undo", 303, 403, 403, 404, 403},
	"GET /admin/alerts":                   {"/admin/alerts", 303, 403, 403, 200, 200},
	"POST /admin/alerts/acknowledge":      {"/admin/alerts/acknowledge", 303, 403, 403, 404, 403}, // no rule
	"POST /admin/alerts/test":             {"/admin/alerts/test", 303, 403, 403, 303, 403},
	"GET /admin/connection":               {"/admin/connection", 303, 403, 403, 200, 403},
	"POST /admin/connection/test":         {"/admin/connection/test", 303, 403, 403, 303, 403},
	"GET /problems":                       {"/problems", 303, 200, 200, 200, 200},
	"POST /problems":                      {"/problems", 303, 422, 422, 403, 403}, // with no text
	"GET /problems/new":                   {"/problems/new?page=/competitors/C-1", 303, 200, 200, 403, 403},
	"GET /problems/:id":                   {"/problems/999", 303, 404, 404, 404, 404}, // whose is whose: problems_test.go
	"POST /problems/:id/answer":           {"/problems/999/answer", 303, 403, 403, 404, 403},
	"POST /problems/:id/close":            {"/problems/999/close", 303, 403, 403, 404, 403},
	"POST /problems/:id/reopen":           {"/problems/999/reopen", 303, 403, 403, 404, 403},
	"GET /admin/guide":                    {"/admin/guide", 303, 403, 403, 200, 200},
	"GET /competitors/:id/categories.csv": {"/competitors/C-1/categories.csv", 303, 200, 404, 200, 403},
	"GET /competitors/:id/results.csv":    {"/competitors/C-1/results.csv", 303, 200, 404, 200, 403},
	"GET /admin":                          {"/admin", 303, 403, 403, 200, 403},
	"GET /admin/competitors/new":          {"/admin/competitors/new?coach=K-1", 303, 403, 403, 200, 403},
	"POST /admin/competitors/new":         {"/admin/competitors/new", 303, 403, 403, 422, 403},
	"GET /competitors/:id/edit":           {"/competitors/C-1/edit", 303, 403, 403, 200, 403},
	"POST /competitors/:id/edit":          {"/competitors/C-1/edit", 303, 403, 403, 409, 403}, // does not say what it was made from
	"GET /competitors/:id/move":           {"/competitors/C-1/move", 303, 403, 403, 200, 403},
	"POST /competitors/:id/move":          {"/competitors/C-1/move", 303, 403, 403, 422, 403},
	"GET /competitors/:id/active":         {"/competitors/C-1/active", 303, 403, 403, 200, 403},
	"POST /competitors/:id/active":        {"/competitors/nobody/active", 303, 403, 403, 404, 403},
	"GET /admin/coaches/new":              {"/admin/coaches/new", 303, 403, 403, 200, 403},
	"POST /admin/coaches/new":             {"/admin/coaches/new", 303, 403, 403, 422, 403},
	"GET /coaches/:id/edit":               {"/coaches/K-1/edit", 303, 403, 403, 200, 403},
	"POST /coaches/:id/edit":              {"/coaches/K-1/edit", 303, 403, 403, 409, 403},
	"GET /coaches/:id/active":             {"/coaches/K-1/active", 303, 403, 403, 200, 403},
	"POST /coaches/:id/active":            {"/coaches/K-1/active", 303, 403, 403, 409, 403}, // has competitors
	"GET /admin/teams/new":                {"/admin/teams/new?coach=K-1", 303, 403, 403, 200, 403},
	"POST /admin/teams/new":               {"/admin/teams/new?coach=K-1", 303, 403, 403, 422, 403},
	"GET /teams/:id/edit":                 {"/teams/" + ownersTeam + "/edit", 303, 403, 403, 200, 403},
	"POST /teams/:id/edit":                {"/teams/" + ownersTeam + "/edit", 303, 403, 403, 409, 403},
	"GET /teams/:id/delete":               {"/teams/" + ownersTeam + "/delete", 303, 403, 403, 200, 403},
	"POST /teams/:id/delete":              {"/teams/" + ownersTeam + "/delete", 303, 403, 403, 409, 403}, // has members
	"GET /admin/import":                   {"/admin/import", 303, 403, 403, 200, 403},
	"POST /admin/import":                  {"/admin/import", 303, 403, 403, 422, 403}, // with no file
	"GET /admin/import/template.csv":      {"/admin/import/template.csv", 303, 403, 403, 200, 403},
	"GET /admin/import/:id":               {"/admin/import/none", 303, 403, 403, 404, 403},
	"POST /admin/import/:id":              {"/admin/import/none", 303, 403, 403, 404, 403},
	"GET /admin/import/:id/errors.csv":    {"/admin/import/none/errors.csv", 303, 403, 403, 404, 403},
	"GET /admin/roster.csv":               {"/admin/roster.csv", 303, 403, 403, 200, 403},
	"GET /login/code":                     {"/login/code", 303, 303, 303, 303, 303}, // nobody has given a password
	"POST /login/code":                    {"/login/code", 401, 401, 401, 401, 401},
	"GET /invitation":                     {"/invitation", 404, 404, 404, 404, 404}, // without a link
	"POST /invitation":                    {"/invitation", 404, 404, 404, 404, 404},
	"GET /invitation/:token":              {"/invitation/x", 303, 303, 303, 303, 303},
	"POST /account/two-factor":            {"/account/two-factor", 303, 422, 422, 422, 422},
	"POST /account/two-factor/confirm":    {"/account/two-factor/confirm", 303, 422, 422, 422, 422},
	"POST /account/two-factor/codes":      {"/account/two-factor/codes", 303, 422, 422, 422, 422},
	"POST /account/two-factor/off":        {"/account/two-factor/off", 303, 422, 422, 422, 422},
	"GET /admin/users":                    {"/admin/users", 303, 403, 403, 200, 403},
	"GET /admin/users/new":                {"/admin/users/new", 303, 403, 403, 200, 403},
	"POST /admin/users/new":               {"/admin/users/new", 303, 403, 403, 422, 403},
	"GET /admin/users/:id":                {"/admin/users/nobody", 303, 403, 403, 404, 403},
	"POST /admin/users/:id":               {"/admin/users/nobody", 303, 403, 403, 404, 403},
	"GET /competitors/:id/data":           {"/competitors/C-1/data", 303, 403, 403, 200, 403},
	"GET /competitors/:id/data.json":      {"/competitors/C-1/data.json", 303, 403, 403, 200, 403},
	"GET /competitors/:id/disclosures":    {"/competitors/C-1/disclosures", 303, 403, 403, 200, 403},
	"GET /competitors/:id/delete":         {"/competitors/C-1/delete", 303, 403, 403, 200, 403},
	"POST /competitors/:id/delete":        {"/competitors/C-1/delete", 303, 403, 403, 422, 403}, // with no id
	"GET /admin/pending":                  {"/admin/pending", 303, 403, 403, 200, 403},
	"GET /admin/pending.csv":              {"/admin/pending.csv", 303, 403, 403, 200, 403},
	"GET /admin/onboarding":               {"/admin/onboarding", 303, 403, 403, 200, 403},
	"GET /admin/onboarding/:id":           {"/admin/onboarding/K-1", 303, 403, 403, 200, 403},
	"POST /admin/onboarding/:id":          {"/admin/onboarding/K-1", 303, 403, 403, 422, 403}, // does not say what to do
	"GET /admin/drift":                    {"/admin/drift", 303, 403, 403, 200, 403},
	"POST /admin/drift/apply":             {"/admin/drift/apply", 303, 403, 403, 404, 403},
	"POST /admin/drift/removals":          {"/admin/drift/removals", 303, 403, 403, 409, 403},
	"POST /introduction":                  {"/introduction", 303, 303, 303, 403, 403},
	"GET /rollout":                        {"/rollout", 303, 403, 403, 200, 200},
	"POST /rollout":                       {"/rollout", 303, 403, 403, 422, 422}, // with no percentage
	"GET /rollout/stop":                   {"/rollout/stop", 303, 403, 403, 200, 200},
	"POST /rollout/stop":                  {"/rollout/stop", 303, 403, 403, 422, 422}, // with no reason
	"GET /rollout/resume":                 {"/rollout/resume", 303, 403, 403, 200, 200},
	"POST /rollout/resume":                {"/rollout/resume", 303, 403, 403, 422, 422},
	"GET /rollout/restore/:change":        {"/rollout/restore/1", 303, 403, 403, 200, 200},
	"POST /rollout/restore/:change":       {"/rollout/restore/1", 303, 403, 403, 422, 422},
	"GET /rollout/phase/:phase":           {"/rollout/phase/50", 303, 403, 403, 200, 200},
	"POST /rollout/phase/:phase":          {"/rollout/phase/50", 303, 403, 403, 422, 422}, // with no reason
	"GET /rollout/phases":                 {"/rollout/phases", 303, 403, 403, 200, 200},
	"POST /rollout/phases":                {"/rollout/phases", 303, 403, 403, 422, 422},
	"POST /rollout/guard":                 {"/rollout/guard", 303, 403, 403, 422, 422},
	"GET /rollout/thaw":                   {"/rollout/thaw", 303, 403, 403, 200, 200},
	"POST /rollout/thaw":                  {"/rollout/thaw", 303, 403, 403, 422, 422},
	"GET /rollout/plan/stop":              {"/rollout/plan/stop", 303, 403, 403, 200, 200},
	"POST /rollout/plan/stop":             {"/rollout/plan/stop", 303, 403, 403, 422, 422},
	"GET /rollout/launch":                 {"/rollout/launch", 303, 403, 403, 200, 200},
	"POST /rollout/launch":                {"/rollout/launch", 303, 403, 403, 422, 422}, // no item
	"GET /rollout/coaches":                {"/rollout/coaches", 303, 403, 403, 200, 200},
	"GET /rollout/coaches.csv":            {"/rollout/coaches.csv", 303, 403, 403, 200, 200},
	"GET /rollout/coaches/:id":            {"/rollout/coaches/K-1", 303, 403, 403, 200, 200},
	"GET /rollout/coaches/:id/brief":      {"/rollout/coaches/K-1/brief", 303, 403, 403, 200, 200},
	"GET /rollout/coaches/:id/:action":    {"/rollout/coaches/K-1/hold-back", 303, 403, 403, 200, 200},
	"POST /rollout/coaches/:id/:action":   {"/rollout/coaches/K-1/hold-back", 303, 403, 403, 422, 422},

	"GET /account":               {"/account", 303, 200, 200, 200, 200},
	"POST /account/password":     {"/account/password", 303, 422, 422, 422, 422}, // with no password
	"POST /account/sessions/end": {"/account/sessions/end", 303, 303, 303, 303, 303},

	// No person's: without the secret, which the portal of this test does not have, they are not there.
	"POST /api/internal/sync":     {"/api/internal/sync", 404, 404, 404, 404, 404},
	"GET /api/internal/sync/:run": {"/api/internal/sync/x", 404, 404, 404, 404, 404},

	"POST /ofrep/v1/evaluate/flags":      {"/ofrep/v1/evaluate/flags", 404, 404, 404, 404, 404},
	"POST /ofrep/v1/evaluate/flags/:key": {"/ofrep/v1/evaluate/flags/game-platform", 404, 404, 404, 404, 404},
	"echo_route_not_found /ofrep/*":      {"/ofrep/v1/configuration", 404, 404, 404, 404, 404},

	"GET /static/*":           {"/static/app.css", 200, 200, 200, 200, 200},
	"GET /healthz":            {"/healthz", 200, 200, 200, 200, 200},
	"GET /metrics":            {"/metrics", 404, 404, 404, 404, 404}, // with neither a token nor an address of its own
	"GET /readyz":             {"/readyz", 200, 200, 200, 200, 200},
	"echo_route_not_found /*": {"/no/such/page", 404, 404, 404, 404, 404},
}

func TestMatrixHoldsEveryRoute(t *testing.T) {
	p := newPortal(t, "sqlite")
	registered := map[string]bool{}
	for _, r := range p.echo.Routes() {
		registered[r.Method+" "+r.Path] = true
	}
	wantEqual(t, "registered routes", slices.Sorted(maps.Keys(registered)), slices.Sorted(maps.Keys(matrix)))
	for _, r := range (&pages{}).routes() {
		if !registered[r.method+" "+r.path] {
			t.Errorf("%s %s stands in the table and is not registered", r.method, r.path)
		}
	}
}

func TestMatrixOfRoutesAndRoles(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		for route, want := range matrix {
			for who, status := range map[string]int{"": want.anonymous, owner: want.owner, other: want.other, admin: want.admin, product: want.product} {
				got := p.walk(route, p.filledIn(want.path), who)
				if got.status != status {
					t.Errorf("%s as %q: status %d, want %d", route, who, got.status, status)
				}
				for _, secret := range mayNotSee(who) {
					if strings.Contains(got.body, secret) {
						t.Errorf("%s as %q shows %q", route, who, secret)
					}
				}
			}
		}
	})
}

// ownersTeam stands in an address for the id of one of the owner's teams, which is made up anew by each import.
const ownersTeam = "OWNERS-TEAM"

func (p *portal) filledIn(path string) string {
	p.t.Helper()
	return strings.ReplaceAll(path, ownersTeam, p.teamID("Salt & Hash"))
}

func (p *portal) teamID(name string) string {
	p.t.Helper()
	found := p.texts("SELECT team_id FROM teams WHERE name = '" + name + "'")
	if len(found) != 1 {
		p.t.Fatalf("%d teams %s", len(found), name)
	}
	return found[0]
}

func mayNotSee(who string) []string {
	switch who {
	case admin:
		return nil
	case owner:
		return peopleOf[other]
	case other:
		return peopleOf[owner]
	case product: // who knows the coaches by name
		return slices.DeleteFunc(slices.Concat(peopleOf[owner], peopleOf[other]), func(text string) bool {
			return text == "Halima Osei" || text == "Ruben Castellan"
		})
	}
	return slices.Concat(peopleOf[owner], peopleOf[other])
}

// walk asks for a route as somebody, or as nobody.
func (p *portal) walk(route, path, who string) answer {
	p.t.Helper()
	b := p.visitor()
	if who != "" {
		b = p.as(who)
	}
	if !strings.HasPrefix(route, http.MethodPost) {
		return b.get(path)
	}
	return b.post(path, url.Values{"email": {"nobody@flagpole.example"}, "password": {"wrong"}}, "Sec-Fetch-Site", "same-origin")
}

// Every route that has roles, so later ones too.
func TestWithoutSessionEverythingLeadsToLogin(t *testing.T) {
	p := newPortal(t, "sqlite")
	b := p.visitor()
	for _, r := range (&pages{}).routes() {
		if len(r.roles) == 0 {
			continue
		}
		path := matrix[r.method+" "+r.path].path
		path = path[:strings.IndexByte(path+"?", '?')] + "?sort=date&page=%2F"
		want := "/login?next=" + url.QueryEscape(path)
		if r.path == "/" || r.method == http.MethodPost { // a form is not sent again
			want = "/login"
		}
		got := b.send(r.method, path, nil, "Sec-Fetch-Site", "same-origin")
		if got.status != 303 || got.header.Get("Location") != want || got.body != "" {
			t.Errorf("%s: %d to %q %q, want 303 to %q", path, got.status, got.header.Get("Location"), got.body, want)
		}
		got = b.send(r.method, path, nil, "Sec-Fetch-Site", "same-origin", "HX-Request", "true", "HX-Target", "list")
		if got.status != 401 || got.header.Get("HX-Redirect") != want || got.body != "" || got.header.Get("Location") != "" {
			t.Errorf("%s for htmx: %d, HX-Redirect %q, %q", path, got.status, got.header.Get("HX-Redirect"), got.body)
		}
	}
}

func TestRegionLeadsBackToItsPageAfterLogin(t *testing.T) {
	p := newPortal(t, "sqlite")
	got := p.visitor().get("/competitors/C-1?sort=date", "HX-Request", "true", "HX-Current-URL", "http://portal.example/competitors/C-1?category=web")
	wantEqual(t, "HX-Redirect", got.header.Get("HX-Redirect"), "/login?next=%2Fcompetitors%2FC-1%3Fcategory%3Dweb")
}

func TestAnotherCoachsCompetitorIsLikeAMissingOne(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(other)
		for _, path := range []string{"/competitors/%s", "/competitors/%s/solves.csv", "/competitors/%s?category=nonsense&sort=nonsense&after=x"} {
			for _, headers := range [][]string{nil, {"HX-Request", "true", "HX-Target", "solves"}} {
				theirs := b.get(strings.Replace(path, "%s", "C-1", 1), headers...)
				missing := b.get(strings.Replace(path, "%s", "C-404", 1), headers...)
				// The page names the address that was asked for, nothing else differs.
				wantEqual(t, path, []any{theirs.status, theirs.body}, []any{missing.status, strings.ReplaceAll(missing.body, "C-404", "C-1")})
				if theirs.status != 404 || !strings.Contains(theirs.body, "There is no such competitor.") {
					t.Errorf("%s: %d\n%s", path, theirs.status, theirs.body)
				}
				for _, name := range []string{"Vary", "Content-Type", "Cache-Control"} {
					wantEqual(t, path+" "+name, theirs.header.Values(name), missing.header.Values(name))
				}
			}
		}
		wantEqual(t, "audit log", len(p.audited()), 0)
	})
}

func TestHomeIsTheFirstPageOfTheRole(t *testing.T) {
	p := newPortal(t, "sqlite")
	for who, want := range map[string]string{owner: "/competitors", admin: "/competitors", product: "/rollout"} {
		wantEqual(t, who, p.as(who).get("/").header.Get("Location"), want)
	}
}

func TestDisabledUserIsOutAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(owner)
		wantStatus(t, b.get("/competitors"), 200)
		p.exec(`UPDATE users SET disabled_at = 1 WHERE email = '` + owner + `'`)
		wantStatus(t, b.get("/competitors"), 303)
	})
}

func TestSyncPageCountsAndNamesNobody(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		run, err := p.store.System().QueueRun(t.Context(), store.RunRequest{By: "api"})
		if err != nil {
			t.Fatal(err)
		}
		page := p.as(product).get("/admin/sync")
		wantEqual(t, "headline", page.words("h1, .head p"), []string{"Syncs fail since 12:00 for 1 competitor of 1 coach: the platform did not answer in time",
			"It is tried again by itself. Nobody has to act. 3 of 5 competitors are in step with the platform."})
		wantEqual(t, "figures", page.words(".stats dd"), []string{"none", "none", "none", "1 of 5", "1", "0"})
		wantEqual(t, "queued", page.words("#runs tbody tr > :last-child"), []string{"Waiting for its turn"})
		if _, err := p.store.System().BeginRun(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		page = p.as(product).get("/admin/sync")
		wantEqual(t, "running", page.words("#runs tbody tr > :last-child"), []string{"Running"})

		p.clock.Advance(deadAfter + 1)
		page = p.as(product).get("/admin/sync")
		wantEqual(t, "no sign of life", page.words("#runs tbody tr > :last-child"), []string{"Stopped before it was done"})

		if err := p.store.System().FinishRun(t.Context(), run, domain.RunCounts{}, ""); err != nil {
			t.Fatal(err)
		}
		page = p.as(admin).get("/admin/sync")
		wantEqual(t, "a run that tried nothing", len(page.words("#runs-title ~ .empty")), 1)
	})
}
