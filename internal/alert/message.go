package alert

import (
	"fmt"
	"strings"
	"time"

	"flagpole/internal/domain"
)

// Write puts a message into words. zone is the one that times are told in, link the address of the page of alerts.
func (b *Board) Write(t Told, now time.Time, zone *time.Location, link string) domain.Message {
	m := domain.Message{Kind: t.Kind, At: now, Link: link}
	for _, rule := range t.Rules {
		st := b.Rules[rule]
		m.Alerts = append(m.Alerts, domain.MessageAlert{Rule: rule, State: st.State, Since: st.Since, Evidence: st.Evidence})
	}
	m.Subject = subject(m)
	m.Body = body(m, zone)
	return m
}

// TestMessage is a message by which somebody tries the channels.
func TestMessage(now time.Time, link string) domain.Message {
	return domain.Message{
		Kind: domain.MessageTest, At: now, Link: link, Subject: "Flagpole: a test",
		Body: "This is a test. Alerts of the portal arrive here.\n\nNobody has to act.\n\n" + link + "\n",
	}
}

var leads = map[domain.MessageKind]string{
	domain.MessageFired:    "",
	domain.MessageAlso:     "Also: ",
	domain.MessageAgain:    "Again: ",
	domain.MessageReminder: "Still: ",
	domain.MessageResolved: "Over: ",
}

// subject names the first rule, which is the cause where there is one, and how many others there are.
func subject(m domain.Message) string {
	if len(m.Alerts) == 0 {
		return "Flagpole: " + strings.TrimSuffix(leads[m.Kind], ": ")
	}
	text := "Flagpole: " + leads[m.Kind] + m.Alerts[0].Rule.Title()
	if more := len(m.Alerts) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}

var openings = map[domain.MessageKind]string{
	domain.MessageAlso:     "Something has come to what you were told of before.",
	domain.MessageAgain:    "What was over is back. You will be told once more when it has been quiet for 30 minutes.",
	domain.MessageReminder: "This still holds, and nobody has said that they know of it.",
	domain.MessageResolved: "All of this is over. Nobody has to act.",
}

func body(m domain.Message, zone *time.Location) string {
	var text strings.Builder
	if opening := openings[m.Kind]; opening != "" {
		text.WriteString(opening + "\n\n")
	}
	for _, a := range m.Alerts {
		fmt.Fprintf(&text, "%s (%s since %s)\n%s\n", a.Rule.Title(), a.State, a.Since.In(zone).Format("2 Jan 15:04 MST"), a.Evidence)
		if advice := a.Rule.Advice(); m.Kind != domain.MessageResolved {
			fmt.Fprintf(&text, "%s\n", advice)
		}
		text.WriteByte('\n')
	}
	text.WriteString(m.Link + "\n")
	return text.String()
}
