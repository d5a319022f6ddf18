package simulator

import (
	"cmp"
	"errors"
	"net/http"
	"time"
)

// Behaviour settles what nobody knows of the real platform. The zero Behaviour is the likeliest; a portal must work with
// every other one.
type Behaviour struct {
	AfterExclusive bool // after_time_unix leaves out solves of that very second
	TotalsFiltered bool // with after_time_unix the totals, too, are of the listed solves only
	OmitUserID     bool // scores do not say whose they are

	// BlockedStatus is the status of "User not found or not approved"; 0: 404 for some and 403 for others.
	BlockedStatus int
	// BlockedUsers has GET /users, too, answer with that text for a user it does not know.
	BlockedUsers bool
	// FlashEmptyList answers an empty list, not 404, for those who took part in nothing.
	FlashEmptyList bool
	// UserStatus is the status of a good GET /users; 0: 201, as documented.
	UserStatus int

	// AgainStatus answers what makes a user or team that is there already: 200, 201 or, when 0, 409.
	AgainStatus int
	// ConflictStatus answers what contradicts the rest, as deleting a team that has members; 0: 409.
	ConflictStatus int
	// ApprovedAfter is how long a new user waits for approval; 0: none; below 0: until SetStatus.
	ApprovedAfter time.Duration
}

func (b Behaviour) check() error {
	for _, s := range []int{b.BlockedStatus, b.UserStatus, b.AgainStatus, b.ConflictStatus} {
		if s != 0 && (s < 200 || s > 499) {
			return errors.New("simulator: a status of the behaviour must be from 200 to 499")
		}
	}
	return nil
}

// blocked is the platform's one text for two causes.
func (b Behaviour) blocked(usual int) reply {
	return refuse(cmp.Or(b.BlockedStatus, usual, http.StatusNotFound), notFoundOrNotApproved)
}

// again answers an order for something that is there already.
func (b Behaviour) again(what string, there any) reply {
	status := cmp.Or(b.AgainStatus, http.StatusConflict)
	if status >= 300 {
		return refuse(status, what+" already exists")
	}
	return answerWith(status, there)
}

func (b Behaviour) conflict(detail string) reply {
	return refuse(cmp.Or(b.ConflictStatus, http.StatusConflict), detail)
}
