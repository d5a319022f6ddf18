package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/store"
)

// hostile is an id as nobody's is.
const hostile = "cp-a1\x00' OR 1=1 --\xff%_\\"

// all collects what an Each method reads.
func all[T any](each func(func(T) error) error) ([]T, error) {
	var list []T
	err := each(func(v T) error { list = append(list, v); return nil })
	return list, err
}

// eventOf is the flash CTF that bothCoaches gives one coach's people.
func eventOf(name string) string {
	return domain.FlashEvent{Name: name, StartsAt: springCTF.StartsAt}.ID()
}

// listProbes are the probes of lists of teams, coaches, flash CTFs and what belongs to them.
func listProbes() []probe {
	teams := func(p store.Page, q store.TeamQuery) func(*house, *store.Scope) (any, error) {
		return func(h *house, sc *store.Scope) (any, error) {
			rows, _, err := sc.TeamsPage(h.t.Context(), q, p)
			return rows, err
		}
	}
	team := func(id string) func(*house, *store.Scope) (any, error) {
		return func(h *house, sc *store.Scope) (any, error) { return sc.Team(h.t.Context(), id, h.bounds()) }
	}
	coaches := func(search string, p store.Page) func(*house, *store.Scope) (any, error) {
		return func(h *house, sc *store.Scope) (any, error) {
			rows, _, err := sc.CoachesPage(h.t.Context(), search, p)
			return rows, err
		}
	}
	coach := func(id string) func(*house, *store.Scope) (any, error) {
		return func(h *house, sc *store.Scope) (any, error) { return sc.Coach(h.t.Context(), id) }
	}
	competitors := func(q store.CompetitorQuery) func(*house, *store.Scope) (any, error) {
		return func(h *house, sc *store.Scope) (any, error) {
			q.Bounds = h.bounds()
			rows, _, err := sc.CompetitorsPage(h.t.Context(), q, store.Page{Limit: 50})
			return rows, err
		}
	}
	first := store.Page{Limit: 50}
	return []probe{
		{"CompetitorsPage", "of the ambers' coach", competitors(store.CompetitorQuery{CoachID: "co-a"}), anAmber, "", anAmber},
		{"CompetitorsPage", "of the zebras' team", competitors(store.CompetitorQuery{TeamID: "t-b1"}), aZebra, "", aZebra},
		{"CompetitorsPage", "absent", competitors(store.CompetitorQuery{Absent: eventOf("Amber")}), aZebra, "", aZebra},
		{"CompetitorsPage", "hostile filters", competitors(store.CompetitorQuery{
			CoachID: hostile, TeamID: hostile, Division: hostile, Category: hostile, State: hostile, Activity: hostile, Absent: hostile,
			Search: hostile, Sort: hostile}), nobody, "", nobody},
		{"TeamsPage", "the first", teams(first, store.TeamQuery{}), everybody, "", everybody},
		{"TeamsPage", "after an amber team", teams(store.Page{After: "t-a1", Limit: 50}, store.TeamQuery{}), anAmber, domain.Invalid, everybody},
		{"TeamsPage", "of the zebras' coach", teams(first, store.TeamQuery{CoachID: "co-b"}), aZebra, "", aZebra},
		{"TeamsPage", "found", teams(first, store.TeamQuery{Search: "zebra"}), aZebra, "", aZebra},
		{"TeamsPage", "hostile", teams(store.Page{Before: hostile, Limit: 50}, store.TeamQuery{Sort: hostile}), nobody, domain.Invalid, nobody},
		{"EachTeam", "all", func(h *house, sc *store.Scope) (any, error) {
			return all(func(fn func(store.Team) error) error { return sc.EachTeam(h.t.Context(), store.TeamQuery{}, fn) })
		}, everybody, "", everybody},
		{"Team", "an amber one", team("t-a1"), anAmber, domain.NoSuch, anAmber},
		{"Team", "an empty one", team("t-a2"), anAmber, domain.NoSuch, anAmber},
		{"Team", "a zebra one", team("t-b1"), aZebra, domain.NoSuch, aZebra},
		{"Team", "hostile", team(hostile), nobody, domain.NoSuch, nobody},
		{"TeamChoices", "all", func(h *house, sc *store.Scope) (any, error) { return sc.TeamChoices(h.t.Context(), "", 9) }, everybody, "", everybody},
		{"TeamChoices", "of the zebras' coach", func(h *house, sc *store.Scope) (any, error) { return sc.TeamChoices(h.t.Context(), "co-b", 9) }, aZebra, "", aZebra},
		{"WithoutTeam", "", func(h *house, sc *store.Scope) (any, error) { return sc.WithoutTeam(h.t.Context(), store.TeamQuery{}) }, nobody, "", nobody},
		{"CoachesPage", "the first", coaches("", first), everybody, "", everybody},
		{"CoachesPage", "found", coaches("coach amb", first), anAmber, "", anAmber},
		{"CoachesPage", "after the ambers'", coaches("", store.Page{After: "co-a", Limit: 50}), anAmber, domain.Invalid, aZebra},
		{"CoachesPage", "hostile", coaches("", store.Page{After: hostile, Limit: 50}), nobody, domain.Invalid, nobody},
		{"EachCoach", "all", func(h *house, sc *store.Scope) (any, error) {
			return all(func(fn func(store.CoachRow) error) error { return sc.EachCoach(h.t.Context(), "", fn) })
		}, everybody, "", everybody},
		{"CoachChoices", "all", func(h *house, sc *store.Scope) (any, error) { return sc.CoachChoices(h.t.Context(), 9) }, everybody, "", everybody},
		{"Coach", "of the ambers", coach("co-a"), anAmber, domain.NoSuch, anAmber},
		{"Coach", "of the zebras", coach("co-b"), aZebra, domain.NoSuch, aZebra},
		{"Coach", "hostile", coach(hostile), nobody, domain.NoSuch, nobody},
		{"CategoryChoices", "", func(h *house, sc *store.Scope) (any, error) { return sc.CategoryChoices(h.t.Context()) }, everybody, "", everybody},
		// Who reads these at all stands in TestUnknownCategoriesAreForAdmins.
		{"UnknownCategories", "", func(h *house, sc *store.Scope) (any, error) {
			list, err := sc.UnknownCategories(h.t.Context())
			return len(list), err
		}, nobody, "", nobody},
	}
}

