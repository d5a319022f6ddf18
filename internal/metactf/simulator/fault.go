package simulator

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is one way in which the platform fails or surprises.
type Fault string

// The faults. Where an amount is named, FaultRule.Amount changes it.
const (
	Latency     Fault = "latency"      // the answer comes later, by 1 s
	Hang        Fault = "hang"         // no answer at all until the caller gives up or the faults change; orders are carried out
	Reset       Fault = "reset"        // the connection breaks in mid-body; orders are carried out
	RateLimited Fault = "rate_limited" // 429 with Retry-After in seconds: 5 s
	RateDate    Fault = "rate_date"    // 429 with Retry-After as a date, in 5 s
	RateSilent  Fault = "rate_silent"  // 429 that does not say how long
	Unavailable Fault = "unavailable"  // 503 with Retry-After in seconds: 5 s
	ServerError Fault = "server_error" // 500
	HTML        Fault = "html"         // 502 with a web page
	HTMLGood    Fault = "html_good"    // 200 with a web page, as from a proxy that asks to log in; orders are carried out
	Truncated   Fault = "truncated"    // JSON that ends too early; orders are carried out
	Forbidden   Fault = "forbidden"    // 403

	Nulls         Fault = "nulls"          // null in numbers that are required, and in the first solve's points
	UnknownFields Fault = "unknown_fields" // members that no schema lists
	WrongTypes    Fault = "wrong_types"    // texts for numbers, also in the first solve, and a number for a status
	CollidingIDs  Fault = "colliding_ids"  // all solves of the answer have one challenge_solve_id
	OtherUser     Fault = "other_user"     // the answer names another user

	Renamed   Fault = "renamed"   // the latest event has another name
	Redated   Fault = "redated"   // the latest event starts later, by 1 h
	Withdrawn Fault = "withdrawn" // the latest event is missing
	LateSolve Fault = "late"      // the newest solve is not there yet; it appears with its old date when the fault ends
	BackDated Fault = "backdated" // the newest solve is dated earlier, by 7 days

	TokenRefused Fault = "token_refused" // 401
	ClockSkew    Fault = "clock_skew"    // the Date header is ahead, by 1 h
)

// usualAmount is every fault there is, and its amount where it has one.
var usualAmount = map[Fault]time.Duration{
	Latency: time.Second, Hang: 0, Reset: 0, RateLimited: 5 * time.Second, RateDate: 5 * time.Second, RateSilent: 0,
	Unavailable: 5 * time.Second, ServerError: 0, HTML: 0, HTMLGood: 0, Truncated: 0, Forbidden: 0, Nulls: 0, UnknownFields: 0,
	WrongTypes: 0, CollidingIDs: 0, OtherUser: 0, Renamed: 0, Redated: time.Hour, Withdrawn: 0, LateSolve: 0,
	BackDated: 7 * day, TokenRefused: 0, ClockSkew: time.Hour,
}

// KnownFaults are the names of all faults, sorted.
func KnownFaults() []string {
	names := make([]string, 0, len(usualAmount))
	for f := range usualAmount {
		names = append(names, string(f))
	}
	slices.Sort(names)
	return names
}

// FaultRule says which calls have a fault. Of the calls that match Call and UserID, those counted From to To by the rule
// itself, from 1, are considered, and of these a part of size Rate.
type FaultRule struct {
	Fault  Fault
	Call   string        // a path below the base URL, with or without its method: "/users" or "POST /users"; empty: every call
	UserID string        // empty: about anybody
	From   int           // 0: from the first on
	To     int           // 0: without end
	Rate   float64       // above 0, to 1; 0 stands for 1
	Amount time.Duration // 0: the fault's usual one
}

// Faults are what goes wrong. The zero Faults are none.
type Faults struct {
	Seed  int64 // of the rates. Whether the n-th call about one user has a fault does not depend on the others.
	Rules []FaultRule
}

// check says what is wrong with a rule.
func (f FaultRule) check() error {
	usual, known := usualAmount[f.Fault]
	switch {
	case !known:
		return fmt.Errorf("there is no fault %q; there are: %s", f.Fault, strings.Join(KnownFaults(), ", "))
	case !knownCall(f.Call):
		return fmt.Errorf("there is no call %q; there are: %s", f.Call, strings.Join(knownCalls(), ", "))
	case !(f.Rate >= 0 && f.Rate <= 1):
		return errors.New("the rate of a fault must be above 0 and at most 1")
	case f.From < 0 || f.To < 0 || (f.To > 0 && f.To < f.From):
		return errors.New("the calls of a fault must be counted from 1, as in #3 or #3-7 or #3-")
	case f.Amount != 0 && usual == 0:
		return fmt.Errorf("the fault %q has no amount", f.Fault)
	}
	return nil
}

func (f FaultRule) amount() time.Duration {
	if f.Amount != 0 {
		return f.Amount
	}
	return usualAmount[f.Fault]
}

// ParseFault reads a rule as the command line writes it:
//
//	NAME[=AMOUNT][@CALL[?USER]][#FROM[-[TO]]][:RATE]
//
// for example
//
//	server_error:0.05
//	rate_limited=30s@/users
//	hang@/scores/get_odl_scores:0.01
//	html@POST /users?syn-0badcafe
//	token_refused#200-
//
// Its error says what would have been right, and lists the known names where one is unknown.
func ParseFault(text string) (FaultRule, error) {
	f, err := parseFault(strings.TrimSpace(text))
	if err == nil {
		err = f.check()
	}
	if err != nil {
		return FaultRule{}, fmt.Errorf("fault %q: %w", text, err)
	}
	return f, nil
}

