package views

import (
	"strconv"
	"time"

	"flagpole/internal/domain"
)

// Person is what is held about a competitor.
type Person struct {
	Name, URL string
	Kinds     []PersonKind
}

// PersonKind is one kind of record that is held.
type PersonKind struct {
	What, Why, Kept string
	Rows            int
}

// Disclosures are what was sent to the platform about a competitor.
type Disclosures struct {
	Name, URL string
	Rows      []DisclosureRow
}

// DisclosureRow is one thing that was sent: fields by the platform's names.
type DisclosureRow struct {
	At     time.Time
	What   string
	Fields []Option
	Answer string
}

// PersonDelete asks before a person is deleted.
type PersonDelete struct{ Name, URL, ID, Account, Username, Problem string }

func (d PersonDelete) username() string {
	if d.Username == "" {
		return ""
	}
	return " (username " + d.Username + ")"
}

// PersonDeleted says what is left to do after a person was deleted.
type PersonDeleted struct {
	ID, Account string
	At          time.Time
}

var orderNames = map[string]string{
	"POST /users": "An account was made", "POST /users/assign_team": "Put into a team", "POST /users/delete_assignment": "Taken out of the team",
}

// OrderName is an order to the platform in words.
func OrderName(endpoint string) string {
	if name, ok := orderNames[endpoint]; ok {
		return name
	}
	return endpoint
}

// OrderAnswer is how an order was answered, in words.
func OrderAnswer(status int) string {
	switch {
	case status == domain.NotSent:
		return "Not sent after all"
	case status == domain.UnknownAnswer:
		return "Sent; no answer is known"
	case status == 0:
		return "Sent; no answer came"
	case status >= 200 && status < 300:
		return "Taken (" + strconv.Itoa(status) + ")"
	}
	return "Refused (" + strconv.Itoa(status) + ")"
}
