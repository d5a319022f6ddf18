package handlers

import (
	"bytes"
	"sync"

	"github.com/labstack/echo/v4"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/parser"

	"flagpole/docs"
	"flagpole/store"
	"flagpole/views"
)

// guide is the guide for admins as HTML. It is the project's own text; goldmark leaves HTML in it out.
var guide = sync.OnceValues(func() (string, error) {
	var b bytes.Buffer
	err := goldmark.New(goldmark.WithParserOptions(parser.WithHeadingAttribute())).Convert(docs.Admin, &b)
	return b.String(), err
})

// guideShow is the page that says what to do when syncs fail.
func (p *pages) guideShow(c echo.Context, s *store.Scope) error {
	html, err := guide()
	if err != nil {
		return err
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = failuresPath + "/"
	return render(c, views.GuidePage(shell, html), nil)
}
