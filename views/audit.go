package views

import (
	"net/url"
	"strings"
	"time"
)

// AuditLog is who did what to whom, newest first, one page of it.
type AuditLog struct {
	Filter             AuditFilter
	Rows               []AuditRow
	NewerURL, OlderURL string // "" where there is none
	ExportURL          string
}

// AuditFilter is what the log is narrowed to.
type AuditFilter struct {
	User, Action, Competitor, As, From, Until string   // what is chosen; "" is all. User and As are ids
	UserText                                  string   // what stands in the field for a user, where there are too many to choose from
	Users, Actions                            []Option // no users where there are too many
	Chips                                     []Chip
	ClearURL                                  string
}

func (f AuditFilter) set() bool { return len(f.Chips) > 0 }

// AuditRow is one thing that somebody did. What is not stored any more is named by its id.
type AuditRow struct {
	At                                  time.Time
	Who, WhoURL                         string // the URL is the log of the same person
	Action, Detail, DetailName          string // the name of what the detail names, "" where it names nothing that is stored
	Competitor, CompetitorURL, AboutURL string // the page, "" where there is none any more; the log about the same person
	As, AsURL                           string // the coach as whom an admin looked at the portal
}

func (d AuditLog) say() string {
	if len(d.Rows) == 0 {
		return "Nothing in the audit log matches"
	}
	return "Audit log, newest first, " + Plural(len(d.Rows), "entry", "entries")
}

// auditWords are the actions in plain English, in the order in which a filter offers them.
var auditWords = []Option{
	{"competitor.view", "looked at a competitor"},
	{"competitors.view", "looked at the list of competitors"},
	{"team.view", "looked at a team"},
	{"event.view", "looked at a flash CTF"},
	{"competitors.export", "exported competitors"},
	{"solves.export", "exported a competitor’s solves"},
	{"categories.export", "exported a competitor’s categories"},
	{"results.export", "exported a competitor’s flash CTF results"},
	{"teams.export", "exported teams"},
	{"unsolved.export", "exported what a team has not solved"},
	{"events.export", "exported flash CTFs"},
	{"event.export", "exported the results of a flash CTF"},
	{"coaches.export", "exported coaches"},
	{"alert.acknowledge", "acknowledged an alert"},
	{"alert.test", "sent a test to all channels"},
	{"connection.test", "tested the connection with the platform"},
	{"problem.report", "reported a problem with a page"},
	{"problem.answer", "answered a problem report"},
	{"problem.close", "closed a problem report"},
	{"problem.reopen", "opened a problem report again"},
	{"competitor.refresh", "asked for a competitor’s newest results"},
	{"competitor.email_add", "added a competitor’s email"},
	{"competitor.create", "added a competitor"},
	{"competitor.update", "changed a competitor"},
	{"competitor.move", "moved a competitor to another coach"},
	{"competitor.deactivate", "deactivated a competitor"},
	{"competitor.activate", "activated a competitor again"},
	{"coach.create", "added a coach"},
	{"coach.update", "changed a coach"},
	{"coach.deactivate", "deactivated a coach"},
	{"coach.activate", "activated a coach again"},
	{"team.create", "added a team"},
	{"team.rename", "renamed a team"},
	{"team.delete", "deleted a team"},
	{"roster.import", "imported a roster"},
	{"roster.upload", "uploaded a roster to look at"},
	{"roster.preview", "looked at an uploaded roster"},
	{"roster.cancel", "dropped an uploaded roster"},
	{"roster.export", "exported the roster"},
	{"person.view", "looked at what is held about a person"},
	{"person.export", "took out everything that is held about a person"},
	{"person.disclosures", "looked at what was sent about a person"},
	{"person.erase", "deleted a person"},
	{"pending.view", "looked at who waits"},
	{"pending.export", "exported who waits"},
	{"onboarding.preview", "looked at what is sent about a coach’s people"},
	{"onboarding.confirm", "agreed to what is sent about a coach’s people"},
	{"onboarding.stop", "stopped sending about a coach’s people"},
	{"onboarding.removals", "agreed to take competitors out of their teams on the platform"},
	{"drift.view", "looked at where the platform differs"},
	{"drift.apply", "had the roster’s team put through on the platform"},
	{"view_as.begin", "began to look as a coach"},
	{"view_as.end", "stopped looking as a coach"},
	{"failures.view", "looked at the failed syncs"},
	{"failure.history", "looked at the tries of a failed sync"},
	{"failures.export", "exported failed syncs"},
	{"failure.retry", "had a failed sync tried again"},
	{"failures.retry", "had many failed syncs tried again"},
	{"failure.clear", "cleared a failed sync"},
	{"failures.clear", "cleared many failed syncs"},
	{"failure.clear_undo", "took back that a failed sync was cleared"},
	{"operation.abort", "stopped what was under way for many"},
	{"sync.all", "had everybody synced"},
	{"sync.coach", "had a coach’s competitors synced"},
	{"sync.pause", "paused all syncs"},
	{"sync.resume", "let syncs go on"},
	{"user.invite", "invited somebody to sign in"},
	{"user.role", "changed a user’s role"},
	{"user.reset", "took a user’s password away"},
	{"user.disable", "disabled a user"},
	{"user.enable", "enabled a user again"},
	{"user.sessions_end", "signed a user out everywhere"},
	{"user.two_factor_off", "turned the code at sign-in off for a user"},
	{"invitation.accept", "chose a password by a link"},
	{"two_factor.on", "turned on the code at sign-in"},
	{"two_factor.off", "turned off the code at sign-in"},
	{"two_factor.codes", "made new recovery codes"},
	{"two_factor.recovery", "signed in by a recovery code"},
	{"password.change", "changed the own password"},
	{"session.end", "ended an own session"},
	{"audit.view", "looked at the audit log"},
	{"audit.export", "exported the audit log"},
}

