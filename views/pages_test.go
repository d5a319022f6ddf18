package views

import (
	"strings"
	"testing"
	"time"

	"flagpole/internal/domain"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"
	"github.com/google/go-cmp/cmp"
)

var now = time.Date(2026, 11, 19, 18, 52, 0, 0, time.UTC)

func shell(role domain.Role, path string) Shell {
	return Shell{
		Viewer: domain.Viewer{UserID: "u1", Email: "m.okafor@school.example", Name: "Marisol Okafor", Role: role, Enrolled: true, Introduced: true},
		Path:   path, CSRF: "token-1", Now: now,
		Assets: Assets{Pico: "/static/vendor/pico.min.css?v=1", CSS: "/static/app.css?v=2", HTMX: "/static/vendor/htmx.min.js?v=3", JS: "/static/app.js?v=4"},
	}
}

func someCompetitors() Competitors {
	return Competitors{
		Rows: []CompetitorRow{
			{ID: "C-1041", Name: "Amara <b>Nwosu</b>", URL: "/competitors/C-1041?list=team%3DT-1", Team: "Salt & Hash", CoachName: "Halima Osei", Division: domain.HighSchool, ODLSolves: 1025, FlashSolves: 22, Points: 10500,
				LastSolveAt: now.AddDate(0, 0, -19), LastSeenAt: now.Add(-5 * time.Hour), LastSyncedAt: now.Add(-12 * time.Minute), State: State{Kind: "ok", Text: "Synced"}},
			{ID: "a/b", Name: "Beatriz Quintanilla", URL: CompetitorURL("a/b"), CoachName: "Halima Osei", Division: domain.MiddleSchool, State: State{Kind: "hold", Text: "Awaiting approval"}},
		},
		Sums: CompetitorSums{Competitors: 480, OnPlatform: 441, Active: 201, InFlash: 17, Waiting: 1, Teams: 60, Coaches: 24, Solves: 11226, Points: 1295700,
			ActiveURL: "/competitors?activity=active", InFlashURL: "/competitors?activity=flash_month", WaitingURL: "/competitors?state=waiting"},
		Filter: CompetitorFilter{FirstURL: "/competitors?sort=-points", Divisions: []Option{{"college", "College"}}, Teams: []Option{{"T-1", "Salt & Hash"}, {"none", "No team"}}},
		Pager: Pager{First: 101, Last: 200, Of: 480, PrevURL: "/competitors?sort=-points", NextURL: "/competitors?after=C-9&sort=-points", NextCount: 100,
			Sizes: []Size{{"25", "/competitors?size=25"}, {"50", "/competitors"}, {"100", ""}}},
		Sorting: Sorting{Region: "list", Sort: "-points", URLs: map[string]string{"name": "/competitors", "points": "/competitors?sort=points"}},
		SelfURL: "/competitors?before=C-1&sort=-points", ExportURL: "/competitors.csv?sort=-points", SheetURL: "/competitors.xlsx?sort=-points",
	}
}

// narrowed is the list with filters, of which nothing is left.
func narrowed() Competitors {
	d := someCompetitors()
	d.Rows, d.Pager = nil, Pager{}
	d.Filter.Team, d.Filter.Search = "T-1", "amara"
	d.Filter.Chips = []Chip{{"q", "Search: amara", "/competitors?team=T-1"}, {"team", "Team: Salt & Hash", "/competitors?q=amara"}}
	d.Filter.ClearURL = "/competitors?sort=-points"
	return d
}

func someCompetitor() Competitor {
	return Competitor{
		ID: "C-1041", Name: "Amara Nwosu", Team: "Byte Lions", TeamID: "T-1", CoachName: "Halima Osei", School: "Westlake High", Grade: "11", Division: domain.HighSchool,
		Username: "amara_n", Activity: "Idle",
		Sync: SyncState{URL: "/competitors/C-1041", MayRefresh: true, LastSyncedAt: now.Add(-12 * time.Minute),
			State: State{Kind: "warn", Text: "Retrying at 22:53", Detail: "The platform did not answer in time. Nobody has to act."}},
		ODLSolves: 25, FlashSolves: 22, Points: 10500, Quarantined: 2,
		LastSolveAt: now.AddDate(0, 0, -19),
		Drift:       &Drift{At: now.Add(-3 * time.Hour), OurSolves: 24, OurPoints: 5000, TheirSolves: 25, TheirPoints: 5300},
		Around:      Around{ListURL: "/competitors?team=T-1", PrevURL: "/competitors/C-1", PrevName: "Ada", NextURL: "/competitors/C-3", NextName: "Bo"},
		Fresh:       []Freshness{{"ODL solves", now.Add(-12 * time.Minute)}, {"Flash CTF results", time.Time{}}},
		OverTime:    &PointsOverTime{Who: "Amara", Team: "Byte Lions", From: now.AddDate(0, 0, -10), To: now, Mine: []float64{10, 20}, Average: []float64{5, 7}},
		Categories:  CategoryBars{Who: "Amara", Team: "Byte Lions", Rows: []CategoryBar{{Name: "Web", Key: "web", Solves: 47, Points: 10500, TeamAverage: 20}}},
		Events: []EventRow{
			{Name: "Autumn Qualifier", URL: "/events/e1", SolvesURL: "/competitors/C-1041?source=e1", StartsAt: now.AddDate(0, 0, -19), Rank: 7, Solves: 9, Points: 2400, MaxPoints: 3000},
			{Name: "Spring Finale", URL: "/events/e2", SolvesURL: "/competitors/C-1041?source=e2", StartsAt: now.AddDate(0, -6, 0), Solves: 1, Points: 700},
		},
		Solves: Solves{
			Rows: []SolveRow{
				{Title: "Padding Oracle Blues", Category: "Cryptography", Source: domain.SourceFlash, Event: "Autumn Qualifier", WorkRoles: []string{"PR-CDA-001", "PD-WRL-001"}, Points: 400, SolvedAt: now.AddDate(0, 0, -19)},
				{Title: " ", Source: domain.SourceODL, Retired: true, SolvedAt: now.AddDate(-1, 0, 0)},
			},
			Total: 47, Categories: []CategoryOption{{"crypto", "Cryptography", 14}, {"web", "Web", 33}},
			Sources: []Option{{"odl", "ODL"}, {"flash", "Flash CTF"}, {"e1", "Autumn Qualifier"}}, Source: "flash", From: "2026-10-01", List: "team=T-1",
			Category: "crypto", CategoryName: "Cryptography", Chips: []Chip{{"category", "Category: Cryptography", "/competitors/C-1041?sort=-points"}},
			Sorting: Sorting{Region: "solves", Sort: "-points", URLs: map[string]string{"points": "/competitors/C-1041?category=crypto&sort=points"}},
			Pager:   Pager{First: 1, Last: 2, Of: 14, NextCount: 12, NextURL: "/competitors/C-1041?after=x"},
			BaseURL: "/competitors/C-1041", FirstURL: "/competitors/C-1041?category=crypto&sort=-points",
			ClearURL: "/competitors/C-1041?sort=-points", ExportURL: "/competitors/C-1041.csv?category=crypto",
		},
	}
}

