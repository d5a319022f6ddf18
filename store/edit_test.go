package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/alert"
	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
)

// forAdmins is a probe of a method that only admins may call, whatever comes of it.
func forAdmins(method string, call func(h *house, sc *store.Scope) error) probe {
	return probe{method, "", func(h *house, sc *store.Scope) (any, error) {
		denied := domain.CodeOf(call(h, sc)) == domain.Denied
		if admin := sc.Viewer().Role == domain.RoleAdmin; denied == admin {
			h.t.Errorf("%s as %+v: denied is %v", method, sc.Viewer(), denied)
		}
		return nil, nil
	}, nobody, "", nobody}
}

var rules = store.OnboardingRules{Enabled: true, Earliest: domain.ProfileComplete, Removals: 0.1}

// alertProbes are those of alerts and the connection: they name nobody, and product staff see the first.
func alertProbes() []probe {
	return []probe{
		forStaff("Alerts", func(h *house, sc *store.Scope) (int, error) {
			list, _, err := sc.Alerts(h.t.Context(), h.clock.Now())
			return len(list), err
		}),
		forStaff("PastAlerts", func(h *house, sc *store.Scope) (int, error) {
			list, _, err := sc.PastAlerts(h.t.Context(), 0, 9)
			return len(list), err
		}),
		forStaff("Messages", func(h *house, sc *store.Scope) (int, error) {
			list, err := sc.Messages(h.t.Context(), 9)
			return len(list), err
		}),
		{"Connection", "", func(h *house, sc *store.Scope) (any, error) {
			page, err := sc.Connection(h.t.Context(), h.clock.Now(), h.clock.Now())
			if some := page.SeenAt.Equal(h.clock.Now()); some != (sc.Viewer().Role == domain.RoleAdmin) {
				h.t.Errorf("Connection as %+v: seen is %v", sc.Viewer(), some)
			}
			return nil, err
		}, nobody, "", nobody},
		forAdmins("AcknowledgeAlert", func(h *house, sc *store.Scope) error { return sc.AcknowledgeAlert(h.t.Context(), domain.AlertDisk, "") }),
		forAdmins("TestMessages", func(h *house, sc *store.Scope) error { return sc.TestMessages(h.t.Context(), "/") }),
		forAdmins("TestConnection", func(h *house, sc *store.Scope) error { return sc.TestConnection(h.t.Context()) }),
	}
}

// anAlert has a rule fire, a message written, and the connection noted.
func anAlert(h *house) {
	h.t.Helper()
	if err := h.sys.NoteConnection(h.t.Context(), store.ConnectionNews{Connection: store.Connection{SeenAt: h.clock.Now(), State: "open", Rate: 5, ConfiguredRate: 5}}); err != nil {
		h.t.Fatal(err)
	}
	always := alert.Defaults()
	always.DatabaseErrors = 0
	changes, err := h.sys.EvaluateAlerts(h.t.Context(), h.clock.Now(), store.AlertRules{Thresholds: always, Zone: time.UTC, Link: "/"})
	if err != nil || len(changes) == 0 {
		h.t.Fatalf("%d changes, %v", len(changes), err)
	}
}

// forStaff is a probe of a method that gives something to admins and product staff, and nothing to others.
func forStaff(method string, call func(h *house, sc *store.Scope) (int, error)) probe {
	return probe{method, "", func(h *house, sc *store.Scope) (any, error) {
		n, err := call(h, sc)
		if role := sc.Viewer().Role; (n > 0) != (role == domain.RoleAdmin || role == domain.RoleProduct) {
			h.t.Errorf("%s as %+v gives %d", method, sc.Viewer(), n)
		}
		return nil, err
	}, nobody, "", nobody}
}

