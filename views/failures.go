package views

import (
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"flagpole/internal/domain"
)

// Failures is the page of all failures, grouped by cause.
type Failures struct {
	Head               string // what there is in one sentence
	Problem            string // why what was asked for was not done
	Stats              []Stat
	Filter             FailureFilter
	Causes             []CauseCard
	Matching           int
	Retryable          int    // of these, those that a retry may help
	RetryURL, ClearURL string // the pages that ask, for all that match; "" where the viewer may not
	ExportURL          string
	Operations         []OperationLine
	MoreCauses         int // causes that match and are not shown
	AllURL             string
	Narrowed           bool // a filter is set
}

// FailureFilter is what the page is narrowed to.
type FailureFilter struct {
	Search, Class, Kind, Coach, Age, State string
	Cause                                  string // fingerprint
	Classes, Kinds, Coaches, Ages, States  []Option
	Chips                                  []Chip
	ClearURL                               string
	SeesPeople                             bool
}

// CauseCard is one cause and what can be done about it.
type CauseCard struct {
	Print                string // its fingerprint
	Title, Advice        string
	Message              string // the platform's words, without what differs; "" where there are none or the viewer may not read them
	Needs                State
	Competitors, Coaches int
	FirstAt, LastAt      time.Time
	Hours                []int // new ones by hour, oldest first; nil where they are not known
	Class                domain.FailureClass
	OpenURL, CloseURL    string
	RetryURL, ClearURL   string // "" where it makes no sense or the viewer may not
	GuideURL             string
	Retryable            int
	Open                 bool // its rows are shown
	Rows                 []FailureRow
	Pager                Pager
	Back                 []Option // the filter as the fields of a form
}

// FailureRow is one failure.
type FailureRow struct {
	ID                           int64
	Name, URL, Coach             string
	OpenedAt                     time.Time
	Tries                        int
	Answer                       string
	State                        State
	Problem                      string // why what was asked for was not done
	Typed                        string // an email that was not taken
	PageURL                      string // its history
	RetryURL, ClearURL, EmailURL string // "" where it makes no sense
	PollURL                      string // of the row while something happens to it; "" otherwise
	Tickable                     bool
}

// OperationLine is an operation in a list.
type OperationLine struct {
	URL, Title, By string
	At             time.Time
	State          State
	Counts         string
}

func (d Failures) say() string {
	if len(d.Causes) == 0 {
		return "No failure matches"
	}
	return Plural(d.Matching, "failure", "failures") + " with " + Plural(len(d.Causes), "cause", "causes")
}

func (c CauseCard) touches() string {
	return Plural(c.Competitors, "competitor", "competitors") + ", " + Plural(c.Coaches, "coach", "coaches")
}

// scope names whom a button is for: "all 46", or "46 that match".
func (d Failures) scope(n int) string {
	if d.Narrowed {
		return Number(n) + " that match"
	}
	return "all " + Number(n)
}

// spark are the new failures in steps of two hours.
func (c CauseCard) spark() []int {
	var steps []int
	for i := 0; i+1 < len(c.Hours); i += 2 {
		steps = append(steps, c.Hours[i]+c.Hours[i+1])
	}
	return steps
}

func (c CauseCard) saySpark() string {
	var texts []string
	for _, n := range c.spark() {
		texts = append(texts, strconv.Itoa(n))
	}
	return "New failures in steps of two hours, the last 24: " + strings.Join(texts, " ")
}

// sparkBars are a little picture of counts, 16 high: 6 wide and 2 apart.
func sparkBars(counts []int) []SparkBar {
	most := 1
	for _, n := range counts {
		most = max(most, n)
	}
	var bars []SparkBar
	for i, n := range counts {
		height := 1
		if n > 0 {
			height = max(2, 15*n/most)
		}
		bars = append(bars, SparkBar{strconv.Itoa(8 * i), strconv.Itoa(16 - height), strconv.Itoa(height)})
	}
	return bars
}

// SparkBar is a bar of a little picture.
type SparkBar struct{ X, Y, Height string }

// FailureElement is the id of a failure's row in a page.
func FailureElement(id int64) string { return "failure-" + strconv.FormatInt(id, 10) }

func (r FailureRow) elementID() string { return FailureElement(r.ID) }

// polled has the row ask for itself while something happens to it.
func (r FailureRow) polled() templ.Attributes {
	if r.PollURL == "" {
		return nil
	}
	return polls(r.PollURL, r.elementID(), "2s")
}

// posts are the htmx attributes of a form that replaces a region by the answer, without touching the address.
func posts(url, region string) templ.Attributes {
	return templ.Attributes{"hx-post": url, "hx-target": "#" + region, "hx-swap": "outerHTML", "hx-indicator": "#" + region}
}

// endpointNames are the platform's calls in words.
var endpointNames = map[string]string{
	"GET /scores/get_odl_scores": "ODL scores", "GET /scores/get_flash_ctf_progress": "flash CTF progress", "GET /users": "account",
	domain.EveryCall: "every call",
}

// EndpointName is a call of the platform in words.
func EndpointName(endpoint string) string {
	if name := endpointNames[endpoint]; name != "" {
		return name
	}
	return endpoint
}

