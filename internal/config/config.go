// Package config reads the environment into one checked Config, and lists every fault at once. It imports the standard
// library and the env parser only.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones are known on machines without a zone database
	"unicode/utf8"

	"github.com/caarlos0/env/v11"
)

// How the portal, and what measures it, collects garbage: pages leave much behind and the heap in use is small, so it may grow
// far between two collections, but not beyond a limit. GOGC and GOMEMLIMIT override them.
const (
	GCPercent   = 300
	MemoryLimit = 128 << 20 // bytes
)

// Config is everything the environment decides. Durations have a unit in the environment ("30m", "48h").
type Config struct {
	Addr           string `env:"FLAGPOLE_ADDR" envDefault:"127.0.0.1:8080"`
	PublicURL      string `env:"FLAGPOLE_URL"`
	DatabaseURL    string `env:"DATABASE_URL" envDefault:"sqlite:flagpole.db"`
	TimeZone       string `env:"FLAGPOLE_TIME_ZONE" envDefault:"UTC"`
	TrustedProxies string `env:"FLAGPOLE_TRUSTED_PROXIES"` // networks, separated by commas

	TwoFactorRequired bool `env:"FLAGPOLE_TWO_FACTOR_REQUIRED" envDefault:"false"` // admins and product staff sign in with a code

	SyncSecret string `env:"INTERNAL_SYNC_SECRET"` // of POST /api/internal/sync; empty: there is no such route
	OFREPToken string `env:"FLAGPOLE_OFREP_TOKEN"` // of POST /ofrep/v1/evaluate/flags; empty: there is no such route

	APIBaseURL   string        `env:"GAME_PLATFORM_API_BASE_URL" envDefault:"https://api.metactf.com/integrations/syned/v1"`
	APIToken     string        `env:"GAME_PLATFORM_API_TOKEN"`
	APINext      string        `env:"GAME_PLATFORM_API_TOKEN_NEXT"` // tried when the platform refuses the first
	APITokenFile string        `env:"GAME_PLATFORM_API_TOKEN_FILE"` // holds the token; it is read again when it changes
	SyncEnabled  bool          `env:"GAME_PLATFORM_INTEGRATION_ENABLED" envDefault:"false"`
	RateLimit    float64       `env:"GAME_PLATFORM_RATE_LIMIT" envDefault:"5"` // requests per second
	Concurrency  int           `env:"GAME_PLATFORM_CONCURRENCY" envDefault:"8"`
	CallTimeout  time.Duration `env:"GAME_PLATFORM_TIMEOUT" envDefault:"20s"`
	RetryLimit   int           `env:"GAME_PLATFORM_RETRY_LIMIT" envDefault:"3"` // repeats of one call
	Overlap      time.Duration `env:"GAME_PLATFORM_OVERLAP" envDefault:"48h"`
	SyncEvery    time.Duration `env:"GAME_PLATFORM_SYNC_INTERVAL" envDefault:"30m"`
	SyncAtLeast  time.Duration `env:"GAME_PLATFORM_SYNC_INTERVAL_MAX" envDefault:"8h"`

	Onboarding         bool    `env:"GAME_PLATFORM_ONBOARDING_ENABLED" envDefault:"false"`   // make accounts, teams and assignments
	OnboardingFrom     string  `env:"GAME_PLATFORM_ONBOARDING_STATUS" envDefault:"complete"` // the profile status from which on somebody gets an account
	OnboardingRemovals float64 `env:"GAME_PLATFORM_ONBOARDING_REMOVALS" envDefault:"0.1"`    // share of all assignments that may be taken away in a day without a person's word

	MailURL      string `env:"FLAGPOLE_MAIL_URL"` // smtp://user:password@host:port or smtps://; it holds a password
	MailFrom     string `env:"FLAGPOLE_MAIL_FROM"`
	AlertMailTo  string `env:"FLAGPOLE_ALERT_MAIL_TO"` // addresses, separated by commas
	AlertWebhook string `env:"FLAGPOLE_ALERT_WEBHOOK_URL"`
	AlertSecret  string `env:"FLAGPOLE_ALERT_WEBHOOK_SECRET"` // signs what the webhook gets
	AlertSlack   string `env:"FLAGPOLE_ALERT_SLACK_URL"`
	AlertPrivate bool   `env:"FLAGPOLE_ALERT_PRIVATE_ADDRESSES" envDefault:"false"` // webhooks may lead to private addresses

	AlertRemind         time.Duration `env:"FLAGPOLE_ALERT_REMINDER" envDefault:"6h"` // 0: none
	AlertFailureShare   float64       `env:"FLAGPOLE_ALERT_FAILURE_SHARE" envDefault:"0.1"`
	AlertFailureTried   int           `env:"FLAGPOLE_ALERT_FAILURE_COMPETITORS" envDefault:"20"`
	AlertNoSuccess      time.Duration `env:"FLAGPOLE_ALERT_NO_SUCCESS" envDefault:"12h"`
	AlertPlatformShare  float64       `env:"FLAGPOLE_ALERT_PLATFORM_SHARE" envDefault:"0.5"`
	AlertPlatformTried  int           `env:"FLAGPOLE_ALERT_PLATFORM_COMPETITORS" envDefault:"10"`
	AlertNoCycle        time.Duration `env:"FLAGPOLE_ALERT_NO_CYCLE" envDefault:"24h"`
	AlertFailedRuns     int           `env:"FLAGPOLE_ALERT_FAILED_RUNS" envDefault:"3"`
	AlertDatabaseErrors int           `env:"FLAGPOLE_ALERT_DATABASE_ERRORS" envDefault:"5"`
	AlertDiskFree       float64       `env:"FLAGPOLE_ALERT_DISK_FREE" envDefault:"0.1"`

	MetricsAddr  string `env:"FLAGPOLE_METRICS_ADDR"`  // where /metrics alone is served
	MetricsToken string `env:"FLAGPOLE_METRICS_TOKEN"` // with which the portal's own address serves it
	LogLevel     string `env:"FLAGPOLE_LOG_LEVEL" envDefault:"info"`
	SentryDSN    string `env:"SENTRY_DSN"` // where errors are sent; empty: nowhere

	// Worked out from the above.
	Mail    MailServer     `env:"-"`
	MailTo  []string       `env:"-"`
	Level   slog.Level     `env:"-"`
	Zone    *time.Location `env:"-"`
	Proxies []netip.Prefix `env:"-"`
}

