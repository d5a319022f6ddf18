package metactf

import (
	"context"
	"net/url"
	"slices"

	"flagpole/internal/domain"
)

// NewTeam is what a team is made of. All of it is needed.
type NewTeam struct {
	ID          string          `json:"syned_team_id"`
	CoachID     string          `json:"syned_coach_user_id"` // of a coach the platform knows and has approved
	Name        string          `json:"team_name"`
	Affiliation string          `json:"affiliation"`
	Division    domain.Division `json:"division"`
}

func (n NewTeam) fault() string {
	division := ""
	if !slices.Contains(domain.Divisions, n.Division) {
		division = "division is none that the platform knows"
	}
	return firstFault(filled("syned_team_id", n.ID), filled("syned_coach_user_id", n.CoachID), filled("team_name", n.Name),
		filled("affiliation", n.Affiliation), division)
}

// Team is a team on the platform.
type Team struct {
	ID             string // ours
	MetaCTFTeamID  int64
	MetaCTFCoachID string // the platform sends this one as a text
	Name           string
	Affiliation    string
	Division       domain.Division
}

type wireTeam struct {
	TeamID      integer `json:"metactf_team_id"`
	CoachID     text    `json:"metactf_coach_id"`
	SynedID     text    `json:"syned_team_id"`
	Name        text    `json:"team_name"`
	Division    text    `json:"division"`
	Affiliation text    `json:"affiliation"`
}

// CreateTeam makes a team. As CreateUser it is sent once at most: look first, and take class conflict for a success.
func (c *Client) CreateTeam(ctx context.Context, n NewTeam) (team Team, err error) {
	q := call{path: "/teams", body: n, private: []string{n.CoachID, n.Name}}
	err = c.write(ctx, q, n.fault(), func(a answer) error {
		var w wireTeam
		if err := c.read(a, &w); err != nil {
			return err
		}
		if fault := w.SynedID.mustBe(n.ID, "team"); fault != "" {
			return a.malformed(fault)
		}
		team = Team{n.ID, w.TeamID.value, w.CoachID.value, w.Name.value, w.Affiliation.value, domain.Division(w.Division.value)}
		return nil
	})
	return team, err
}

// DeleteTeam deletes a team, which must be empty. The answer's form is not documented, so any good status will do.
func (c *Client) DeleteTeam(ctx context.Context, teamID string) error {
	q := call{path: "/teams/delete", body: map[string]string{"syned_team_id": teamID}}
	return c.write(ctx, q, filled("syned_team_id", teamID), func(answer) error { return nil })
}

// Assignment is who is in which team.
type Assignment struct {
	UserID string
	TeamID string // empty: the platform did not say
}

type wireAssignment struct {
	UserID text `json:"syned_user_id"`
	TeamID text `json:"syned_team_id" wire:"optional"`
}

func (w wireAssignment) fault() string {
	return firstFault(w.UserID.required("syned_user_id"), w.TeamID.optional("syned_team_id"))
}

// AssignTeam puts a user into a team.
func (c *Client) AssignTeam(ctx context.Context, teamID, userID string) (Assignment, error) {
	body := map[string]string{"syned_team_id": teamID, "syned_user_id": userID}
	fault := firstFault(filled("syned_team_id", teamID), filled("syned_user_id", userID))
	return c.assign(ctx, call{path: "/users/assign_team", body: body, userID: userID}, fault)
}

// DeleteAssignment takes a user out of the team, whichever it is: the call cannot name one. The answer may.
func (c *Client) DeleteAssignment(ctx context.Context, userID string) (Assignment, error) {
	q := call{path: "/users/delete_assignment", body: map[string]string{"syned_user_id": userID}, userID: userID}
	return c.assign(ctx, q, filled("syned_user_id", userID))
}

func (c *Client) assign(ctx context.Context, q call, fault string) (done Assignment, err error) {
	err = c.write(ctx, q, fault, func(a answer) error {
		var w wireAssignment
		if err := c.read(a, &w); err != nil {
			return err
		}
		if fault := firstFault(w.UserID.mustName(q.userID), w.TeamID.optional("syned_team_id")); fault != "" {
			return a.malformed(fault)
		}
		done = Assignment{q.userID, w.TeamID.value}
		return nil
	})
	return done, err
}

type wireAssignments struct {
	Assignments list    `json:"assignments"`
	Count       integer `json:"total_count"`
}

// TeamAssignments lists who is in which team; with an empty teamID everybody. One record that cannot be read, one of
// another team, and a count that differs or is missing, make the whole answer malformed: whoever takes a part for the whole takes people
// out of their teams.
func (c *Client) TeamAssignments(ctx context.Context, teamID string) (all []Assignment, err error) {
	q := call{path: "/users/get_team_assignments"}
	if teamID != "" {
		q.query = url.Values{"syned_team_id": {teamID}}
	}
	err = c.do(ctx, q, func(a answer) (err error) {
		all, err = c.readAssignments(a, teamID)
		return err
	})
	return all, err
}

func (c *Client) readAssignments(a answer, teamID string) ([]Assignment, error) {
	var w wireAssignments
	if err := c.read(a, &w); err != nil {
		return nil, err
	}
	if fault := w.Assignments.required("assignments"); fault != "" {
		return nil, a.malformed(fault)
	}
	all := make([]Assignment, 0, len(w.Assignments.items))
	for _, raw := range w.Assignments.items {
		var one wireAssignment
		if fault := c.readObject(raw, &one, a.endpoint()+": assignments."); fault != "" {
			return nil, a.malformed("an assignment " + fault)
		}
		if fault := one.fault(); fault != "" {
			return nil, a.malformed(fault)
		}
		if teamID != "" && one.TeamID.presence == present && one.TeamID.value != teamID {
			return nil, a.malformed("the answer is about another team than the one asked for")
		}
		all = append(all, Assignment{one.UserID.value, one.TeamID.value})
	}
	if w.Count.presence != present || w.Count.value != int64(len(all)) {
		return nil, a.malformed("total_count is not the number of assignments")
	}
	return all, nil
}