// personProbes are the probes of what belongs to one competitor or flash CTF.
func personProbes() []probe {
	name := func(id string) func(*house, *store.Scope) (any, error) {
		return func(h *house, sc *store.Scope) (any, error) {
			return sc.CompetitorRow(h.t.Context(), id)
		}
	}
	withSums := func(p store.Page) func(*house, *store.Scope) (any, error) {
		return func(h *house, sc *store.Scope) (any, error) {
			rows, _, _, err := sc.CompetitorsWithSums(h.t.Context(), store.CompetitorQuery{Bounds: h.bounds()}, p)
			return rows, err
		}
	}
	absent := func(id string) func(*house, *store.Scope) (any, error) {
		return func(h *house, sc *store.Scope) (any, error) {
			rows, _, err := sc.AbsentPage(h.t.Context(), store.Event{ID: id}, store.Page{Limit: 50})
			return rows, err
		}
	}
	neighbours := func(id string) func(*house, *store.Scope) (any, error) {
		return func(h *house, sc *store.Scope) (any, error) {
			before, after, err := sc.Neighbours(h.t.Context(), store.CompetitorQuery{Desc: true}, id)
			return []store.Neighbour{before, after}, err
		}
	}
	participants := func(event string, p store.Page) func(*house, *store.Scope) (any, error) {
		return func(h *house, sc *store.Scope) (any, error) {
			rows, _, err := sc.ParticipantsPage(h.t.Context(), store.Event{ID: event}, p)
			return rows, err
		}
	}
	request := func(id string) func(*house, *store.Scope) (any, error) {
		return func(h *house, sc *store.Scope) (any, error) { return sc.RequestRefresh(h.t.Context(), id) }
	}
	refresh := func(id, run string) func(*house, *store.Scope) (any, error) {
		return func(h *house, sc *store.Scope) (any, error) { return sc.Refresh(h.t.Context(), id, run) }
	}
	return []probe{
		{"CompetitorRow", "an amber", name("cp-a3"), anAmber, domain.NoSuch, anAmber},
		{"CompetitorRow", "a zebra", name("cp-b1"), aZebra, domain.NoSuch, aZebra},
		{"CompetitorRow", "hostile", name(hostile), nobody, domain.NoSuch, nobody},
		{"CompetitorsWithSums", "the first", withSums(store.Page{Limit: 50}), everybody, "", everybody},
		{"CompetitorsWithSums", "before a zebra", withSums(store.Page{Before: "cp-b2", Limit: 50}), aZebra, domain.Invalid, everybody},
		{"AbsentPage", "of a flash CTF that does not exist", absent(hostile), everybody, "", everybody},
		{"Neighbours", "of an amber", neighbours("cp-a1"), anAmber, "", anAmber},
		{"Neighbours", "of a zebra", neighbours("cp-b1"), aZebra, "", everybody},
		{"Neighbours", "hostile", neighbours(hostile), nobody, "", nobody},
		{"ParticipantsPage", "of the ambers' flash CTF", participants(eventOf("Amber"), store.Page{Limit: 50}), anAmber, "", anAmber},
		{"ParticipantsPage", "after an amber", participants(eventOf("Amber"), store.Page{After: "cp-a1", Limit: 50}), anAmber, domain.Invalid, anAmber},
		{"ParticipantsPage", "after one of another flash CTF", participants(eventOf("Amber"), store.Page{After: "cp-b1", Limit: 50}), nobody, domain.Invalid, nobody},
		{"ParticipantsPage", "hostile", participants(hostile, store.Page{Before: hostile, Limit: 50}), nobody, domain.Invalid, nobody},
		{"EachParticipant", "of the zebras' flash CTF", func(h *house, sc *store.Scope) (any, error) {
			return all(func(fn func(store.Participant) error) error {
				return sc.EachParticipant(h.t.Context(), eventOf("Zebra"), fn)
			})
		}, aZebra, "", aZebra},
		// Names of flash CTFs and challenges are nobody's; who reads them stands in TestEventsAndChallengesAreForWhoSeesPeople.
		{"EachEvent", "", func(h *house, sc *store.Scope) (any, error) {
			list, err := all(func(fn func(store.Event) error) error { return sc.EachEvent(h.t.Context(), fn) })
			return len(list), err
		}, nobody, "", nobody},
		{"Event", "hostile", func(h *house, sc *store.Scope) (any, error) { return sc.Event(h.t.Context(), hostile) }, nobody, domain.NoSuch, nobody},
		{"EachUnsolved", "hostile", func(h *house, sc *store.Scope) (any, error) {
			return all(func(fn func(store.Challenge) error) error {
				return sc.EachUnsolved(h.t.Context(), hostile, hostile, fn)
			})
		}, nobody, "", nobody},
		{"RequestRefresh", "of an amber", request("cp-a1"), anAmber, domain.NoSuch, nobody},
		{"RequestRefresh", "of a zebra", request("cp-b1"), aZebra, domain.NoSuch, nobody},
		{"RequestRefresh", "hostile", request(hostile), nobody, domain.NoSuch, nobody},
		{"Refresh", "of an amber", refresh("cp-a1", ""), anAmber, domain.NoSuch, nobody},
		{"Refresh", "of a zebra", refresh("cp-b1", ""), aZebra, domain.NoSuch, nobody},
		{"Refresh", "hostile", refresh(hostile, hostile), nobody, domain.NoSuch, nobody},
	}
}

