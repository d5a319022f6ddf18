package store

import "context"

// RelistAll writes every row of the list anew, as its tests compare the rows with.
func (s *Store) RelistAll(ctx context.Context) error {
	return s.db.update(ctx, func(tx conn) error { return relistAll(ctx, tx, s.now(), false) })
}