func editProbes() []probe {
	ghost := domain.Competitor{ID: "cp-z"}
	return []probe{
		{"SameName", "an amber's", func(h *house, sc *store.Scope) (any, error) { return sc.SameName(h.t.Context(), "ADA amber", 9) }, anAmber, "", anAmber},
		{"CoachByEmail", "the ambers'", func(h *house, sc *store.Scope) (any, error) {
			_, err := sc.CoachByEmail(h.t.Context(), "nobody@quill.example")
			return domain.CodeOf(err), nil
		}, nobody, "", nobody},
		forAdmins("CreateCompetitor", func(h *house, sc *store.Scope) error {
			_, err := sc.CreateCompetitor(h.t.Context(), domain.Competitor{FirstName: "Gil", LastName: "Ghost", Division: domain.College, Status: domain.ProfilePending, CoachID: "co-none"})
			return err
		}),
		forAdmins("RosterCompetitor", func(h *house, sc *store.Scope) error {
			_, err := sc.RosterCompetitor(h.t.Context(), "cp-a1")
			return err
		}),
		forAdmins("UpdateCompetitor", func(h *house, sc *store.Scope) error {
			return sc.UpdateCompetitor(h.t.Context(), ghost, domain.Competitor{FirstName: "Gil", LastName: "Ghost", Division: domain.College, Status: domain.ProfilePending})
		}),
		forAdmins("MoveCompetitor", func(h *house, sc *store.Scope) error { return sc.MoveCompetitor(h.t.Context(), "cp-z", "co-a") }),
		forAdmins("SetCompetitorActive", func(h *house, sc *store.Scope) error {
			_, err := sc.SetCompetitorActive(h.t.Context(), "cp-z", false)
			return err
		}),
		forAdmins("CompetitorChanges", func(h *house, sc *store.Scope) error {
			_, err := sc.CompetitorChanges(h.t.Context(), "cp-a1", 9)
			return err
		}),
		forAdmins("CreateCoach", func(h *house, sc *store.Scope) error {
			_, err := sc.CreateCoach(h.t.Context(), domain.Coach{Name: "G", Email: "coach@amber.example"})
			return err
		}),
		forAdmins("UpdateCoach", func(h *house, sc *store.Scope) error {
			return sc.UpdateCoach(h.t.Context(), domain.Coach{ID: "co-z"}, domain.Coach{Name: "G", Email: "g@quill.example"})
		}),
		forAdmins("SetCoachActive", func(h *house, sc *store.Scope) error { return sc.SetCoachActive(h.t.Context(), "co-z", false) }),
		forAdmins("CoachChanges", func(h *house, sc *store.Scope) error { _, err := sc.CoachChanges(h.t.Context(), "co-a", 9); return err }),
		forAdmins("CreateTeam", func(h *house, sc *store.Scope) error {
			_, err := sc.CreateTeam(h.t.Context(), roster.Team{CoachID: "co-z", Name: "G"})
			return err
		}),
		forAdmins("RosterTeam", func(h *house, sc *store.Scope) error { _, err := sc.RosterTeam(h.t.Context(), "t-a"); return err }),
		forAdmins("RenameTeam", func(h *house, sc *store.Scope) error { return sc.RenameTeam(h.t.Context(), "t-z", "G") }),
		forAdmins("DeleteTeam", func(h *house, sc *store.Scope) error { return sc.DeleteTeam(h.t.Context(), "t-z") }),
		forAdmins("TeamChanges", func(h *house, sc *store.Scope) error { _, err := sc.TeamChanges(h.t.Context(), "t-a", 9); return err }),
		forAdmins("TeamsOf", func(h *house, sc *store.Scope) error { _, err := sc.TeamsOf(h.t.Context(), "co-a"); return err }),
		forAdmins("Disclosures", func(h *house, sc *store.Scope) error { _, err := sc.Disclosures(h.t.Context(), "cp-a1"); return err }),
		forAdmins("StageImport", func(h *house, sc *store.Scope) error {
			_, err := sc.StageImport(h.t.Context(), strings.NewReader("coach_email"))
			return err
		}),
		forAdmins("Imports", func(h *house, sc *store.Scope) error { _, err := sc.Imports(h.t.Context(), 9); return err }),
		forAdmins("ImportPreview", func(h *house, sc *store.Scope) error { _, err := sc.ImportPreview(h.t.Context(), "none"); return err }),
		forAdmins("ConfirmImport", func(h *house, sc *store.Scope) error { return sc.ConfirmImport(h.t.Context(), "none", "") }),
		forAdmins("CancelImport", func(h *house, sc *store.Scope) error { return sc.CancelImport(h.t.Context(), "none") }),
		forAdmins("EachRosterRow", func(h *house, sc *store.Scope) error {
			return sc.EachRosterRow(h.t.Context(), func(roster.Row) error { return nil })
		}),
		forAdmins("UsersPage", func(h *house, sc *store.Scope) error {
			_, _, err := sc.UsersPage(h.t.Context(), store.UserQuery{}, store.Page{Limit: 9})
			return err
		}),
		forAdmins("EachUser", func(h *house, sc *store.Scope) error {
			return sc.EachUser(h.t.Context(), func(store.UserRow) error { return nil })
		}),
		forAdmins("User", func(h *house, sc *store.Scope) error { _, err := sc.User(h.t.Context(), "u"); return err }),
		forAdmins("UserIDByEmail", func(h *house, sc *store.Scope) error { _, err := sc.UserIDByEmail(h.t.Context(), "u"); return err }),
		forAdmins("InviteUser", func(h *house, sc *store.Scope) error {
			_, err := sc.InviteUser(h.t.Context(), "new@quill.example", "none", "", store.Link{})
			return err
		}),
		forAdmins("SetUserRole", func(h *house, sc *store.Scope) error { return sc.SetUserRole(h.t.Context(), "u", domain.RoleAdmin, "") }),
		forAdmins("SetUserDisabled", func(h *house, sc *store.Scope) error { return sc.SetUserDisabled(h.t.Context(), "u", true) }),
		forAdmins("ResetUser", func(h *house, sc *store.Scope) error { return sc.ResetUser(h.t.Context(), "u", store.Link{}) }),
		forAdmins("SetUserPassword", func(h *house, sc *store.Scope) error { return sc.SetUserPassword(h.t.Context(), "u", "x") }),
		forAdmins("EndUserSessions", func(h *house, sc *store.Scope) error { return sc.EndUserSessions(h.t.Context(), "u") }),
		forAdmins("DropTwoFactor", func(h *house, sc *store.Scope) error { return sc.DropTwoFactor(h.t.Context(), "u") }),
		forAdmins("PendingPage", func(h *house, sc *store.Scope) error {
			_, _, _, err := sc.PendingPage(h.t.Context(), rules, store.PendingQuery{}, store.Page{Limit: 9})
			return err
		}),
		forAdmins("EachPending", func(h *house, sc *store.Scope) error {
			return sc.EachPending(h.t.Context(), rules, store.PendingQuery{}, func(store.PendingRow) error { return nil })
		}),
		forAdmins("OnboardingCoaches", func(h *house, sc *store.Scope) error {
			_, _, err := sc.OnboardingCoaches(h.t.Context(), rules, 9)
			return err
		}),
		forAdmins("OnboardingPreview", func(h *house, sc *store.Scope) error {
			_, err := sc.OnboardingPreview(h.t.Context(), rules, "co-a")
			return err
		}),
		forAdmins("OnboardingFaults", func(h *house, sc *store.Scope) error {
			_, err := sc.OnboardingFaults(h.t.Context(), "cp-a1")
			return err
		}),
		forAdmins("ConfirmOnboarding", func(h *house, sc *store.Scope) error { return sc.ConfirmOnboarding(h.t.Context(), rules, "co-a", "") }),
		forAdmins("StopOnboarding", func(h *house, sc *store.Scope) error { return sc.StopOnboarding(h.t.Context(), "co-a") }),
		forAdmins("HeldRemovals", func(h *house, sc *store.Scope) error { _, err := sc.HeldRemovals(h.t.Context(), rules, 9); return err }),
		forAdmins("ConfirmRemovals", func(h *house, sc *store.Scope) error { return sc.ConfirmRemovals(h.t.Context(), "") }),
		forAdmins("DriftPage", func(h *house, sc *store.Scope) error { _, err := sc.DriftPage(h.t.Context(), 9); return err }),
		forAdmins("ApplyDrift", func(h *house, sc *store.Scope) error { return sc.ApplyDrift(h.t.Context(), "cp-z", "") }),
	}
}

