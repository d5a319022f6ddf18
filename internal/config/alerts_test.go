package config

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMailServerIsReadFromItsAddress(t *testing.T) {
	for address, want := range map[string]MailServer{
		"smtp://portal:secret@mail.example":      {"mail.example", 587, "portal", "secret", "starttls"},
		"smtp://portal:secret@mail.example:2525": {"mail.example", 2525, "portal", "secret", "starttls"},
		"smtps://portal:p%40ss@mail.example":     {"mail.example", 465, "portal", "p@ss", "implicit"},
		"smtp://localhost:1025":                  {"localhost", 1025, "", "", "optional"},
		"smtp://relay.example?tls=off":           {"relay.example", 25, "", "", "off"},
	} {
		got, ok := mailServer(address)
		if !ok {
			t.Errorf("%s is refused", address)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", address, diff)
		}
	}
	for _, address := range []string{
		"mail.example", "https://mail.example", "smtp://", "smtp://mail.example/x", "smtp://u:p@mail.example?tls=off", "smtps://mail.example?tls=off",
		"smtp://mail.example:0", "smtp://mail.example?x=y", "smtp://mail.example:99999",
	} {
		if _, ok := mailServer(address); ok {
			t.Errorf("%s is taken", address)
		}
	}
}

func TestFaultsOfAlertSettingsAreListedWithoutSecrets(t *testing.T) {
	_, err := Load(func(name string) string {
		return map[string]string{
			"FLAGPOLE_LOG_LEVEL": "loud", "FLAGPOLE_MAIL_URL": "ftp://u:hunter2@mail.example", "FLAGPOLE_MAIL_FROM": "nobody", "FLAGPOLE_ALERT_MAIL_TO": "a@b.example, not one",
			"FLAGPOLE_ALERT_WEBHOOK_URL": "http://hook.example/hunter2", "FLAGPOLE_ALERT_SLACK_URL": "hunter2", "FLAGPOLE_METRICS_TOKEN": "hunter2", "FLAGPOLE_METRICS_ADDR": "here",
			"FLAGPOLE_ALERT_FAILURE_SHARE": "1.5", "FLAGPOLE_ALERT_PLATFORM_SHARE": "NaN", "FLAGPOLE_ALERT_DISK_FREE": "-1", "FLAGPOLE_ALERT_FAILURE_COMPETITORS": "0",
			"FLAGPOLE_ALERT_NO_SUCCESS": "1s", "FLAGPOLE_ALERT_REMINDER": "1s", "GAME_PLATFORM_API_TOKEN": "hunter2", "GAME_PLATFORM_API_TOKEN_FILE": "token",
		}[name]
	})
	if err == nil {
		t.Fatal("taken")
	}
	for _, name := range []string{
		"FLAGPOLE_LOG_LEVEL", "FLAGPOLE_MAIL_URL", "FLAGPOLE_MAIL_FROM", "FLAGPOLE_ALERT_MAIL_TO", "FLAGPOLE_ALERT_WEBHOOK_URL", "FLAGPOLE_ALERT_WEBHOOK_SECRET", "FLAGPOLE_ALERT_SLACK_URL",
		"FLAGPOLE_METRICS_TOKEN", "FLAGPOLE_METRICS_ADDR", "FLAGPOLE_ALERT_FAILURE_SHARE", "FLAGPOLE_ALERT_PLATFORM_SHARE", "FLAGPOLE_ALERT_DISK_FREE",
		"FLAGPOLE_ALERT_FAILURE_COMPETITORS", "FLAGPOLE_ALERT_NO_SUCCESS", "FLAGPOLE_ALERT_REMINDER", "GAME_PLATFORM_API_TOKEN",
	} {
		if !strings.Contains(err.Error(), name+": ") {
			t.Errorf("%s is not named in:\n%v", name, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a secret stands in:\n%v", err)
	}
}

func TestAlertSettingsHaveTheirDefaults(t *testing.T) {
	c, err := Load(func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	if c.AlertFailureShare != .1 || c.AlertFailureTried != 20 || c.AlertNoSuccess != 12*time.Hour || c.AlertPlatformShare != .5 || c.AlertPlatformTried != 10 ||
		c.AlertNoCycle != 24*time.Hour || c.AlertFailedRuns != 3 || c.AlertDatabaseErrors != 5 || c.AlertDiskFree != .1 || c.AlertRemind != 6*time.Hour || c.Level != slog.LevelInfo {
		t.Errorf("%+v", c)
	}
}
