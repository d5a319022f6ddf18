package onboarding

import (
	"context"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
	"flagpole/store"
)

// coaches looks up the coaches whose people wait for them, and makes the accounts that are not there.
func (o *Onboarder) coaches(ctx context.Context) error {
	list, err := o.store.CoachesToSend(ctx, o.rules, atOnce)
	if err != nil {
		return err
	}
	for _, c := range list {
		if err := o.coach(ctx, c.ID); err != nil {
			return err
		}
	}
	return nil
}

func (o *Onboarder) coach(ctx context.Context, id string) error {
	user, fault, err := o.account(ctx, id, func() (u metactf.NewUser, ok bool, err error) {
		c, ok, err := o.store.CoachToSend(ctx, o.rules, id)
		u = metactf.NewUser{ID: c.ID, Email: c.Email, Role: metactf.RoleCoach}
		u.FirstName, u.LastName, _ = domain.SplitName(c.Name)
		return u, ok, err
	})
	switch {
	case err != nil:
		return err
	case fault != nil:
		return o.keep(ctx, domain.StepCoach, id, fault)
	case user == nil:
		return nil
	}
	return o.store.StoreCoachAccount(ctx, id, *user, o.clock().Add(coachEvery))
}

// accounts looks up the competitors whose coach is approved, and makes the accounts that are not there.
func (o *Onboarder) accounts(ctx context.Context) error {
	list, err := o.store.AccountsToMake(ctx, o.rules, atOnce)
	if err != nil {
		return err
	}
	for _, c := range list {
		if err := o.competitor(ctx, c.ID); err != nil {
			return err
		}
	}
	return nil
}

func (o *Onboarder) competitor(ctx context.Context, id string) error {
	user, fault, err := o.account(ctx, id, func() (u metactf.NewUser, ok bool, err error) {
		t, ok, err := o.store.AccountToMake(ctx, o.rules, id)
		return newUser(t), ok, err
	})
	switch {
	case err != nil:
		return err
	case fault != nil:
		return o.keep(ctx, domain.StepAccount, id, fault)
	case user == nil:
		return nil
	}
	o.log.Info("account linked", "competitor", id)
	return o.store.Link(ctx, id, *user)
}

func newUser(t store.AccountToMake) metactf.NewUser {
	return metactf.NewUser{
		ID: t.ID, FirstName: t.FirstName, LastName: t.LastName, Email: t.Email, Role: metactf.RoleUser, CoachID: t.CoachID,
	}
}

// account finds the account under one of our ids, or makes it from what is on file right then; nil is that nothing may be sent any
// more. Whether a second order for the same id makes a second account is not known of the platform, so none is ever given: it looks
// first, and takes a conflict for the word that the account is there.
func (o *Onboarder) account(ctx context.Context, id string, onFile func() (metactf.NewUser, bool, error)) (*domain.PlatformUser, *domain.CallError, error) {
	if taken, err := o.store.IDTaken(ctx, id); err != nil || taken {
		return nil, missing("GET /users", "the id stands for a coach and for a competitor, or for two competitors"), err
	}
	user, fault, err := o.look(ctx, id)
	if err != nil || !absent(fault) {
		return user, fault, err
	}
	if err := o.open(ctx); err != nil {
		return nil, nil, err
	}
	u, ok, err := onFile()
	if err != nil || !ok {
		return nil, nil, err
	}
	if u.FirstName == "" || u.LastName == "" {
		return nil, missing("POST /users", "the name has only one word; the platform wants a first and a last name"), nil
	}
	var made domain.PlatformUser
	fault, err = o.ask(func() (err error) {
		made, err = o.client.CreateUser(ctx, u)
		return err
	})
	switch {
	case err != nil:
		return nil, nil, err
	case fault == nil:
		return &made, nil, nil
	case fault.Class == domain.Conflict:
		return o.look(ctx, id)
	}
	return nil, fault, nil
}

// look asks the platform for an account.
func (o *Onboarder) look(ctx context.Context, id string) (*domain.PlatformUser, *domain.CallError, error) {
	if err := o.open(ctx); err != nil {
		return nil, nil, err
	}
	var user domain.PlatformUser
	fault, err := o.ask(func() (err error) {
		user, err = o.client.User(ctx, id)
		return err
	})
	if err != nil || fault != nil {
		return nil, fault, err
	}
	return &user, nil, nil
}
