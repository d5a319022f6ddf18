package metactf_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"flagpole/internal/metactf"
)

func TestExchangeIsRecorded(t *testing.T) {
	for _, tc := range []struct {
		name    string
		handler http.HandlerFunc
		status  int
	}{
		{"a good answer", answering(http.StatusCreated, `{"metactf_user_status":"approved"}`), http.StatusCreated},
		{"a refusal", answering(http.StatusTooManyRequests, ""), http.StatusTooManyRequests},
		{"no answer", hangUp(""), 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got metactf.Exchange
			before := time.Now()
			_, _ = newClient(t, tc.handler).User(metactf.WithExchange(t.Context(), &got), testUser)
			if got.Endpoint != "GET /users" || got.Status != tc.status || got.StartedAt.Before(before) || got.Took <= 0 {
				t.Errorf("got %+v, want GET /users with status %d and its times", got, tc.status)
			}
		})
	}
}

func TestNoExchangeIsRecordedWhereNothingWasSent(t *testing.T) {
	var got metactf.Exchange
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, _ = newClient(t, answering(http.StatusOK, "{}")).User(metactf.WithExchange(ended, &got), testUser)
	if got != (metactf.Exchange{}) {
		t.Errorf("got %+v, want nothing", got)
	}
}
