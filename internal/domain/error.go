package domain

import (
	"errors"
	"fmt"
)

// Code says what kind of fault an Error is; one table in handlers turns it into an HTTP status.
type Code string

// The error codes.
const (
	Invalid   Code = "invalid"   // the request has a wrong value: 422
	NoSuch    Code = "no_such"   // it does not exist, or is not the viewer's to see: 404
	Denied    Code = "denied"    // the viewer's role may not: 403
	Throttled Code = "throttled" // too many tries: 429
	Clash     Code = "clash"     // it contradicts what is stored: 409
)

// Error is a fault that people are told about: Message says what happened, Hint what to do. Both are plain text
// and safe to show.
type Error struct {
	Code    Code
	Message string
	Hint    string
	cause   error
}

// Errorf makes an Error whose message is formatted like fmt.Sprintf.
func Errorf(code Code, format string, a ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, a...)}
}

// WithHint returns e with a hint.
func (e *Error) WithHint(hint string) *Error { e.Hint = hint; return e }

// Because returns e with the error behind it, which is logged and never shown.
func (e *Error) Because(err error) *Error { e.cause = err; return e }

// Error is the message and, where there is one, the hint.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + " " + e.Hint
}

// Unwrap gives the error behind it.
func (e *Error) Unwrap() error { return e.cause }

// CodeOf is the code of the Error in err's chain, or "" where there is none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