func someFailures() Failures {
	row := FailureRow{ID: 3, Name: "Edda Marsh", URL: "/competitors/D-2", Coach: "Ruben Castellan", OpenedAt: now.Add(-time.Hour), Tries: 6, Answer: "503 from ODL scores",
		State: State{"wait", "Waiting for its turn", "A retry was asked for."}, PageURL: "/admin/failures/3", RetryURL: "/admin/failures/3/retry", ClearURL: "/admin/failures/clear?id=3",
		PollURL: "/admin/failures/3", Tickable: true, Problem: "devan has asked for a retry already."}
	email := row
	email.ID, email.Name, email.RetryURL, email.PollURL, email.EmailURL, email.Typed = 4, "Cyrus Vale", "", "", "/admin/failures/4/email", "cyrus"
	options := []Option{{"timeout", "Too slow"}}
	return Failures{
		Head: "2 are open.", Problem: "All were left alone.", Stats: []Stat{{ID: "stat-failing", Label: "failing", Figure: "2", URL: "/admin/failures?kind=failure"}, {Label: "coaches touched", Figure: "2"}},
		Filter:   FailureFilter{Search: "x", Class: "timeout", Classes: options, Kinds: options, Coaches: options, Ages: options, States: options, Cause: "abc", Chips: []Chip{{"q", "Search: x", "/admin/failures"}, {"class", "Class: Too slow", "/admin/failures"}}, ClearURL: "/admin/failures", SeesPeople: true},
		Matching: 2, Retryable: 1, RetryURL: "/admin/failures/retry", ClearURL: "/admin/failures/clear", ExportURL: "/admin/failures.csv", MoreCauses: 3, AllURL: "/admin/failures?all=yes",
		Causes: []CauseCard{
			{Print: "aaa", Title: "The platform had a fault of its own", Advice: "It is tried again by itself.", Message: "busy [n]", Needs: State{"warn", "Mends itself", ""}, Competitors: 1, Coaches: 1,
				FirstAt: now.Add(-time.Hour), LastAt: now, Hours: make([]int, 24), Class: domain.ServerError, OpenURL: "/admin/failures?open=aaa", CloseURL: "/admin/failures", RetryURL: "/admin/failures/retry?cause=aaa",
				ClearURL: "/admin/failures/clear?cause=aaa", GuideURL: "/admin/guide#outage", Retryable: 1, Open: true, Rows: []FailureRow{row, email}, Back: []Option{{"q", "x"}},
				Pager: Pager{First: 1, Last: 50, Of: 120, NextURL: "/admin/failures?after=3", NextCount: 50}},
			{Print: "bbb", Title: "There is no email on file", Advice: "Add it.", Needs: State{"bad", "Needs someone", ""}, Competitors: 2, Coaches: 1, Class: domain.MissingEmail, OpenURL: "/admin/failures?open=bbb", GuideURL: "/admin/guide#missing-data"},
		},
		Operations: []OperationLine{{URL: "/admin/operations/1", Title: "Retry of 2 failures", By: "devan", At: now, State: State{"ok", "Done", ""}, Counts: "2 done"}},
	}
}

func someFailure() Failure {
	list := someFailures()
	row := list.Causes[0].Rows[0]
	row.Tickable, row.PageURL = false, ""
	return Failure{
		Row: row, Card: list.Causes[0], Raw: "busy 17", ClearedText: "by devan", End: "It is resolved: a later sync succeeded.", OnPlatform: true, BackURL: "/admin/failures",
		Attempts: []AttemptRow{{At: now, Call: "ODL scores", Endpoint: "GET /scores/get_odl_scores", Status: 503, Took: "312 ms", State: State{"warn", "Platform error", ""}, Message: "busy 17"}, {At: now, Call: "account", Took: "15.0 s", State: State{"ok", "Answered well", ""}}},
		OlderURL: "/admin/failures/3?attempts=7", NewestURL: "/admin/failures/3",
		Earlier: []EarlierFailure{{URL: "/admin/failures/1", Title: "Too slow", OpenedAt: now.Add(-2 * time.Hour), EndedAt: now.Add(-time.Hour), End: "another"}, {URL: "/admin/failures/2", Title: "Open", OpenedAt: now}},
	}
}

