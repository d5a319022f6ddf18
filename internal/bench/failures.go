package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"flagpole/internal/domain"
	"flagpole/store"
)

// failedClasses are those of the failures, four causes each.
var failedClasses = []domain.FailureClass{
	domain.Unauthorized, domain.Forbidden, domain.NotFound, domain.Conflict, domain.InvalidCall, domain.RateLimited, domain.ServerError, domain.Timeout,
	domain.Malformed, domain.StoreFailed,
}

const failedCauses = 40

// failures measures the pages of failures where everybody fails, at two sizes side by side: one request to the one, one to the other.
func (b *workbench) failures(ctx context.Context, databases []database, n sizes) error {
	if err := b.startPlatform(ctx); err != nil { // it is only named, never asked
		return err
	}
	defer b.stopPlatform()
	for _, d := range databases {
		if err := b.failuresOn(ctx, d, n); err != nil {
			return err
		}
	}
	return nil
}

func (b *workbench) failuresOn(ctx context.Context, d database, n sizes) error {
	var sites [2]*site
	var end []func() error
	defer func() {
		for _, f := range slices.Backward(end) {
			_ = f() // what was measured is said already
		}
	}()
	for i, failing := range n.failing {
		began := time.Now()
		s, drop, err := b.failed(ctx, d.address, failing)
		if err != nil {
			return err
		}
		fmt.Fprintf(b.out, "%s: %d open failures in %d causes, ready after %s\n", d.name, failing, failedCauses, time.Since(began).Round(time.Second))
		end = append(end, func() error { return drop(ctx) }, s.Close)
		if sites[i], err = openSite(ctx, s); err != nil {
			return err
		}
		end = append(end, sites[i].close)
	}
	fmt.Fprintf(b.out, "\n%-44s %9s %9s %7s   %s\n", d.name+", medians", "small", "large", "times", "wanted")
	if err := b.compareFailures(ctx, sites, n.each); err != nil {
		return err
	}
	return b.operateOn(ctx, sites[1].store)
}

// failed is a portal on whose database everybody fails.
func (b *workbench) failed(ctx context.Context, address string, failing int) (*store.Store, func(context.Context) error, error) {
	p, err := b.portal(ctx, address, failing, 8, 50)
	if err != nil {
		return nil, nil, err
	}
	const workers = 4
	faults := make(chan error, workers)
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := w; i < failing; i += workers {
				if err := failOne(ctx, p.store.System(), i); err != nil {
					faults <- err
					return
				}
			}
		})
	}
	all.Wait()
	close(faults)
	if err := <-faults; err != nil {
		return nil, nil, err
	}
	return p.store, p.drop, settle(ctx, p.address)
}

func failOne(ctx context.Context, sys *store.System, i int) error {
	cause := i % failedCauses
	at := time.Now().Add(-time.Duration(i%(30*24*60)) * time.Minute)
	_, err := sys.StorePull(ctx, store.Pull{
		GamePlatformID: fmt.Sprintf("syn-%06d", i), At: at, Result: domain.SyncFailure,
		Failure: &domain.CallError{
			Class: failedClasses[cause%len(failedClasses)], Endpoint: "GET /scores/get_odl_scores", Status: 400 + cause/len(failedClasses),
			Message: fmt.Sprintf("request %d of %q could not be served", i, benchName(i)),
		},
		NextDue: func(store.Activity) time.Time { return at.Add(time.Duration(i%100) * 24 * time.Hour) },
	})
	return err
}

