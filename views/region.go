package views

import "github.com/a-h/templ"

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

// pages is one step of a list that is shown in pages.
type pages struct {
	Region, Label    string // id of the region; what the list is, for people who do not see it
	First, Last, Of  int
	PrevURL, NextURL string
	NextCount        int
}

// several reports whether there is another page to go to.
func (p pages) several() bool { return p.PrevURL != "" || p.NextURL != "" }

// span says which rows are shown: "1 to 100 of 480".
func span(first, last, of int) string {
	return Number(first) + " to " + Number(last) + " of " + Number(of)
}

// nextLabel names the next page and its rows: "Next 100".
func (p pages) nextLabel() string {
	if p.NextCount > 0 {
		return "Next " + Number(p.NextCount)
	}
	return "Next"
}
