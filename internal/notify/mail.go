package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/wneessen/go-mail"

	"flagpole/internal/domain"
)

// Mail is a server that takes mails, and whom they go to.
type Mail struct {
	Host     string // empty: no mails
	Port     int
	User     string // empty: the server asks for none
	Password string
	TLS      TLSMode
	From     string   // an address, with or without a name
	To       []string // addresses
}

// TLSMode says how the way to the mail server is encrypted.
type TLSMode string

// The modes.
const (
	StartTLS    TLSMode = "starttls" // it must be, from the first command on that matters
	ImplicitTLS TLSMode = "implicit" // it is from the start
	WhereItCan  TLSMode = "optional" // where the server offers it: for one on this machine
	NoTLS       TLSMode = "off"
)

type mailer struct {
	conf Mail
	opts []mail.Option
	host string // of message ids
}

func newMailer(c Mail) (*mailer, error) {
	opts := []mail.Option{mail.WithPort(c.Port), mail.WithTimeout(sendTimeout), mail.WithTLSConfig(&tls.Config{ServerName: c.Host, MinVersion: tls.VersionTLS12})}
	switch c.TLS {
	case ImplicitTLS:
		opts = append(opts, mail.WithSSL())
	case WhereItCan:
		opts = append(opts, mail.WithTLSPolicy(mail.TLSOpportunistic))
	case NoTLS:
		opts = append(opts, mail.WithTLSPolicy(mail.NoTLS))
	default:
		opts = append(opts, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if c.User != "" {
		auth := mail.SMTPAuthAutoDiscover
		if c.TLS == WhereItCan || c.TLS == NoTLS { // the password does not leave this machine then
			auth = mail.SMTPAuthPlainNoEnc
		}
		opts = append(opts, mail.WithSMTPAuth(auth), mail.WithUsername(c.User), mail.WithPassword(c.Password))
	}
	if _, err := mail.NewClient(c.Host, opts...); err != nil {
		return nil, errors.New("mail: the server's settings cannot be used")
	}
	if err := mail.NewMsg().From(c.From); err != nil {
		return nil, errors.New("mail: the sender is not an address")
	}
	_, host, _ := strings.Cut(strings.Trim(c.From[strings.LastIndexByte(c.From, '<')+1:], "> "), "@")
	return &mailer{c, opts, host}, nil
}

func (m *mailer) send(ctx context.Context, msg domain.Message, to string) error {
	if !slices.Contains(m.conf.To, to) {
		return ErrNoTarget
	}
	text := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := errors.Join(text.From(m.conf.From), text.To(to)); err != nil {
		return errors.New("the address is not one that mails can go to")
	}
	text.Subject(msg.Subject)
	text.SetDateWithValue(msg.At)
	// The same however often it is tried: where an answer got lost, the reader's program sees that it has the mail already.
	text.SetMessageIDWithValue(fmt.Sprintf("flagpole-%d-%d@%s", msg.ID, msg.At.UnixMicro(), m.host))
	text.SetGenHeader("Auto-Submitted", "auto-generated")
	text.SetBodyString(mail.TypeTextPlain, msg.Body)
	client, err := mail.NewClient(m.conf.Host, m.opts...) // one a mail: it holds the state of a connection
	if err != nil {
		return errors.New("the server's settings cannot be used")
	}
	err = client.DialAndSendWithContext(ctx, text)
	if err == nil || text.IsDelivered() { // only the good-bye failed
		return nil
	}
	return plainMailError(ctx, err)
}

// plainMailError says what went wrong in words of our own: those of the server may hold anything.
func plainMailError(ctx context.Context, err error) error {
	var refused *mail.SendError
	var step *net.OpError
	var certificate *tls.CertificateVerificationError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &certificate):
		return errors.New("the mail server's TLS certificate was not accepted")
	case errors.As(err, &refused):
		if code := refused.ErrorCode(); code > 0 {
			return fmt.Errorf("the mail server refused the mail (code %d)", code)
		}
		return errors.New("the mail server did not take the mail")
	case errors.As(err, &step) && step.Op == "dial":
		return errors.New("the mail server could not be reached")
	case strings.Contains(strings.ToLower(err.Error()), "auth"):
		return errors.New("the mail server refused the user or the password")
	case strings.Contains(strings.ToLower(err.Error()), "starttls"):
		return errors.New("the mail server offers no encryption")
	}
	return errors.New("the talk with the mail server broke off")
}
