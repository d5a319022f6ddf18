package metactf

import (
	"context"
	"net/http"
	"net/url"

	"flagpole/internal/domain"
)

// noSuchTeam is asked for to try the token: an id that no programme gives to a team.
const noSuchTeam = "flagpole-token-check"

// CheckToken asks for something harmless to learn whether the platform takes our token. No error: it does. A refused
// token is class unauthorized or forbidden; with any other class the question stays open.
func (c *Client) CheckToken(ctx context.Context) error {
	q := call{path: "/users/get_team_assignments", query: url.Values{"syned_team_id": {noSuchTeam}}, accepts: tokenTaken}
	return c.do(ctx, q, func(answer) error { return nil })
}

// tokenTaken tells whether a refusal is about the team, which means that the token was looked at and let pass.
func tokenTaken(_ answer, e *domain.CallError) bool {
	switch e.Status {
	case http.StatusNotFound, http.StatusUnprocessableEntity:
		return true
	case http.StatusForbidden:
		return containsFold(e.Message, "not approved")
	}
	return false
}
