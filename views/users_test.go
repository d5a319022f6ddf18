package views

func someUsers() Users {
	return Users{
		Search: "a", Role: "admin", Chips: []Chip{{"role", "Role: Admin", "/admin/users"}}, ClearURL: "/admin/users", Pager: Pager{First: 1, Last: 2, Of: 2},
		Rows: []UserRow{
			{Email: "ada@flagpole.example", URL: "/admin/users/u-1", Role: "Admin", State: State{Kind: "ok", Text: "Active"}, LastSignInAt: now, TwoFactor: true},
			{Email: "ines@falk.example", URL: "/admin/users/u-2", Role: "Coach", Coach: "Ines Falk", State: State{Kind: "hold", Text: "Invited"}},
		},
	}
}

func someUser() UserPage {
	return UserPage{
		ID: "u-1", URL: "/admin/users/u-1", Row: someUsers().Rows[0], Sessions: 2, Link: "https://flagpole.example/invitation/secret", LinkFor: "ada@flagpole.example",
		RoleFields: []EditField{{Name: "role", Label: "Role", Value: "admin", Options: userRoles}, {Name: "coach_email", Label: "Coach’s email", Type: "email", Max: 254, Note: "Leave it empty."}},
	}
}