func TestUnknownCategoriesAreForAdmins(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		bothCoaches(h)
		for _, v := range viewers {
			got, err := h.s.For(v.viewer).UnknownCategories(t.Context())
			want := []store.UnknownCategory(nil)
			if v.amber && v.zebra {
				want = []store.UnknownCategory{
					{Category: domain.Category{Key: "amber", Name: "Amber"}, Competitors: 2, Solves: 6},
					{Category: domain.Category{Key: "zebra", Name: "Zebra"}, Competitors: 2, Solves: 6},
				}
			}
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: %+v, %v", v.name, got, err)
			}
			choices, err := h.s.For(v.viewer).CategoryChoices(t.Context())
			n := len(domain.Categories())
			for _, seen := range []bool{v.amber, v.zebra} {
				if seen {
					n++
				}
			}
			if err != nil || len(choices) != n {
				t.Errorf("%s: %d categories to choose from, want %d: %v", v.name, len(choices), n, err)
			}
		}
	})
}

func TestEventsAndChallengesAreForWhoSeesPeople(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		bothCoaches(h)
		for _, v := range viewers {
			sc := h.s.For(v.viewer)
			people := v.viewer.Role == domain.RoleAdmin || v.viewer.Role == domain.RoleCoach && v.viewer.CoachID != "" && v.viewer.Enrolled
			events, err1 := all(func(fn func(store.Event) error) error { return sc.EachEvent(t.Context(), fn) })
			_, err2 := sc.Event(t.Context(), eventOf("Amber"))
			unsolved, err3 := all(func(fn func(store.Challenge) error) error { return sc.EachUnsolved(t.Context(), "t-a2", "", fn) })
			if (len(events) == 2) != people || len(events)%2 != 0 || err1 != nil {
				t.Errorf("%s: %d events, %v", v.name, len(events), err1)
			}
			if (err2 == nil) != people || !people && domain.CodeOf(err2) != domain.NoSuch {
				t.Errorf("%s: an event: %v", v.name, err2)
			}
			if (len(unsolved) == 2) != v.amber || err3 != nil {
				t.Errorf("%s: %d challenges that the ambers' empty team has not solved, %v", v.name, len(unsolved), err3)
			}
		}
	})
}

