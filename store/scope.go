package store

import "flagpole/internal/domain"

// Scope is the only way a page reads people's data: every query of it carries the viewer's visible predicate, so
// nothing of it can return what the viewer may not see.
type Scope struct {
	s      *Store
	viewer domain.Viewer
}

// Viewer is the person the scope was made for.
func (sc *Scope) Viewer() domain.Viewer { return sc.viewer }

// visible is the predicate on the table or alias competitors (c). It adds its arguments to a.
func (sc *Scope) visible(a *args) string {
	switch {
	case sc.viewer.Role == domain.RoleAdmin:
		return "TRUE"
	case sc.viewer.Role == domain.RoleCoach && sc.viewer.CoachID != "" && sc.viewer.Enrolled:
		return "c.coach_id = " + a.add(sc.viewer.CoachID)
	}
	return "FALSE"
}