// edited reads a competitor and stores what change makes of it.
func (h *house) edited(id string, change func(*domain.Competitor)) error {
	h.t.Helper()
	old, err := h.admin().RosterCompetitor(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	c := old
	change(&c)
	return h.admin().UpdateCompetitor(h.t.Context(), old, c)
}

func (h *house) changesOf(id string) []string {
	h.t.Helper()
	list, err := h.admin().CompetitorChanges(h.t.Context(), id, 50)
	if err != nil {
		h.t.Fatal(err)
	}
	var texts []string
	for _, c := range list {
		texts = append(texts, fmt.Sprintf("%s by %s (%s): %q -> %q", c.Field, c.By, c.Source, c.Old, c.New))
	}
	return texts
}

func TestAnEditIsStoredWithItsHistory(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		if err := h.edited("cp-a1", func(c *domain.Competitor) { c.Grade, c.Email, c.TeamID = "12", "amber1@new.example", "" }); err != nil {
			t.Fatal(err)
		}
		if err := h.edited("cp-a1", func(*domain.Competitor) {}); err != nil { // changes nothing, and is no change
			t.Fatal(err)
		}
		h.want("stored", `SELECT grade, email, email_key, team_id FROM competitors WHERE competitor_id = 'cp-a1'`, "12|amber1@new.example|amber1@new.example|-")
		h.want("listed", `SELECT COUNT(*) FROM competitor_list WHERE competitor_id = 'cp-a1' AND team_id IS NULL AND search_key LIKE '%amber1@new.example%'`, "1")
		got := strings.Join(h.changesOf("cp-a1"), "\n")
		for _, want := range []string{`grade by u-admin (page): "11" -> "12"`, `-> "amber1@new.example"`, "created by command (import)"} {
			if !strings.Contains(got, want) {
				t.Errorf("the history lacks %s:\n%s", want, got)
			}
		}
		h.want("audit", `SELECT user_id, action, competitor_id FROM audit_log WHERE action LIKE 'competitor.%' ORDER BY audit_id`, "u-admin|competitor.update|cp-a1")
	})
}

