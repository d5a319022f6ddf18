package watch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"flagpole/internal/alert"
	"flagpole/internal/domain"
	"flagpole/internal/notify"
	"flagpole/internal/notify/notifytest"
	"flagpole/internal/roster"
	"flagpole/store"
	"flagpole/store/storetest"
)

// hook is a receiver of webhooks.
type hook struct {
	mu     sync.Mutex
	got    []string // kind and subject
	status int
	server *httptest.Server
}

func startHook(t *testing.T) *hook {
	h := &hook{status: http.StatusOK}
	h.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct{ Kind, Subject string }
		_ = json.NewDecoder(r.Body).Decode(&m)
		h.mu.Lock()
		defer h.mu.Unlock()
		w.WriteHeader(h.status)
		if h.status == http.StatusOK {
			h.got = append(h.got, m.Kind+" "+m.Subject)
		}
	}))
	t.Cleanup(h.server.Close)
	return h
}

func (h *hook) messages() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.got...)
}

func (h *hook) answer(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = status
}

// world is a portal with 467 competitors who are synced, a mail server and a webhook.
type world struct {
	t     *testing.T
	s     *store.Store
	clock *storetest.Clock
	mail  *notifytest.MailServer
	hook  *hook
	log   bytes.Buffer
	watch *Watcher
}

func inBoth(t *testing.T, test func(w *world)) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		w := &world{t: t, s: s, clock: clock, mail: notifytest.StartMail(t, "portal", "open sesame"), hook: startHook(t)}
		w.start()
		t.Cleanup(func() { w.watch.Stop() })
		test(w)
	})
}

// start starts a watcher, as a new process has one. It asks when it is told to; its ticks deliver.
func (w *world) start() {
	w.t.Helper()
	n, err := notify.New(notify.Config{
		Mail: w.mail.Config("ops@house.example"), Webhook: notify.Webhook{URL: w.hook.server.URL, Secret: strings.Repeat("s", 32)}, AllowPrivate: true, Clock: w.clock.Now,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	rules := store.AlertRules{Thresholds: alert.Defaults(), Timing: alert.Timing{Remind: 6 * time.Hour}, Zone: time.UTC, Link: "https://portal.example/admin/alerts"}
	w.watch = Start(w.s.System(), rules, n, w.clock.Now, slog.New(slog.NewTextHandler(&w.log, nil)))
}

func (w *world) restart() {
	w.watch.Stop()
	w.start()
}

// evaluate asks the rules a minute later, and waits until that is stored.
func (w *world) evaluate() {
	w.t.Helper()
	w.clock.Advance(time.Minute)
	now := w.clock.Now()
	w.watch.Wake()
	w.until("the rules are asked", func() bool {
		_, evaluated, err := w.s.For(domain.Viewer{Role: domain.RoleAdmin}).Alerts(w.t.Context(), now)
		if err != nil {
			w.t.Fatal(err)
		}
		return evaluated.Equal(now)
	})
}

// until waits for what the watcher does by itself.
func (w *world) until(what string, done func() bool) {
	w.t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("it never came about that %s; log:\n%s", what, w.log.String())
		}
	}
}

// arrived waits for so many messages on both ways, and wants their subjects.
func (w *world) arrived(want ...string) {
	w.t.Helper()
	w.until(fmt.Sprintf("%d messages arrive", len(want)), func() bool { return len(w.mail.Mails()) >= len(want) && len(w.hook.messages()) >= len(want) })
	var mails []string
	for _, m := range w.mail.Mails() {
		mails = append(mails, m.Subject)
	}
	var hooks []string
	for _, m := range w.hook.messages() {
		_, subject, _ := strings.Cut(m, " ")
		hooks = append(hooks, subject)
	}
	for name, got := range map[string][]string{"mail": mails, "webhook": hooks} {
		if text := strings.Join(got, "\n"); text != strings.Join(want, "\n") {
			w.t.Errorf("%s: got\n%s\nwant\n%s", name, text, strings.Join(want, "\n"))
		}
	}
}