// AuditAction is an action in plain English. One that is not known is its own word.
func AuditAction(action string) string { return nameOf(auditWords, action) }

// AuditActions are the known actions and then the others, to choose from.
func AuditActions(others []string) []Option {
	var list []Option
	for _, o := range auditWords {
		list = append(list, Option{o.Key, initial(o.Name)})
	}
	for _, action := range others {
		if AuditAction(action) == action {
			list = append(list, Option{action, action})
		}
	}
	return list
}

func nameOf(options []Option, key string) string {
	for _, o := range options {
		if o.Key == key {
			return o.Name
		}
	}
	return key
}

// initial begins a text with a capital.
func initial(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// what is the action in words; a file's kind stands with it: "exported competitors (csv)".
func (r AuditRow) what() string {
	if kind, _, _ := strings.Cut(r.Detail, " "); r.exported(kind) {
		return AuditAction(r.Action) + " (" + kind + ")"
	}
	return AuditAction(r.Action)
}

// more is what the action's words leave out of the detail.
func (r AuditRow) more() string {
	if kind, rest, _ := strings.Cut(r.Detail, " "); r.exported(kind) {
		return rest
	}
	return r.Detail
}

func (r AuditRow) exported(kind string) bool {
	return strings.HasSuffix(r.Action, ".export") && (kind == "csv" || kind == "xlsx")
}

// moreText is what the detail names, or the detail itself.
func (r AuditRow) moreText() string {
	if r.DetailName != "" {
		return r.DetailName
	}
	if id, found := strings.CutPrefix(r.more(), "operation="); found {
		return "What it did (" + id + ")"
	}
	if id, found := strings.CutPrefix(r.more(), "problem="); found {
		return "Report " + id
	}
	return r.more()
}

// moreURL is the page of what the detail names: "team=...", "event=...", "user=...", "coach=...", "operation=..." and "problem=..." are written by the portal
// itself.
func (r AuditRow) moreURL() string {
	what, id, _ := strings.Cut(r.more(), "=")
	switch {
	case what == "operation":
		return "/admin/operations/" + id
	case what == "problem":
		return ProblemURL(id)
	case id == "" || r.DetailName == "":
		return ""
	case what == "team":
		return TeamURL(id)
	case what == "event":
		return EventURL(id)
	case what == "user":
		return "/admin/users/" + url.PathEscape(id)
	case what == "coach":
		return "/competitors?coach=" + url.QueryEscape(id)
	}
	return ""
}
