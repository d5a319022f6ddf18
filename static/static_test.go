package static

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func testFiles(t *testing.T) *Files {
	t.Helper()
	files, err := read(fstest.MapFS{
		"app.css":         {Data: []byte(strings.Repeat("a { color: inherit }\n", 50))},
		"app.js":          {Data: []byte("1")},
		"vendor/.gitkeep": {},
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func ask(h http.Handler, method, url string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, url, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestEmbeddedFiles(t *testing.T) {
	files, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"app.css", "app.js"} {
		if got := files.URL(name); !regexp.MustCompile(`^/static/` + regexp.QuoteMeta(name) + `\?v=[0-9a-f]{10}$`).MatchString(got) {
			t.Errorf("URL(%q) = %q", name, got)
		}
		if w := ask(files, "GET", files.URL(name)); w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Errorf("GET %s = %d with %d bytes", name, w.Code, w.Body.Len())
		}
	}
	if files.Has("vendor/.gitkeep") || files.Has("static.go") {
		t.Error("serves files that are not for browsers")
	}
}

func TestMissingVendorFile(t *testing.T) {
	files := testFiles(t)
	if files.Has("vendor/htmx.min.js") || files.URL("vendor/htmx.min.js") != "" {
		t.Error("claims to have a file that is not there")
	}
}

func TestCaching(t *testing.T) {
	files := testFiles(t)
	const forEver = "public, max-age=31536000, immutable"
	for url, want := range map[string]string{
		files.URL("app.css"):              forEver,
		"/static/app.css":                 "no-cache",
		"/static/app.css?v=0000000000":    "no-cache",
		files.URL("app.css") + "&other=1": forEver,
	} {
		if got := ask(files, "GET", url).Header().Get("Cache-Control"); got != want {
			t.Errorf("%s: Cache-Control %q, want %q", url, got, want)
		}
	}
	first := ask(files, "GET", "/static/app.css")
	again := ask(files, "GET", "/static/app.css", "If-None-Match", first.Header().Get("ETag"))
	if again.Code != http.StatusNotModified || again.Body.Len() > 0 {
		t.Errorf("asked again: %d with %d bytes", again.Code, again.Body.Len())
	}
}

func TestContentTypes(t *testing.T) {
	files := testFiles(t)
	for name, want := range map[string]string{"app.css": "text/css; charset=utf-8", "app.js": "text/javascript; charset=utf-8"} {
		if got := ask(files, "GET", files.URL(name)).Header().Get("Content-Type"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestGzip(t *testing.T) {
	files := testFiles(t)
	plain := ask(files, "GET", files.URL("app.css"))
	for accept, packed := range map[string]bool{
		"": false, "br": false, "gzip;q=0": false, "gzip; q=0.0": false, "identity, *;q=0": false,
		"gzip": true, "br, gzip": true, "deflate, GZIP;q=0.5": true,
	} {
		w := ask(files, "GET", files.URL("app.css"), "Accept-Encoding", accept)
		if got := w.Header().Get("Content-Encoding") == "gzip"; got != packed {
			t.Errorf("Accept-Encoding %q: packed %v, want %v", accept, got, packed)
		}
		if got := w.Header().Get("Vary"); got != "Accept-Encoding" {
			t.Errorf("Accept-Encoding %q: Vary %q", accept, got)
		}
		if !packed {
			continue
		}
		z, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(z)
		if err != nil || !bytes.Equal(body, plain.Body.Bytes()) {
			t.Errorf("Accept-Encoding %q: another body (%v)", accept, err)
		}
	}
	if ask(files, "GET", files.URL("app.js"), "Accept-Encoding", "gzip").Header().Get("Content-Encoding") != "" {
		t.Error("packs what does not become smaller")
	}
}

func TestRefuses(t *testing.T) {
	files := testFiles(t)
	for _, url := range []string{"/static/", "/static/vendor/", "/static/vendor", "/static/nothing.css", "/static/vendor/.gitkeep", "/app.css", "/static/../static.go"} {
		if w := ask(files, "GET", url); w.Code != http.StatusNotFound {
			t.Errorf("GET %s = %d, want 404", url, w.Code)
		}
	}
	if w := ask(files, "POST", "/static/app.css"); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST = %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
	if w := ask(files, "HEAD", "/static/app.css"); w.Code != http.StatusOK || w.Body.Len() > 0 || w.Header().Get("Content-Length") != "1050" {
		t.Errorf("HEAD = %d with %d bytes, Content-Length %q", w.Code, w.Body.Len(), w.Header().Get("Content-Length"))
	}
}

func TestNoInlineEvalInScript(t *testing.T) {
	script, err := embedded.ReadFile("app.js")
	if err != nil {
		t.Fatal(err)
	}
	if bad := regexp.MustCompile(`\beval\(|new Function|innerHTML|\.style\b`).Find(script); bad != nil {
		t.Errorf("app.js has %s, which the content security policy forbids or text may not pass through", bad)
	}
}