// Load reads the environment through getenv and checks every value; an empty one counts as not set. The error holds one
// line for each fault and never the token.
func Load(getenv func(string) string) (Config, error) {
	environment := map[string]string{}
	for field := range reflect.TypeFor[Config]().Fields() {
		name := field.Tag.Get("env")
		if value := getenv(name); name != "-" && value != "" {
			environment[name] = value
		}
	}
	c, faults := parse(environment)
	if len(faults) > 0 {
		return Config{}, errors.Join(faults...)
	}
	if faults := c.check(); len(faults) > 0 {
		return Config{}, errors.Join(faults...)
	}
	return c, nil
}

func parse(environment map[string]string) (Config, []error) {
	c, err := env.ParseAsWithOptions[Config](env.Options{Environment: environment})
	if err == nil {
		return c, nil
	}
	var all env.AggregateError
	if !errors.As(err, &all) {
		return c, []error{err}
	}
	var faults []error
	for _, e := range all.Errors {
		var p env.ParseError
		if errors.As(e, &p) {
			faults = append(faults, fmt.Errorf("%s: the value is not a %s", variable(p.Name), p.Type))
			continue
		}
		faults = append(faults, e)
	}
	return c, faults
}

// variable is the environment variable of a field of Config.
func variable(field string) string {
	f, ok := reflect.TypeFor[Config]().FieldByName(field)
	if !ok {
		return field
	}
	return f.Tag.Get("env")
}

