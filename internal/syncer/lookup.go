package syncer

import (
	"context"
	"errors"
	"fmt"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
)

// lookUp asks the platform for the account of a competitor whom we know none of: accounts are made under our own ids. That there
// is none is no fault.
func (s *Syncer) lookUp(ctx context.Context, competitorID string, t *tally) error {
	unlinked, err := s.store.Unlinked(ctx, competitorID)
	if err != nil || !unlinked {
		return err
	}
	calls := 0
	user, err := s.client.User(metactf.WithExchanges(ctx, func(metactf.Exchange) { calls++ }), competitorID)
	t.add(domain.RunCounts{APICalls: calls})
	var fault *domain.CallError
	switch {
	case err == nil:
		s.log.Info("account found", "competitor", competitorID)
		return s.store.Link(ctx, competitorID, user)
	case !errors.As(err, &fault):
		return err
	case fault.Class == domain.Unauthorized:
		return fmt.Errorf("%w: %w", ErrTokenRefused, fault)
	}
	s.log.Warn("no account found", "competitor", competitorID, "class", fault.Class, "status", fault.Status)
	return nil
}
