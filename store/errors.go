package store

import (
	"database/sql"
	"errors"

	"flagpole/internal/domain"
)

// noSuch turns "no row" into an error for people; what is the missing thing's name, for example "competitor". Another
// coach's record and one that does not exist read the same.
func noSuch(err error, what string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return domain.Errorf(domain.NoSuch, "There is no such %s.", what).WithHint("It may have moved, or it is not yours to see.")
	}
	return err
}

// violatesUnique reports whether err says that a key is taken, on either database.
func violatesUnique(err error) bool { return sqliteUnique(err) || postgresUnique(err) }
