package metactf_test

import (
	"testing"
	"time"

	"flagpole/internal/domain"
)

func TestUser(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		want       domain.PlatformUser
	}{
		{
			"as documented",
			`{"metactf_user_id":7,"metactf_username":"ada","syned_user_id":"` + testUser + `",
				"last_login_unix_timestamp":1760000000,"metactf_user_status":"approved"}`,
			domain.PlatformUser{
				MetaCTFUserID: 7, Username: "ada", Status: domain.PlatformApproved,
				LastLoginAt: time.Unix(1760000000, 0).UTC(),
			},
		},
		{
			"never signed in",
			`{"metactf_user_id":7,"metactf_username":"ada","last_login_unix_timestamp":null,"metactf_user_status":"pending_approval"}`,
			domain.PlatformUser{MetaCTFUserID: 7, Username: "ada", Status: domain.PlatformPendingApproval},
		},
		{
			"signed in at zero",
			`{"metactf_user_id":7,"last_login_unix_timestamp":0,"metactf_user_status":"user_created"}`,
			domain.PlatformUser{MetaCTFUserID: 7, Status: domain.PlatformUserCreated},
		},
		{
			"nulls, and a status nobody knows",
			`{"metactf_user_id":null,"metactf_username":null,"syned_user_id":null,"metactf_user_status":"on_hold"}`,
			domain.PlatformUser{Status: "on_hold"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := newClient(t, answering(201, tc.body)).User(t.Context(), testUser)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, tc.want, got)
		})
	}
}

func TestUserThatCannotBeRead(t *testing.T) {
	for _, tc := range []struct{ name, body, want string }{
		{"no status", `{"metactf_user_id":7}`, "metactf_user_status is missing"},
		{"status null", `{"metactf_user_status":null}`, "metactf_user_status is null"},
		{"status empty", `{"metactf_user_status":""}`, "metactf_user_status is empty"},
		{"status a number", `{"metactf_user_status":1}`, "metactf_user_status is not a text"},
		{
			"another user", `{"syned_user_id":"syn-1","metactf_user_status":"approved"}`,
			"the answer is about another user than the one asked for",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := newClient(t, answering(201, tc.body)).User(t.Context(), testUser)
			equal(t, &domain.CallError{
				Class: domain.Malformed, Endpoint: "GET /users", Status: 201, Message: tc.want,
			}, failureOf(t, err))
		})
	}
}
