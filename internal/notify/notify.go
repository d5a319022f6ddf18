// Package notify sends messages about alerts: by mail, to a webhook, to a channel of Slack. It knows nothing of what they are
// about and stores nothing. Its errors are fit to be shown: they hold no password, no secret and no address with one.
package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"flagpole/internal/domain"
)

// Config says which channels there are. What is left empty is not one.
type Config struct {
	Mail    Mail
	Webhook Webhook
	Slack   string // the address of an incoming webhook

	AllowPrivate bool // webhooks may lead to private addresses
	Clock        domain.Clock
}

// sendTimeout is how long one try may take.
const sendTimeout = 20 * time.Second

// Notifier sends messages.
type Notifier struct {
	targets []domain.Target
	send    map[domain.Channel]func(ctx context.Context, m domain.Message, address string) error
}

// New makes a Notifier; it sends nothing.
func New(c Config) (*Notifier, error) {
	n := &Notifier{send: map[domain.Channel]func(context.Context, domain.Message, string) error{}}
	if c.Mail.Host != "" {
		mail, err := newMailer(c.Mail)
		if err != nil {
			return nil, err
		}
		n.send[domain.ChannelMail] = mail.send
		for _, to := range c.Mail.To {
			n.targets = append(n.targets, domain.Target{Channel: domain.ChannelMail, Address: to})
		}
	}
	client := newHTTPClient(c.AllowPrivate)
	if c.Webhook.URL != "" {
		n.send[domain.ChannelWebhook] = (&webhook{c.Webhook, client, c.Clock}).send
		n.targets = append(n.targets, domain.Target{Channel: domain.ChannelWebhook})
	}
	if c.Slack != "" {
		n.send[domain.ChannelSlack] = (&slack{c.Slack, client}).send
		n.targets = append(n.targets, domain.Target{Channel: domain.ChannelSlack})
	}
	return n, nil
}

// Targets are all that messages go to.
func (n *Notifier) Targets() []domain.Target { return n.targets }

// ErrNoTarget is the error for a target that is not set up any more.
var ErrNoTarget = errors.New("it is not set up any more")

// Send tries once to send a message to a target. It takes 20 seconds at most.
func (n *Notifier) Send(ctx context.Context, m domain.Message, t domain.Target) error {
	send := n.send[t.Channel]
	if send == nil {
		return ErrNoTarget
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	if err := send(ctx, m, t.Address); err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("no answer within %s", sendTimeout)
		}
		return err
	}
	return nil
}
