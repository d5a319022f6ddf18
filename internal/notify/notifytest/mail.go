// Package notifytest has a real mail server for tests.
package notifytest

import (
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"flagpole/internal/notify"
)

// Mail is one mail that arrived.
type Mail struct{ From, To, Subject, MessageID, Body string }

// MailServer takes mails over SMTP on this machine.
type MailServer struct {
	user, password string
	port           int

	mu     sync.Mutex
	mails  []Mail
	closed bool // it answers that it cannot take mails now
}

// StartMail starts a server that wants this user and password, or neither where they are empty. It ends with the test.
func StartMail(t testing.TB, user, password string) *MailServer {
	t.Helper()
	m := &MailServer{user: user, password: password}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{server: m}, nil }))
	server.Domain, server.AllowInsecureAuth = "mail.example", true
	server.ReadTimeout, server.WriteTimeout = 10*time.Second, 10*time.Second
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.port = listener.Addr().(*net.TCPAddr).Port
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return m
}

// Config leads to the server.
func (m *MailServer) Config(to ...string) notify.Mail {
	return notify.Mail{
		Host: "127.0.0.1", Port: m.port, User: m.user, Password: m.password, TLS: notify.NoTLS, From: "Flagpole <portal@house.example>", To: to,
	}
}

// URL is the server's address as settings have it.
func (m *MailServer) URL() string { return "smtp://127.0.0.1:" + strconv.Itoa(m.port) }

// Mails are those that have arrived, in their order.
func (m *MailServer) Mails() []Mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Mail(nil), m.mails...)
}

// Refuse has the server take no mails from now on, or take them again.
func (m *MailServer) Refuse(yes bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = yes
}

type session struct {
	server *MailServer
	to     string
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.server.user || password != s.server.password {
			return errors.New("no")
		}
		return nil
	}), nil
}

func (s *session) Mail(string, *smtp.MailOptions) error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if s.server.closed {
		return &smtp.SMTPError{Code: 451, Message: "come back later"}
	}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if strings.HasPrefix(to, "nobody@") {
		return &smtp.SMTPError{Code: 550, Message: "nobody of that name"}
	}
	s.to = to
	return nil
}

func (s *session) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(m.Body)
	if err != nil {
		return err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return err
	}
	text := string(body)
	if m.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		text = decode(text)
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.mails = append(s.server.mails, Mail{m.Header.Get("From"), s.to, subject, m.Header.Get("Message-ID"), text})
	return nil
}

func (s *session) Reset()        { s.to = "" }
func (s *session) Logout() error { return nil }

// decode reads quoted-printable text; one that cannot be read stays as it is.
func decode(text string) string {
	plain, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(text)))
	if err != nil {
		return text
	}
	return string(plain)
}