func TestAnotherCoachsListsReadLikeThoseThatDoNotExist(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		bothCoaches(h)
		h.clock.Advance(time.Hour)
		sc := h.coach("co-a")
		answers := func(competitor, team, coach string) []string {
			_, err1 := sc.Team(t.Context(), team, h.bounds())
			_, _, err2 := sc.TeamsPage(t.Context(), store.TeamQuery{}, store.Page{After: team, Limit: 9})
			_, err3 := sc.Coach(t.Context(), coach)
			_, _, err4 := sc.CoachesPage(t.Context(), "", store.Page{After: coach, Limit: 9})
			_, err5 := sc.CompetitorRow(t.Context(), competitor)
			_, err6 := sc.RequestRefresh(t.Context(), competitor)
			_, err7 := sc.Refresh(t.Context(), competitor, "")
			_, _, err8 := sc.ParticipantsPage(t.Context(), store.Event{ID: eventOf("Zebra")}, store.Page{After: competitor, Limit: 9})
			without, err9 := sc.WithoutTeam(t.Context(), store.TeamQuery{CoachID: coach})
			sums, err10 := sc.CompetitorSums(t.Context(), coach, h.bounds())
			texts := []string{fmt.Sprint(without, sums)}
			for _, err := range []error{err1, err2, err3, err4, err5, err6, err7, err8, err9, err10} {
				texts = append(texts, fmt.Sprintf("%s %v", domain.CodeOf(err), err))
			}
			return texts
		}
		other, missing := answers("cp-b1", "t-b1", "co-b"), answers("cp-z", "t-z", "co-z")
		if !slices.Equal(other, missing) {
			t.Errorf("another coach's: %q\nmissing: %q", other, missing)
		}
	})
}