// compareFailures asks both sizes for each page in turn.
func (b *workbench) compareFailures(ctx context.Context, sites [2]*site, each time.Duration) error {
	var clients [2]*http.Client
	var causes [2]string
	var coaches [2]string
	for i, s := range sites {
		var err error
		if clients[i], err = s.visitor(ctx, benchAdmin); err != nil {
			return err
		}
		scope := s.store.For(domain.Viewer{Role: domain.RoleAdmin})
		board, err := scope.FailureBoard(ctx, store.FailureQuery{At: time.Now()})
		if err != nil {
			return err
		}
		if len(board.Causes) != failedCauses {
			return fmt.Errorf("there are %d causes", len(board.Causes))
		}
		row, err := scope.CompetitorRow(ctx, "C-000061")
		if err != nil {
			return err
		}
		causes[i], coaches[i] = board.Causes[0].Print, row.CoachID
	}
	for _, page := range []struct {
		name, wanted string
		path         func(i int) string
	}{
		{"failures: first view", "2 or less", func(int) string { return "/admin/failures" }},
		{"  one cause opened", "2 or less", func(i int) string { return "/admin/failures?open=" + causes[i] }},
		{"  by class", "2 or less", func(int) string { return "/admin/failures?class=timeout" }},
		{"  by kind", "2 or less", func(int) string { return "/admin/failures?kind=failure" }},
		{"  by coach", "2 or less", func(i int) string { return "/admin/failures?coach=" + coaches[i] }},
		{"  by state: mends itself", "2 or less", func(int) string { return "/admin/failures?state=retrying" }},
		{"  by state: needs someone", "2 or less", func(int) string { return "/admin/failures?state=needs_attention" }},
		{"  by state: waiting for its turn", "2 or less", func(int) string { return "/admin/failures?state=waiting" }},
		{"  by age: under 1 h", "2 or less", func(int) string { return "/admin/failures?age=under_1h" }},
		{"  by age: over 24 h", "2 or less", func(int) string { return "/admin/failures?age=over_24h" }},
		{"  searched", "2 or less", func(int) string { return "/admin/failures?q=00061" }},
		{"confirm page of a class", "0.5 s", func(int) string { return "/admin/failures/retry?class=timeout" }},
		{"confirm page of all", "", func(int) string { return "/admin/failures/retry" }},
		{"sync health", "", func(int) string { return "/admin/sync" }},
	} {
		var took [2][]time.Duration
		for until := time.Now().Add(2 * each); time.Now().Before(until) || len(took[1]) < 5; {
			for i, s := range sites {
				began := time.Now()
				if _, err := fetch(ctx, clients[i], s.url+page.path(i)); err != nil {
					return err
				}
				took[i] = append(took[i], time.Since(began))
			}
		}
		small, large := median(took[0]), median(took[1])
		fmt.Fprintf(b.out, "%-44s %9s %9s %7.1f   %s\n", page.name, milliseconds(small), milliseconds(large), large.Seconds()/small.Seconds(), page.wanted)
	}
	return nil
}

func median(took []time.Duration) time.Duration {
	slices.Sort(took)
	return took[len(took)/2]
}

// operateOn measures how soon an operation on a class answers, and how long it goes on planning.
func (b *workbench) operateOn(ctx context.Context, s *store.Store) error {
	scope := s.For(domain.Viewer{UserID: "bench", Role: domain.RoleAdmin})
	for _, kind := range []store.OperationKind{store.OpRetry, store.OpClear} {
		began := time.Now()
		o, err := scope.BeginOperation(ctx, store.OperationRequest{Kind: kind, Filter: store.FailureQuery{Class: domain.Timeout}, Reason: "bench", Pace: time.Millisecond})
		if err != nil {
			return err
		}
		answered := time.Since(began)
		for more := true; more; {
			if more, err = s.System().WorkOperations(ctx); err != nil {
				return err
			}
		}
		if o, err = scope.Operation(ctx, o.ID); err != nil {
			return err
		}
		b.say(fmt.Sprintf("%s of %d failures answers after", kind, o.Matched), milliseconds(answered), "at once")
		b.say("  and has queued or cleared all after", seconds(time.Since(began)), "")
		if kind == store.OpRetry {
			_, err = scope.AbortOperation(ctx, o.ID)
		}
		if err != nil {
			return errors.Join(err, ctx.Err())
		}
	}
	return nil
}
