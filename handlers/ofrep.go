package handlers

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"flagpole/internal/rollout"
	"flagpole/store"
)

// RolloutAsked answers programs that ask for the rollout's switch. They have no viewer and no Scope; this is all they can reach.
type RolloutAsked interface {
	// Ask reads where the rollout stands and one coach in it; one that does not exist is no error.
	Ask(ctx context.Context, coachID string) (store.RolloutAnswer, error)
}

const (
	ofrepPath    = "/ofrep/v1/evaluate/flags"
	maxOFREPBody = 64 << 10
)

// ofrep serves the rollout's switch by the OpenFeature Remote Evaluation Protocol; docs/ofrep.yaml describes each answer. It
// reads no cookie.
type ofrep struct {
	rollout     RolloutAsked
	token       string
	environment bool                // the integration is switched on
	failed      echo.MiddlewareFunc // answers where the portal failed
}

// register adds the calls; without a token they are not found.
func (o ofrep) register(e *echo.Echo) {
	e.POST(ofrepPath, o.guarded(o.evaluateAll), o.failed)
	e.POST(ofrepPath+"/:key", o.guarded(o.evaluateOne), o.failed)
	// Left to the pages' route, other methods would be asked for a form's token, and get a cookie.
	e.RouteNotFound("/ofrep/*", o.stray(stray(e)))
}

// ofrepGeneral is a failure that is about no flag.
type ofrepGeneral struct {
	Details string `json:"errorDetails"`
}

// guarded wants the token, compared without telling by its timing how much of it was right.
func (o ofrep) guarded(answer echo.HandlerFunc) echo.HandlerFunc {
	want := sha256.Sum256([]byte(o.token))
	return func(c echo.Context) error {
		if o.token == "" {
			return echo.ErrNotFound
		}
		scheme, token, _ := strings.Cut(c.Request().Header.Get(echo.HeaderAuthorization), " ")
		got := sha256.Sum256([]byte(strings.TrimLeft(token, " ")))
		if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Bearer")
			return c.JSON(http.StatusUnauthorized, ofrepGeneral{"The bearer token is missing or wrong."})
		}
		return answer(c)
	}
}

// stray words for programs what the general answer to a wrong method or address says.
func (o ofrep) stray(general echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if o.token == "" {
			return echo.ErrNotFound
		}
		if err := general(c); errors.Is(err, echo.ErrMethodNotAllowed) {
			return c.JSON(http.StatusMethodNotAllowed, ofrepGeneral{"This address takes POST only."})
		}
		return c.JSON(http.StatusNotFound, ofrepGeneral{"There is nothing at this address."})
	}
}

// The protocol's codes of failures.
const (
	ofrepParse       = "PARSE_ERROR"
	ofrepNoKey       = "TARGETING_KEY_MISSING"
	ofrepContext     = "INVALID_CONTEXT"
	ofrepOther       = "GENERAL"
	ofrepNoFlag      = "FLAG_NOT_FOUND"
	ofrepErrorReason = "ERROR"
)

// ofrepFailure is a failure as the protocol words it. As an error, it is one of whoever asked.
type ofrepFailure struct {
	Key     string `json:"key,omitempty"` // empty: all flags were asked for
	Code    string `json:"errorCode"`
	Details string `json:"errorDetails"`
	Reason  string `json:"reason"`
}

func (f ofrepFailure) Error() string { return f.Details }

func ofrepFault(code, details string) error {
	return ofrepFailure{Code: code, Details: details, Reason: ofrepErrorReason}
}

// evaluateOne answers for one flag.
func (o ofrep) evaluateOne(c echo.Context) error {
	key := partOf(c, "key")
	if key != rollout.Feature {
		return c.JSON(http.StatusNotFound, ofrepFailure{key, ofrepNoFlag, "There is no such flag; the only one is " + rollout.Feature + ".", ofrepErrorReason})
	}
	flag, err := o.evaluate(c)
	if err != nil {
		return o.fail(c, key, err)
	}
	return c.JSON(http.StatusOK, flag)
}

// evaluateAll answers for every flag, which is one, and says so where nothing is new to whoever asks again.
func (o ofrep) evaluateAll(c echo.Context) error {
	flag, err := o.evaluate(c)
	if err != nil {
		return o.fail(c, "", err)
	}
	body, err := json.Marshal(map[string][]ofrepFlag{"flags": {flag}})
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:]) + `"`
	c.Response().Header().Set("ETag", tag)
	if hasTag(c.Request().Header.Values("If-None-Match"), tag) {
		return c.NoContent(http.StatusNotModified)
	}
	return c.JSONBlob(http.StatusOK, body)
}

