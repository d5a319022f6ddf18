package handlers

import (
	"net/http"
	"strings"
	"testing"

	"flagpole/store"
)

// ownersPupils are all that stands in pages about the owner's people, without the coach's own name.
func ownersPupils() (texts []string) {
	for _, text := range peopleOf[owner] {
		if text != owner && text != "Halima Osei" {
			texts = append(texts, text)
		}
	}
	return texts
}

func TestWithoutTheFeatureEveryPageSaysWhatIsComing(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.change(store.RolloutChange{Action: store.HoldBack, CoachID: "K-1"})
		looking := p.as(admin)
		wantStatus(t, looking.post("/coaches/K-1/view", nil, "Sec-Fetch-Site", "same-origin"), 303)
		for _, b := range []*browser{p.as(owner), looking} {
			for _, r := range (&pages{}).routes() {
				if !r.showsPeople() {
					continue
				}
				route := r.method + " " + r.path
				path := p.filledIn(matrix[route].path)
				var got answer
				if r.method == http.MethodPost {
					got = b.post(path, nil, "Sec-Fetch-Site", "same-origin")
				} else {
					got = b.get(path)
				}
				if r.method == http.MethodPost || strings.HasSuffix(r.path, ".csv") || strings.HasSuffix(r.path, ".xlsx") {
					wantStatus(t, got, 403)
				} else {
					wantStatus(t, got, 200)
					wantEqual(t, route, got.words("h1"), []string{"Results from the game platform are coming"})
					region := b.get(path, "HX-Request", "true", "HX-Target", "list")
					wantEqual(t, route+", a region", []string{region.body, region.header.Get("HX-Refresh")}, []string{"", "true"})
				}
				for _, secret := range ownersPupils() {
					if strings.Contains(got.body, secret) {
						t.Errorf("%s shows %q", route, secret)
					}
				}
			}
		}
		wantStatus(t, p.as(other).get("/competitors/D-1"), 200)
		wantStatus(t, p.as(admin).get("/account"), 200)
	})
}

// Losing the feature deletes nothing, and the switches take no page away.
func TestResultsAreThereAgainWithTheFeature(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(owner)
		before := b.get("/competitors/C-1").words("main")
		p.change(store.RolloutChange{Action: store.SetLevel, Level: store.Level{Off: true}})
		wantEqual(t, "off", b.get("/competitors/C-1").words("h1"), []string{"Results from the game platform are coming"})
		p.change(store.RolloutChange{Action: store.SetLevel, Level: store.Level{Percent: 100}})
		wantEqual(t, "again", b.get("/competitors/C-1").words("main"), before)
		p.change(store.RolloutChange{Action: store.Kill})
		wantEqual(t, "under the kill switch", b.get("/competitors/C-1").words("h1"), []string{"Amara Nwosu"})
		refused := b.post("/competitors/C-1/refresh", nil, "Sec-Fetch-Site", "same-origin")
		if refused.status != 409 && refused.status != 303 {
			t.Errorf("a refresh under the kill switch: %d", refused.status)
		}
		wantEqual(t, "no run is asked for", len(p.texts(`SELECT run_id FROM sync_runs`)), 0)
	})
}

func TestTheIntroductionIsShownOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.exec(`UPDATE coaches SET introduced_at = NULL`)
		shown := func(b *browser) int { return b.get("/competitors").doc().Find("#introduction").Length() }
		looking := p.as(admin)
		wantEqual(t, "to an admin", shown(looking), 0)
		wantStatus(t, looking.post("/coaches/K-1/view", nil, "Sec-Fetch-Site", "same-origin"), 303)
		wantEqual(t, "to an admin who looks as the coach", shown(looking), 0)
		wantStatus(t, looking.post("/introduction", nil, "Sec-Fetch-Site", "same-origin"), 403)
		b := p.as(owner)
		wantEqual(t, "to the coach", shown(b), 1)
		wantStatus(t, b.submit("/competitors", "#introduction form"), 303)
		wantEqual(t, "once", shown(b), 0)
		wantEqual(t, "to another coach", shown(p.as(other)), 1)
	})
}

func TestThePageOfSyncsCountsWhoIsNotEnrolledApart(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.change(store.RolloutChange{Action: store.HoldBack, CoachID: "K-2"}) // with one success and one failure
		page := p.as(product).get("/admin/sync")
		wantEqual(t, "figures", page.words(".stats dd"), []string{"none", "none", "none", "0 of 3", "1", "0"})
		wantEqual(t, "left out", page.words(".stats + p"), []string{"Competitors in none of these figures: 3 not on the platform yet, 2 whose coach's turn comes later. " +
			"A sync that is blocked counts neither as succeeded nor as failed."})
		p.change(store.RolloutChange{Action: store.SetLevel, Level: store.Level{Off: true}})
		wantEqual(t, "nobody", p.as(product).get("/admin/sync").words("h1"), []string{"No coach has the game platform yet"})
	})
}
