package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"flagpole/handlers"
	"flagpole/internal/auth"
	"flagpole/internal/config"
	"flagpole/internal/connection"
	"flagpole/internal/metrics"
	"flagpole/internal/onboarding"
	"flagpole/internal/operation"
	"flagpole/internal/schedule"
	"flagpole/internal/syncer"
	"flagpole/internal/watch"
	"flagpole/static"
	"flagpole/store"
)

// stopWithin is how long requests under way may take once the portal is told to stop.
const stopWithin = 8 * time.Second

func (p *program) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Serve the portal, configured by the environment", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			conf, err := p.config()
			if err != nil {
				return err
			}
			s, err := p.openMigrated(ctx, conf)
			if err != nil {
				return err
			}
			listener, err := net.Listen("tcp", conf.Addr)
			if err != nil {
				return errors.Join(usage(fmt.Errorf("listen on FLAGPOLE_ADDR: %w", err)), s.Close())
			}
			if p.getenv("GOGC") == "" && p.getenv("GOMEMLIMIT") == "" {
				debug.SetGCPercent(config.GCPercent)
				debug.SetMemoryLimit(config.MemoryLimit)
			}
			log, flush, err := p.serverLogger(conf)
			if err != nil {
				return errors.Join(err, listener.Close(), s.Close())
			}
			defer flush()
			log.Info("the portal listens", "address", listener.Addr().String(), "url", conf.PublicURL, "database", s.Kind(), "sync", conf.SyncEnabled)
			return errors.Join(serve(ctx, listener, s, conf, log), s.Close())
		},
	}
}

// serve answers requests on listener, and syncs in the background where that is switched on, until ctx ends.
func serve(ctx context.Context, listener net.Listener, s *store.Store, conf config.Config, log *slog.Logger) error {
	files, err := static.New()
	if err != nil {
		return err
	}
	if !files.Has("vendor/htmx.min.js") || !files.Has("vendor/pico.min.css") {
		log.Warn("built without front-end assets: pages are plain; build with ./task build")
	}
	requests := &syncRequests{store: s.System()}
	operations := operation.Start(s.System(), log)
	defer operations.Stop()
	counts := metrics.New(s.System(), !conf.SyncEnabled, time.Now, log)
	stopMetrics, err := serveMetrics(ctx, conf, counts, log)
	if err != nil {
		return err
	}
	defer stopMetrics()
	notifier, err := newNotifier(conf)
	if err != nil {
		return err
	}
	watcher := watch.Start(s.System(), alertRules(conf), notifier, time.Now, log)
	defer watcher.Stop()
	stopWork, err := startWork(s, conf, requests, watcher, observer{counts, log})
	if err != nil {
		return err
	}
	portal := handlers.New(s, auth.New(s.Accounts(), conf.Secure(), time.Now), files, handlers.Options{
		PublicURL: conf.PublicURL, TwoFactorRequired: conf.TwoFactorRequired, Zone: conf.Zone, Proxies: conf.Proxies, SyncEnabled: conf.SyncEnabled,
		RateLimit: conf.RateLimit, SyncEvery: conf.SyncEvery, SyncAtMost: conf.SyncAtLeast, Onboarding: onboardingRules(conf),
		SyncSecret: conf.SyncSecret, Requests: requests,
		OFREPToken: conf.OFREPToken, Rollout: s.System().Rollout("ofrep"),
		Wake:    func() { operations.Wake(); requests.wakeUp() },
		Metrics: counts.Handler(), MetricsToken: conf.MetricsToken,
		Alerting: handlers.Alerting{Thresholds: thresholds(conf), Remind: conf.AlertRemind, Targets: notifier.Targets()},
		Platform: handlers.Platform{BaseURL: conf.APIBaseURL, Concurrency: conf.Concurrency, Timeout: conf.CallTimeout, Retries: conf.RetryLimit, HasToken: conf.APIToken != "" || conf.APITokenFile != ""},
	}, time.Now, log)
	// Told to stop, the syncs end while the last requests are answered, not after them.
	ctx, cancel := context.WithCancel(ctx)
	context.AfterFunc(ctx, watcher.Stop)
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		stopped <- stopWork()
	}()
	err = listen(ctx, listener, portal, log)
	cancel() // listening may have ended by itself
	return errors.Join(err, <-stopped)
}

// startWork starts the background clock and what it wakes; the function it returns stops both.
func startWork(s *store.Store, conf config.Config, requests *syncRequests, watcher *watch.Watcher, o observer) (stop func() error, err error) {
	work := schedule.Work{Watcher: watcher, JobDone: o.metrics.Job}
	if conf.MetricsAddr != "" || conf.MetricsToken != "" {
		work.ReadGauges = o.metrics.Read
	}
	stopCalls := func() {}
	if conf.SyncEnabled {
		client, err := newClient(conf, s.System(), false, o)
		if err != nil {
			return nil, err
		}
		o.metrics.Uses(client)
		onboarder := onboarding.New(s.System(), client, onboardingRules(conf), time.Now, o.log)
		work.Dispatcher = syncer.StartDispatcher(newSyncer(s, client, conf, time.Now, o), onboarder.Run, connection.New(s.System(), client, time.Now, o.log).Serve)
		requests.wake = func() { work.Dispatcher.Wake(); onboarder.Wake() }
		stopCalls = work.Dispatcher.Stop
	} else if conf.APIToken != "" || conf.APITokenFile != "" {
		if stopCalls, err = startTests(s, conf, o); err != nil {
			return nil, err
		}
	}
	clock, err := schedule.Start(work, s.System(), time.Now, conf.Zone, o.log)
	if err != nil {
		stopCalls()
		return nil, err
	}
	return func() error {
		stopCalls()
		return clock.Stop()
	}, nil
}

// startTests lets the connection be tested where syncs are switched off: that is when one wants to know. No process calls the
// platform then but for that.
func startTests(s *store.Store, conf config.Config, o observer) (stop func(), err error) {
	client, err := newClient(conf, nil, true, o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { connection.New(s.System(), client, time.Now, o.log).Serve(ctx) })
	return func() {
		cancel()
		done.Wait()
	}, nil
}

// listen serves until ctx ends, then lets requests under way finish.
func listen(ctx context.Context, listener net.Listener, handler http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler: handler, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	log.Info("the portal stops")
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	err := server.Shutdown(closing)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close() // cut off what takes too long
	}
	<-ended
	return err
}

// syncRequests takes the internal API's requests for runs.
type syncRequests struct {
	store *store.System
	wake  func() // of the dispatcher, nil where syncs are switched off; another replica may be the one that has the lead, and finds the request by itself
}

func (r *syncRequests) wakeUp() {
	if r.wake != nil {
		r.wake()
	}
}

// Request queues a run and wakes the dispatcher.
func (r *syncRequests) Request(ctx context.Context, selection store.Selection) (string, error) {
	if err := r.store.CheckSelection(ctx, selection); err != nil {
		return "", err
	}
	id, err := r.store.QueueRun(ctx, store.RunRequest{Selection: selection, By: "api"})
	if err == nil {
		r.wakeUp()
	}
	return id, err
}

// Run reads one run.
func (r *syncRequests) Run(ctx context.Context, id string) (store.Run, error) {
	return r.store.Run(ctx, id)
}
