package views

import (
	"time"

	"flagpole/internal/domain"
)

// Users is who may sign in, one page of them.
type Users struct {
	Rows        []UserRow
	Search      string
	Role, State string
	Chips       []Chip
	ClearURL    string
	Pager
}

// UserRow is one user.
type UserRow struct {
	Email, URL, Role, Coach string
	State                   State
	LastSignInAt            time.Time
	TwoFactor               bool
}

// UserPage is one user, and what can be done.
type UserPage struct {
	ID, URL        string
	Row            UserRow
	Sessions       int
	LinkUntil      time.Time
	Self, Disabled bool
	Problem, Done  string
	Link           string // for choosing a password; shown once
	LinkFor        string
	RoleFields     []EditField
}

// userRoles are the roles to choose from.
var userRoles = []Option{{"coach", "Coach"}, {"admin", "Admin"}, {"product", "Product staff"}}

// userStates are the states to filter by.
var userStates = []Option{{"active", "Active"}, {"invited", "Invited"}, {"disabled", "Disabled"}}

// UserRoles are the roles to choose from.
func UserRoles() []Option { return userRoles }

// RoleName is a role as people read it.
func RoleName(r domain.Role) string {
	for _, o := range userRoles {
		if o.Key == string(r) {
			return o.Name
		}
	}
	return string(r)
}

func (d Users) say() string {
	if len(d.Rows) == 0 {
		return "No user matches"
	}
	return "Users by email, " + d.span()
}
