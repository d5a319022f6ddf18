package views

import (
	"strings"

	"github.com/a-h/templ"
)

// fetches are the htmx attributes of a link or form that replaces the region with this id by what its URL
// answers. Each element carries them all: htmx 4 inherits none.
func fetches(url, region string) templ.Attributes {
	return templ.Attributes{
		"hx-get":       url,
		"hx-target":    "#" + region,
		"hx-swap":      "outerHTML",
		"hx-push-url":  "true",
		"hx-indicator": "#" + region,
		"hx-sync":      "#" + region + ":replace",
	}
}

// turns are the attributes of a pager's link: like fetches, then the region's top comes into view.
func turns(url, region string) templ.Attributes {
	a := fetches(url, region)
	a["hx-swap"] = "outerHTML show:#" + region + ":top"
	return a
}

// polls are the attributes of a region that asks for itself again every few seconds, without touching the address.
func polls(url, region, every string) templ.Attributes {
	return templ.Attributes{
		"hx-get":     url,
		"hx-target":  "#" + region,
		"hx-swap":    "outerHTML",
		"hx-trigger": "every " + every,
		"hx-sync":    "this:drop",
	}
}

// Pager is one step of a list that is shown in pages.
type Pager struct {
	First, Last, Of  int    // place of the first and last row in the list, from 1, and how many match
	PrevURL, NextURL string // "" where there is none
	NextCount        int    // rows on the next page
	Sizes            []Size // how many rows a page may have; empty where there is no choice
}

// Size is a number of rows that a page of a list may have. The URL of the chosen one is "".
type Size struct{ Label, URL string }

// several reports whether there is another page to go to.
func (p Pager) several() bool { return p.PrevURL != "" || p.NextURL != "" }

// span says which rows are shown: "1 to 100 of 480".
func (p Pager) span() string { return span(p.First, p.Last, p.Of) }

func span(first, last, of int) string {
	return Number(first) + " to " + Number(last) + " of " + Number(of)
}

// nextLabel names the next page and its rows: "Next 100".
func (p Pager) nextLabel() string {
	if p.NextCount > 0 {
		return "Next " + Number(p.NextCount)
	}
	return "Next"
}

// Sorting is how a list is sorted and where its heads lead.
type Sorting struct {
	Region string            // id of the list's region
	Sort   string            // the column, with a minus before it for downwards
	URLs   map[string]string // by column: the list sorted by it, the other way round where it is already
}

// direction is the aria-sort of a column, "" where the list is not sorted by it.
func (s Sorting) direction(column string) string {
	switch s.Sort {
	case column:
		return "ascending"
	case "-" + column:
		return "descending"
	}
	return ""
}

// sorted is the aria-sort attribute, left out where there is no direction.
func sorted(direction string) templ.Attributes {
	if direction == "" {
		return nil
	}
	return templ.Attributes{"aria-sort": direction}
}

// SortOption is an order to choose where heads are not at hand, as on a phone.
type SortOption struct{ Key, Name string }

// sortName is the name of an order, in lower case.
func sortName(options []SortOption, key string) string {
	for _, o := range options {
		if o.Key == key {
			return strings.ToLower(o.Name)
		}
	}
	return ""
}

// Option is a value to filter a list by.
type Option struct{ Key, Name string }

// Chip names a filter that is set; its URL is the list without it.
type Chip struct{ ID, Label, URL string }