func TestWhatCannotBeStoredSaysWhichFieldAndChangesNothing(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		h.exec(`UPDATE competitors SET email = 'b1@quill.example', email_key = 'b1@quill.example' WHERE competitor_id = 'cp-b1'`)
		before := h.dump()
		for name, c := range map[string]struct {
			change func(*domain.Competitor)
			code   domain.Code
			column string
		}{
			"no name":          {func(c *domain.Competitor) { c.FirstName = "" }, domain.Invalid, "first_name"},
			"no email":         {func(c *domain.Competitor) { c.Email = "ada" }, domain.Invalid, "email"},
			"another's email":  {func(c *domain.Competitor) { c.Email = "B1@quill.example" }, domain.Clash, "email"},
			"another's acount": {func(c *domain.Competitor) { c.GamePlatformID = "gp-b1" }, domain.Clash, "game_platform_id"},
			"another's team":   {func(c *domain.Competitor) { c.TeamID = "t-b" }, domain.Clash, "team"},
			"no division":      {func(c *domain.Competitor) { c.Division = "" }, domain.Invalid, "division"},
			"a status of ours": {func(c *domain.Competitor) { c.Status = "done" }, domain.Invalid, "status"},
		} {
			err := h.edited("cp-a1", c.change)
			if domain.CodeOf(err) != c.code || roster.Problems(err).In(c.column) == "" || len(roster.Problems(err)) != 1 {
				t.Errorf("%s: %v, problems %v", name, err, roster.Problems(err))
			}
		}
		if diff := cmp.Diff(before, h.dump()); diff != "" {
			t.Errorf("something was stored (-before +after):\n%s", diff)
		}
	})
}

