package handlers

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
)

// SyncRequests takes requests for runs. The internal API is for programs, so it has no viewer and no Scope; this is all
// it can reach.
type SyncRequests interface {
	// Request queues a run for the selection and returns its id. A coach or competitor that does not exist is a NoSuch error.
	Request(ctx context.Context, selection store.Selection) (string, error)
	// Run reads one run; one that does not exist is a NoSuch error.
	Run(ctx context.Context, id string) (store.Run, error)
}

const (
	internalSyncPath = "/api/internal/sync"
	secretHeader     = "X-Internal-Sync-Secret"
	maxSyncBody      = 64 << 10
)

// internalSync is the API for programs of the programme: it starts runs and says how they go. It reads no cookie.
type internalSync struct {
	requests SyncRequests
	secret   string
	enabled  bool
	failed   echo.MiddlewareFunc // answers where the portal failed
}

// register adds the API's routes; without a secret they are not found.
func (a internalSync) register(e *echo.Echo) {
	e.POST(internalSyncPath, a.guarded(a.start), a.failed)
	e.GET(internalSyncPath+"/:run", a.guarded(a.follow), a.failed)
}

// guarded wants the secret, compared without telling by its timing how much of it was right.
func (a internalSync) guarded(answer echo.HandlerFunc) echo.HandlerFunc {
	want := sha256.Sum256([]byte(a.secret))
	return func(c echo.Context) error {
		if a.secret == "" {
			return echo.ErrNotFound
		}
		got := sha256.Sum256([]byte(c.Request().Header.Get(secretHeader)))
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			return c.JSON(http.StatusUnauthorized, apiError{"The header " + secretHeader + " is missing or wrong."})
		}
		err := answer(c)
		var known *domain.Error
		if errors.As(err, &known) {
			return c.JSON(statusOf[known.Code], apiError{known.Error()})
		}
		return err
	}
}

type apiError struct {
	Error string `json:"error"`
}

// start queues a run and says where to follow it. It answers 202 while another run is on, too.
func (a internalSync) start(c echo.Context) error {
	if !a.enabled {
		return c.JSON(http.StatusConflict, apiError{"Syncs are switched off (GAME_PLATFORM_INTEGRATION_ENABLED)."})
	}
	selection, err := selectionOf(c.Request().Body)
	if err != nil {
		return err
	}
	id, err := a.requests.Request(c.Request().Context(), selection)
	if err != nil {
		return err
	}
	status := internalSyncPath + "/" + id
	c.Response().Header().Set(echo.HeaderLocation, status)
	return c.JSON(http.StatusAccepted, map[string]string{"run_id": id, "status_url": status})
}

// selectionOf reads {}, {"coachId": ...} or {"competitorId": ...}.
func selectionOf(body io.Reader) (store.Selection, error) {
	var asked struct {
		CoachID      *string `json:"coachId"`
		CompetitorID *string `json:"competitorId"`
	}
	text, err := io.ReadAll(io.LimitReader(body, maxSyncBody+1))
	if err != nil {
		return store.Selection{}, err
	}
	if len(text) > maxSyncBody {
		return store.Selection{}, domain.Errorf(domain.Invalid, "The body is larger than 64 kB.")
	}
	wrong := domain.Errorf(domain.Invalid, "The body cannot be read.").WithHint(`Send {}, {"coachId": "..."} or {"competitorId": "..."}.`)
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&asked); err != nil || dec.Decode(&struct{}{}) != io.EOF {
		return store.Selection{}, wrong
	}
	var s store.Selection
	for _, field := range []struct{ from, to *string }{{asked.CoachID, &s.CoachID}, {asked.CompetitorID, &s.CompetitorID}} {
		switch {
		case field.from == nil:
		case *field.from == "":
			return store.Selection{}, wrong // an empty id must not come to mean everybody
		default:
			*field.to = *field.from
		}
	}
	if s.CoachID != "" && s.CompetitorID != "" {
		return store.Selection{}, wrong
	}
	return s, nil
}

// runStatus is a run as the API shows it.
type runStatus struct {
	RunID string `json:"run_id"`
	State string `json:"state"` // queued, running, done or stopped
	domain.RunCounts
	StartedAt  *time.Time       `json:"started_at,omitempty"`
	FinishedAt *time.Time       `json:"finished_at,omitempty"`
	Stopped    store.StopReason `json:"stopped,omitempty"`
}

func (a internalSync) follow(c echo.Context) error {
	run, err := a.requests.Run(c.Request().Context(), c.Param("run"))
	if err != nil {
		return err
	}
	s := runStatus{RunID: run.ID, State: "running", RunCounts: run.Counts, StartedAt: &run.StartedAt, Stopped: run.Stopped}
	switch {
	case run.Queued:
		s.State, s.StartedAt = "queued", nil
	case run.Stopped != "":
		s.State, s.FinishedAt = "stopped", &run.FinishedAt
	case !run.FinishedAt.IsZero():
		s.State, s.FinishedAt = "done", &run.FinishedAt
	}
	return c.JSON(http.StatusOK, s)
}
