package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDemo starts the demo as the README does, signs in as every role, and ends it.
func TestDemo(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	read, write := io.Pipe()
	p := &program{getenv: func(string) string { return "" }, stdout: write, stderr: io.Discard}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		err := p.demo(ctx, "127.0.0.1:0")
		_ = write.CloseWithError(err)
		ended <- err
	}()
	portal, logins := "", map[string][]string{}
	lines := bufio.NewScanner(read)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "New solves") {
		if address, is := strings.CutPrefix(lines.Text(), "The portal is at "); is {
			portal = address
		}
		if words := strings.Fields(lines.Text()); len(words) == 3 && strings.Contains(words[1], "@") {
			logins[words[0]] = words[1:]
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, read) }()
	for role, wants := range map[string][]string{
		"coach":   {"<h1>Competitors</h1>", "New: results from the game platform."},
		"admin":   {"<h1>Competitors</h1>", "Failures"},
		"product": {"<h1>Rollout</h1>", "12 of 24 coaches have the game platform.", "All of them pass every check.", "since the phase began", "The pilots are content"},
	} {
		if len(logins[role]) != 2 {
			t.Fatalf("no login for a %s: %v", role, logins)
		}
		page := signInOverHTTP(t, portal, logins[role][0], logins[role][1])
		for _, want := range wants {
			if !strings.Contains(page, want) {
				t.Errorf("a %s does not read %q\n%s", role, want, page)
			}
		}
		// Only the disk of this machine, which alerts know, may keep the rollout from going on.
		if fails := strings.Count(page, ">Hold<") + strings.Count(page, ">Unknown<"); role == "product" && fails > 0 {
			t.Errorf("%d gates neither pass nor fail\n%s", fails, page)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("it left %v behind (%v)", left, err)
	}
}

// signInOverHTTP gives the page that somebody comes to.
func signInOverHTTP(t *testing.T, portal, email, password string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	defer client.CloseIdleConnections()
	read := func(response *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s: status %d, %v", response.Request.URL, response.StatusCode, err)
		}
		return string(body)
	}
	form := read(client.Get(portal + "/login"))
	token := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(form)
	if token == nil {
		t.Fatal(form)
	}
	return read(client.PostForm(portal+"/login", url.Values{"csrf": {token[1]}, "next": {"/"}, "email": {email}, "password": {password}}))
}