// hasTag reports whether a list of tags names this one. Proxies may have marked it as weak.
func hasTag(lists []string, tag string) bool {
	for _, one := range strings.Split(strings.Join(lists, ","), ",") {
		if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == tag {
			return true
		}
	}
	return false
}

// fail answers with what was wrong with the request; what is wrong with us goes on to be logged.
func (o ofrep) fail(c echo.Context, key string, err error) error {
	var theirs ofrepFailure
	if !errors.As(err, &theirs) {
		return err
	}
	theirs.Key = key
	return c.JSON(http.StatusBadRequest, theirs)
}

// ofrepFlag is a flag's value for one coach. It holds nothing about a person.
type ofrepFlag struct {
	Key      string     `json:"key"`
	Value    bool       `json:"value"` // the platform may be called for the coach's competitors
	Reason   string     `json:"reason"`
	Variant  string     `json:"variant"`
	Metadata ofrepFacts `json:"metadata"`
}

type ofrepFacts struct {
	MaySee  bool `json:"maySee"` // the coach sees what is stored
	Percent int  `json:"percent"`
}

func (o ofrep) evaluate(c echo.Context) (ofrepFlag, error) {
	coachID, err := coachAsked(c)
	if err != nil {
		return ofrepFlag{}, err
	}
	a, err := o.rollout.Ask(c.Request().Context(), coachID)
	if err != nil {
		return ofrepFlag{}, err
	}
	d := rollout.Decide(rollout.Switches{Environment: o.environment, Kill: a.KillSwitch}, a.Coach)
	flag := ofrepFlag{Key: rollout.Feature, Value: d.MayCall, Reason: ofrepReason(d, a), Variant: "off", Metadata: ofrepFacts{d.MaySee, a.Percent}}
	if d.MayCall {
		flag.Variant = "on"
	}
	return flag, nil
}

// ofrepReason words the rollout's reason as the protocol does. A coach who does not have the feature is part of a split only
// while a part of the known coaches has it.
func ofrepReason(d rollout.Decision, a store.RolloutAnswer) string {
	switch {
	case d.Reason == rollout.Disabled || d.Reason == rollout.Killed:
		return "DISABLED"
	case d.Reason == rollout.HeldBack || d.Reason == rollout.Pilot:
		return "TARGETING_MATCH"
	case d.Reason == rollout.Enrolled, a.Known && a.Percent > 0 && a.Percent < 100:
		return "SPLIT"
	}
	return "DEFAULT"
}

// coachAsked is the coach's id, which the context has as its targeting key. What is wrong with a request is an ofrepFailure.
func coachAsked(c echo.Context) (string, error) {
	kind, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if err != nil || kind != echo.MIMEApplicationJSON {
		return "", ofrepFault(ofrepParse, "The body must be JSON, with the header Content-Type: application/json.")
	}
	text, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, maxOFREPBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return "", ofrepFault(ofrepOther, "The body is larger than 64 kB.")
	case c.Request().Context().Err() != nil:
		return "", c.Request().Context().Err()
	case err != nil:
		return "", ofrepFault(ofrepParse, "The body breaks off.")
	}
	return targetingKey(text)
}

// targetingKey reads {"context": {"targetingKey": "..."}}; what else stands there is for other flags.
func targetingKey(text []byte) (string, error) {
	body, ok := jsonObject(text)
	if !ok {
		return "", ofrepFault(ofrepParse, `The body cannot be read. Send {"context": {"targetingKey": "..."}}.`)
	}
	missing := ofrepFault(ofrepNoKey, "The context has no targetingKey. Send the coach's id as targetingKey.")
	part, ok := body["context"]
	if !ok {
		return "", missing
	}
	attributes, ok := jsonObject(part)
	if !ok {
		return "", ofrepFault(ofrepContext, "The context is not an object.")
	}
	if part, ok = attributes["targetingKey"]; !ok {
		return "", missing
	}
	var id *string // null is not a string, and would leave one as it is
	if err := json.Unmarshal(part, &id); err != nil || id == nil {
		return "", ofrepFault(ofrepContext, "The targetingKey is not a string.")
	}
	if *id == "" {
		return "", missing
	}
	return *id, nil
}

// jsonObject reads an object. Its names are taken as they are spelt, which fields of a struct would not do.
func jsonObject(text []byte) (map[string]json.RawMessage, bool) {
	var object map[string]json.RawMessage
	err := json.Unmarshal(text, &object)
	return object, err == nil && object != nil && utf8.Valid(text)
}
