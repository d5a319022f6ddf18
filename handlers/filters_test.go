package handlers

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"flagpole/internal/domain"
	"flagpole/views"
)

func TestEveryFilterLeavesThoseItNames(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.november()
		evil := `=HYPERLINK("http://evil.example") Evil`
		for query, want := range map[string][]string{
			"division=college":           {oddName},
			"division=middle_school":     {"Beatriz Quintanilla"},
			"team=none":                  {evil, "Cyrus Vale", "Écrin Zola"},
			"category=crypto":            {"Amara Nwosu"},
			"category=steganography":     {"Amara Nwosu"},
			"category=osint":             {},
			"state=waiting":              {evil, "Beatriz Quintanilla", "Cyrus Vale", "Écrin Zola", "Moved On"},
			"state=failing":              {},
			"state=synced":               {"Amara Nwosu", oddName},
			"state=email_missing":        {"Cyrus Vale", "Moved On"},
			"state=awaiting_approval":    {"Beatriz Quintanilla"},
			"activity=active":            {"Amara Nwosu"},
			"activity=signs_in":          {oddName},
			"activity=flash_month":       {"Amara Nwosu"},
			"activity=never_signed_in":   {},
			"state=waiting&team=none":    {evil, "Cyrus Vale", "Écrin Zola"},
			"q=NWOSU":                    {"Amara Nwosu"},
			"q=ecrin":                    {"Écrin Zola"},
			"q=%2Bzola%40":               {"Écrin Zola"},
			"q=salt":                     {"Amara Nwosu", "Beatriz Quintanilla", "Moved On"},
			"q=amara+hash":               {"Amara Nwosu"},
			"q=%25":                      {},
			"q=_":                        {},
			"q=%00":                      {},
			"q=Dov":                      {},
			"q=amara&sort=-points":       {"Amara Nwosu"},
			"sort=name&coach=K-1&q=vale": {"Cyrus Vale"},
		} {
			page := p.as(owner).get("/competitors?" + query)
			wantStatus(t, page, 200)
			if got := page.words("#list tbody th"); !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
			wantEqual(t, query+": file", slices.Sorted(slices.Values(names(p.as(owner).get("/competitors.csv?"+query)))), slices.Sorted(slices.Values(want)))
		}
		wantEqual(t, "by username", p.as(owner).get("/competitors?q=player").words("#list tbody th"), []string{"Amara Nwosu", "Beatriz Quintanilla", oddName})
		for query, want := range map[string][]string{
			"state=stale": {"Stale Bread"}, "activity=idle": {"Idle Hands"}, "state=retrying": {"Edda Marsh"}, "state=failing": {"Edda Marsh"}, "activity=not_synced&team=" + p.teamID("Southern Cross"): {"Stale Bread"},
		} {
			wantEqual(t, query, p.as(other).get("/competitors?"+query).words("#list tbody th"), want)
		}
	})
}

// names are the full names in an export of the list.
func names(a answer) []string {
	a.t.Helper()
	_, rows := a.table()
	var list []string
	for _, r := range rows {
		list = append(list, domain.Competitor{FirstName: plain(r["first_name"]), LastName: r["last_name"]}.Name())
	}
	return list
}

// Everybody has one state and one activity, so each filter's lists are parts of the whole.
func TestStatesAndActivitiesAreParts(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.november()
		b := p.as(admin)
		all := len(b.allRows("/competitors", "list"))
		states, activities, onPlatform := 0, 0, p.strip(b.get("/competitors")).OnPlatform
		for _, s := range domain.States {
			rows := b.allRows("/competitors?state="+string(s), "list")
			states += len(rows)
			for _, row := range rows {
				if name := views.StateName(s); !strings.HasPrefix(row[10], strings.Fields(name)[0]) && s != domain.StateStale {
					t.Errorf("state %s has somebody who is %q", s, row[10])
				}
			}
		}
		for _, a := range domain.Activities {
			activities += len(b.allRows("/competitors?activity="+string(a), "list"))
		}
		wantEqual(t, "states and activities", []int{states, activities}, []int{all, all})
		if onPlatform == all {
			t.Error("everybody is on the platform: the test tells nothing of others")
		}
	})
}

func TestAdminsFilterByCoach(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.november()
		page := p.as(admin).get("/competitors?coach=K-1&sort=-name")
		wantStatus(t, page, 200)
		wantEqual(t, "coaches", uniq(page.words("#list tbody td:nth-child(3)")), []string{"Halima Osei"})
		wantEqual(t, "summary", page.words(".head p"), []string{"7 competitors of Halima Osei in 3 teams. 3 are on the platform."})
		wantEqual(t, "chip", page.words("#list .chip"), []string{"Coach: Halima Osei × remove"})
		wantEqual(t, "selected", page.attr("#list-coach option[selected]", "value"), "K-1")
		wantEqual(t, "coaches to choose from", page.words("#list-coach option"), []string{"All coaches", "Halima Osei", "Ines Falk", "Ruben Castellan"})
		wantEqual(t, "teams of that coach", page.words("#list-team option"), []string{"All teams", "=cmd|' /C calc'!A0", "Left Behind", "Salt & Hash", "No team"})

		// A team of another coach fits nobody, and the form still shows what is asked for.
		page = p.as(admin).get("/competitors?coach=K-1&team=" + p.teamID("Southern Cross"))
		wantEqual(t, "nobody", page.words("#list .empty h2"), []string{"Nobody matches"})
		wantEqual(t, "selected team", page.words("#list-team option[selected]"), []string{"Southern Cross"})
	})
}

func uniq(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }

