package handlers

import (
	"context"
	"net/url"
	"slices"
	"strconv"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

// competitorList is a list of competitors as an address asks for it.
type competitorList struct {
	store.CompetitorQuery
	sort   string // as in the address; "name" where none is given
	size   int
	search string
	params // what differs from the usual list, ready for an address
}

const competitorsPath = "/competitors"

// The columns of the list, and those that begin with the most or the newest.
var (
	competitorColumns = []string{"name", "team", "coach", "division", "odl", "flash", "points", "last_solve", "last_seen", "last_sync", "state"}
	competitorDown    = []string{"odl", "flash", "points", "last_solve", "last_seen", "last_sync"}
)

// competitorListIn reads filters, order and size. Whether the coach, the team and the category exist is for check to say.
func (p *pages) competitorListIn(query url.Values, v domain.Viewer) (competitorList, error) {
	l := competitorList{params: params{url.Values{}}}
	var err error
	choose := func(name string, allowed []string) string {
		value, fault := oneIn(query, name, allowed)
		if err == nil {
			err = fault
		}
		if value != allowed[0] {
			l.values.Set(name, value)
		}
		return value
	}
	keep := func(name string) string {
		value := query.Get(name)
		if value != "" {
			l.values.Set(name, value)
		}
		return value
	}
	l.Bounds = domain.BoundsAt(p.clock(), p.conf.Zone)
	l.sort = choose("sort", bothWays(competitorColumns))
	l.Sort, l.Desc = store.ParseSort(l.sort)
	l.Division = domain.Division(choose("division", optional(domain.Divisions)))
	l.State = choose("state", append(optional(domain.States), store.StatesWaiting, store.StatesFailing))
	l.Activity = choose("activity", append(optional(domain.Activities), store.InFlashThisMonth))
	l.size = usualSize
	if n, fault := strconv.Atoi(choose("size", append([]string{""}, pageSizes...))); fault == nil {
		l.size = n
	}
	l.TeamID, l.Category = keep("team"), keep("category")
	if err != nil {
		return l, err
	}
	if l.CoachID, err = coachIn(query, v); err != nil {
		return l, err
	}
	if l.CoachID != "" {
		l.values.Set("coach", l.CoachID)
	}
	if l.search, err = searchIn(query); l.search != "" {
		l.values.Set("q", l.search)
	}
	l.Search = l.search
	return l, err
}

// coachIn reads whose competitors or teams are asked for. Coaches have their own only, so for them it is "".
func coachIn(query url.Values, v domain.Viewer) (string, error) {
	id := query.Get("coach")
	if v.Role == domain.RoleAdmin {
		return id, nil
	}
	if id != "" && id != v.CoachID {
		return "", noChoice("coach", id)
	}
	return "", nil
}

// whose says for the audit log whose list it is, where it is one coach's.
func (l competitorList) whose() string {
	if l.CoachID == "" {
		return ""
	}
	return "coach=" + l.CoachID
}

// optional are the values of a filter, none being the first of them.
func optional[T ~string](values []T) []string {
	list := []string{""}
	for _, v := range values {
		list = append(list, string(v))
	}
	return list
}

// competitorURL is a competitor's page that knows the list it was opened from.
func (l competitorList) competitorURL(id string) string {
	return link(views.CompetitorURL(id), "list", l.values.Encode())
}

// choices are what the list can be narrowed to.
type choices struct {
	coach      store.CoachRow
	coaches    []store.Choice // empty where there are too many to choose from
	teams      []store.Choice
	team       string // name of the chosen team
	categories []domain.Category
}

// mostChoices is how many names a filter offers; where there are more, people search.
const mostChoices = 100

// choicesOf reads what the list can be narrowed to, and refuses a coach, team or category that does not exist.
func choicesOf(ctx context.Context, s *store.Scope, l competitorList) (choices, error) {
	var ch choices
	var err error
	if s.Viewer().Role == domain.RoleAdmin {
		if ch.coaches, err = s.CoachChoices(ctx, mostChoices); err != nil {
			return ch, err
		}
		if l.CoachID != "" {
			if ch.coach, err = s.Coach(ctx, l.CoachID); err != nil {
				return ch, wrongChoice(err, "coach", l.CoachID)
			}
		}
	}
	if ch.teams, err = s.TeamChoices(ctx, l.CoachID, mostChoices); err != nil {
		return ch, err
	}
	if l.TeamID != "" && l.TeamID != store.NoTeam {
		team, err := s.Team(ctx, l.TeamID, l.Bounds)
		if err != nil {
			return ch, wrongChoice(err, "team", l.TeamID)
		}
		ch.team = team.Name
	}
	if ch.categories, err = s.CategoryChoices(ctx); err != nil {
		return ch, err
	}
	if l.Category != "" && !slices.ContainsFunc(ch.categories, func(c domain.Category) bool { return c.Key == l.Category }) {
		return ch, domain.Errorf(domain.Invalid, "%q is not a category that anybody here has solved something in.", shorten(l.Category)).
			WithHint("Choose one from the list of categories.")
	}
	return ch, nil
}

// wrongChoice says that a filter's value names nothing the viewer sees.
func wrongChoice(err error, what, value string) error {
	if domain.CodeOf(err) != domain.NoSuch {
		return err
	}
	return noChoice(what, value).Because(err)
}

func noChoice(what, value string) *domain.Error {
	return domain.Errorf(domain.Invalid, "There is no %s %q to filter by.", what, shorten(value)).
		WithHint("It may have moved, or it is not yours to see.")
}

// sizes are the numbers of rows to choose from, where the list has more than the smallest.
func (l competitorList) sizes(of int) []views.Size {
	if of <= smallestPage {
		return nil
	}
	var list []views.Size
	for _, size := range pageSizes {
		s := views.Size{Label: size}
		switch size {
		case strconv.Itoa(l.size):
		case strconv.Itoa(usualSize):
			s.URL = l.with(competitorsPath, "size", "")
		default:
			s.URL = l.with(competitorsPath, "size", size)
		}
		list = append(list, s)
	}
	return list
}

const smallestPage = 25

// filter is the filter as the page shows it.
func (l competitorList) filter(ch choices) views.CompetitorFilter {
	f := views.CompetitorFilter{
		Search: l.search, Coach: l.CoachID, Team: l.TeamID, Division: string(l.Division), Category: l.Category, State: l.State,
		Activity: l.Activity, Size: l.values.Get("size"), CoachName: ch.coach.Name, Divisions: divisionOptions(),
		States: stateOptions(), Activities: activityOptions(),
		FirstURL: l.with(competitorsPath), ClearURL: l.with(competitorsPath, "q", "", "coach", "", "team", "", "division", "", "category", "", "state", "", "activity", ""),
	}
	f.Coaches = options(ch.coaches)
	if f.Teams = options(ch.teams); len(f.Teams) > 0 {
		f.Teams = append(f.Teams, views.Option{Key: store.NoTeam, Name: "No team"})
		if l.TeamID != "" && !slices.ContainsFunc(f.Teams, func(o views.Option) bool { return o.Key == l.TeamID }) {
			f.Teams = append(f.Teams, views.Option{Key: l.TeamID, Name: ch.team}) // another coach's than the chosen one's
		}
	}
	for _, c := range ch.categories {
		f.Categories = append(f.Categories, views.Option{Key: c.Key, Name: c.Name})
	}
	f.Chips = l.chips(f, ch)
	return f
}

// chips name what is set, each with the way to the list without it.
func (l competitorList) chips(f views.CompetitorFilter, ch choices) []views.Chip {
	var list []views.Chip
	chip := func(id, label, value, name string) {
		if value != "" {
			list = append(list, views.Chip{ID: id, Label: label + name, URL: l.with(competitorsPath, id, "")})
		}
	}
	team := ch.team
	if f.Team == store.NoTeam {
		team = "none"
	}
	chip("q", "Search: ", f.Search, f.Search)
	chip("coach", "Coach: ", f.Coach, f.CoachName)
	chip("team", "Team: ", f.Team, team)
	chip("division", "", f.Division, l.Division.Label())
	chip("category", "Solved in: ", f.Category, nameIn(f.Categories, f.Category))
	chip("activity", "", f.Activity, nameIn(f.Activities, f.Activity))
	chip("state", "State: ", f.State, nameIn(f.States, f.State))
	return list
}

func nameIn(options []views.Option, key string) string {
	for _, o := range options {
		if o.Key == key {
			return o.Name
		}
	}
	return key
}

func options(list []store.Choice) []views.Option {
	var all []views.Option
	for _, c := range list {
		all = append(all, views.Option{Key: c.ID, Name: c.Name})
	}
	return all
}

func divisionOptions() []views.Option {
	var list []views.Option
	for _, d := range domain.Divisions {
		list = append(list, views.Option{Key: string(d), Name: d.Label()})
	}
	return list
}

// stateOptions are the groups that people look for first, then every state.
func stateOptions() []views.Option {
	list := []views.Option{{Key: store.StatesWaiting, Name: "Waiting for something"}, {Key: store.StatesFailing, Name: "Sync failing"}}
	for _, s := range domain.States {
		list = append(list, views.Option{Key: string(s), Name: views.StateName(s)})
	}
	return list
}

func activityOptions() []views.Option {
	var list []views.Option
	for _, a := range domain.Activities {
		list = append(list, views.Option{Key: string(a), Name: views.ActivityName(a)})
	}
	return append(list, views.Option{Key: store.InFlashThisMonth, Name: "In a flash CTF this month"})
}
