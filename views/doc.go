// Package views turns page structs into HTML: the layout, the pages, their regions, and the formatting of times
// and numbers. It may import domain and templ only; it reads no request and reaches no store.
//
// A region is one component with an id of its own: it is part of its page and also the whole answer to htmx.
// Every link and form in it works as plain HTML, and carries all its htmx attributes itself.
package views
