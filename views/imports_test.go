package views

func someImport() ImportPreview {
	return ImportPreview{
		URL: "/admin/import/i", By: "devan", At: now, Open: true, Digest: "d", Moves: 1, DuplicatesTotal: 2, ChangesTotal: 300, AddedTotal: 1,
		Counts:     []ImportCount{{"Competitors", 1, 2, 3}, {"Coaches", 0, 0, 1}, {"Teams", 0, 0, 1}},
		Duplicates: []ImportDuplicate{{Line: 2, Name: "Ada Lind", URL: "/competitors/C-1", Coach: "i@falk.example"}, {Line: 3, OtherLine: 2, Name: "Ada Lind", Coach: "i@falk.example"}},
		Moved:      []ImportMove{{4, "Bo Tarn", "/competitors/C-2", "i@falk.example", "o@rune.example", "Red"}},
		Changes:    []ImportChange{{"competitor", "Bo Tarn", "Profile", "pending", "complete"}, {"competitor", "Bo Tarn", "Division", "", "college"}},
		Added:      []ImportAdded{{"competitor", "Ada <b>Lind</b>"}},
	}
}
