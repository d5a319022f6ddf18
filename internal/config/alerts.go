package config

import (
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// MailServer is a server that takes mails. An empty Host is none.
type MailServer struct {
	Host           string
	Port           int
	User, Password string
	TLS            string // starttls, implicit, optional or off
}

// checkAlerts checks what has to do with telling people, fills in what is worked out, and lists every fault. No fault holds an
// address of a webhook or a server: they hold secrets.
func (c *Config) checkAlerts() []error {
	var faults []error
	fault := func(format string, a ...any) { faults = append(faults, fmt.Errorf(format, a...)) }
	if err := c.Level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		fault("FLAGPOLE_LOG_LEVEL: must be debug, info, warn or error")
	}
	c.checkMail(fault)
	for _, hook := range []struct{ name, address string }{{"FLAGPOLE_ALERT_WEBHOOK_URL", c.AlertWebhook}, {"FLAGPOLE_ALERT_SLACK_URL", c.AlertSlack}} {
		if u, err := url.Parse(hook.address); hook.address != "" && (err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && c.AlertPrivate)) {
			fault("%s: must be an https:// address with a host; http:// goes with FLAGPOLE_ALERT_PRIVATE_ADDRESSES=true only", hook.name)
		}
	}
	if c.AlertWebhook != "" && utf8.RuneCountInString(c.AlertSecret) < 32 {
		fault("FLAGPOLE_ALERT_WEBHOOK_SECRET: must have at least 32 characters while FLAGPOLE_ALERT_WEBHOOK_URL is set")
	}
	if c.MetricsToken != "" && utf8.RuneCountInString(c.MetricsToken) < 16 {
		fault("FLAGPOLE_METRICS_TOKEN: must have at least 16 characters")
	}
	if _, _, err := net.SplitHostPort(c.MetricsAddr); c.MetricsAddr != "" && err != nil {
		fault("FLAGPOLE_METRICS_ADDR: must be an address with a port, like 127.0.0.1:9100")
	}
	if u, err := url.Parse(c.SentryDSN); c.SentryDSN != "" && (err != nil || u.Host == "" || u.User == nil) {
		fault("SENTRY_DSN: must be an address with a key, as Sentry shows it")
	}
	return append(faults, c.checkThresholds()...)
}

func (c *Config) checkMail(fault func(string, ...any)) {
	for _, text := range strings.FieldsFunc(c.AlertMailTo, func(r rune) bool { return r == ',' || r == ' ' }) {
		address, err := mail.ParseAddress(text)
		if err != nil || address.Address != text {
			fault("FLAGPOLE_ALERT_MAIL_TO: holds something that is not an email address")
			continue
		}
		c.MailTo = append(c.MailTo, text)
	}
	if c.MailURL == "" {
		if len(c.MailTo) > 0 {
			fault("FLAGPOLE_MAIL_URL: must be set while FLAGPOLE_ALERT_MAIL_TO is")
		}
		return
	}
	if _, err := mail.ParseAddress(c.MailFrom); err != nil {
		fault("FLAGPOLE_MAIL_FROM: must be an email address while FLAGPOLE_MAIL_URL is set")
	}
	var ok bool
	if c.Mail, ok = mailServer(c.MailURL); !ok {
		fault("FLAGPOLE_MAIL_URL: must look like smtp://user:password@host:587 or smtps://host; ?tls=off goes without a password only")
	}
}

// mailServer reads smtp://user:password@host:port and smtps://. The way must be encrypted, unless it ends on this machine, or the
// address says tls=off and no password goes over it.
func mailServer(address string) (m MailServer, ok bool) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || (u.Path != "" && u.Path != "/") || u.Fragment != "" {
		return m, false
	}
	m = MailServer{Host: u.Hostname(), User: u.User.Username()}
	m.Password, _ = u.User.Password()
	ip := net.ParseIP(m.Host)
	local := m.Host == "localhost" || ip != nil && ip.IsLoopback()
	switch off := u.RawQuery == "tls=off"; {
	case u.RawQuery != "" && !off, off && m.Password != "" && !local:
		return m, false
	case u.Scheme == "smtps" && !off:
		m.TLS, m.Port = "implicit", 465
	case u.Scheme != "smtp":
		return m, false
	case off:
		m.TLS, m.Port = "off", 25
	case local:
		m.TLS, m.Port = "optional", 25
	default:
		m.TLS, m.Port = "starttls", 587
	}
	if u.Port() != "" {
		m.Port, err = strconv.Atoi(u.Port())
	}
	return m, err == nil && m.Port > 0 && m.Port < 65536
}

func (c *Config) checkThresholds() (faults []error) {
	for _, share := range []struct {
		name  string
		value float64
	}{
		{"FLAGPOLE_ALERT_FAILURE_SHARE", c.AlertFailureShare}, {"FLAGPOLE_ALERT_PLATFORM_SHARE", c.AlertPlatformShare}, {"FLAGPOLE_ALERT_DISK_FREE", c.AlertDiskFree},
	} {
		if !(share.value >= 0 && share.value <= 1) { // written so that NaN is refused, too
			faults = append(faults, fmt.Errorf("%s: must be from 0 to 1", share.name))
		}
	}
	for _, number := range []struct {
		name  string
		value int
	}{
		{"FLAGPOLE_ALERT_FAILURE_COMPETITORS", c.AlertFailureTried}, {"FLAGPOLE_ALERT_PLATFORM_COMPETITORS", c.AlertPlatformTried},
		{"FLAGPOLE_ALERT_FAILED_RUNS", c.AlertFailedRuns}, {"FLAGPOLE_ALERT_DATABASE_ERRORS", c.AlertDatabaseErrors},
	} {
		if number.value < 1 {
			faults = append(faults, fmt.Errorf("%s: must be at least 1", number.name))
		}
	}
	for _, span := range []struct {
		name  string
		value time.Duration
	}{{"FLAGPOLE_ALERT_NO_SUCCESS", c.AlertNoSuccess}, {"FLAGPOLE_ALERT_NO_CYCLE", c.AlertNoCycle}} {
		if span.value < time.Minute {
			faults = append(faults, fmt.Errorf("%s: must be at least 1m", span.name))
		}
	}
	if c.AlertRemind != 0 && c.AlertRemind < time.Minute {
		faults = append(faults, fmt.Errorf("FLAGPOLE_ALERT_REMINDER: must be 0 (none) or at least 1m"))
	}
	return faults
}
