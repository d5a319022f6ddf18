package handlers

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

const failuresPath = "/admin/failures"

// failureList is the failures as an address asks for them.
type failureList struct {
	store.FailureQuery
	open   string // the cause whose rows are shown
	coach  string // name of the chosen one
	filter views.FailureFilter
	params
}

// failureListIn reads the filters, and refuses values that they do not have. Who may not see people cannot search.
func (p *pages) failureListIn(ctx context.Context, query url.Values, s *store.Scope) (failureList, error) {
	l := failureList{params: params{url.Values{}}}
	l.At = p.clock()
	var err error
	read := func(name string, options []views.Option) string {
		allowed := []string{""}
		for _, o := range options {
			allowed = append(allowed, o.Key)
		}
		value, wrong := oneIn(query, name, allowed)
		if err == nil {
			err = wrong
		}
		return value
	}
	f := &l.filter
	f.SeesPeople = s.Viewer().May(domain.MayView)
	f.Classes, f.Kinds, f.Ages, f.States = classOptions(), kindOptions, ageOptions, failureStateOptions()
	f.Class, f.Kind, f.Age, f.State = read("class", f.Classes), read("kind", f.Kinds), read("age", f.Ages), read("state", f.States)
	if err != nil {
		return l, err
	}
	for _, of := range []struct {
		name string
		to   *string
	}{{"cause", &f.Cause}, {"open", &l.open}} {
		if *of.to, err = fingerprintIn(query, of.name); err != nil {
			return l, err
		}
	}
	if f.Search, err = searchIn(query); err != nil {
		return l, err
	}
	if err := l.chooseCoach(ctx, query, s); err != nil {
		return l, err
	}
	l.Fingerprint, l.Class, l.Kind = f.Cause, domain.FailureClass(f.Class), domain.FailureKind(f.Kind)
	l.CoachID, l.Age, l.State, l.Search = f.Coach, store.FailureAge(f.Age), domain.FailureState(f.State), f.Search
	for name, value := range map[string]string{
		"q": f.Search, "class": f.Class, "kind": f.Kind, "coach": f.Coach, "age": f.Age, "state": f.State, "cause": f.Cause, "open": l.open,
	} {
		if value != "" {
			l.values.Set(name, value)
		}
	}
	f.Chips, f.ClearURL = l.chips(), failuresPath
	return l, nil
}

func (l *failureList) chooseCoach(ctx context.Context, query url.Values, s *store.Scope) error {
	f := &l.filter
	if f.SeesPeople {
		coaches, err := s.CoachChoices(ctx, mostChoices)
		if err != nil {
			return err
		}
		f.Coaches = options(coaches)
	}
	if f.Coach = query.Get("coach"); f.Coach == "" {
		return nil
	}
	coach, err := s.Coach(ctx, f.Coach)
	l.coach = coach.Name
	return wrongChoice(err, "coach", f.Coach)
}

// fingerprintIn reads the fingerprint of a cause. One that nothing has matches nothing.
func fingerprintIn(query url.Values, name string) (string, error) {
	print := query.Get(name)
	if print != "" && strings.Trim(print, "0123456789abcdef") != "" || len(print) > 64 {
		return "", domain.Errorf(domain.Invalid, "%q names no cause.", shorten(print)).WithHint("Open the cause from the page Failures.")
	}
	return print, nil
}

func classOptions() (list []views.Option) {
	for _, class := range domain.FailureClasses {
		list = append(list, views.Option{Key: string(class), Name: views.ClassName(class)})
	}
	return list
}

var (
	kindOptions = []views.Option{{Key: string(domain.KindFailure), Name: "Failures"}, {Key: string(domain.KindBlocked), Name: "Blocked"}}
	ageOptions  = []views.Option{{Key: string(store.UnderAnHour), Name: "Under 1 h"}, {Key: string(store.UnderADay), Name: "1 to 24 h"}, {Key: string(store.OverADay), Name: "Over 24 h"}}
)

func failureStateOptions() (list []views.Option) {
	for _, state := range domain.FailureStates {
		list = append(list, views.Option{Key: string(state), Name: views.FailureStateName(state)})
	}
	return list
}

// narrowed reports whether the list leaves out any that are open.
func (l failureList) narrowed() bool { return len(l.filter.Chips) > 0 }

// chips name what is set, each with the way to the list without it.
func (l failureList) chips() []views.Chip {
	var list []views.Chip
	chip := func(id, label, value string) {
		if value != "" {
			list = append(list, views.Chip{ID: id, Label: label, URL: l.with(failuresPath, id, "")})
		}
	}
	f := l.filter
	chip("q", "Search: "+f.Search, f.Search)
	chip("cause", "One cause", f.Cause)
	chip("class", "Class: "+views.ClassName(l.Class), f.Class)
	chip("kind", "Kind: "+nameIn(f.Kinds, f.Kind), f.Kind)
	chip("coach", "Coach: "+l.coach, f.Coach)
	chip("age", "Age: "+nameIn(f.Ages, f.Age), f.Age)
	chip("state", "State: "+nameIn(f.States, f.State), f.State)
	return list
}

// fields are the filter as the hidden fields of a form.
func (l failureList) fields() []views.Option {
	var list []views.Option
	for _, name := range slices.Sorted(maps.Keys(l.values)) {
		list = append(list, views.Option{Key: name, Name: l.values.Get(name)})
	}
	return list
}

// mostTicked is how many failures can be ticked at once.
const mostTicked = 100

// idsIn reads the failures that were ticked.
func idsIn(query url.Values) ([]int64, error) {
	var ids []int64
	for _, text := range query["id"] {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id < 1 {
			return nil, domain.Errorf(domain.Invalid, "%q is no failure.", shorten(text)).WithHint("Tick some on the page Failures.")
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) > mostTicked {
		return nil, domain.Errorf(domain.Invalid, "More than %d are ticked.", mostTicked).WithHint("Narrow the list with a filter, and act on all that match.")
	}
	return ids, nil
}

// numbered is the id in the address of something that has a number for one; of what is no number there is none.
func numbered(text, what string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, domain.Errorf(domain.NoSuch, "There is no such %s.", what)
	}
	return id, nil
}

func failurePath(id int64) string { return failuresPath + "/" + strconv.FormatInt(id, 10) }

// pace is the time between two retries under the rate limit.
func (p *pages) pace() time.Duration {
	return time.Duration(domain.CallsPerSync / p.conf.RateLimit * float64(time.Second))
}
