package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"flagpole/internal/domain"
)

// Pull is what one sync of one competitor learned. Parts that were not asked for, or that failed, are nil: a sync writes
// only what it learned.
type Pull struct {
	GamePlatformID string
	RunID          string
	At             time.Time // when the sync began
	Result         domain.SyncResult
	Failure        *domain.CallError // why it failed or is blocked; nil on success
	Full           bool              // every part was asked for without a cursor, and answered
	Zone           *time.Location    // of the windows that trials are counted in; nil is UTC
	User           *domain.PlatformUser
	ODL            *ODLPull
	Flash          *FlashPull
	Attempts       []Attempt
	// NextDue is asked, with the facts as they are after storing, when the competitor is due again.
	NextDue func(Activity) time.Time
}

// ODLPull is an answer of the ODL scores.
type ODLPull struct {
	RequestedAt              time.Time
	Snapshot                 bool // asked without a cursor: it holds all solves
	Solves                   []domain.Solve
	Malformed                []domain.Quarantined
	TotalSolves, TotalPoints *int64    // the platform's own totals; taken from snapshots only
	LastAccessedAt           time.Time // zero: the platform did not say
}

// FlashPull is an answer of the flash CTF progress; it is always a snapshot.
type FlashPull struct {
	RequestedAt time.Time
	Results     []domain.FlashResult
	Malformed   []domain.Quarantined
}

// Attempt is one call of a sync.
type Attempt struct {
	Endpoint  string
	StartedAt time.Time
	Took      time.Duration
	Status    int                 // HTTP status, 0 when there was no answer
	Class     domain.FailureClass // "" when it succeeded
	Message   string
}

// Activity is what decides when a competitor is due again.
type Activity struct {
	LastSolveAt  time.Time // zero: no solve
	LastSeenAt   time.Time // on the platform; zero: never
	FailedInARow int       // syncs, this one included
}

// Stored says what storing a pull changed.
type Stored struct {
	NewSolves int
	Changed   bool // solves, points or events differ from before
}

// StorePull writes everything a sync learned, or nothing, in one transaction: solves, events, totals, cursor, result,
// attempts, next due time, the trial it is, the failure it opens or ends, and the counts of the run and of operations.
func (sys *System) StorePull(ctx context.Context, p Pull) (Stored, error) {
	var stored Stored
	err := sys.s.db.update(ctx, func(tx conn) error {
		err := sys.s.db.shareRoster(ctx, tx)
		if err == nil {
			stored, err = sys.storePull(ctx, tx, p)
		}
		return err
	})
	sys.s.totals.changed()
	if errors.Is(err, errErased) {
		return Stored{}, nil // of a deleted person nothing is stored
	}
	if err != nil {
		return Stored{}, fmt.Errorf("store pull: %w", err)
	}
	return stored, nil
}

// PreviewPull says what StorePull would change and stores nothing.
func (sys *System) PreviewPull(ctx context.Context, p Pull) (Stored, error) {
	var stored Stored
	err := sys.s.db.preview(ctx, func(tx conn) error {
		err := sys.s.db.shareRoster(ctx, tx)
		if err == nil {
			stored, err = sys.storeLearned(ctx, tx, p)
		}
		return err
	})
	if err != nil {
		return Stored{}, fmt.Errorf("preview pull: %w", err)
	}
	return stored, nil
}

func (sys *System) storePull(ctx context.Context, tx conn, p Pull) (Stored, error) {
	stored, err := sys.storeLearned(ctx, tx, p)
	if err != nil {
		return stored, err
	}
	totals, err := storeStats(ctx, tx, p)
	if err != nil {
		return stored, err
	}
	window := p.window(sys.s.clock())
	succeeded, err := storeState(ctx, tx, p, totals, window)
	if err != nil {
		return stored, err
	}
	if err := relist(ctx, tx, sys.s.now(), "c.game_platform_id = $1", p.GamePlatformID); err != nil {
		return stored, err
	}
	if !succeeded {
		if err := storeTrial(ctx, tx, p, window, sys.s.clock()); err != nil {
			return stored, err
		}
	}
	if err := settleItems(ctx, tx, p, sys.s.now()); err != nil {
		return stored, err
	}
	if err := storeAttempts(ctx, tx, p); err != nil {
		return stored, err
	}
	return stored, countInRun(ctx, tx, p, stored, sys.s.now())
}

// storeLearned writes what the platform said: user, solves, events, and records that could not be read.
func (sys *System) storeLearned(ctx context.Context, tx conn, p Pull) (Stored, error) {
	var stored Stored
	if p.User != nil {
		if err := storePlatformUser(ctx, tx, p.GamePlatformID, *p.User, p.At); err != nil {
			return stored, err
		}
	}
	if p.ODL != nil {
		part := snapshot{p.GamePlatformID, domain.SourceODL, p.ODL.Snapshot, p.ODL.Solves, p.ODL.Malformed, p.At}
		if err := part.store(ctx, tx, &stored); err != nil {
			return stored, err
		}
	}
	if p.Flash != nil {
		if err := storeFlash(ctx, tx, p, &stored); err != nil {
			return stored, err
		}
	}
	return stored, nil
}

func storeFlash(ctx context.Context, tx conn, p Pull, stored *Stored) error {
	if err := storeResults(ctx, tx, p, stored); err != nil {
		return err
	}
	var solves []domain.Solve
	for _, r := range p.Flash.Results {
		solves = append(solves, r.Solves...)
	}
	part := snapshot{p.GamePlatformID, domain.SourceFlash, true, solves, p.Flash.Malformed, p.At}
	return part.store(ctx, tx, stored)
}

// storePlatformUser writes the vendor's word. An account the platform does not know keeps the name it was last known by.
func storePlatformUser(ctx context.Context, tx conn, id string, u domain.PlatformUser, at time.Time) error {
	_, err := tx.exec(ctx, `
		INSERT INTO game_platform_users AS u
			(syned_user_id, metactf_user_id, metactf_username, metactf_user_status, last_login_at, checked_at)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (syned_user_id) DO UPDATE SET
			metactf_user_id = CASE WHEN excluded.metactf_user_id = 0 THEN u.metactf_user_id ELSE excluded.metactf_user_id END,
			metactf_username = CASE WHEN excluded.metactf_username = '' THEN u.metactf_username ELSE excluded.metactf_username END,
			metactf_user_status = excluded.metactf_user_status,
			last_login_at = COALESCE(excluded.last_login_at, u.last_login_at),
			checked_at = excluded.checked_at`,
		id, u.MetaCTFUserID, u.Username, string(u.Status), nullMicros(u.LastLoginAt), micros(at))
	return wrap(err, "platform user")
}

// storeAttempts keeps every call of the sync.
func storeAttempts(ctx context.Context, tx conn, p Pull) error {
	if len(p.Attempts) == 0 {
		return nil
	}
	var a args
	for _, t := range p.Attempts {
		a = append(a, p.RunID, p.GamePlatformID, t.Endpoint, micros(t.StartedAt), t.Took.Microseconds(), t.Status, string(t.Class), t.Message)
	}
	_, err := tx.exec(ctx, `
		INSERT INTO sync_attempts (run_id, syned_user_id, endpoint, started_at, duration_us, http_status, error_class, error_message)
		VALUES `+tuples(len(p.Attempts), 8), a...)
	return wrap(err, "attempts")
}

// wrap says at which part of a transaction err came up.
func wrap(err error, part string) error {
	if err != nil {
		return fmt.Errorf("%s: %w", part, err)
	}
	return nil
}
