package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Lead is the right to call the platform. One process has it at a time; it ends with the process, however that ends.
type Lead struct {
	lost    chan struct{}
	release func() error
	once    sync.Once
	err     error
}

// Lost is closed when the right is gone though it was not released: the connection that held it broke.
func (l *Lead) Lost() <-chan struct{} { return l.lost }

// Release gives the right back. It may be called twice.
func (l *Lead) Release() error {
	l.once.Do(func() { l.err = l.release() })
	return l.err
}

// TryLead takes the right to call the platform, if nobody has it: got is false while another process does.
func (sys *System) TryLead(ctx context.Context) (l *Lead, got bool, err error) {
	s := sys.s
	if s.db.kind == "sqlite" {
		l, got, err = leadByFile(s.db.path + ".lock")
	} else {
		l, got, err = leadByAdvisoryLock(ctx, s.db.write)
	}
	if err != nil {
		return nil, false, fmt.Errorf("take the lead: %w", err)
	}
	return l, got, nil
}

// leadCheck is how often the connection that holds an advisory lock is asked whether it still lives.
const leadCheck = 3 * time.Second

// leadByAdvisoryLock holds a session's advisory lock on a connection of its own. Its key is made from the schema, so that
// portals in different schemas of one database do not stop each other.
func leadByAdvisoryLock(ctx context.Context, pool *sql.DB) (*Lead, bool, error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, false, err
	}
	// The lock ends with its session, and Postgres must notice soon when this machine is gone.
	_, err = conn.ExecContext(ctx, `SELECT set_config('tcp_keepalives_idle', '10', false),
		set_config('tcp_keepalives_interval', '5', false), set_config('tcp_keepalives_count', '3', false)`)
	if err != nil {
		return nil, false, errors.Join(err, conn.Close())
	}
	got := false
	err = conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock(hashtextextended('flagpole.sync.' || current_schema(), 0))`).Scan(&got)
	if err != nil || !got {
		return nil, false, errors.Join(err, conn.Close())
	}
	watching, stop := context.WithCancel(context.Background())
	l := &Lead{lost: make(chan struct{})}
	var watch sync.WaitGroup
	watch.Go(func() { watchConnection(watching, conn, l.lost) })
	l.release = func() error {
		stop()
		watch.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), leadCheck)
		defer cancel()
		_, err := conn.ExecContext(ctx, `SELECT pg_advisory_unlock_all()`)
		// Whether that went well or not, the connection is thrown away: the lock ends with its session for sure.
		if discarded := conn.Raw(func(any) error { return driver.ErrBadConn }); !errors.Is(discarded, driver.ErrBadConn) {
			err = errors.Join(err, discarded, conn.Close())
		}
		return err
	}
	return l, true, nil
}

// watchConnection closes lost when conn does not answer any more.
func watchConnection(ctx context.Context, conn *sql.Conn, lost chan<- struct{}) {
	tick := time.NewTicker(leadCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		asking, cancel := context.WithTimeout(ctx, leadCheck)
		err := conn.PingContext(asking)
		cancel()
		if err != nil && ctx.Err() == nil {
			close(lost)
			return
		}
	}
}
