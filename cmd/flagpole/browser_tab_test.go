package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// tab is a browser window with cookies of its own, looking at one portal. What its console says, and what its content
// security policy blocks, fails the test, unless it was expected.
type tab struct {
	t        *testing.T
	ctx      context.Context
	url      string
	plain    bool     // without JavaScript
	expected []string // parts of messages; each must come
}

func (w *world) newTab(t *testing.T, address string) *tab {
	t.Helper()
	return newTab(t, w.browser, address, chromedp.WithNewBrowserContext())
}

// another is a second window of the same person.
func (b *tab) another() *tab {
	b.t.Helper()
	return newTab(b.t, b.ctx, b.url)
}

func newTab(t *testing.T, parent context.Context, address string, options ...chromedp.ContextOption) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, options...)
	t.Cleanup(cancel)
	messages := chromedp.Console(ctx)
	b := &tab{t: t, ctx: ctx, url: address}
	b.view(1280, false)
	t.Cleanup(func() {
		if t.Failed() || b.ctx.Err() != nil {
			return
		}
		const last = "the test is over"
		js[chromedp.Void](b, `console.log("`+last+`")`)
		unseen := map[string]bool{}
		for _, part := range b.expected {
			unseen[part] = true
		}
		for m, err := range messages {
			if err != nil {
				t.Errorf("read the console: %v", err)
				return
			}
			if m.Text == last {
				break
			}
			if aborted(m.Text) {
				continue
			}
			switch m.Type {
			case chromedp.ConsoleError, chromedp.ConsoleWarning, chromedp.ConsoleException:
				if part := b.expects(m.Text); part != "" {
					delete(unseen, part)
				} else {
					t.Errorf("the browser complains: %s %s (%s)", m.Type, m.Text, m.URL)
				}
			}
		}
		for part := range unseen {
			t.Errorf("the browser did not say %q", part)
		}
	})
	return b
}

// aborted reports whether a message is htmx's word that a request was given up, for a newer one or for another page: that is as it should
// be. Where it failed otherwise, htmx says so in a message of its own.
func aborted(message string) bool {
	return strings.HasPrefix(message, "htmx:sendAbort,") || strings.HasPrefix(message, "htmx:afterRequest,")
}

// expect tells that a message with this text has to come.
func (b *tab) expect(part string) { b.expected = append(b.expected, part) }

func (b *tab) expects(message string) string {
	for _, part := range b.expected {
		if strings.Contains(message, part) {
			return part
		}
	}
	return ""
}

// view sets the window's width and the colours that the person prefers. Nothing moves, so a picture is never half way.
func (b *tab) view(width int64, dark bool) {
	b.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	b.do(chromedp.EmulateViewport(width, 900))
	b.media(map[string]string{"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"})
}

// media sets what the person prefers, by the names of CSS.
func (b *tab) media(prefers map[string]string) {
	b.t.Helper()
	features := []map[string]string{}
	for name, value := range prefers {
		features = append(features, map[string]string{"name": name, "value": value})
	}
	b.do(command("Emulation.setEmulatedMedia", map[string]any{"features": features}))
}

// command is one of the browser's own.
func command(method string, parameters map[string]any) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		return target.Call(ctx, method, parameters, nil)
	})
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%v\n%s", err, b.describe())
	}
}

// js evaluates an expression in the page, whose own scripts may be switched off.
func js[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := tryJS[T](b, expression)
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

func tryJS[T any](b *tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// until waits for an expression to become true.
func (b *tab) until(condition string) {
	b.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		ok, err := tryJS[bool](b, condition) // an error while one page gives way to the next
		if ok && err == nil {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("this did not become true: %s (%v)\n%s", condition, err, b.describe())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// describe says where the tab is, for the text of a failure.
func (b *tab) describe() string {
	text, err := tryJS[string](b, `location.href + "\n" + document.title + "\n" + document.body.innerText.slice(0, 1500)`)
	if err != nil {
		return err.Error()
	}
	return text
}

// open goes to a page of the portal.
func (b *tab) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.url + path))
}

// click clicks on an element that must be on the screen, or be brought there.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`!!document.querySelector(%q)`, selector))
	b.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// follow clicks on what loads another page, and waits for that.
func (b *tab) follow(selector string) {
	b.t.Helper()
	b.mark()
	b.click(selector)
	b.loaded()
}

// swap clicks on what replaces a region of the page by what the portal answers, and waits for that.
func (b *tab) swap(region, selector string) {
	b.t.Helper()
	b.mark()
	b.old(region)
	b.click(selector)
	b.renewed(region)
	b.same()
}

// old marks a region, so that it is known when it has been replaced.
func (b *tab) old(region string) {
	b.t.Helper()
	js[chromedp.Void](b, fmt.Sprintf(`void (document.getElementById(%q).old = true)`, region))
}

func (b *tab) renewed(region string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`(r => !!r && !r.old && !r.ariaBusy && !r.matches(".htmx-request, .htmx-settling, .htmx-added"))(document.getElementById(%q))`, region))
}

