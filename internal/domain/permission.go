package domain

import "slices"

// Permission is a right on the syncs, their failures and the roster. It is checked where the work is done, whichever page or command
// asked for it.
type Permission string

// The permissions.
const (
	MayView   Permission = "view"   // see whose sync failed, each attempt of it, and the audit
	MayRetry  Permission = "retry"  // have syncs tried now
	MayClear  Permission = "clear"  // acknowledge failures, and take that back
	MayBulk   Permission = "bulk"   // do either to all that match, and sync everybody
	MayPause  Permission = "pause"  // stop and resume all syncs with a reason
	MayManage Permission = "manage" // say who may sign in
	MayErase  Permission = "erase"  // delete a person with everything that is held about them
	MayAlert  Permission = "alerts" // say that one knows of an alert, and try how messages and the connection work
	MayAnswer Permission = "answer" // answer coaches' problem reports, and close them
	MayEdit   Permission = "edit"   // change the roster, and agree to what is sent to the platform about its people
)

// permissions are what each role has. An admin who looks at the portal as a coach has the coach's.
var permissions = map[Role][]Permission{
	RoleAdmin: {MayView, MayRetry, MayClear, MayBulk, MayPause, MayAlert, MayAnswer, MayEdit, MayManage, MayErase},
}

// May reports whether the viewer has the permission.
func (v Viewer) May(p Permission) bool { return slices.Contains(permissions[v.Role], p) }

// Require is a Denied error where the viewer lacks the permission.
func (v Viewer) Require(p Permission) error {
	if v.May(p) {
		return nil
	}
	return Errorf(Denied, "Your role may not do this (%s).", p).WithHint("Ask an admin to do it.")
}
