package main

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// pictures writes what the README and the guides show into the folder that FLAGPOLE_SCREENSHOTS names; without one it only
// sees that they can be taken. ./task screenshots runs it.
func (w *world) pictures(t *testing.T) {
	folder := os.Getenv("FLAGPOLE_SCREENSHOTS")
	if folder == "" {
		folder = t.TempDir()
	}
	b := w.signedIn(t, w.url, w.coach)
	b.open("/teams?sort=-points")
	team := js[string](b, `document.querySelector("#teams tbody a").pathname`)
	b.open(team)
	competitor := ""
	for _, path := range js[[]string](b, `[...document.querySelectorAll("[aria-labelledby=members-title] tbody a")].map(a => a.pathname)`) {
		competitor = path
		if b.open(path); !b.has(".note") && b.has(".chart") { // nothing unusual about this one
			break
		}
	}
	b.open("/events")
	event := js[string](b, `document.querySelector("main tbody a").pathname`)
	for _, p := range []struct {
		name, path string
		width      int64
		dark       bool
		tall       int
	}{
		{"competitors", "/competitors", 1280, false, 640}, {"competitor", competitor, 1280, false, 1110},
		{"teams", "/teams", 1280, false, 900}, {"team", team, 1280, false, 1000}, {"event", event, 1280, false, 900},
		{"competitor-dark", competitor, 1280, true, 1110},
		{"competitors-phone", "/competitors", 390, false, 844}, {"competitor-phone", competitor, 390, false, 1600},
	} {
		b.view(p.width, p.dark)
		b.open(p.path)
		file := filepath.Join(folder, p.name+".png")
		b.photograph(file, p.tall)
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() > 200_000 || info.Size() < 10_000 { // the season, and so the picture, changes with the date
			t.Errorf("%s has %d bytes", file, info.Size())
		}
	}
}

// photograph writes the page from its top, at most so tall.
func (b *tab) photograph(file string, tall int) {
	b.t.Helper()
	size := js[[2]int](b, `[innerWidth, Math.ceil(document.querySelector("body > footer").getBoundingClientRect().bottom)]`)
	var answer struct {
		Data string `json:"data"`
	}
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		return target.Call(ctx, "Page.captureScreenshot", map[string]any{
			"format": "png", "captureBeyondViewport": true, "optimizeForSpeed": false,
			"clip": map[string]any{"x": 0, "y": 0, "width": size[0], "height": min(size[1], tall), "scale": 1},
		}, &answer)
	}))
	picture, err := base64.StdEncoding.DecodeString(answer.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(file, picture, 0o600); err != nil {
		b.t.Fatal(err)
	}
}