func someSync() Sync {
	d := Sync{
		Sentence: Sentence{"warn", "Mostly well", "The last run ended at 10:45."}, Targets: 357, MaySync: true, MayPause: true,
		Stats: []Stat{{Label: "syncs succeeded, 24 h", Figure: "97.9 %", Small: "of 2,289"}, {ID: "stat-failures", Label: "failing now", Figure: "49", URL: "/admin/failures"}},
		Work: []Work{
			{What: "Schedule", Done: 84, Of: 118, Rate: "1.4 a second", Ends: "22:49", Counts: domain.RunCounts{Changed: 9, Unchanged: 58, Blocked: 2, Failed: 15, NewSolves: 1}},
			{What: "On request, everybody", Queued: true},
		},
		Next: "Next: 22:51; 31 due and 1 retry within 15 minutes.", PollURL: "/admin/sync", PollEvery: "2s", OlderURL: "/admin/sync?before=r4#runs",
		Fresh:  Bars{Title: "1 coach has results older than 24 h", Head: "Age", Rows: []Bar{{Name: "under 1 hour", N: 214}, {Name: "over 24 hours", N: 1, Late: true}, {Name: "never"}}},
		Errors: Bars{Title: "Errors by class", Head: "What happened", Rows: []Bar{{ID: "error-timeout", Name: "Too slow", URL: "/admin/failures?class=timeout", N: 5, Late: true}}},
	}
	for i := range 24 {
		at := now.Truncate(time.Hour).Add(time.Duration(i-23) * time.Hour)
		d.Calls.Hours = append(d.Calls.Hours, at)
		h := LatencyHour{At: at, Calls: 7, P50: 310 * time.Millisecond, P95: 900 * time.Millisecond, P99: 1400 * time.Millisecond}
		if i == 3 || i == 5 { // an hour alone between two without calls
			h = LatencyHour{At: at}
		}
		d.Latency.Hours = append(d.Latency.Hours, h)
		d.Hours.Hours = append(d.Hours.Hours, SyncHour{At: at, Succeeded: 90, Failed: i / 22, Blocked: 1})
	}
	d.Latency.All = LatencyHour{Calls: 154, P50: 310 * time.Millisecond, P95: 900 * time.Millisecond, P99: 1400 * time.Millisecond}
	d.Calls.Classes = []CallClass{{Name: "Answered well", ByHour: make([]int64, 24)}, {Class: domain.Timeout, Name: "Too slow", ByHour: make([]int64, 24)}}
	d.Calls.Classes[0].ByHour[0], d.Calls.Classes[0].ByHour[23], d.Calls.Classes[1].ByHour[22] = 100, 50, 3
	d.Runs = []RunRow{
		{Kind: "Schedule", StartedAt: now.Add(-7 * time.Minute)},
		{Kind: "Command", StartedAt: now.Add(-time.Hour), Stopped: true},
		{Kind: "Schedule", StartedAt: now.Add(-2 * time.Hour), FinishedAt: now.Add(-2*time.Hour + 184*time.Second), Counts: domain.RunCounts{Attempted: 121, Changed: 22, Unchanged: 84, Blocked: 1, Failed: 14, NewSolves: 31, APICalls: 1340}},
		{Kind: "Schedule", StartedAt: now.Add(-3 * time.Hour), FinishedAt: now.Add(-3 * time.Hour)},
	}
	return d
}

func someAccount() Account {
	return Account{Sessions: []SessionRow{
		{Handle: "00000000000000a1", This: true, StartedAt: now.Add(-3 * time.Hour), LastUsedAt: now.Add(-4 * time.Minute)},
		{Handle: "00000000000000b2", StartedAt: now.AddDate(0, 0, -2), LastUsedAt: now.Add(-7 * time.Minute)},
		{Handle: "00000000000000c3", StartedAt: now.AddDate(0, 0, -4), LastUsedAt: now.Add(-5 * time.Hour)},
	}}
}

func someProblems() Problems {
	row := ProblemRow{ID: 7, Coach: "Halima Osei", Page: "/competitors/C-1041", Text: "It says <b>12</b> solves.\nThere are 14.", Kind: domain.PageCompetitor, AsOf: now.Add(-2 * time.Hour), ReportedAt: now.Add(-time.Hour), State: domain.ProblemOpen}
	answered, closed := row, row
	answered.ID, answered.State, answered.Answer, answered.AnsweredBy, answered.AnsweredAt = 6, domain.ProblemAnswered, "The <i>next</i> sync brings them.", "devan", now
	closed.ID, closed.State, closed.ClosedAt, closed.Text = 5, domain.ProblemClosed, now, strings.Repeat("x", 200)
	return Problems{Rows: []ProblemRow{row, answered, closed}, State: domain.ProblemOpen, Open: 1, LastWeek: 3, OlderURL: "/problems?before=5", NewestURL: "/problems"}
}

