package main

import "testing"

// TestInTheBrowser uses the portal as people do, on both databases. What the database makes no difference to is done on one.
func TestInTheBrowser(t *testing.T) {
	browser := startBrowser(t)
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, browser, "sqlite")
		t.Run("pictures", w.pictures)
		w.coachesSitting(t)
		t.Run("a coach's list without JavaScript", w.plainList)
		t.Run("a competitor without JavaScript", w.plainCompetitor)
		t.Run("a slow answer", w.slowAnswer)
		t.Run("an answer that is an error", w.errorInPlace)
		t.Run("a portal that is gone", w.portalGone)
		t.Run("times that tick", w.timesTick)
		t.Run("print", w.printed)
		t.Run("a phone", w.onAPhone)
		t.Run("what people prefer", w.preferences)
		t.Run("product staff", w.productJourney)
		t.Run("every page with axe", w.everyPage)
		t.Run("the policy is kept watch over", w.policyWatch)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		newWorld(t, browser, "postgres").coachesSitting(t)
	})
}

// coachesSitting is what must be the same on both databases.
func (w *world) coachesSitting(t *testing.T) {
	t.Run("a coach's list", w.listJourney)
	t.Run("a competitor", w.competitorJourney)
	t.Run("there and back", w.thereAndBack)
	t.Run("two windows", w.twoWindows)
	t.Run("a session that ended", w.sessionEnded)
	t.Run("a refresh", w.refreshJourney)
	t.Run("a refresh without JavaScript", w.plainRefresh)
	t.Run("exports", w.exports)
	t.Run("teams and flash CTFs", w.teamsAndEvents)
	t.Run("an admin", w.adminJourney)
}