// AnswerText says what a call brought: "503 from ODL scores".
func AnswerText(class domain.FailureClass, endpoint string, status int) string {
	what := ClassName(class)
	if status > 0 {
		what = strconv.Itoa(status)
	}
	if endpoint == "" {
		return what
	}
	return what + " from " + EndpointName(endpoint)
}

// CauseTitle is a cause in plain words.
func CauseTitle(c domain.Cause) string {
	title := strings.TrimSuffix(c.Advice().What, ".")
	switch {
	case c.Endpoint == "" || c.Endpoint == domain.EveryCall && c.Status == 0:
		return title
	case c.Endpoint == domain.EveryCall:
		return title + " (status " + strconv.Itoa(c.Status) + " to every call)"
	case c.Status > 0:
		return title + " (" + EndpointName(c.Endpoint) + ", status " + strconv.Itoa(c.Status) + ")"
	}
	return title + " (" + EndpointName(c.Endpoint) + ")"
}

// classNames are short names of classes of errors, for tables and filters.
var classNames = map[domain.FailureClass]string{
	"": "Answered well", domain.Unauthorized: "Token refused", domain.Forbidden: "Not allowed", domain.NotFound: "Not known",
	domain.Blocked: "Not approved", domain.Conflict: "Conflict", domain.InvalidCall: "Data refused", domain.RateLimited: "Slow down",
	domain.ServerError: "Platform error", domain.Timeout: "Too slow", domain.Unreachable: "Not reached", domain.Malformed: "Unreadable answer",
	domain.StoreFailed: "Not stored", domain.MissingEmail: "Email missing", domain.MissingCoach: "Coach missing", domain.AccountDenied: "Denied by MetaCTF",
}

// ClassName is a short name of a class.
func ClassName(class domain.FailureClass) string {
	if name := classNames[class]; name != "" {
		return name
	}
	return string(class)
}

// failureStateNames are the states of failures as filters name them.
var failureStateNames = map[domain.FailureState]string{
	domain.FailureRetrying: "Mends itself", domain.FailureAttention: "Needs someone", domain.FailureBlocked: "Blocked",
	domain.FailureCleared: "Cleared", domain.FailureResolved: "Resolved, last 90 days", domain.FailureWaiting: "Waiting for its turn",
	domain.FailureRunning: "Running now", domain.FailureLimited: "Rate limited",
}

// FailureStateName is the name of a state.
func FailureStateName(s domain.FailureState) string { return failureStateNames[s] }

// FailureStateOf words where a failure stands: whether, when or why not it is tried again.
func FailureStateOf(f domain.Failure, enrolled bool, now time.Time, zone *time.Location) State {
	state := f.StateAt(now)
	next := "tried again " + Relative(f.NextDueAt, now, zone)
	if !f.NextDueAt.After(now) {
		next = "waits for its turn"
	}
	switch {
	case state == domain.FailureResolved:
		return State{"ok", endWords[f.EndReason] + " " + Relative(f.EndedAt, now, zone), ""}
	case state == domain.FailureRunning:
		return State{"run", "Running now", ""}
	case f.Class == domain.MissingEmail && state != domain.FailureCleared:
		return State{"bad", "Needs an email", ""}
	case !enrolled && state != domain.FailureCleared:
		return State{"off", "Not tried", "The coach does not have the game platform."}
	case state == domain.FailureWaiting && f.Kept == domain.FailureAttention:
		return State{"wait", "Waiting for its turn", "Needs attention: failed " + Plural(f.FailedInARow, "time", "times") + " in a row."}
	case state == domain.FailureWaiting:
		return State{"wait", "Waiting for its turn", ""}
	case state == domain.FailureLimited:
		return State{"warn", "Rate limited until " + clockOf(f.NextDueAt, now, zone), ""}
	case state == domain.FailureAttention:
		return State{"bad", "Needs attention", initial(next) + "."}
	case state == domain.FailureBlocked:
		return State{"hold", "Blocked", "Looked up again " + Relative(f.NextDueAt, now, zone) + "."}
	case state == domain.FailureCleared:
		if f.NextDueAt.IsZero() {
			return State{"off", "Cleared", ""}
		}
		return State{"off", "Cleared", "Still " + next + "."}
	}
	return State{"warn", "Retrying " + Relative(f.NextDueAt, now, zone), ""}
}

// clockOf is a time to come without its preposition.
func clockOf(t, now time.Time, zone *time.Location) string {
	return strings.TrimPrefix(Relative(t, now, zone), "at ")
}

// endWords say how a failure came to its end.
var endWords = map[domain.FailureEnd]string{
	domain.EndedSynced: "Synced", domain.EndedCompleted: "Completed", domain.EndedChanged: "Another cause since", domain.EndedForgotten: "Forgotten", domain.EndedInactive: "Deactivated",
}

// CauseNeeds says whether somebody must act on a cause, of whose failures so many need someone.
func CauseNeeds(kind domain.FailureKind, someone int) State {
	switch {
	case kind == domain.KindBlocked:
		return State{"hold", "Blocked", ""}
	case someone > 0:
		return State{"bad", "Needs someone", ""}
	}
	return State{"warn", "Mends itself", ""}
}
