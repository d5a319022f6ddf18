package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"flagpole/handlers"
	"flagpole/internal/auth"
	"flagpole/internal/domain"
	"flagpole/static"
	"flagpole/store"
)

const (
	connections = 16
	benchAdmin  = "admin@bench.example"
	benchWord   = "correct horse"
)

// measured is how a page did under load.
type measured struct {
	p95  time.Duration
	rate float64 // requests a second
	size int     // bytes of one answer, not compressed
}

// pages measures each page of the portal at two sizes of the programme on one database, and the first of them against a bare
// page of the same size.
func (b *workbench) pages(ctx context.Context, name, address string, n sizes) error {
	var results [2]map[string]measured
	var order []string
	var bare measured
	for i, of := range []season{n.small, n.large} {
		began := time.Now()
		s, drop, err := b.filled(ctx, address, of)
		if err != nil {
			return err
		}
		fmt.Fprintf(b.out, "%s: %d competitors with %d solves each, ready after %s\n", name, of.competitors, of.solvesEach, time.Since(began).Round(time.Second))
		site, err := openSite(ctx, s)
		if err != nil {
			return err
		}
		if order, results[i], err = site.measureAll(ctx, n.each); err == nil && i == 0 {
			bare, err = site.measureBare(ctx, n.each, results[i][order[0]].size)
		}
		if err := errors.Join(err, site.close(), s.Close(), drop(ctx)); err != nil {
			return err
		}
	}
	fmt.Fprintf(b.out, "\n%-44s %9s %9s %7s %9s %9s\n", name+", "+fmt.Sprint(connections)+" connections", "p95 small", "p95 large", "times", "small/s", "large/s")
	for _, page := range order {
		small, large := results[0][page], results[1][page]
		fmt.Fprintf(b.out, "%-44s %9s %9s %7.1f %9.0f %9.0f\n", page, milliseconds(small.p95), milliseconds(large.p95),
			large.p95.Seconds()/small.p95.Seconds(), small.rate, large.rate)
	}
	first := results[0][order[0]]
	want := map[string]string{"SQLite": "50 % or more", "Postgres": "33 % or more"}[name]
	b.say(fmt.Sprintf("%s: bare echo, session, one query, templ, %d bytes, requests a second", name, bare.size), fmt.Sprintf("%.0f", bare.rate), "")
	b.say("  the portal's "+order[0]+", share of that", fmt.Sprintf("%.0f %%", 100*first.rate/bare.rate), want)
	return nil
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }

// site is the portal while it is served.
type site struct {
	store  *store.Store
	auth   *auth.Auth
	server *http.Server
	url    string
	ended  chan error
}

func openSite(ctx context.Context, s *store.Store) (*site, error) {
	hash, err := auth.HashPassword(benchWord)
	if err != nil {
		return nil, err
	}
	for email, role := range map[string]domain.Role{benchAdmin: domain.RoleAdmin, benchCoach(3): domain.RoleCoach} {
		if _, err := s.Accounts().AddUser(ctx, email, role, hash); err != nil && domain.CodeOf(err) != domain.Clash {
			return nil, err
		}
	}
	files, err := static.New()
	if err != nil {
		return nil, err
	}
	t := &site{store: s, auth: auth.New(s.Accounts(), false, time.Now)}
	portal := handlers.New(s, t.auth, files, handlers.Options{PublicURL: "http://bench.example", Zone: time.UTC, SyncEnabled: true, RateLimit: 50}, time.Now, slog.New(slog.DiscardHandler))
	return t, t.serve(portal)
}

func (t *site) serve(h http.Handler) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	t.url = "http://" + listener.Addr().String()
	t.server = &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	t.ended = make(chan error, 1)
	go func() { t.ended <- t.server.Serve(listener) }()
	return nil
}

func (t *site) close() error {
	err := t.server.Close()
	<-t.ended
	return err
}

