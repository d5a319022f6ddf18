package syncer

import (
	"context"
	"errors"
	"time"

	"flagpole/internal/domain"
	"flagpole/store"
)

const (
	followEvery = 300 * time.Millisecond // a run that another process does is looked at this often
	signEvery   = 5 * time.Second        // and this often it is said that somebody still waits for it
)

// Do sees a request through and waits for its end: it works itself where no other process has the lead, and otherwise
// leaves the request to that one and follows it. It returns what was done even with an error: the context's, ErrTokenRefused,
// or a fault of the database.
func (s *Syncer) Do(ctx context.Context, req store.RunRequest) (Report, error) {
	id, err := s.store.QueueRun(ctx, req)
	if err != nil {
		return Report{}, err
	}
	report, err := s.see(ctx, id)
	if req.DryRun {
		report.RunID = ""
		closing, cancel := closingTime(ctx)
		defer cancel()
		err = errors.Join(err, s.store.ForgetRun(closing, id))
	}
	return report, err
}

// see waits until the run is done by whoever has the lead, this process included.
func (s *Syncer) see(ctx context.Context, id string) (Report, error) {
	told := false
	for sign := time.Now(); ; {
		run, err := s.store.Run(ctx, id)
		if err != nil {
			return s.giveUp(ctx, id, err)
		}
		if !run.FinishedAt.IsZero() {
			return followed(run)
		}
		if run.Queued {
			report, done, err := s.tryMyself(ctx, id)
			if done || err != nil {
				return report, err
			}
		}
		if !told {
			told = true
			s.log.Warn("another process calls the platform; it does this run, and this one waits", "run", id)
		}
		if time.Since(sign) > signEvery {
			sign = time.Now()
			if err := s.store.FollowRun(ctx, id); err != nil {
				return s.giveUp(ctx, id, err)
			}
		}
		if pause(ctx, followEvery); ctx.Err() != nil {
			return s.giveUp(ctx, id, ctx.Err())
		}
	}
}

// tryMyself does the run if the lead is free; done is false while another process has it.
func (s *Syncer) tryMyself(ctx context.Context, id string) (report Report, done bool, err error) {
	lead, got, err := s.store.TryLead(ctx)
	if err != nil || !got {
		return Report{}, false, err
	}
	defer func() { err = errors.Join(err, lead.Release()) }()
	working, cancel := whileLeading(ctx, lead)
	defer cancel()
	if err := s.takeOver(working); err != nil {
		return Report{}, false, err
	}
	req, err := s.store.BeginRun(working, id)
	if domain.CodeOf(err) == domain.Clash {
		return Report{}, false, nil // taken up, and so finished, by the process that had the lead just before
	}
	if err != nil {
		return Report{}, false, err
	}
	report, err = s.execute(working, id, req)
	return report, true, errors.Join(err, s.finish(ctx, report))
}

// followed is the report of a run that another process did.
func followed(run store.Run) (Report, error) {
	report := Report{RunID: run.ID, Counts: run.Counts, Took: run.FinishedAt.Sub(run.StartedAt), Stopped: run.Stopped}
	switch run.Stopped {
	case "":
		return report, nil
	case store.StopTokenRefused:
		return report, ErrTokenRefused
	case store.StopKillSwitch:
		return report, ErrKilled
	case store.StopPaused:
		return report, ErrPaused
	}
	return report, errors.New("the portal ended the run before it was done")
}

// giveUp takes a request that nobody has taken up out of the queue again.
func (s *Syncer) giveUp(ctx context.Context, id string, why error) (Report, error) {
	closing, cancel := closingTime(ctx)
	defer cancel()
	_, err := s.store.BeginRun(closing, id)
	switch {
	case err == nil:
		err = s.store.FinishRun(closing, id, domain.RunCounts{}, store.StopInterrupted)
	case domain.CodeOf(err) == domain.Clash:
		err = nil // it runs on in the other process
	}
	return Report{RunID: id, Stopped: store.StopInterrupted}, errors.Join(why, err)
}
