package store_test

import (
	"testing"

	"flagpole/internal/domain"
	"flagpole/store"
)

func TestATestOfTheConnectionThatIsAskedForTwiceAtOnceIsOne(t *testing.T) {
	t.Parallel() // on Postgres only: SQLite has one writer
	h := newHouse(t, "postgres")
	queueBehind(t, h, "LOCK TABLE audit_log IN SHARE MODE", nil, // where a person's wish comes to last
		func(s *store.Store) error {
			return s.For(domain.Viewer{UserID: "u-admin", Role: domain.RoleAdmin}).TestConnection(t.Context())
		},
		func(s *store.Store) error { return s.System().AskTest(t.Context(), "schedule") })
	h.want("tests", `SELECT asked_by FROM platform_checks`, "u-admin")
}