// sync stores a run over the first n competitors, of whom the platform fails for failed.
func (w *world) sync(n, failed int) {
	w.t.Helper()
	sys := w.s.System()
	id, err := sys.QueueRun(w.t.Context(), store.RunRequest{By: "test"})
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := sys.BeginRun(w.t.Context(), id); err != nil {
		w.t.Fatal(err)
	}
	for i := range n {
		pull := store.Pull{
			GamePlatformID: fmt.Sprintf("P-%03d", i), RunID: id, At: w.clock.Now(), Result: domain.SyncSuccess,
			NextDue: func(store.Activity) time.Time { return w.clock.Now().Add(time.Hour) },
		}
		if i < failed {
			pull.Result, pull.Failure = domain.SyncFailure, &domain.CallError{Class: domain.ServerError, Endpoint: domain.EveryCall, Status: 500, Message: "out of order"}
		}
		if _, err := sys.StorePull(w.t.Context(), pull); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := sys.FinishRun(w.t.Context(), id, domain.RunCounts{Attempted: n, Failed: failed, Unchanged: n - failed}, ""); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) people(n int) {
	w.t.Helper()
	var rows []roster.Row
	for i := range n {
		rows = append(rows, roster.Row{
			Line: i + 2, CoachEmail: "h.osei@north.example", CoachName: "Halima Osei", FirstName: "Amara", LastName: fmt.Sprintf("Nwosu%03d", i),
			Email: fmt.Sprintf("amara%03d@pupil.example", i), Division: domain.HighSchool, Status: domain.ProfileComplete,
			CompetitorID: fmt.Sprintf("C-%03d", i), GamePlatformID: fmt.Sprintf("P-%03d", i),
		})
	}
	if _, wrong, err := w.s.System().ImportRoster(w.t.Context(), rows, false); err != nil || len(wrong) > 0 {
		w.t.Fatal(err, wrong)
	}
	storetest.EnrolAll(w.t, w.s)
}

const (
	began = "Flagpole: The platform fails for many competitors (and 1 more)"
	over  = "Flagpole: Over: The platform fails for many competitors (and 1 more)"
)

func TestAnOutageOfEverybodyIsOneAlertToldOnceOverRestarts(t *testing.T) {
	inBoth(t, func(w *world) {
		w.people(467)
		w.sync(467, 0)
		w.evaluate()
		w.clock.Advance(time.Minute)
		w.sync(467, 467)
		w.evaluate()
		w.arrived(began)
		w.restart()
		w.evaluate()
		w.evaluate()
		w.arrived(began)

		list, err := w.s.System().Alerts(w.t.Context(), w.clock.Now())
		if err != nil {
			w.t.Fatal(err)
		}
		incidents := map[int64]bool{}
		for _, a := range list {
			if a.State == domain.AlertFiring {
				incidents[a.Incident] = true
			}
		}
		if len(incidents) != 1 {
			w.t.Errorf("%d incidents: %+v", len(incidents), list)
		}
		w.sync(467, 0)
		w.evaluate()
		w.arrived(began, over)
		w.restart()
		w.evaluate()
		w.arrived(began, over)
	})
}

func TestWhatCouldNotBeSentIsSentAfterARestartAndOnce(t *testing.T) {
	inBoth(t, func(w *world) {
		w.people(20)
		w.mail.Refuse(true)
		w.hook.answer(http.StatusBadGateway)
		w.sync(20, 20)
		w.evaluate()
		admin := w.s.For(domain.Viewer{Role: domain.RoleAdmin})
		w.until("both ways are tried", func() bool {
			list, err := admin.Messages(w.t.Context(), 10)
			if err != nil {
				w.t.Fatal(err)
			}
			return len(list) == 1 && len(list[0].Deliveries) == 2 && list[0].Deliveries[0].Error != "" && list[0].Deliveries[1].Error != ""
		})
		w.evaluate() // goes on although nothing can be sent
		w.mail.Refuse(false)
		w.hook.answer(http.StatusOK)
		w.restart()
		w.clock.Advance(time.Minute)
		w.arrived(began)
		w.until("both are kept as sent", func() bool {
			list, _ := admin.Messages(w.t.Context(), 10)
			return list[0].Deliveries[0].State == "sent" && list[0].Deliveries[1].State == "sent"
		})
		if list, _ := admin.Messages(w.t.Context(), 10); list[0].Deliveries[0].Attempts < 2 {
			w.t.Errorf("%+v", list[0])
		}
	})
}

func TestUndeliveredMessagesAreAnAlertOfTheirOwn(t *testing.T) {
	inBoth(t, func(w *world) {
		w.people(20)
		w.mail.Refuse(true)
		w.sync(20, 20)
		w.evaluate()
		w.until("the webhook has it", func() bool { return len(w.hook.messages()) == 1 })
		w.clock.Advance(20 * time.Minute)
		w.evaluate()
		w.until("the webhook tells that mail does not work", func() bool { return len(w.hook.messages()) == 2 })
		if got := w.hook.messages()[1]; got != "fired Flagpole: Alerts are not delivered" {
			w.t.Error(got)
		}
		w.mail.Refuse(false)
		w.clock.Advance(2 * time.Hour)
		w.until("the mails arrive", func() bool { return len(w.mail.Mails()) == 2 })
	})
}

func TestAcknowledgedIsNotRemindedOf(t *testing.T) {
	inBoth(t, func(w *world) {
		w.people(20)
		w.sync(20, 20)
		w.evaluate()
		w.arrived(began)
		admin := w.s.For(domain.Viewer{UserID: "u-1", Role: domain.RoleAdmin})
		for _, rule := range []domain.AlertRule{domain.AlertPlatform, domain.AlertFailureRate} {
			if err := admin.AcknowledgeAlert(w.t.Context(), rule, "MetaCTF is told"); err != nil {
				w.t.Fatal(err)
			}
		}
		if err := admin.AcknowledgeAlert(w.t.Context(), domain.AlertPlatform, ""); domain.CodeOf(err) != domain.Clash {
			w.t.Errorf("a second time: %v", err)
		}
		if err := w.s.For(domain.Viewer{Role: domain.RoleProduct}).AcknowledgeAlert(w.t.Context(), domain.AlertPlatform, ""); domain.CodeOf(err) != domain.Denied {
			w.t.Errorf("product staff: %v", err)
		}
		w.clock.Advance(10 * time.Hour)
		w.sync(20, 20)
		w.evaluate()
		w.sync(20, 0)
		w.evaluate()
		w.arrived(began, over)
	})
}

func TestATestGoesEverywhere(t *testing.T) {
	inBoth(t, func(w *world) {
		if err := w.s.For(domain.Viewer{UserID: "u-1", Role: domain.RoleAdmin}).TestMessages(w.t.Context(), "https://portal.example/admin/alerts"); err != nil {
			w.t.Fatal(err)
		}
		w.arrived("Flagpole: a test")
	})
}

func TestADatabaseThatDoesNotAnswerIsToldWithoutIt(t *testing.T) {
	inBoth(t, func(w *world) {
		w.watch.Stop()
		fault := fmt.Errorf("gone")
		w.watch.blind(w.t.Context(), fault)
		w.clock.Advance(2 * time.Minute)
		w.watch.blind(w.t.Context(), fault)
		if n := len(w.mail.Mails()); n > 0 {
			w.t.Errorf("%d mails after 2 minutes", n)
		}
		w.clock.Advance(time.Minute)
		w.watch.blind(w.t.Context(), fault)
		w.watch.blind(w.t.Context(), fault)
		w.arrived("Flagpole: The database does not answer")
		w.watch.blind(w.t.Context(), nil)
		w.watch.blind(w.t.Context(), nil)
		w.arrived("Flagpole: The database does not answer", "Flagpole: Over: The database does not answer")
	})
}

func TestTriesAreSpacedFurtherAndFurther(t *testing.T) {
	for attempts, want := range map[int]time.Duration{1: 10 * time.Second, 2: 20 * time.Second, 5: 160 * time.Second, 9: 2560 * time.Second, 10: time.Hour, 60: time.Hour} {
		if got := wait(attempts, 0); got != want {
			t.Errorf("after %d tries: %v, want %v", attempts, got, want)
		}
		if got := wait(attempts, .999); got < want/2 || got >= want {
			t.Errorf("after %d tries at most %v", attempts, got)
		}
	}
}
