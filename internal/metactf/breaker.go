package metactf

import (
	"time"
)

const (
	breakerWindow = time.Minute
	breakerUsers  = 10 // fewer say nothing about the platform as a whole
	breakerFirst  = 30 * time.Second
	breakerMost   = 5 * time.Minute
)

// breaker tells a fault of the platform from faults of single users. It counts people, each by the last outcome; the
// usual circuit breakers count requests, so that one user whose calls always fail, asked often enough, would stop
// everybody. Whoever uses a breaker holds a lock.
type breaker struct {
	users  map[string]outcome // the last of each
	order  []asked            // every call within the window, the oldest first
	failed int                // of users
}

type outcome struct {
	at     time.Time
	failed bool
}

type asked struct {
	at     time.Time
	userID string
}

// note keeps how a call about a user ended. It reports whether at least breakerUsers were asked about within the window
// and half of them failed.
func (b *breaker) note(now time.Time, userID string, failed bool) (trips bool) {
	if userID == "" {
		return false
	}
	if b.users == nil {
		b.users = map[string]outcome{}
	}
	b.drop(userID)
	b.users[userID] = outcome{now, failed}
	if failed {
		b.failed++
	}
	b.order = append(b.order, asked{now, userID})
	b.forgetBefore(now.Add(-breakerWindow))
	return len(b.users) >= breakerUsers && 2*b.failed >= len(b.users)
}

func (b *breaker) drop(userID string) {
	if b.users[userID].failed {
		b.failed--
	}
	delete(b.users, userID)
}

// forgetBefore drops whoever was not asked about since then.
func (b *breaker) forgetBefore(then time.Time) {
	for len(b.order) > 0 && b.order[0].at.Before(then) {
		if id := b.order[0].userID; b.users[id].at.Before(then) {
			b.drop(id)
		}
		b.order = b.order[1:]
	}
}

// forget begins anew.
func (b *breaker) forget() { *b = breaker{} }
