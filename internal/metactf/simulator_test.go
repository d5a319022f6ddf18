package metactf_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"net/http/httptest"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
	"flagpole/internal/metactf/simulator"
)

var seasonStart = time.Date(2026, 3, 4, 15, 0, 0, 0, time.UTC)

// newPlatform is a simulated platform that stands at the start of its season, and its address.
func newPlatform(t *testing.T, o simulator.Options) (*simulator.Simulator, string) {
	t.Helper()
	o.Start, o.Clock = seasonStart, func() time.Time { return seasonStart }
	s, err := simulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, server.URL + simulator.BaseURLPath
}

// platformIDs is the last column of the roster.
func platformIDs(t *testing.T, s *simulator.Simulator) (ids []string) {
	t.Helper()
	var out bytes.Buffer
	if err := s.WriteRoster(&out); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		if id := line[len(line)-1]; id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

func classOf(err error) domain.FailureClass {
	var failure *domain.CallError
	if errors.As(err, &failure) {
		return failure.Class
	}
	return ""
}

func TestEveryKindOfUserOfThePlatform(t *testing.T) {
	s, address := newPlatform(t, simulator.Options{Seed: 2, Token: testToken})
	c := clientOf(t, metactf.Config{BaseURL: address}, io.Discard)
	statuses := map[domain.PlatformStatus]int{}
	users, odl, flash := map[domain.FailureClass]int{}, map[domain.FailureClass]int{}, map[domain.FailureClass]int{}
	neverSignedIn := 0
	for _, id := range platformIDs(t, s) {
		user, err := c.User(t.Context(), id)
		users[classOf(err)]++
		statuses[user.Status]++
		if user.Status == domain.PlatformApproved && user.LastLoginAt.IsZero() {
			neverSignedIn++
		}
		_, err = c.ODLScores(t.Context(), id, time.Time{})
		odl[classOf(err)]++
		_, err = c.FlashProgress(t.Context(), id)
		flash[classOf(err)]++
	}
	want := s.Totals(seasonStart)
	blocked := want.Pending + want.Denied + want.Unknown
	equal(t, map[domain.PlatformStatus]int{
		domain.PlatformApproved: want.Approved, domain.PlatformPendingApproval: want.Pending,
		domain.PlatformDenied: want.Denied, "": want.Unknown,
	}, statuses)
	equal(t, map[domain.FailureClass]int{"": want.Approved + want.Pending + want.Denied, domain.NotFound: want.Unknown}, users)
	scored := map[domain.FailureClass]int{
		"": want.Approved - want.Failing, domain.Blocked: blocked, domain.ServerError: 4, domain.Malformed: 2,
	}
	equal(t, scored, odl)
	equal(t, scored, flash)
	if neverSignedIn < want.NeverSignedIn {
		t.Errorf("%d never signed in, want %d", neverSignedIn, want.NeverSignedIn)
	}
}

func TestPlatformsClockAndToken(t *testing.T) {
	_, address := newPlatform(t, simulator.Options{Competitors: 10, Token: testToken})
	c := clientOf(t, metactf.Config{BaseURL: address}, io.Discard)
	if status, err := c.Status(t.Context()); err != nil || !status.ServerTime.Equal(seasonStart) {
		t.Errorf("got %+v, %v; want the simulated time", status, err)
	}
	if err := c.CheckToken(t.Context()); err != nil {
		t.Errorf("the right token: %v", err)
	}
	_, address = newPlatform(t, simulator.Options{Competitors: 10, Token: "another"})
	c = clientOf(t, metactf.Config{BaseURL: address}, io.Discard)
	if err := c.CheckToken(t.Context()); classOf(err) != domain.Unauthorized {
		t.Errorf("the wrong token: %v, want unauthorized", err)
	}
}

func TestIncrementalPullOfThePlatform(t *testing.T) {
	s, address := newPlatform(t, simulator.Options{Competitors: 10, Token: testToken, Flawless: true})
	c := clientOf(t, metactf.Config{BaseURL: address}, io.Discard)
	id := platformIDs(t, s)[0]
	all, err := c.ODLScores(t.Context(), id, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	last := all.Solves[len(all.Solves)-1]
	since, err := c.ODLScores(t.Context(), id, last.SolvedAt)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, []domain.Solve{last}, since.Solves)
	if !since.Filtered || *since.TotalSolves != int64(len(all.Solves)) {
		t.Errorf("got %+v, want it filtered and the totals whole", since)
	}
}