func TestAnEditOfWhatSomebodyElseHasChangedIsRefused(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		seen, err := h.admin().RosterCompetitor(t.Context(), "cp-a1")
		if err != nil {
			t.Fatal(err)
		}
		if err := h.edited("cp-a1", func(c *domain.Competitor) { c.Grade = "9" }); err != nil {
			t.Fatal(err)
		}
		mine := seen
		mine.Grade = "10"
		if err := h.admin().UpdateCompetitor(t.Context(), seen, mine); domain.CodeOf(err) != domain.Clash {
			t.Errorf("%v", err)
		}
		h.want("the first one's", `SELECT grade FROM competitors WHERE competitor_id = 'cp-a1'`, "9")
	})
}

func TestAMoveLeavesTheTeamAndKeepsTheResults(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		h.storeODL("gp-a1", h.snapshot(odl(1), odl(2)))
		if err := h.admin().MoveCompetitor(t.Context(), "cp-a1", "co-b"); err != nil {
			t.Fatal(err)
		}
		r, err := h.coach("co-b").CompetitorRow(t.Context(), "cp-a1")
		if err != nil || r.Solves() != 2 || r.TeamID != "" {
			t.Errorf("%+v, %v", r, err)
		}
		if _, err := h.coach("co-a").CompetitorRow(t.Context(), "cp-a1"); domain.CodeOf(err) != domain.NoSuch {
			t.Errorf("the old coach: %v", err)
		}
		for _, coach := range []string{"co-b", "co-z"} {
			if err := h.admin().MoveCompetitor(t.Context(), "cp-a1", coach); err == nil {
				t.Errorf("moved to %s", coach)
			}
		}
		listsAgree(h, "after the move")
	})
}

// Deactivating ends everything that is fetched or shown as open, and activating begins it again.
func TestADeactivatedCompetitorIsLeftAlone(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		bothCoaches(h)
		h.want("open failures", `SELECT COUNT(*) FROM sync_failures WHERE ended_at IS NULL AND competitor_id = 'cp-a1'`, "1")
		h.clock.Advance(time.Hour)
		h.deactivate("cp-a1")
		targets := func() string {
			list, err := h.sys.Targets(t.Context(), store.Selection{}, "", 100)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, target := range list {
				ids = append(ids, target.CompetitorID)
			}
			return strings.Join(ids, " ")
		}
		if got := targets(); got != "cp-a2 cp-b1 cp-b2" {
			t.Errorf("synced: %s", got)
		}
		r, err := h.coach("co-a").CompetitorRow(t.Context(), "cp-a1")
		if err != nil || r.Sync.State() != domain.StateInactive || r.Solves() == 0 {
			t.Errorf("the coach sees %+v, %v", r, err)
		}
		if _, err := h.coach("co-a").RequestRefresh(t.Context(), "cp-a1"); domain.CodeOf(err) != domain.Clash {
			t.Errorf("a refresh: %v", err)
		}
		h.want("the failure", `SELECT end_reason FROM sync_failures WHERE competitor_id = 'cp-a1' AND ended_at IS NOT NULL`, "inactive")
		h.want("what is open", `SELECT competitors FROM failure_sums WHERE coach_id = 'co-a' AND fingerprint = '' AND state = 'open'`, "1")
		listsAgree(h, "deactivated")

		if changed, err := h.admin().SetCompetitorActive(t.Context(), "cp-a1", false); changed || err != nil {
			t.Errorf("once more: %v, %v", changed, err)
		}
		if _, err := h.admin().SetCompetitorActive(t.Context(), "cp-a1", true); err != nil {
			t.Fatal(err)
		}
		if got := targets(); got != "cp-a1 cp-a2 cp-b1 cp-b2" {
			t.Errorf("synced again: %s", got)
		}
		if got := h.changesOf("cp-a1")[:2]; !strings.HasPrefix(got[0], "activated by") || !strings.HasPrefix(got[1], "deactivated by") {
			t.Errorf("history %q", got)
		}
	})
}

