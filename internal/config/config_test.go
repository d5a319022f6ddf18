package config_test

import (
	"strings"
	"testing"
	"time"

	"flagpole/internal/config"
)

func load(environment map[string]string) (config.Config, error) {
	return config.Load(func(name string) string { return environment[name] })
}

func TestDefaults(t *testing.T) {
	c, err := load(map[string]string{})
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != "127.0.0.1:8080" || c.PublicURL != "http://127.0.0.1:8080" || c.DatabaseURL != "sqlite:flagpole.db" {
		t.Errorf("address %q, outside %q, database %q", c.Addr, c.PublicURL, c.DatabaseURL)
	}
	if c.SyncEnabled {
		t.Error("the integration must be off by default")
	}
	if c.RateLimit != 5 || c.Concurrency != 8 || c.Overlap != 48*time.Hour || c.SyncEvery != 30*time.Minute || c.SyncAtLeast != 8*time.Hour {
		t.Errorf("got %+v", c)
	}
	if c.Secure() {
		t.Error("an http address must not ask for secure cookies")
	}
}

func TestEveryFaultIsListedAtOnce(t *testing.T) {
	_, err := load(map[string]string{
		"FLAGPOLE_URL":                      "portal.example",
		"FLAGPOLE_TIME_ZONE":                "Mars/Olympus",
		"FLAGPOLE_TRUSTED_PROXIES":          "10.0.0.0/8, nonsense",
		"GAME_PLATFORM_RATE_LIMIT":          "0",
		"GAME_PLATFORM_INTEGRATION_ENABLED": "true",
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"FLAGPOLE_URL", "FLAGPOLE_TIME_ZONE", "FLAGPOLE_TRUSTED_PROXIES", "GAME_PLATFORM_RATE_LIMIT", "GAME_PLATFORM_API_TOKEN"} {
		if !strings.Contains(err.Error(), name+":") {
			t.Errorf("%s is not named in:\n%v", name, err)
		}
	}
}

func TestValuesThatCannotBeReadAreNamedByTheirVariable(t *testing.T) {
	_, err := load(map[string]string{
		"GAME_PLATFORM_CONCURRENCY": "many",
		"GAME_PLATFORM_OVERLAP":     "two days",
		"GAME_PLATFORM_API_TOKEN":   "very-secret-token",
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"GAME_PLATFORM_CONCURRENCY:", "GAME_PLATFORM_OVERLAP:"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is missing in:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "very-secret-token") {
		t.Error("the error holds the token")
	}
}

func TestSecureExactlyWithHTTPS(t *testing.T) {
	c, err := load(map[string]string{"FLAGPOLE_URL": "https://portal.example/"})
	if err != nil {
		t.Fatal(err)
	}
	if !c.Secure() || c.PublicURL != "https://portal.example" {
		t.Errorf("secure %v, outside %q", c.Secure(), c.PublicURL)
	}
}

func TestOnboardingIsOffUnlessItIsSwitchedOn(t *testing.T) {
	c, err := load(map[string]string{})
	if err != nil || c.Onboarding || c.OnboardingFrom != "complete" || c.OnboardingRemovals != 0.1 || c.TwoFactorRequired {
		t.Errorf("%+v, %v", c, err)
	}
	on := map[string]string{"GAME_PLATFORM_ONBOARDING_ENABLED": "true", "GAME_PLATFORM_INTEGRATION_ENABLED": "true", "GAME_PLATFORM_API_TOKEN": "token", "GAME_PLATFORM_ONBOARDING_STATUS": "profile"}
	if c, err := load(on); err != nil || !c.Onboarding || c.OnboardingFrom != "profile" {
		t.Errorf("%+v, %v", c, err)
	}
	for want, environment := range map[string]map[string]string{
		"GAME_PLATFORM_INTEGRATION_ENABLED: ": {"GAME_PLATFORM_ONBOARDING_ENABLED": "true"},
		"GAME_PLATFORM_ONBOARDING_STATUS: ":   {"GAME_PLATFORM_ONBOARDING_STATUS": "done"},
		"GAME_PLATFORM_ONBOARDING_REMOVALS: ": {"GAME_PLATFORM_ONBOARDING_REMOVALS": "1.1"},
	} {
		if _, err := load(environment); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v: %v", environment, err)
		}
	}
}

func TestSecretsOfProgramsAreLongAndNotShown(t *testing.T) {
	for _, name := range []string{"INTERNAL_SYNC_SECRET", "FLAGPOLE_OFREP_TOKEN"} {
		short, long := "hunter2-of-31-characters-xxxxxx", "hunter2-of-32-characters-xxxxxxx"
		if _, err := load(map[string]string{name: short}); err == nil || !strings.HasPrefix(err.Error(), name+": ") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s with %d characters: %v", name, len(short), err)
		}
		if c, err := load(map[string]string{name: long}); err != nil || c.SyncSecret+c.OFREPToken != long {
			t.Errorf("%s with %d characters: %v", name, len(long), err)
		}
	}
	if c, err := load(map[string]string{}); err != nil || c.SyncSecret+c.OFREPToken != "" {
		t.Errorf("without: %v", err)
	}
}
