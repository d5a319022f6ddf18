package metactf

import (
	"context"

	"flagpole/internal/domain"
)

type wireUser struct {
	ID        integer `json:"metactf_user_id"`
	Username  text    `json:"metactf_username"`
	SynedID   text    `json:"syned_user_id"`
	LastLogin integer `json:"last_login_unix_timestamp"`
	Status    text    `json:"metactf_user_status"`
}

// User asks what the platform knows of one user. A user it does not know is class not_found or blocked, as the
// platform words it.
func (c *Client) User(ctx context.Context, id string) (domain.PlatformUser, error) {
	a, err := c.askAbout(ctx, userCall("/users", id))
	if err != nil {
		return domain.PlatformUser{}, err
	}
	var w wireUser
	if err := c.read(a, &w); err != nil {
		return domain.PlatformUser{}, err
	}
	if fault := firstFault(w.SynedID.mustName(id), w.Status.required("metactf_user_status")); fault != "" {
		return domain.PlatformUser{}, a.malformed(fault)
	}
	return domain.PlatformUser{
		MetaCTFUserID: w.ID.value,
		Username:      w.Username.value,
		Status:        domain.PlatformStatus(w.Status.value),
		LastLoginAt:   w.LastLogin.time(),
	}, nil
}
