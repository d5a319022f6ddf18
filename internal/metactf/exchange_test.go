package metactf_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
)

// recorded is a context that keeps what is recorded, and where it is kept.
func recorded(ctx context.Context) (context.Context, *[]metactf.Exchange) {
	var all []metactf.Exchange
	return metactf.WithExchanges(ctx, func(e metactf.Exchange) { all = append(all, e) }), &all
}

func TestExchangeIsRecorded(t *testing.T) {
	for _, tc := range []struct {
		name    string
		handler http.HandlerFunc
		status  int
		class   domain.FailureClass
		message string
	}{
		{"a good answer", answering(201, `{"metactf_user_status":"approved"}`), 201, "", ""},
		{"one that cannot be read", answering(201, `{"metactf_user_status":null}`), 201, domain.Malformed, "metactf_user_status is null"},
		{"a refusal", answering(429, ""), 429, domain.RateLimited, "the answer was empty"},
		{"no answer", hangUp(""), 0, domain.Unreachable, "the connection broke off"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx, all := recorded(t.Context())
			before := time.Now()
			_, _ = newClient(t, tc.handler).User(ctx, testUser)
			if len(*all) != 1 {
				t.Fatalf("%d exchanges, want 1", len(*all))
			}
			got := (*all)[0]
			if got.StartedAt.Before(before) || got.Took <= 0 {
				t.Errorf("got %+v, want its times", got)
			}
			got.StartedAt, got.Took = time.Time{}, 0
			equal(t, metactf.Exchange{Endpoint: "GET /users", Status: tc.status, Class: tc.class, Message: tc.message}, got)
		})
	}
}

func TestRefusalThatIsAnAnswerIsRecordedAsGood(t *testing.T) {
	ctx, all := recorded(t.Context())
	if _, err := newClient(t, answering(404, `{"detail":"none"}`)).FlashProgress(ctx, testUser); err != nil {
		t.Fatal(err)
	}
	if len(*all) != 1 || (*all)[0].Status != 404 || (*all)[0].Class != "" {
		t.Errorf("got %+v, want one with status 404 and no class", *all)
	}
}

func TestNoExchangeIsRecordedWhereNothingWasSent(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	ctx, all := recorded(ended)
	_, _ = newClient(t, answering(http.StatusOK, "{}")).User(ctx, testUser)
	if len(*all) != 0 {
		t.Errorf("got %+v, want nothing", *all)
	}
}