func TestUnknownFiltersAreRefusedWithAHint(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		theirs := p.teamID("Southern Cross")
		for query, want := range map[string]string{
			"sort=age":                        `"age" is not a value of "sort". Use one of: name, team, coach,`,
			"division=toddler":                `"toddler" is not a value of "division". Use one of: high_school, middle_school, college.`,
			"state=x%00y":                     `"x\x00y" is not a value of "state". Use one of: denied,`,
			"activity=lazy":                   `"lazy" is not a value of "activity". Use one of: active,`,
			"size=1000":                       `"1000" is not a value of "size". Use one of: 25, 50, 100.`,
			"size=-1":                         `"-1" is not a value of "size". Use one of: 25, 50, 100.`,
			"category=cooking":                `"cooking" is not a category that anybody here has solved something in. Choose one`,
			"team=nonsense":                   `There is no team "nonsense" to filter by. It may have moved, or it is not yours to see.`,
			"team=%00":                        `There is no team "\x00" to filter by.`,
			"team=" + theirs:                  `There is no team "` + theirs + `" to filter by. It may have moved, or it is not yours to see.`,
			"coach=K-2":                       `There is no coach "K-2" to filter by. It may have moved, or it is not yours to see.`,
			"coach=K-404":                     `There is no coach "K-404" to filter by. It may have moved, or it is not yours to see.`,
			"after=C-404":                     "The list has changed since this link was made. Open it again from its first page.",
			"q=" + strings.Repeat("x", 101):   "The search is longer than 100 characters. Search for a part of it.",
			"q=%zz":                           "The part after the question mark cannot be read. Leave it out,",
			"team=" + strings.Repeat("x", 99): `There is no team "` + strings.Repeat("x", 40) + `…" to filter by.`,
		} {
			for _, path := range []string{"/competitors", "/competitors.csv", "/competitors.xlsx"} {
				if path != "/competitors" && strings.HasPrefix(query, "after") {
					continue
				}
				got := p.as(owner).get(path + "?" + query)
				if got.status != 422 || !strings.HasPrefix(got.words("main p")[1], want) || got.header.Get("Content-Disposition") != "" {
					t.Errorf("%s?%s: %d %q, want %q", path, query, got.status, got.words("main p"), want)
				}
				for _, secret := range peopleOf[other] {
					if strings.Contains(got.body, secret) {
						t.Errorf("%s?%s shows %q", path, query, secret)
					}
				}
			}
		}
		for path, status := range map[string]int{
			"/teams?coach=K-2": 422, "/teams?sort=age": 422, "/teams.csv?coach=K-2": 422, "/teams?coach=K-1": 200, "/competitors?coach=K-1": 200, "/teams?after=nobody": 422,
			"/teams/" + theirs: 404, "/teams/" + theirs + "/unsolved.csv": 404, "/teams/none": 404, "/teams/%00": 404, "/events/none": 404, "/events/%00/results.csv": 404,
			"/teams/" + p.teamID("Salt & Hash") + "?category=x": 422, "/teams/" + p.teamID("Salt & Hash") + "?show=x": 422, "/events/" + autumn.ID() + "?absent_after=D-1": 422,
			"/events/" + autumn.ID() + "?results_after=D-1": 422,
		} {
			if got := p.as(owner).get(path); got.status != status {
				t.Errorf("%s: status %d, want %d", path, got.status, status)
			}
		}
		for _, path := range []string{"/competitors?coach=K-404", "/teams?coach=K-404", "/competitors?team=K-404"} {
			wantStatus(t, p.as(admin).get(path), 422)
		}
	})
}

func TestChipsTakeTheirOwnFilterAwayAndTheFormKeepsAll(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(owner)
		team := p.teamID("Salt & Hash")
		set := map[string]string{"q": "amara", "team": team, "division": "high_school", "category": "crypto", "state": "synced", "activity": "active"}
		query := url.Values{"sort": {"-points"}, "size": {"25"}}
		for name, value := range set {
			query.Set(name, value)
		}
		page := b.get("/competitors?" + query.Encode())
		wantEqual(t, "names", page.words("#list tbody th"), []string{"Amara Nwosu"})
		wantEqual(t, "chips", page.words("#list .chips > *"), []string{"1 of 6 competitors", "Search: amara × remove", "Team: Salt & Hash × remove",
			"High school × remove", "Solved in: Cryptography × remove", "Active × remove", "State: Synced × remove", "Show all"})
		for name := range set {
			without := url.Values{}
			for n, v := range query {
				without[n] = v
			}
			without.Del(name)
			wantEqual(t, "without "+name, page.attr("#list-without-"+name, "href"), "/competitors?"+without.Encode())
			wantEqual(t, "htmx without "+name, page.attr("#list-without-"+name, "hx-get"), "/competitors?"+without.Encode())
		}
		wantEqual(t, "show all", page.attr("#list-clear", "href"), "/competitors?size=25&sort=-points")
		sent := url.Values{}
		page.doc().Find("#list search form").Find("input, select").Each(func(_ int, s *goquery.Selection) {
			value := s.AttrOr("value", "")
			if goquery.NodeName(s) == "select" {
				value = s.Find("option[selected]").AttrOr("value", "")
			}
			sent.Set(s.AttrOr("name", ""), value)
		})
		wantEqual(t, "what the form sends", sent, query)
		for selector, path := range map[string]string{"a[href*='.csv']": "/competitors.csv?", "a[href*='.xlsx']": "/competitors.xlsx?"} {
			query.Del("size")
			wantEqual(t, selector, page.attr(selector, "href"), path+query.Encode())
		}
	})
}