func TestACoachWithCompetitorsCannotBeDeactivated(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		h.exec(`INSERT INTO users (user_id, email, email_key, role, coach_id, password_hash, created_at) VALUES ('u-a', 'a', 'a', 'coach', 'co-a', 'x', 0)`)
		h.exec(`INSERT INTO sessions (session_hash, user_id, created_at, last_used_at, expires_at) VALUES ('s', 'u-a', 0, 0, 0)`)
		if err := h.admin().SetCoachActive(t.Context(), "co-a", false); domain.CodeOf(err) != domain.Clash {
			t.Fatalf("%v", err)
		}
		for _, id := range h.lines(`SELECT competitor_id FROM competitors WHERE coach_id = 'co-a'`) {
			h.deactivate(id)
		}
		if err := h.admin().SetCoachActive(t.Context(), "co-a", false); err != nil {
			t.Fatal(err)
		}
		h.want("logins", `SELECT COUNT(*) FROM users WHERE disabled_at IS NOT NULL`, "1")
		h.want("sessions", `SELECT COUNT(*) FROM sessions`, "0")
		if err := h.admin().MoveCompetitor(t.Context(), "cp-b1", "co-a"); domain.CodeOf(err) != domain.NoSuch {
			t.Errorf("moved to a coach who is not active: %v", err)
		}
	})
}

func TestTeamsAreAddedRenamedAndDeletedOnceEmpty(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		id, err := h.admin().CreateTeam(t.Context(), roster.Team{CoachID: "co-a", Name: "Fresh"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.admin().CreateTeam(t.Context(), roster.Team{CoachID: "co-a", Name: "fresh"}); domain.CodeOf(err) != domain.Clash || roster.Problems(err).In("team") == "" {
			t.Errorf("the same name: %v", err)
		}
		if err := h.admin().RenameTeam(t.Context(), id, "Fresher"); err != nil {
			t.Error(err)
		}
		if err := h.edited("cp-a1", func(c *domain.Competitor) { c.TeamID = id }); err != nil {
			t.Fatal(err)
		}
		if err := h.admin().DeleteTeam(t.Context(), id); domain.CodeOf(err) != domain.Clash {
			t.Errorf("with a member: %v", err)
		}
		if err := h.edited("cp-a1", func(c *domain.Competitor) { c.TeamID = "" }); err != nil {
			t.Fatal(err)
		}
		if err := h.admin().DeleteTeam(t.Context(), id); err != nil {
			t.Error(err)
		}
		h.want("gone", `SELECT COUNT(*) FROM teams WHERE team_id = '`+id+`'`, "0")
		h.want("its history", `SELECT field, old_value, new_value FROM roster_changes WHERE subject_id = '`+id+`' ORDER BY change_id`, "created||", "name|Fresh|Fresher", "deleted||")
		listsAgree(h, "after all")
	})
}

func TestCoachesAndCompetitorsAreAdded(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		coach, err := h.admin().CreateCoach(t.Context(), domain.Coach{Name: "Olga Rune", Email: "Olga@rune.example"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.admin().CreateCoach(t.Context(), domain.Coach{Name: "Another", Email: "olga@rune.example"}); roster.Problems(err).In("coach_email") == "" {
			t.Errorf("the same email: %v", err)
		}
		old := domain.Coach{ID: coach, Name: "Olga Rune", Email: "Olga@rune.example"}
		renamed := old
		renamed.School = "Pier School"
		if err := h.admin().UpdateCoach(t.Context(), old, renamed); err != nil {
			t.Error(err)
		}
		if err := h.admin().UpdateCoach(t.Context(), old, renamed); domain.CodeOf(err) != domain.Clash {
			t.Errorf("from what was there before: %v", err)
		}
		id, err := h.admin().CreateCompetitor(t.Context(), domain.Competitor{CoachID: coach, FirstName: "Gus", LastName: "Hále", Division: domain.College, Status: domain.ProfileComplete, Email: "gus@pier.example"})
		if err != nil {
			t.Fatal(err)
		}
		same, err := h.admin().SameName(t.Context(), "GUS hale", 9)
		if err != nil || len(same) != 1 || same[0].ID != id || same[0].School != "Pier School" {
			t.Errorf("of this name: %+v, %v", same, err)
		}
		listsAgree(h, "added")
	})
}