// check fills in what is worked out and lists every fault.
func (c *Config) check() []error {
	var faults []error
	fault := func(format string, a ...any) { faults = append(faults, fmt.Errorf(format, a...)) }
	if c.PublicURL == "" {
		c.PublicURL = "http://" + c.Addr
	}
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	if u, err := url.Parse(c.PublicURL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		fault("FLAGPOLE_URL: must be an http:// or https:// address with a host")
	}
	var err error
	if c.Zone, err = time.LoadLocation(c.TimeZone); err != nil {
		fault("FLAGPOLE_TIME_ZONE: %q is not a time zone; write it like America/Los_Angeles", c.TimeZone)
	}
	for _, text := range strings.FieldsFunc(c.TrustedProxies, func(r rune) bool { return r == ',' || r == ' ' }) {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			fault("FLAGPOLE_TRUSTED_PROXIES: %q is not a network; write it like 10.0.0.0/8", text)
			continue
		}
		c.Proxies = append(c.Proxies, prefix)
	}
	if c.RateLimit <= 0 || c.RateLimit > 10_000 {
		fault("GAME_PLATFORM_RATE_LIMIT: must be more than 0 and at most 10000 requests per second")
	}
	if c.Concurrency < 1 || c.Concurrency > 256 {
		fault("GAME_PLATFORM_CONCURRENCY: must be from 1 to 256")
	}
	if c.RetryLimit < 0 || c.RetryLimit > 10 {
		fault("GAME_PLATFORM_RETRY_LIMIT: must be from 0 to 10")
	}
	if c.CallTimeout < time.Second {
		fault("GAME_PLATFORM_TIMEOUT: must be at least 1s")
	}
	if c.SyncEvery < time.Second {
		fault("GAME_PLATFORM_SYNC_INTERVAL: must be at least 1s")
	}
	if c.Overlap < 0 {
		fault("GAME_PLATFORM_OVERLAP: must not be negative")
	}
	if c.SyncAtLeast < c.SyncEvery {
		fault("GAME_PLATFORM_SYNC_INTERVAL_MAX: must not be shorter than GAME_PLATFORM_SYNC_INTERVAL")
	}
	if !slices.Contains(profileStatuses, c.OnboardingFrom) {
		fault("GAME_PLATFORM_ONBOARDING_STATUS: %q is none of %s", c.OnboardingFrom, strings.Join(profileStatuses, ", "))
	}
	if !(c.OnboardingRemovals >= 0 && c.OnboardingRemovals <= 1) { // written so that NaN is refused, too
		fault("GAME_PLATFORM_ONBOARDING_REMOVALS: must be from 0 to 1")
	}
	if c.Onboarding && !c.SyncEnabled {
		fault("GAME_PLATFORM_INTEGRATION_ENABLED: must be true while GAME_PLATFORM_ONBOARDING_ENABLED is")
	}
	if c.SyncSecret != "" && utf8.RuneCountInString(c.SyncSecret) < 32 {
		fault("INTERNAL_SYNC_SECRET: must have at least 32 characters")
	}
	if c.OFREPToken != "" && utf8.RuneCountInString(c.OFREPToken) < 32 {
		fault("FLAGPOLE_OFREP_TOKEN: must have at least 32 characters")
	}
	if c.APIToken != "" && c.APITokenFile != "" {
		fault("GAME_PLATFORM_API_TOKEN: must not be set while GAME_PLATFORM_API_TOKEN_FILE is")
	}
	if c.SyncEnabled && strings.TrimSpace(c.APIToken) == "" && c.APITokenFile == "" {
		fault("GAME_PLATFORM_API_TOKEN: must be set while GAME_PLATFORM_INTEGRATION_ENABLED is true, or GAME_PLATFORM_API_TOKEN_FILE")
	}
	return append(faults, c.checkAlerts()...)
}

// profileStatuses are the programme's profile states, as domain has them.
var profileStatuses = []string{"pending", "profile", "in_the_game_not_compliant", "complete"}

// Secure reports whether the portal is known outside as https, so that cookies may only travel encrypted.
func (c Config) Secure() bool { return strings.HasPrefix(c.PublicURL, "https://") }