// everything is each page and region once, by name.
func everything() map[string]templ.Component {
	coach, admin, product := shell(domain.RoleCoach, "/competitors"), shell(domain.RoleAdmin, "/competitors/C-1041"), shell(domain.RoleProduct, "/admin/sync")
	coach.SyncOff = true
	looking := shell(domain.RoleCoach, "/competitors")
	looking.Viewer.ViewingAs, looking.Viewer.CoachName = true, "Halima Osei"
	fault := ErrorView{Status: 500, Title: "This page could not be made", Message: "It is our fault.", Hint: "Try again.", Reference: "7QK-F2M", BackURL: "/", BackLabel: "Back"}
	bare := coach
	bare.Assets = Assets{CSS: "/static/app.css?v=2"}
	empty, noMatch, past := someCompetitor(), someCompetitor(), someCompetitor()
	empty.Solves = Solves{}
	noMatch.Solves.Rows, noMatch.Solves.Of = nil, 0
	past.Solves.Rows = nil
	refreshing := someCompetitors()
	refreshing.Rows[0].Refreshing = true
	wrong := someAccount()
	wrong.Password = PasswordFaults{Current: "This is not the current password.", New: "The password is too short.", Again: "This is not the same."}
	return map[string]templ.Component{
		"admin":                   AdminPage(admin),
		"alerts":                  AlertsPage(admin, someAlerts()),
		"alerts, none told":       AlertsPage(product, Alerts{Rules: []AlertRow{{Rule: domain.AlertDisk, State: domain.AlertOK, Evidence: "Half is free."}}}),
		"connection":              ConnectionPage(admin, someConnection()),
		"connection, off":         ConnectionPage(admin, Connection{State: "Switched off.", StateKind: "hold"}),
		"import":                  ImportPage(admin, ImportForm{Problem: "No file was chosen.", Last: []ImportRow{{"/admin/import/i", now, "devan", State{Kind: "ok", Text: "Imported"}, "1 added"}}}),
		"import, preview":         ImportPreviewPage(admin, someImport()),
		"import, wrong":           ImportPreviewPage(admin, ImportPreview{Open: true, WrongTotal: 300, Wrong: []ImportFault{{2, "email", "is none"}, {3, "", "has 2 cells"}}, Counts: make([]ImportCount, 3)}),
		"import, nothing":         ImportPreviewPage(admin, ImportPreview{Open: true, Empty: true, Counts: make([]ImportCount, 3), Problem: "Look again."}),
		"import, done":            ImportPreviewPage(admin, ImportPreview{Done: true, DecidedAt: now, Counts: make([]ImportCount, 3), State: State{Kind: "ok", Text: "Imported"}}),
		"import, dropped":         ImportPreviewPage(admin, ImportPreview{DecidedAt: now, State: State{Kind: "off", Text: "Dropped"}}),
		"users":                   UsersPage(admin, someUsers()),
		"users, no match":         UsersPage(admin, Users{Search: "zz", ClearURL: "/admin/users"}),
		"user":                    UserShowPage(admin, someUser()),
		"user, disabled":          UserShowPage(admin, UserPage{Row: someUsers().Rows[1], Disabled: true, Problem: "This is the last admin.", LinkUntil: now}),
		"user, self":              UserShowPage(admin, UserPage{Row: someUsers().Rows[0], Self: true, Done: "Enabled."}),
		"code":                    CodePage(CodeForm{Problem: "This code is not right.", CSRF: "x"}),
		"invitation":              InvitationPage(InvitationForm{Email: "a@b.example", Problem: "The password is too short.", CSRF: "x"}),
		"invitation, over":        InvitationPage(InvitationForm{Over: "This link is over."}),
		"account, code on":        AccountPage(admin, Account{TwoFactor: TwoFactor{On: true, CodesLeft: 9, Tried: "off", Problem: "This code is not right."}}),
		"account, code begun":     AccountPage(admin, Account{TwoFactor: TwoFactor{Must: true, Setup: &TwoFactorSetup{Secret: "ABCD EFGH", QR: "data:image/png;base64,AAAA"}, Tried: "confirm", Problem: "This code is not right."}}),
		"account, codes":          AccountPage(admin, Account{TwoFactor: TwoFactor{On: true, Codes: []string{"AAAA-BBBB-CCCC-DDDD"}}}),
		"account, code refused":   AccountPage(admin, Account{TwoFactor: TwoFactor{Tried: "begin", Problem: "This is not the current password."}}),
		"person":                  PersonPage(admin, Person{Name: "Ada Lind", URL: "/competitors/C-1", Kinds: []PersonKind{{"Solves", "the results", "with the profile", 3}}}),
		"person, sent":            DisclosuresPage(admin, Disclosures{Name: "Ada Lind", URL: "/competitors/C-1", Rows: []DisclosureRow{{now, OrderName("POST /users"), []Option{{"email", "ada@lind.example"}}, OrderAnswer(201)}}}),
		"person, nothing sent":    DisclosuresPage(admin, Disclosures{Name: "Ada Lind", URL: "/competitors/C-1"}),
		"person, delete":          PersonDeletePage(admin, PersonDelete{Name: "Ada Lind", URL: "/competitors/C-1", ID: "C-1", Account: "gp-1", Username: "ada", Problem: "The id is another."}),
		"person, deleted":         PersonDeletedPage(admin, PersonDeleted{ID: "C-1", Account: "gp-1", At: now}),
		"pending":                 PendingPage(admin, somePending()),
		"pending, no match":       PendingPage(admin, Pending{Total: 3, Filter: PendingFilter{Search: "zz", ClearURL: "/admin/pending"}}),
		"pending, none":           PendingPage(admin, Pending{}),
		"onboarding":              OnboardingPage(admin, someOnboarding()),
		"onboarding, none":        OnboardingPage(admin, Onboarding{On: true}),
		"onboarding, preview":     OnboardingPreviewPage(admin, somePreview()),
		"onboarding, agreed":      OnboardingPreviewPage(admin, OnboardingPreview{On: true, Coach: "Ines Falk", ConfirmedAt: now, ConfirmedBy: "devan", Problem: "There is nothing to send.", Why: "The rollout has not reached this coach."}),
		"drift":                   DriftPage(admin, someDrift()),
		"drift, none":             DriftPage(admin, DriftLists{On: true}),
		"edit":                    EditPage(admin, someEdit()),
		"edit, new":               EditPage(admin, Edit{Title: "Add a team", NoHistory: true}),
		"edit, nothing happened":  EditPage(admin, Edit{Title: "Edit", Done: "Saved."}),
		"edit, confirm":           RosterConfirmPage(admin, RosterConfirm{Title: "Delete it?", Text: []string{"It goes."}, Button: "Delete it", Danger: true, Action: "/teams/T/delete", BackURL: "/teams/T", Problem: "It has members.", Hidden: []Option{{"active", "no"}}, Fields: someEdit().Fields[:1]}),
		"edit, confirm, calm":     RosterConfirmPage(admin, RosterConfirm{Title: "Activate?", Button: "Activate"}),
		"rollout":                 RolloutPage(product, someRollout()),
		"rollout, not begun":      RolloutPage(product, Rollout{Level: "0", PhaseName: "Off", Form: RolloutForm{Percent: "0"}}),
		"rollout, phase":          PhasePage(product, PhaseForm{Name: "50 %", Title: "Go on to 50 %?", Action: "/rollout/phase/50", Forward: true, When: "time", At: "2026-11-30T18:00", Problem: "A reason is missing.", Preview: RolloutPreviewData{Gates: someRollout().Gates.Rows, Level: "50", Gained: []string{"Ines Falk"}, Eligible: 4, Enrolled: 2}}),
		"rollout, phase anew":     PhasePage(product, PhaseForm{Name: "Pilot", Title: "Begin phase Pilot anew?", Again: true}),
		"rollout, phase back":     PhasePage(product, PhaseForm{Name: "10 %", Title: "Go back to 10 %?", Preview: RolloutPreviewData{Level: "10", Down: true, Lost: []string{"Ines Falk"}}}),
		"rollout, phases":         PhaseSettingsPage(product, somePhases()),
		"rollout, not rehearsed":  PhaseSettingsPage(product, PhaseSettings{Rehearsal: &RehearsalData{}, Problem: "50 % cannot follow 60 %."}),
		"launch":                  LaunchPage(product, someLaunch()),
		"problems":                ProblemsPage(admin, someProblems()),
		"problems, product":       ProblemsPage(product, someProblems()),
		"problems, coach":         ProblemsPage(coach, someProblems()),
		"problems, none":          ProblemsPage(admin, Problems{}),
		"problems, none of own":   ProblemsPage(coach, Problems{}),
		"problems, no match":      ProblemsPage(admin, Problems{State: domain.ProblemClosed}),
		"problems, past":          ProblemsPage(coach, Problems{NewestURL: "/problems"}),
		"problem, new":            ProblemNewPage(coach, ProblemForm{Page: "/competitors/C-1041", Kind: domain.PageCompetitor, At: now, Text: "<b>12</b> solves", Problem: "A text is needed."}),
		"problem":                 ProblemShowPage(admin, Problem{ProblemRow: someProblems().Rows[0], Seen: "1", MayAct: true, Typed: "Fixed", Problem: "It has changed."}),
		"problem, answered":       ProblemShowPage(admin, Problem{ProblemRow: someProblems().Rows[1], Seen: "1", MayAct: true}),
		"problem, closed":         ProblemShowPage(admin, Problem{ProblemRow: someProblems().Rows[2], Seen: "1", MayAct: true, Typed: "Too late"}),
		"problem, product":        ProblemShowPage(product, Problem{ProblemRow: someProblems().Rows[0]}),
		"problem, coach":          ProblemShowPage(coach, Problem{ProblemRow: someProblems().Rows[1]}),
		"failures":                FailuresPage(admin, someFailures()),
		"failures, product":       FailuresPage(product, Failures{Head: "Nothing is open."}),
		"failures, no match":      FailuresPage(admin, Failures{Head: "Nothing is open.", Narrowed: true, Filter: someFailures().Filter}),
		"failures, confirm":       FailureConfirmPage(admin, FailureConfirm{Title: "Clear all 2?", Button: "Clear all 2", Action: "/admin/failures/clear", Problem: "A reason is needed.", Text: []string{"As of 10:45."}, Left: []string{"1 is blocked."}, NeedsReason: true}),
		"failures, confirm retry": FailureConfirmPage(admin, FailureConfirm{Title: "Retry all 2?", Button: "Retry all 2", Action: "/admin/failures/retry"}),
		"operation":               OperationPage(admin, Operation{Title: "Retry of 2 failures", State: State{"run", "In progress", ""}, By: "devan", At: now, Reason: "healed", Done: 1, Of: 2, Stats: []Stat{{ID: "operation-done", Label: "mended", Figure: "1"}}, AbortURL: "/admin/operations/1/abort", UndoURL: "/admin/operations/1/undo", SelfURL: "/admin/operations/1", Poll: "2s", Rate: "At most 1 s to go.", Left: []string{"1 is blocked."}, Problem: "This is over already."}),
		"failure":                 FailurePage(admin, someFailure()),
		"failure, never called":   FailurePage(admin, Failure{}),
		"guide":                   GuidePage(product, "<h1>What to do</h1>"),
		"account":                 AccountPage(coach, Account{Done: "The session has ended.", Sessions: someAccount().Sessions}),
		"account, wrong":          AccountPage(bare, wrong),
		"login":                   LoginPage(LoginForm{Email: "a@b.example", Problem: "Email and password do not match.", CSRF: "x"}),
		"competitors":             CompetitorsPage(coach, someCompetitors()),
		"competitors, admin":      CompetitorsPage(admin, someCompetitors()),
		"competitors, looking":    CompetitorsPage(looking, someCompetitors()),
		"competitors, none":       CompetitorsPage(coach, Competitors{}),
		"competitors, past":       CompetitorsList(admin, Competitors{Sums: CompetitorSums{Competitors: 3}}),
		"competitors, no match":   CompetitorsPage(coach, narrowed()),
		"competitors, refreshing": CompetitorsPage(coach, refreshing),
		"competitor":              CompetitorPage(coach, someCompetitor()),
		"competitor, admin":       CompetitorPage(admin, someCompetitor()),
		"competitor, bare":        CompetitorPage(bare, Competitor{}),
		"solves, none":            SolvesRegion(coach, empty),
		"solves, no match":        SolvesRegion(coach, noMatch),
		"solves, past":            SolvesRegion(coach, past),
		"refreshing":              SyncRegion(coach, SyncState{URL: "/competitors/C-1", PollURL: "/competitors/C-1?run=r", State: Refreshing}),
		"teams":                   TeamsPage(coach, someTeams()),
		"teams, admin":            TeamsPage(admin, someTeams()),
		"teams, none":             TeamsPage(coach, Teams{}),
		"team":                    TeamPage(admin, someTeam()),
		"team, empty":             TeamPage(coach, Team{TeamRow: TeamRow{Name: "Nobody"}}),
		"events":                  EventsPage(coach, someEvents()),
		"events, none":            EventsPage(admin, Events{}),
		"event":                   EventPage(admin, someEvent()),
		"event, empty":            EventPage(coach, Event{}),
		"coaches":                 CoachesPage(admin, someCoaches()),
		"coaches, none":           CoachesPage(admin, Coaches{}),
		"audit":                   AuditPage(admin, someAudit()),
		"audit, no match":         AuditPage(admin, AuditLog{Filter: AuditFilter{Chips: someAudit().Filter.Chips, ClearURL: "/admin/audit"}}),
		"audit, none":             AuditPage(admin, AuditLog{}),
		"categories":              CategoriesPage(admin, Categories{Known: []KnownCategory{{"Web", "/competitors?category=web", []string{"web"}}}, Unknown: []UnknownCategory{{"Cooking", "/competitors?category=cooking", 1, 2}}}),
		"categories, all known":   CategoriesPage(admin, Categories{}),
		"numbers":                 NumbersPage(looking),
		"sync":                    SyncPage(product, someSync()),
		"sync, no run":            SyncPage(product, Sync{}),
		"sync, paused":            SyncPage(paused(admin), Sync{MaySync: true, MayPause: true, Paused: true}),
		"sync all":                SyncConfirmPage(admin, SyncConfirm{Title: "Sync all 357?", Button: "Sync all 357", Action: "/admin/sync/all", Text: []string{"A.", "B."}, Problem: "It is under way.", CoachID: "K-1"}),
		"pause":                   SyncConfirmPage(admin, SyncConfirm{Title: "Pause all syncs?", Button: "Pause", Danger: true, AsksReason: true, Problem: "A reason is needed."}),
		"sync a coach":            SyncCoachPage(admin, SyncCoach{Rows: []SyncCoachRow{{ID: "K-1", Name: "Halima Osei", URL: "/admin/sync/coach?coach=K-1", OnPlatform: 3}}, Pager: Pager{First: 1, Last: 1, Of: 1}}),
		"sync no coach":           SyncCoachPage(admin, SyncCoach{Search: "x"}),
		"error":                   ErrorPage(&coach, fault),
		"error, anonymous":        ErrorPage(nil, fault),
		"error, in place":         ErrorNote(fault),
	}
}