// visitor is a client that is signed in.
func (t *site) visitor(ctx context.Context, email string) (*http.Client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Jar: jar, Transport: &http.Transport{MaxIdleConnsPerHost: connections, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	form := url.Values{"email": {email}, "password": {benchWord}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url+"/login", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	answer, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusSeeOther {
		return nil, fmt.Errorf("sign in: status %d, %w", answer.StatusCode, err)
	}
	return client, nil
}

// measureAll asks for every page, each for a while.
func (t *site) measureAll(ctx context.Context, each time.Duration) (order []string, all map[string]measured, err error) {
	coach, err := t.visitor(ctx, benchCoach(3))
	if err != nil {
		return nil, nil, err
	}
	admin, err := t.visitor(ctx, benchAdmin)
	if err != nil {
		return nil, nil, err
	}
	team, event, coachID, err := t.someIDs(ctx)
	if err != nil {
		return nil, nil, err
	}
	all = map[string]measured{}
	for _, page := range []struct {
		name   string
		client *http.Client
		path   string
	}{
		{"coach: competitors", coach, "/competitors"},
		{"coach: competitors by points", coach, "/competitors?sort=-points"},
		{"coach: competitors, filtered and searched", coach, "/competitors?activity=active&category=crypto&q=a"},
		{"coach: competitor", coach, "/competitors/C-000061"},
		{"coach: teams", coach, "/teams"},
		{"coach: team", coach, "/teams/" + team},
		{"coach: flash CTFs", coach, "/events"},
		{"coach: flash CTF", coach, "/events/" + event},
		{"coach: what the numbers mean", coach, "/numbers"},
		{"admin: competitors", admin, "/competitors"},
		{"admin: competitors, a page in the middle", admin, "/competitors?after=C-000240"},
		{"admin: competitors by points", admin, "/competitors?sort=-points"},
		{"admin: competitors by last solve", admin, "/competitors?sort=-last_solve"},
		{"admin: competitors by ODL solves", admin, "/competitors?sort=-odl"},
		{"admin: competitors who wait", admin, "/competitors?state=waiting"},
		{"admin: competitors who are active", admin, "/competitors?activity=active"},
		{"admin: competitors of a category", admin, "/competitors?category=crypto"},
		{"admin: competitors searched", admin, "/competitors?q=player0001"},
		{"admin: competitors of a coach", admin, "/competitors?coach=" + coachID},
		{"admin: competitor", admin, "/competitors/C-000061"},
		{"admin: teams", admin, "/teams"},
		{"admin: teams by points", admin, "/teams?sort=-points"},
		{"admin: team", admin, "/teams/" + team},
		{"admin: flash CTFs", admin, "/events"},
		{"admin: flash CTF", admin, "/events/" + event},
		{"admin: coaches", admin, "/coaches"},
		{"admin: categories", admin, "/admin/categories"},
	} {
		m, err := load(ctx, page.client, t.url+page.path, each)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", page.name, err)
		}
		order, all[page.name] = append(order, page.name), m
	}
	return order, all, nil
}

// someIDs are a team of the coach, a flash CTF, and the coach.
func (t *site) someIDs(ctx context.Context) (team, event, coach string, err error) {
	scope := t.store.For(domain.Viewer{Role: domain.RoleAdmin})
	row, err := scope.CompetitorRow(ctx, "C-000061")
	if err != nil {
		return "", "", "", err
	}
	err = scope.EachEvent(ctx, func(e store.Event) error { event = e.ID; return nil })
	return row.TeamID, event, row.CoachID, err
}

// measureBare measures echo with the portal's sessions, one query for the rows of the coach's list, and a templ page of the
// size given.
func (t *site) measureBare(ctx context.Context, each time.Duration, size int) (measured, error) {
	e := echo.New()
	b := &bare{site: t, viewer: domain.Viewer{Role: domain.RoleAdmin}}
	e.GET("/", b.show)
	row, err := t.store.For(b.viewer).CompetitorRow(ctx, "C-000061")
	if err != nil {
		return measured{}, err
	}
	b.viewer = domain.Viewer{Role: domain.RoleCoach, CoachID: row.CoachID, Enrolled: true}
	client, err := t.visitor(ctx, benchCoach(3))
	if err != nil {
		return measured{}, err
	}
	side := &site{}
	if err := side.serve(e); err != nil {
		return measured{}, err
	}
	first, _ := url.Parse(t.url)
	second, _ := url.Parse(side.url)
	client.Jar.SetCookies(second, client.Jar.Cookies(first))
	probe, err := load(ctx, client, side.url, time.Millisecond)
	if err != nil {
		return measured{}, err
	}
	b.padding = strings.Repeat("x", max(0, size-probe.size))
	m, err := load(ctx, client, side.url, each)
	return m, errors.Join(err, side.close())
}

type bare struct {
	*site
	viewer  domain.Viewer
	padding string
}

func (b *bare) show(c echo.Context) error {
	ctx := c.Request().Context()
	if _, signedIn, err := b.auth.Viewer(c.Request()); err != nil || !signedIn {
		return fmt.Errorf("not signed in: %w", err)
	}
	var rows [][]string
	err := b.store.For(b.viewer).EachCompetitor(ctx, store.CompetitorQuery{}, func(r store.CompetitorRow) error {
		rows = append(rows, []string{r.ID, r.Name(), r.Team, fmt.Sprint(r.Points())})
		return nil
	})
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentType, echo.MIMETextHTMLCharsetUTF8)
	return barePage(rows, b.padding).Render(ctx, c.Response())
}

// load asks for a page over all connections for a while, after a moment to warm up.
func load(ctx context.Context, client *http.Client, address string, each time.Duration) (measured, error) {
	size, err := fetch(ctx, client, address)
	if err != nil {
		return measured{}, err
	}
	if _, _, err := askFor(ctx, client, address, each/4); err != nil {
		return measured{}, err
	}
	took, span, err := askFor(ctx, client, address, each)
	if err != nil {
		return measured{}, err
	}
	slices.Sort(took)
	return measured{took[len(took)*95/100], float64(len(took)) / span.Seconds(), size}, nil
}

// askFor asks over all connections until the time is over, and gives how long each answer took.
func askFor(ctx context.Context, client *http.Client, address string, each time.Duration) ([]time.Duration, time.Duration, error) {
	began := time.Now()
	until := began.Add(each)
	var mu sync.Mutex
	var took []time.Duration
	var fault error
	var all sync.WaitGroup
	for range connections {
		all.Go(func() {
			for first := true; first || time.Now().Before(until); first = false {
				asked := time.Now()
				_, err := fetch(ctx, client, address)
				mu.Lock()
				took = append(took, time.Since(asked))
				fault = errors.Join(fault, err)
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	all.Wait()
	return took, time.Since(began), fault
}

func fetch(ctx context.Context, client *http.Client, address string) (size int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	answer, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(io.Discard, answer.Body)
	err = errors.Join(err, answer.Body.Close())
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %d", address, answer.StatusCode)
	}
	return int(n), err
}
