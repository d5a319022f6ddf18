package handlers

import (
	"encoding/json"
	"strings"
	"testing"

	"flagpole/internal/domain"
)

func TestWhatIsHeldAboutSomebodyIsToldDownloadedAndDeleted(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(admin)
		if _, err := p.store.System().Sending(t.Context(), domain.Disclosure{Endpoint: "POST /users", UserID: "P-1", Fields: []byte(`{"email":"amara@pupil.example","role":"user"}`)}); err != nil {
			t.Fatal(err)
		}
		page := b.get("/competitors/C-1/data")
		wantStatus(t, page, 200)
		wantEqual(t, "first kind", page.words("main tbody tr:first-child > *"), []string{"Profile", "1", "who takes part, under which coach and in which team", "until it is deleted"})

		file := b.get("/competitors/C-1/data.json")
		var held struct {
			Sections []struct {
				Section string
				Records []map[string]any
			}
		}
		if err := json.Unmarshal([]byte(file.body), &held); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(file.header.Get("Content-Disposition"), "attachment;") || held.Sections[0].Records[0]["last_name"] != "Nwosu" {
			t.Errorf("%s: %v", file.header.Get("Content-Disposition"), held.Sections[0])
		}
		wantEqual(t, "sent", b.get("/competitors/C-1/disclosures").words("main tbody td"), []string{"An account was made", "emailamara@pupil.exampleroleuser", "Sent; no answer is known"})

		confirm := b.get("/competitors/C-1/delete")
		if !strings.Contains(confirm.words("blockquote")[0], "syned_user_id P-1") {
			t.Error("the page does not say what to ask MetaCTF for")
		}
		wantEqual(t, "another id", b.press("/competitors/C-1/delete", "id", "C-2").words("#fault .s"), []string{"Nothing was deleted."})
		wantStatus(t, b.get("/competitors/C-1"), 200)
		done := b.press("/competitors/C-1/delete", "id", "C-1")
		wantStatus(t, done, 200)
		if strings.Contains(done.body, "Amara") || !strings.Contains(done.words("blockquote")[0], "syned_user_id P-1") {
			t.Errorf("afterwards: %v", done.words("main *"))
		}
		wantStatus(t, b.get("/competitors/C-1"), 404)
		wantStatus(t, b.get("/competitors/C-1/data"), 404)
		wantEqual(t, "audit", p.texts("SELECT action FROM audit_log WHERE action LIKE 'person.%' ORDER BY audit_id"),
			[]string{"person.view", "person.export", "person.disclosures", "person.erase"})
	})
}
