package handlers

import (
	"fmt"
	"strings"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/internal/rollout"
	"flagpole/store"
	"flagpole/views"
)

const launchPath = rolloutPath + "/launch"

// launchShow shows the three lists of the launch, filled in as far as the portal can know.
func (p *pages) launchShow(c echo.Context, s *store.Scope) error {
	desk, err := s.Rollout()
	if err != nil {
		return err
	}
	l, err := desk.Launch(c.Request().Context(), p.conf.Zone)
	if err != nil {
		return err
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = launchPath
	return render(c, views.LaunchPage(shell, views.Launch{Lists: []views.LaunchList{p.readyForPilot(l), p.readyForProduction(l), p.productionStable(l)}, Days: launchDays(l)}), nil)
}

// launchConfirm notes that somebody has confirmed an item, or takes that back.
func (p *pages) launchConfirm(c echo.Context, s *store.Scope) error {
	desk, err := s.Rollout()
	if err != nil {
		return err
	}
	if err := desk.Confirm(c.Request().Context(), shorten(c.FormValue("item")), c.FormValue("done") == "yes"); err != nil {
		return err
	}
	return seeOther(c, launchPath+"#"+shorten(c.FormValue("item")))
}

func (p *pages) readyForPilot(l store.Launch) views.LaunchList {
	list := views.LaunchList{ID: "pilot", Title: "Ready for the pilot"}
	list.AddAt(l.TokenAcceptedAt, "The platform accepts our token", "Last accepted", "Not accepted yet. An admin tests the connection on the page Admin, Connection.")
	missing := p.environmentMissing()
	list.Add(len(missing) == 0, "The environment is complete", "Nothing is missing.", strings.Join(missing, " ")+" Whoever runs the server does it.")
	list.Add(l.Pending == 0, "All migrations are applied", "None is pending.", views.Plural(l.Pending, "migration is", "migrations are")+" pending. Whoever runs the server runs flagpole migrate up.")
	list.AddAt(l.TestAlertAt, "Alerts reach somebody", "A test alert was delivered", "No test alert was delivered yet. An admin sends one on the page Admin, Alerts.")
	list.Add(l.Pilots > 0, "Pilots are chosen", views.Plural(l.Pilots, "pilot", "pilots")+".", "None yet. Choose one or two on the rollout's page.")
	list.Add(l.Pilots > 0 && l.Ready == l.Pilots, "Pilots are ready", "Every one passes every check.", fmt.Sprintf("%d of %d pass every check; the rollout's page says what is missing.", l.Ready, l.Pilots))
	p.addTick(&list, l, "pilots_briefed", "Pilots are briefed", "Each has the page to print from the rollout's page of the coach, and knows how to report a problem.")
	return list
}

// environmentMissing is what a portal in production has, and this one has not.
func (p *pages) environmentMissing() (missing []string) {
	for _, check := range []struct {
		there bool
		text  string
	}{
		{p.conf.SyncEnabled, "GAME_PLATFORM_INTEGRATION_ENABLED is not set: nothing is synced."},
		{p.conf.Platform.HasToken, "GAME_PLATFORM_API_TOKEN is not set."},
		{p.conf.secure(), "FLAGPOLE_URL is not https."},
		{len(p.conf.Alerting.Targets) > 0, "No channel for alerts is set."},
	} {
		if !check.there {
			missing = append(missing, check.text)
		}
	}
	return missing
}

func (p *pages) readyForProduction(l store.Launch) views.LaunchList {
	list := views.LaunchList{ID: "production", Title: "Ready for production"}
	n := l.Pilot.N()
	counted := fmt.Sprintf("%s of %s succeeded", views.Number(l.Pilot.Succeeded), views.Plural(n, "trial", "trials"))
	not := "The pilot has not begun."
	switch {
	case l.PilotFrom.IsZero():
	case n < rollout.EnoughToPass:
		not = fmt.Sprintf("%s; it takes %d trials.", counted, rollout.EnoughToPass)
	case !l.Pilot.CleanShare():
		not = counted + "; at least " + percentText(rollout.StableShare) + " must."
	default:
		not = counted + ", but the guard acted. See the rollout's history."
	}
	list.Add(l.PilotClean, "The pilot was clean", counted+", and the guard did not act.", not)
	p.addTick(&list, l, "recommended_done", "What was recommended is done", "What pilots and staff found and recommended is mended, or decided against.")
	p.addTick(&list, l, "documents_there", "The documents are there", "Coaches, admins, product staff and operators have their guides, and know where.")
	p.addTick(&list, l, "team_trained", "The team is trained", "Admins have retried a failure and answered a report; product staff have moved the rollout.")
	return list
}

func (p *pages) productionStable(l store.Launch) views.LaunchList {
	list := views.LaunchList{ID: "stable", Title: "Production is stable"}
	good := 0
	for _, d := range l.Days {
		if d.Clean() {
			good++
		}
	}
	list.Add(good == len(l.Days), fmt.Sprintf("%d days at %s or above, with at least %d trials each", len(l.Days), percentText(rollout.StableShare), rollout.EnoughToPass),
		"Each of the last 7 calendar days.", fmt.Sprintf("%d of the last %d calendar days; the table below has each.", good, len(l.Days)))
	list.Add(l.Reports < rollout.StableReports, fmt.Sprintf("Fewer than %d problem reports in a week", rollout.StableReports), views.Plural(l.Reports, "report", "reports")+" in the last 7 days.",
		views.Plural(l.Reports, "report", "reports")+" in the last 7 days. See the page Problems.")
	list.Add(len(l.Critical) == 0, "No critical alert in a week", "None fired.", "Fired: "+strings.Join(alertTitles(l.Critical), ", ")+".")
	return list
}

func alertTitles(rules []domain.AlertRule) (titles []string) {
	for _, r := range rules {
		titles = append(titles, r.Title())
	}
	return titles
}

func launchDays(l store.Launch) (days []views.LaunchDay) {
	for _, d := range l.Days {
		day := views.LaunchDay{Day: d.Day, Succeeded: d.Succeeded, Trials: d.N(), Good: d.Clean()}
		if day.Trials > 0 {
			day.Rate = percentText(float64(d.Succeeded) / float64(day.Trials))
		}
		days = append(days, day)
	}
	return days
}

// addTick adds an item that a person confirms.
func (p *pages) addTick(list *views.LaunchList, l store.Launch, item, title, what string) {
	tick := l.Ticks[item]
	list.Items = append(list.Items, views.LaunchItem{ID: item, Title: title, Detail: what, Done: !tick.At.IsZero(), By: tick.By, At: tick.At, Confirm: true})
}
