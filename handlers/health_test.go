package handlers

import (
	"fmt"
	"testing"
)

func TestHealthAndReadiness(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.visitor()
		want := func(path, answer string) {
			t.Helper()
			got := b.get(path)
			wantEqual(t, path, fmt.Sprintf("%d %s", got.status, got.body), answer)
		}
		want("/healthz", "200 ok\n")
		want("/readyz", "200 ready\n")

		if _, err := p.store.MigrateDown(t.Context()); err != nil {
			t.Fatal(err)
		}
		want("/readyz", "503 migrations are pending\n")
		want("/healthz", "200 ok\n")
		if _, err := p.store.MigrateUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		want("/readyz", "200 ready\n")

		if err := p.store.Close(); err != nil {
			t.Fatal(err)
		}
		want("/readyz", "503 the database does not answer\n")
		want("/healthz", "200 ok\n") // restarting the process would not help
	})
}

func TestWithoutDatabaseEveryPageIsAFault(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(owner)
		if err := p.store.Close(); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/competitors", "/competitors.csv", "/login", "/no/such/page"} {
			wantStatus(t, b.get(path), 500)
		}
		wantStatus(t, p.visitor().signIn(owner, password), 500)
		wantStatus(t, p.visitor().get("/static/app.css"), 200)
	})
}
