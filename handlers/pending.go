package handlers

import (
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

const pendingPath = "/admin/pending"

// pendingList is the list of those who wait as an address asks for it.
type pendingList struct {
	store.PendingQuery
	coach string // name of the chosen one
	params
}

func pendingListIn(c echo.Context, s *store.Scope) (pendingList, error) {
	query := c.QueryParams()
	l := pendingList{params: params{url.Values{}}}
	var err error
	if l.Search, err = searchIn(query); err != nil {
		return l, err
	}
	l.Wait = domain.Wait(query.Get("for"))
	if l.Wait != "" && !slices.Contains(domain.Waits, l.Wait) {
		return l, domain.Errorf(domain.Invalid, "%q is nothing that anybody waits for.", shorten(query.Get("for"))).WithHint("Choose one from the table on the page Pending.")
	}
	if l.CoachID = query.Get("coach"); l.CoachID != "" {
		coach, err := s.Coach(c.Request().Context(), l.CoachID)
		if err != nil {
			return l, wrongChoice(err, "coach", l.CoachID)
		}
		l.coach = coach.Name
	}
	for name, value := range map[string]string{"q": l.Search, "for": string(l.Wait), "coach": l.CoachID} {
		if value != "" {
			l.values.Set(name, value)
		}
	}
	return l, nil
}

// pendingShow lists who waits for what, since when, what to do, and who does it.
func (p *pages) pendingShow(c echo.Context, s *store.Scope) error {
	l, err := pendingListIn(c, s)
	if err != nil {
		return err
	}
	page := pageOf(c, usualSize)
	rows, counts, place, err := s.PendingPage(c.Request().Context(), p.conf.Onboarding, l.PendingQuery, page)
	if err != nil {
		return err
	}
	view := views.Pending{
		Filter: views.PendingFilter{Search: l.Search, Wait: string(l.Wait), CoachID: l.CoachID, ClearURL: pendingPath, Chips: l.chips()}, ExportURL: l.with(pendingPath + ".csv"),
	}
	for _, w := range domain.Waits {
		if n := counts[w]; n > 0 {
			view.Total += n
			view.Reasons = append(view.Reasons, views.PendingReason{PendingWords: views.PendingWordsOf(w), Count: n, URL: l.with(pendingPath, "for", string(w)), Chosen: w == l.Wait})
		}
	}
	for _, r := range rows {
		view.Rows = append(view.Rows, pendingRow(r))
	}
	view.Pager = pager(rows, func(r store.PendingRow) string { return r.CompetitorID }, place, page.Limit, func(name, cursor string) string { return l.with(pendingPath, name, cursor) })
	if err := listed(c, s, "pending", "pending.view", ""); err != nil {
		return err
	}
	shell := p.shell(c, s.Viewer())
	return render(c, views.PendingPage(shell, view), regions{"pending": views.PendingList(shell, view)})
}

func (l pendingList) chips() []views.Chip {
	var list []views.Chip
	if l.Wait != "" {
		list = append(list, views.Chip{ID: "for", Label: "Waits for: " + views.PendingWordsOf(l.Wait).What, URL: l.with(pendingPath, "for", "")})
	}
	if l.CoachID != "" {
		list = append(list, views.Chip{ID: "coach", Label: "Coach: " + l.coach, URL: l.with(pendingPath, "coach", "")})
	}
	return list
}

// pendingRow is a competitor who waits, with the way to where it is mended.
func pendingRow(r store.PendingRow) views.PendingRow {
	words := views.PendingWordsOf(r.Wait)
	row := views.PendingRow{
		Name: r.Name, URL: views.CompetitorURL(r.CompetitorID), Coach: r.CoachName, Since: r.Since, Note: r.Fault, State: views.State{Kind: words.Kind, Text: words.What},
	}
	switch r.Wait {
	case domain.WaitEmail:
		row.DoURL, row.DoLabel = competitorEditURL(r.CompetitorID), "Add the email"
	case domain.WaitUnknown, domain.WaitFault:
		row.DoURL, row.DoLabel = competitorEditURL(r.CompetitorID), "Edit"
	case domain.WaitConfirmation:
		row.DoURL, row.DoLabel = onboardingURL(r.CoachID), "Look and agree"
	}
	return row
}

// pendingCSV exports who waits, as narrowed on the screen.
func (p *pages) pendingCSV(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	l, err := pendingListIn(c, s)
	if err != nil {
		return err
	}
	if err := s.Audit(ctx, "pending.export", "", "csv"); err != nil {
		return err
	}
	header := []string{"competitor_id", "competitor", "coach_id", "coach", "waits_for", "waits_for_in_words", "since", "what_to_do", "who", "platform_said"}
	return p.csv(c, "pending", "", header, func(row func(...any) error) error {
		return s.EachPending(ctx, p.conf.Onboarding, l.PendingQuery, func(r store.PendingRow) error {
			w := views.PendingWordsOf(r.Wait)
			return row(r.CompetitorID, r.Name, r.CoachID, r.CoachName, string(r.Wait), w.What, r.Since, w.Do, w.Who, r.Fault)
		})
	})
}