// use clicks on a link or button: with JavaScript the region is replaced, without it another page is loaded.
func (b *tab) use(region, selector string) {
	b.t.Helper()
	if b.plain {
		b.follow(selector)
	} else {
		b.swap(region, selector)
	}
	b.wantWhole()
}

// choose sets a field of a form.
func (b *tab) choose(id, value string) {
	b.t.Helper()
	b.do(chromedp.SetValue(chromedp.CSS("#"+id), value))
}

// mark leaves something in the page that is gone when another one is loaded.
func (b *tab) mark() {
	b.t.Helper()
	js[chromedp.Void](b, `void (window.marked = true)`)
}

func (b *tab) loaded() {
	b.t.Helper()
	b.until(`!window.marked && document.readyState === "complete"`)
}

// same fails the test where the page was loaded anew since mark.
func (b *tab) same() {
	b.t.Helper()
	if !js[bool](b, `window.marked === true`) {
		b.t.Error("the page was loaded anew, want only a part of it replaced")
	}
}

// history goes a step back or forward. The page may be gone before it has answered, which is no fault.
func (b *tab) history(way string) { _, _ = tryJS[chromedp.Void](b, `history.`+way+`()`) }

// at is the path and query the tab shows.
func (b *tab) at() string {
	b.t.Helper()
	return js[string](b, `location.pathname + location.search`)
}

// wantAt fails the test where the tab is elsewhere. What a form left empty makes no difference, nor the order of the rest.
func (b *tab) wantAt(want string) {
	b.t.Helper()
	if got := b.at(); meant(b.t, got) != meant(b.t, want) {
		b.t.Fatalf("the tab is at %s, want %s\n%s", got, want, b.describe())
	}
}

// meant is an address without what is empty, in one order.
func meant(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for name := range q {
		if q.Get(name) == "" {
			q.Del(name)
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// text is the text of an element, "" where there is none.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return js[string](b, fmt.Sprintf(`(document.querySelector(%q)?.textContent ?? "").replace(/\s+/g, " ").trim()`, selector))
}

// wantText fails the test where the element's text does not have the part.
func (b *tab) wantText(selector, part string) {
	b.t.Helper()
	if got := b.text(selector); !strings.Contains(got, part) {
		b.t.Errorf("%s says %q, want %q in it", selector, got, part)
	}
}

// wantWhole fails the test where the page is not one whole page.
func (b *tab) wantWhole() {
	b.t.Helper()
	if n := js[int](b, `document.querySelectorAll("main, .top, body > footer").length`); n != 3 {
		b.t.Errorf("the page is not whole or in itself twice: %d of its 3 parts\n%s", n, b.describe())
	}
}

// fillLogin fills the form and sends it.
func (b *tab) fillLogin(email, password string) {
	b.t.Helper()
	b.until(`!!document.querySelector("[name=password]")`)
	b.do(chromedp.SetValue(chromedp.CSS("[name=email]"), email), chromedp.SendKeys(chromedp.CSS("[name=password]"), password))
	b.follow("form button")
}

// signedIn is a tab of somebody who has just signed in.
func (w *world) signedIn(t *testing.T, address, email string) *tab {
	t.Helper()
	b := w.newTab(t, address)
	b.open("/login")
	b.fillLogin(email, anyPassword)
	if b.at() == "/login" {
		t.Fatalf("%s could not sign in: %s", email, b.text("#login-problem"))
	}
	return b
}

// signOut uses the menu.
func (b *tab) signOut() {
	b.t.Helper()
	b.click("#user-menu summary")
	b.follow("#user-menu button")
}

// withoutScripts switches JavaScript off.
func (b *tab) withoutScripts() *tab {
	b.t.Helper()
	b.do(command("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}))
	b.plain = true
	return b
}

// wantFocus fails the test where the keyboard's focus is elsewhere.
func (b *tab) wantFocus(id string) {
	b.t.Helper()
	if !b.plain {
		b.until(fmt.Sprintf(`document.activeElement.id === %q`, id))
	}
}

// has reports whether an element is there.
func (b *tab) has(selector string) bool {
	b.t.Helper()
	return js[bool](b, fmt.Sprintf(`!!document.querySelector(%q)`, selector))
}

// number is the first number in an element's text.
func (b *tab) number(selector string) int {
	b.t.Helper()
	return js[int](b, fmt.Sprintf(`Number((document.querySelector(%q)?.textContent.replaceAll(",", "").match(/\d+/) ?? [NaN])[0])`, selector))
}
