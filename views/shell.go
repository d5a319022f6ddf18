package views

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"flagpole/internal/domain"
)

// Shell is what every page of a signed-in person needs.
type Shell struct {
	Viewer  domain.Viewer
	Path    string         // path of the page, for the navigation: "/competitors", "/admin/sync"
	Page    string         // address of the page, without its query: a search may hold a name
	CSRF    string         // token of the sign-out form
	Now     time.Time      // the page is as of this time
	Zone    *time.Location // all times are shown in it; nil is UTC
	SyncOff bool           // the integration is switched off
	Assets  Assets
}

// Assets are the URLs of the stylesheets and scripts. Pico and HTMX are empty when the vendor files were not
// built; the pages then work as plain HTML.
type Assets struct{ Pico, CSS, HTMX, JS string }

// navItem is one entry of the main navigation.
type navItem struct {
	Path, Label string
	Count       int // shown beside the label; 0 is not
}

// nav lists the pages the viewer may open; what does not exist yet is not in it.
func (s Shell) nav() []navItem {
	people := []navItem{{"/competitors", "Competitors", 0}, {"/teams", "Teams", 0}, {"/events", "Flash CTF", 0}}
	sync, failures := navItem{"/admin/sync", "Sync", 0}, navItem{"/admin/failures", "Failures", s.Viewer.OpenFailures}
	rollout := navItem{"/rollout", "Rollout", 0}
	switch s.Viewer.Role {
	case domain.RoleCoach:
		if !s.Viewer.Enrolled {
			return people[:1] // all of them say what is coming
		}
		return people
	case domain.RoleAdmin:
		return append(people, navItem{"/coaches", "Coaches", 0}, rollout, sync, failures, navItem{"/admin/pending", "Pending", 0}, navItem{"/admin", "Admin", 0})
	case domain.RoleProduct:
		return []navItem{rollout, {"/rollout/launch", "Launch", 0}, sync, failures, {problemsPath, "Problems", s.Viewer.OpenProblems}}
	}
	return nil
}

// introduces reports whether the viewer is a coach who has the game platform and has not read the introduction.
func (s Shell) introduces() bool {
	v := s.Viewer
	return v.Role == domain.RoleCoach && v.Enrolled && !v.Introduced && !v.ViewingAs
}

// mayReport reports whether the viewer may say that something is wrong with a page.
func (s Shell) mayReport() bool {
	v := s.Viewer
	return v.Role == domain.RoleCoach && v.Enrolled && !v.ViewingAs
}

// reportURL leads to the form for saying what is wrong with this page, as it is now.
func (s Shell) reportURL() string {
	return problemsPath + "/new?page=" + url.QueryEscape(s.Page) + "&at=" + strconv.FormatInt(s.Now.Unix(), 10)
}

// current is the value of aria-current for a navigation entry: "page" for the page itself, "true" for the
// section a page belongs to, "" for others.
func (s Shell) current(path string) string {
	if s.Path == path {
		return "page"
	}
	longest := ""
	for _, item := range s.nav() {
		if (s.Path == item.Path || strings.HasPrefix(s.Path, item.Path+"/")) && len(item.Path) > len(longest) {
			longest = item.Path
		}
	}
	if path == longest {
		return "true"
	}
	return ""
}

// seesPeople reports whether the viewer has pages about competitors.
func (s Shell) seesPeople() bool {
	return s.Viewer.Role == domain.RoleCoach || s.Viewer.Role == domain.RoleAdmin
}

// whose says whose competitors a page counts.
func (s Shell) whose() string {
	switch {
	case s.admin():
		return "all"
	case s.Viewer.ViewingAs:
		return "this coach's"
	}
	return "your"
}

// admin reports whether the viewer sees the columns that only admins have.
func (s Shell) admin() bool { return s.Viewer.Role == domain.RoleAdmin }

// staff reports whether the viewer reads why syncs are paused.
func (s Shell) staff() bool {
	return s.Viewer.Role == domain.RoleAdmin || s.Viewer.Role == domain.RoleProduct
}

// role is the signed-in person's own role, whatever is looked at.
func (s Shell) role() string {
	if s.Viewer.ViewingAs {
		return string(domain.RoleAdmin)
	}
	return string(s.Viewer.Role)
}
