// Package static holds the stylesheet, the scripts and what npm put into vendor/, embedded into the binary, and
// serves them under /static/ with URLs that change when the content does. It imports the standard library only.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

// Prefix is the path all files are served under.
const Prefix = "/static/"

// The vendor folder may hold nothing but .gitkeep: then the pages work as plain HTML.
//
//go:embed app.css app.js all:vendor
var embedded embed.FS

// Files are the embedded files by name, for example "app.css" or "vendor/htmx.min.js". They answer GET and HEAD
// for Prefix plus the name; there is no listing.
type Files struct {
	byName map[string]*file
}

// file is one embedded file. Its compressed form is made when it is first asked for.
type file struct {
	body        []byte
	contentType string
	version     string // the first 10 hexadecimal digits of the body's SHA-256

	once sync.Once
	gzip []byte // empty where compressing does not make it smaller
}

// New reads the embedded files. An error means the binary was not built properly.
func New() (*Files, error) { return read(embedded) }

func read(from fs.FS) (*Files, error) {
	files := &Files{byName: map[string]*file{}}
	err := fs.WalkDir(from, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			return err
		}
		body, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		files.byName[name] = &file{body: body, contentType: contentType(name), version: hex.EncodeToString(sum[:])[:10]}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read embedded files: %w", err)
	}
	return files, nil
}

// contentType goes by the name's ending. Those we serve are named here, as the system's table may differ.
func contentType(name string) string {
	switch ext := path.Ext(name); ext {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		if t := mime.TypeByExtension(ext); t != "" {
			return t
		}
		return "application/octet-stream"
	}
}

// Has reports whether a file of this name is embedded.
func (f *Files) Has(name string) bool { return f.byName[name] != nil }

// URL is the path of a file with its version, "/static/app.css?v=0123456789", or "" where there is no such file.
func (f *Files) URL(name string) string {
	if !f.Has(name) {
		return ""
	}
	return Prefix + name + "?v=" + f.byName[name].version
}

// ServeHTTP answers for one file. With the right version in the query browsers may keep it for ever; without,
// they ask again each time.
func (f *Files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, Prefix)
	found := f.byName[name]
	if !ok || found == nil {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	found.serve(w, r)
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	tag, body := `"`+f.version+`"`, f.body
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == f.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if small := f.compressed(); len(small) > 0 && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		tag, body = `"`+f.version+`-gz"`, small
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // the browser has gone: nobody is left to tell
	}
}

func (f *file) compressed() []byte {
	f.once.Do(func() {
		var out bytes.Buffer
		z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
		if err != nil {
			return
		}
		if _, err := z.Write(f.body); err != nil || z.Close() != nil || out.Len() >= len(f.body) {
			return
		}
		f.gzip = out.Bytes()
	})
	return f.gzip
}

// acceptsGzip reads an Accept-Encoding header. "gzip;q=0" refuses it.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, weight, _ := strings.Cut(part, ";")
		if name := strings.TrimSpace(coding); strings.EqualFold(name, "gzip") {
			q, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(weight), "q="), 64)
			return err != nil || q > 0
		}
	}
	return false
}