func parseFault(text string) (f FaultRule, err error) {
	if rest, rate, ok := cutLast(text, ":"); ok {
		if f.Rate, err = strconv.ParseFloat(rate, 64); err != nil || f.Rate <= 0 {
			return f, errors.New("what stands behind the colon must be a rate, as in :0.05")
		}
		text = rest
	}
	if rest, calls, ok := cutLast(text, "#"); ok {
		if f.From, f.To, err = parseSpan(calls); err != nil {
			return f, err
		}
		text = rest
	}
	text, f.Call, _ = strings.Cut(text, "@")
	f.Call, f.UserID, _ = strings.Cut(f.Call, "?")
	name, amount, ok := strings.Cut(text, "=")
	if ok {
		if f.Amount, err = time.ParseDuration(amount); err != nil || f.Amount == 0 {
			return f, errors.New("what stands behind the equals sign must be an amount of time, as in =30s")
		}
	}
	f.Fault = Fault(name)
	return f, nil
}

func cutLast(text, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(text, sep); i >= 0 {
		return text[:i], text[i+len(sep):], true
	}
	return text, "", false
}

// parseSpan reads "3", "3-7" and "3-".
func parseSpan(text string) (from, to int, err error) {
	first, last, open := strings.Cut(text, "-")
	from, err = strconv.Atoi(first)
	switch {
	case err == nil && !open:
		to = from
	case err == nil && last != "":
		to, err = strconv.Atoi(last)
	}
	if err != nil || from < 1 || to < 0 {
		return 0, 0, errors.New("what stands behind the # must count calls from 1, as in #3 or #3-7 or #3-")
	}
	return from, to, nil
}

// faulty decides which calls have which faults. It may be used by many goroutines.
type faulty struct {
	mu     sync.Mutex
	faults Faults
	seen   []int             // by rule: matching calls so far
	about  map[[2]string]int // by call and user: calls so far
	over   chan struct{}     // closed when the faults change: what hangs goes on
}

// SetFaults replaces the faults from the next call on; SetFaults(Faults{}) ends all, and lets go what hangs. The rules
// count anew. An error says which rule is wrong; then nothing has changed.
func (s *Simulator) SetFaults(f Faults) error { return s.faulty.set(f) }

func (f *faulty) set(faults Faults) error {
	for i, rule := range faults.Rules {
		if err := rule.check(); err != nil {
			return fmt.Errorf("simulator: fault rule %d: %w", i+1, err)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over != nil {
		close(f.over)
	}
	faults.Rules = slices.Clone(faults.Rules)
	f.faults, f.seen, f.over = faults, make([]int, len(faults.Rules)), make(chan struct{})
	f.about = map[[2]string]int{}
	return nil
}

// of is the rules that hit a call, in their order, and when they are over.
func (f *faulty) of(method, path, userID string) (hit []FaultRule, over <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.faults.Rules) == 0 {
		return nil, f.over
	}
	key := [2]string{method + " " + path, userID}
	f.about[key]++
	for i, rule := range f.faults.Rules {
		if (rule.Call != "" && rule.Call != path && rule.Call != key[0]) || (rule.UserID != "" && rule.UserID != userID) {
			continue
		}
		f.seen[i]++
		if n := f.seen[i]; n < rule.From || (rule.To > 0 && n > rule.To) {
			continue
		}
		if rule.Rate == 0 || f.draw(i, key, f.about[key]) < rule.Rate {
			hit = append(hit, rule)
		}
	}
	return hit, f.over
}

// draw is a number from 0 up to 1 for the n-th call about a user, the same in whatever order calls arrive.
func (f *faulty) draw(rule int, key [2]string, n int) float64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d %q %d", rule, key, n)
	return rand.New(rand.NewPCG(uint64(f.faults.Seed), h.Sum64())).Float64()
}

// knownCalls are the calls with their methods, sorted.
func knownCalls() []string {
	var calls []string
	for path, methods := range (&Simulator{}).calls() {
		for method := range methods {
			calls = append(calls, method+" "+path)
		}
	}
	slices.Sort(calls)
	return calls
}

func knownCall(call string) bool {
	return call == "" || slices.ContainsFunc(knownCalls(), func(known string) bool {
		_, path, _ := strings.Cut(known, " ")
		return call == known || call == path
	})
}

const gatewayHTML = "<html><body><h1>502 Bad Gateway</h1></body></html>\n"

// instead is the reply that a fault gives in place of the platform's: the call does not reach it.
func (f FaultRule) instead(now time.Time) (reply, bool) {
	limited := func(status int, after string) (reply, bool) {
		r := refuse(status, "Too many requests")
		if after != "" {
			r.header = http.Header{"Retry-After": {after}}
		}
		return r, true
	}
	seconds := strconv.Itoa(int((f.amount() + time.Second - 1) / time.Second)) // never 0 for less than one
	switch f.Fault {
	case RateLimited:
		return limited(http.StatusTooManyRequests, seconds)
	case RateDate:
		return limited(http.StatusTooManyRequests, now.Add(f.amount()).UTC().Format(http.TimeFormat))
	case RateSilent:
		return limited(http.StatusTooManyRequests, "")
	case Unavailable:
		return limited(http.StatusServiceUnavailable, seconds)
	case ServerError:
		return refuse(http.StatusInternalServerError, "Internal Server Error"), true
	case HTML:
		return webPage(http.StatusBadGateway, gatewayHTML), true
	case Forbidden:
		return refuse(http.StatusForbidden, "Forbidden"), true
	case TokenRefused:
		return refuse(http.StatusUnauthorized, "Invalid authentication credentials"), true
	}
	return reply{}, false
}
