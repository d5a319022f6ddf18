package metactf

import (
	"context"
	"strings"

	"flagpole/internal/domain"
)

type wireUser struct {
	ID        integer `json:"metactf_user_id"`
	Username  text    `json:"metactf_username"`
	SynedID   text    `json:"syned_user_id"`
	LastLogin integer `json:"last_login_unix_timestamp" wire:"optional"`
	Status    text    `json:"metactf_user_status"`
}

func (c *Client) readUser(a answer, id string, user *domain.PlatformUser) error {
	var w wireUser
	if err := c.read(a, &w); err != nil {
		return err
	}
	if fault := firstFault(w.SynedID.mustName(id), w.Status.required("metactf_user_status")); fault != "" {
		return a.malformed(fault)
	}
	*user = domain.PlatformUser{
		MetaCTFUserID: w.ID.value,
		Username:      w.Username.value,
		Status:        domain.PlatformStatus(w.Status.value),
		LastLoginAt:   w.LastLogin.time(),
	}
	return nil
}

// User asks what the platform knows of one user. A user it does not know is class not_found or blocked, as the
// platform words it.
func (c *Client) User(ctx context.Context, id string) (user domain.PlatformUser, err error) {
	err = c.askAbout(ctx, userCall("/users", id), func(a answer) error { return c.readUser(a, id, &user) })
	return user, err
}

// UserRole is what a user is on the platform.
type UserRole string

// The platform's two roles.
const (
	RoleCoach UserRole = "coach"
	RoleUser  UserRole = "user"
)

// NewUser is what an account is made of. The last four may be empty.
type NewUser struct {
	ID        string   `json:"syned_user_id"`
	FirstName string   `json:"first_name"`
	LastName  string   `json:"last_name"`
	Email     string   `json:"email"`
	Role      UserRole `json:"role"`
	Username  string   `json:"preferred_username,omitempty"`
	SchoolID  string   `json:"syned_school_id,omitempty"`
	RegionID  string   `json:"syned_region_id,omitempty"`
	CoachID   string   `json:"syned_coach_user_id,omitempty"`
}

func (u NewUser) fault() string {
	email := ""
	if !strings.Contains(u.Email, "@") {
		email = "email is not an address"
	}
	role := ""
	if u.Role != RoleCoach && u.Role != RoleUser {
		role = "role is neither coach nor user"
	}
	return firstFault(filled("syned_user_id", u.ID), filled("first_name", u.FirstName), filled("last_name", u.LastName),
		filled("email", u.Email), email, role)
}

// CreateUser makes an account. It is sent once at most: what the platform does with a second one is unknown, so a caller
// first looks whether the account is there, and takes class conflict for a success.
func (c *Client) CreateUser(ctx context.Context, u NewUser) (user domain.PlatformUser, err error) {
	q := call{
		path: "/users", body: u, userID: u.ID,
		private: []string{u.Email, u.FirstName + " " + u.LastName, u.FirstName, u.LastName, u.Username, u.CoachID},
	}
	err = c.write(ctx, q, u.fault(), func(a answer) error { return c.readUser(a, u.ID, &user) })
	return user, err
}
