package domain

import "testing"

func TestPermissionsOfEachRole(t *testing.T) {
	for _, p := range []Permission{MayView, MayRetry, MayClear, MayBulk, MayPause, MayAlert, MayAnswer, MayEdit, MayManage, MayErase} {
		for role, want := range map[Role]bool{RoleAdmin: true, RoleProduct: false, RoleCoach: false, "": false} {
			v := Viewer{Role: role}
			if got := v.May(p); got != want {
				t.Errorf("%q may %s: %v, want %v", role, p, got, want)
			}
			if err := v.Require(p); (err == nil) != want || (err != nil && CodeOf(err) != Denied) {
				t.Errorf("%q requires %s: %v", role, p, err)
			}
		}
	}
}