func render(t *testing.T, c templ.Component) *goquery.Document {
	t.Helper()
	var out strings.Builder
	if err := c.Render(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// words is the text of what the selector finds, with single spaces.
func words(doc *goquery.Document, selector string) string {
	return strings.Join(strings.Fields(doc.Find(selector).Text()), " ")
}

// each is the text of every element the selector finds.
func each(doc *goquery.Document, selector string) []string {
	return doc.Find(selector).Map(func(_ int, s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") })
}

func wantWords(t *testing.T, doc *goquery.Document, selector, want string) {
	t.Helper()
	if got := words(doc, selector); got != want {
		t.Errorf("%s = %q, want %q", selector, got, want)
	}
}

func wantEach(t *testing.T, doc *goquery.Document, selector string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, each(doc, selector)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", selector, diff)
	}
}

func wantAttr(t *testing.T, doc *goquery.Document, selector, attr, want string) {
	t.Helper()
	if got := doc.Find(selector).AttrOr(attr, "(none)"); got != want {
		t.Errorf("%s %s = %q, want %q", selector, attr, got, want)
	}
}

// paused is a shell while syncs are paused.
func paused(s Shell) Shell {
	s.Viewer.Pause = domain.SyncPause{At: now.Add(-time.Hour), By: "devan", Reason: "maintenance at <MetaCTF>"}
	return s
}

func TestSync(t *testing.T) {
	doc := render(t, SyncPage(shell(domain.RoleProduct, "/admin/sync"), someSync()))
	wantWords(t, doc, "h1", "Mostly well")
	wantEach(t, doc, "#runs tbody td:last-child", "Running", "Stopped before it was done", "With failures", "Clean")
	wantEach(t, doc, "#runs tbody td:nth-last-child(2)", "7 min so far", "not known", "3 min 04 s", "under 1 s")
	wantEach(t, doc, "#runs tbody tr:nth-child(3) > *", "19 Nov, 16:52", "Schedule", "121", "22", "84", "1", "14", "0", "31", "3 min 04 s", "With failures")
	wantEach(t, doc, "#run p.meta:has(b)", "Schedule. 84 of 118 competitors, 1.4 a second, done at about 22:49.", "On request, everybody. Waits for its turn.")
	wantAttr(t, doc, "#run progress", "value", "84")
	wantAttr(t, doc, "#run progress", "max", "118")
	wantAttr(t, doc, "#run progress", "aria-label", "Schedule: 84 of 118 tried")
	wantAttr(t, doc, "#health", "hx-trigger", "every 2s")
	wantAttr(t, doc, "#health", "data-say", "Mostly well")
	if n := doc.Find("#health [aria-live], #health [role=status]").Length(); n > 0 {
		t.Errorf("%d parts speak beside the sentence", n)
	}
	// What takes the focus is known by its id after the region was replaced, and so is what opens.
	doc.Find("#health").Find("a, summary, details, [tabindex]").Each(func(_ int, e *goquery.Selection) {
		if e.AttrOr("id", "") == "" {
			t.Errorf("no id: %s", e.Text())
		}
	})
	older := someSync()
	older.PollEvery = ""
	if render(t, SyncPage(shell(domain.RoleProduct, "/admin/sync"), older)).Find("[hx-trigger]").Length() > 0 {
		t.Error("a page of older runs asks for itself")
	}
}

// Each picture says in its table what it draws.
func TestThePicturesOfSyncsHaveTables(t *testing.T) {
	doc := render(t, SyncPage(shell(domain.RoleProduct, "/admin/sync"), someSync()))
	for id, want := range map[string][2]string{
		"latency-table": {"18 Nov, 19:00 7 310 ms 900 ms 1.4 s", "19 Nov, 00:00 0 none none none"},
		"hours-table":   {"18 Nov, 19:00 90 0 1", "19 Nov, 18:00 90 1 1"},
		"calls-table":   {"18 Nov, 19:00 100 0", "19 Nov, 17:00 0 3"},
	} {
		rows := doc.Find("#" + id + " tbody tr")
		if rows.Length() != 24 {
			t.Errorf("%s: %d rows", id, rows.Length())
		}
		text := ""
		rows.Each(func(_ int, r *goquery.Selection) {
			var cells []string
			r.Children().Each(func(_ int, c *goquery.Selection) { cells = append(cells, strings.TrimSpace(c.Text())) })
			text += strings.Join(cells, " ") + "\n"
		})
		for _, line := range want {
			if !strings.Contains(text, line+"\n") {
				t.Errorf("%s lacks %q in\n%s", id, line, text)
			}
		}
	}
	labels := doc.Find("svg.chart").Map(func(_ int, s *goquery.Selection) string { return s.AttrOr("aria-label", "") })
	want := []string{
		"Response times over 24 hours: median 310 ms, p95 900 ms, p99 1.4 s. The slowest hour began at 19:00 with a p95 of 900 ms.",
		"Syncs by hour over 24 hours: 2,160 succeeded, 2 failed, 2 of those in the last two hours.",
	}
	if diff := cmp.Diff(want, labels); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := doc.Find("#health svg.chart polyline.me").Length(); n != 3 {
		t.Errorf("the median is drawn in %d parts, want one before the gaps, one between, one after", n)
	}
	if n := doc.Find("svg.chart rect.late").Length(); n != 2 {
		t.Errorf("%d hours with failures are drawn, want 2", n)
	}
	empty := render(t, SyncPage(shell(domain.RoleProduct, "/admin/sync"), Sync{}))
	if empty.Find("svg.chart, progress").Length() > 0 || empty.Find(".empty").Length() != 6 {
		t.Error("what is empty is drawn, or does not say so")
	}
}

func TestStaffReadWhySyncsArePausedAndCoachesThatTheyAre(t *testing.T) {
	doc := render(t, CompetitorsPage(paused(shell(domain.RoleCoach, "/competitors")), someCompetitors()))
	wantWords(t, doc, ".band", "Syncs are paused by the programme's staff. Pages show what was stored.")
	doc = render(t, SyncPage(paused(shell(domain.RoleProduct, "/admin/sync")), Sync{}))
	wantWords(t, doc, ".band", "Syncs are paused since 19 Nov, 17:52 by devan. maintenance at <MetaCTF>")
}

func TestErrors(t *testing.T) {
	e := ErrorView{Status: 404, Title: "There is no such page", Message: "It may have moved.", BackURL: "/competitors", BackLabel: "Back to your competitors"}
	doc := render(t, ErrorPage(nil, e))
	wantWords(t, doc, "h1", "There is no such page")
	wantWords(t, doc, "main a", "Back to your competitors")
	if doc.Find("header, .s.bad").Length() > 0 {
		t.Error("shows a header or the sign of a fault")
	}
	e.Status, e.Reference, e.Hint = 500, "7QK-F2M", "Try again."
	doc = render(t, ErrorNote(e))
	wantWords(t, doc, ".note.bad[role=alert] p", "There is no such page. It may have moved. Try again. If it stays, report it with the reference 7QK-F2M.")
}

func TestLogin(t *testing.T) {
	doc := render(t, LoginPage(LoginForm{Email: "a@b.example", Problem: "Email and password do not match.", CSRF: "t"}))
	wantWords(t, doc, "[role=alert]", "Email and password do not match.")
	wantAttr(t, doc, "[name=email]", "value", "a@b.example")
	wantAttr(t, doc, "[name=password]", "aria-describedby", "login-problem")
	wantAttr(t, doc, "form", "action", "/login")
	wantAttr(t, doc, "[name=csrf]", "value", "t")
	if render(t, LoginPage(LoginForm{})).Find("[role=alert], [aria-describedby]").Length() > 0 {
		t.Error("a fresh form shows a problem")
	}
}

func TestAccount(t *testing.T) {
	doc := render(t, AccountPage(shell(domain.RoleCoach, "/account"), someAccount()))
	wantEach(t, doc, ".head p", "You are signed in as Marisol Okafor (m.okafor@school.example), a coach. You see your own competitors.",
		"Times are shown in UTC, set by an operator of the portal.")
	wantEach(t, doc, "tbody tr:first-child > *", "3 h ago this one", "now", "")
	wantEach(t, doc, "tbody tr:last-child > *", "4 days ago", "5 h ago", "End the session started 4 days ago")
	wantAttr(t, doc, "tbody tr:last-child [name=session]", "value", "00000000000000c3")
	wantWords(t, doc, "form:has([name=others]) button", "End all others (2)")
	wantEach(t, doc, "#password-form label", "Current password", "New password", "New password again")
	wantAttr(t, doc, "#password-form [name=new]", "aria-describedby", "password-new-note")
	wantWords(t, doc, "#password-new-note", "At least 8 characters; a few random words are good.")
	wantAttr(t, doc, "#password-form [autocomplete=username]", "value", "m.okafor@school.example")
	wantAttr(t, doc, `#user-menu a[href="/account"]`, "aria-current", "page")
	if n := doc.Find("main form").Length(); n != 5 || doc.Find(`main form[method=post] [name=csrf][value="token-1"]`).Length() != n {
		t.Errorf("%d forms, each needs its token", n)
	}
	if doc.Find(".note, [aria-invalid], [autofocus], #password-form [type=password][value]").Length() > 0 {
		t.Error("a fresh page shows a notice, a fault or a password")
	}

	d := someAccount()
	d.Sessions, d.Password.Again = d.Sessions[:2], "This is not the same."
	doc = render(t, AccountPage(shell(domain.RoleAdmin, "/account"), d))
	if doc.Find("[name=others]").Length() > 0 || doc.Find("tbody button").Length() != 1 {
		t.Error("one other session needs one button")
	}
	wantEach(t, doc, "#password-form .s.bad", "This is not the same.")
	wantAttr(t, doc, "[aria-invalid=true]", "name", "again")
	wantAttr(t, doc, "[aria-invalid=true]", "aria-describedby", "password-again-note")
}

func someAlerts() Alerts {
	return Alerts{
		EvaluatedAt: now, MayAct: true, Channels: []string{"night@house.example", "Slack"}, Problem: "It does not fire any more.", OlderURL: "/admin/alerts?before=3", PollEvery: "2s",
		Rules: []AlertRow{
			{Rule: domain.AlertPlatform, State: domain.AlertFiring, Since: now, Evidence: "467 of 467.", Threshold: "Fires at: half."},
			{Rule: domain.AlertFailureRate, State: domain.AlertAcknowledged, Since: now, Evidence: "467 of 467.", By: "devan@house.example", Reason: "MetaCTF is told"},
			{Rule: domain.AlertJob, State: domain.AlertResolved, Since: now, Evidence: "In time."},
		},
		Past: []PastAlertRow{{Rule: domain.AlertPlatform, FiredAt: now, Evidence: "All.", Others: 2, By: "devan@house.example", Note: "known"}, {Rule: domain.AlertJob, FiredAt: now, EndedAt: now}},
		Messages: []MessageRow{{At: now, Subject: "Flagpole: a test"}, {At: now, Subject: "Flagpole: Too many syncs fail", Deliveries: []DeliveryRow{
			{To: "Slack", State: "Delivered", Kind: "ok", At: now}, {To: "the webhook", State: "Is tried again", Kind: "warn", Error: "status 500"},
		}}},
	}
}

func someConnection() Connection {
	token := ConnectionToken{Fingerprint: "abcdef012345", Source: "GAME_PLATFORM_API_TOKEN", FirstAt: now, State: "Taken", Kind: "ok", At: now}
	return Connection{
		BaseURL: "https://platform.example/v1", On: true, HasToken: true, SeenAt: now, State: "Open: calls are made.", StateKind: "ok", Token: token, Tokens: []ConnectionToken{token},
		Rate: Rate(2.5), Limit: Rate(5), Concurrency: 8, Retries: 3, Timeout: 20 * time.Second, ZoneName: "UTC", Calls: 12, PollEvery: "1s",
		Tests:  []ConnectionTest{{At: now, Token: "It was refused.", Answer: "300 ms", Skew: "The clocks differ by 3 min.", Skewing: true, SkewTooLarge: true}},
		Waits:  []ConnectionWait{{Why: "The platform asked us to wait.", BeganAt: now, Planned: "1 min"}},
		Fields: []ConnectionField{{Field: "GET /users: badge", Fault: "unknown", FirstAt: now, LastAt: now, Times: 3}},
		Hours:  []ConnectionHour{{Hour: "12:00", Calls: 12}},
	}
}
