package onboarding

import (
	"context"
	"fmt"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
	"flagpole/store"
)

// readAgain is how long a read that failed is left alone.
const readAgain = time.Minute

// teams brings the assignments in step with the roster: removals before additions, and none of either but right after all assignments
// were read completely.
func (o *Onboarder) teams(ctx context.Context) error {
	due, err := o.readDue(ctx)
	if err != nil || !due {
		return err
	}
	if ok, err := o.read(ctx); err != nil || !ok {
		return err
	}
	for _, part := range []func(context.Context) error{o.remove, o.makeTeams, o.assign, o.deleteTeams} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// readDue reports whether there is anything to do, as far as is known, or the last look is too old to know.
func (o *Onboarder) readDue(ctx context.Context) (bool, error) {
	now := o.clock()
	if now.Before(o.nextRead) {
		return false, nil
	}
	last, err := o.store.AssignmentsReadAt(ctx)
	if err != nil {
		return false, err
	}
	work, err := o.store.TeamWork(ctx)
	return work || now.Sub(last) >= readEvery, err
}

// read stores all assignments. An answer that failed, or was not complete, changes nothing.
func (o *Onboarder) read(ctx context.Context) (ok bool, err error) {
	if err := o.open(ctx); err != nil {
		return false, err
	}
	var all []metactf.Assignment
	fault, err := o.ask(func() (err error) {
		all, err = o.client.TeamAssignments(ctx, "")
		return err
	})
	if err != nil {
		return false, err
	}
	if fault != nil {
		o.nextRead = o.clock().Add(readAgain)
		return false, fmt.Errorf("read all assignments: %w", fault)
	}
	list := make([]store.Assignment, len(all))
	for i, a := range all {
		list[i] = store.Assignment(a)
	}
	return true, o.store.StoreAssignments(ctx, list, o.clock())
}

// remove takes competitors out of the teams in which the portal put them and in which the roster does not want them any more. More than
// the share that needs nobody's word are all left where they are, but for those that somebody has agreed to.
func (o *Onboarder) remove(ctx context.Context) error {
	list, err := o.store.Removals(ctx, mostSteps)
	if err != nil || len(list) == 0 {
		return err
	}
	agreed, err := o.store.ConfirmedRemovals(ctx)
	if err != nil {
		return err
	}
	left, err := o.store.RemovalBudget(ctx, o.rules)
	if err != nil {
		return err
	}
	var open []store.TeamStep
	for _, t := range list {
		if !agreed[t.Assignment] {
			open = append(open, t)
			continue
		}
		if err := o.removeOne(ctx, t); err != nil {
			return err
		}
	}
	if len(open) > left {
		o.log.Warn("removals wait for somebody's word", "removals", len(open), "without", left)
		o.nextRead = o.clock().Add(readAgain)
		return nil
	}
	for _, t := range open {
		if err := o.removeOne(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

func (o *Onboarder) removeOne(ctx context.Context, t store.TeamStep) error {
	return o.step(ctx, domain.StepRemoval, t, func() error {
		_, err := o.client.DeleteAssignment(ctx, t.UserID)
		return err
	}, domain.NotFound)
}

// assign puts competitors into the teams that the roster wants them in.
func (o *Onboarder) assign(ctx context.Context) error {
	list, err := o.store.Assignments(ctx, atOnce)
	if err != nil {
		return err
	}
	for _, t := range list {
		err := o.step(ctx, domain.StepAssignment, t, func() error {
			_, err := o.client.AssignTeam(ctx, t.TeamID, t.UserID)
			return err
		}, "")
		if err != nil {
			return err
		}
	}
	return nil
}

// step does one step for a competitor's team, if it is still wanted. done is the class of a refusal that says it was done already.
func (o *Onboarder) step(ctx context.Context, step domain.OnboardingStep, t store.TeamStep, call func() error, done domain.FailureClass) error {
	if err := o.open(ctx); err != nil {
		return err
	}
	if wanted, err := o.store.StillWanted(ctx, step, t); err != nil || !wanted {
		return err
	}
	fault, err := o.ask(call)
	switch {
	case err != nil:
		return err
	case fault != nil && fault.Class != done:
		return o.keep(ctx, step, t.CompetitorID, fault)
	}
	return o.store.Assigned(ctx, step, t)
}

// makeTeams makes the teams that somebody is to be put into. The platform cannot be asked for a team, so a conflict says that it is
// there.
func (o *Onboarder) makeTeams(ctx context.Context) error {
	list, err := o.store.TeamsToMake(ctx, atOnce)
	if err != nil {
		return err
	}
	for _, listed := range list {
		if err := o.open(ctx); err != nil {
			return err
		}
		t, ok, err := o.store.TeamToMake(ctx, listed.ID)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := o.makeTeam(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

func (o *Onboarder) makeTeam(ctx context.Context, t store.TeamToMake) error {
	fault := incomplete(t)
	if fault == nil {
		var err error
		fault, err = o.ask(func() error {
			_, err := o.client.CreateTeam(ctx, metactf.NewTeam{ID: t.ID, CoachID: t.CoachID, Name: t.Name, Affiliation: t.School, Division: t.Division})
			return err
		})
		if err != nil {
			return err
		}
	}
	if fault != nil && fault.Class != domain.Conflict {
		return o.keep(ctx, domain.StepTeam, t.ID, fault)
	}
	return o.store.TeamMade(ctx, t, fault == nil)
}

// incomplete says what the platform wants to know of a team and the roster does not have.
func incomplete(t store.TeamToMake) *domain.CallError {
	switch {
	case t.School == "":
		return missing("POST /teams", "the coach has no school on file; the platform wants one for a team")
	case t.Division == "":
		return missing("POST /teams", "the members are of different divisions; the platform wants one for a team")
	}
	return nil
}

// deleteTeams deletes the teams that the roster does not have any more and in which nobody is.
func (o *Onboarder) deleteTeams(ctx context.Context) error {
	list, err := o.store.TeamsToDelete(ctx, atOnce)
	if err != nil {
		return err
	}
	for _, id := range list {
		if err := o.open(ctx); err != nil {
			return err
		}
		if may, err := o.store.MayDeleteTeam(ctx, id); err != nil {
			return err
		} else if !may {
			continue
		}
		fault, err := o.ask(func() error { return o.client.DeleteTeam(ctx, id) })
		switch {
		case err != nil:
			return err
		case fault != nil && fault.Class != domain.NotFound:
			err = o.keep(ctx, domain.StepTeamRemoval, id, fault)
		default:
			err = o.store.TeamDeleted(ctx, id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
