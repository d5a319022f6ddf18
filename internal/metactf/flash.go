package metactf

import (
	"context"
	"encoding/json"
	"slices"

	"flagpole/internal/domain"
)

// FlashProgress is how one competitor did in all flash CTF events.
type FlashProgress struct {
	TookPart  bool // false: in no event yet
	Results   []domain.FlashResult
	Malformed []domain.Quarantined // records that could not be read; with any, Results is not a full snapshot
}

type wireFlash struct {
	SynedID text `json:"syned_user_id"`
	Events  list `json:"flash_ctfs"`
}

type wireEvent struct {
	Name             text    `json:"flash_ctf_name"`
	StartsAt         integer `json:"flash_ctf_time_start_unix"`
	ChallengesSolved integer `json:"challenges_solved"`
	Solves           list    `json:"challenge_solves"`
	PointsEarned     integer `json:"points_earned"`
	MaxPoints        integer `json:"max_points_possible"`
	Rank             integer `json:"rank"`
}

// FlashProgress asks for one competitor's flash CTF events. The platform's 404 means that there are none, unless it
// says that the user is not approved (class blocked) or is a web page, which is not the platform's own word.
func (c *Client) FlashProgress(ctx context.Context, id string) (FlashProgress, error) {
	q := userCall("/scores/get_flash_ctf_progress", id)
	q.accepts = tookNoPart
	var progress FlashProgress
	err := c.askAbout(ctx, q, func(a answer) error {
		var w wireFlash
		if err := c.read(a, &w); err != nil {
			return err
		}
		if fault := firstFault(w.SynedID.mustName(id), w.Events.required("flash_ctfs")); fault != "" {
			return a.malformed(fault)
		}
		progress = c.readEvents(w.Events.items, q.endpoint()+": flash_ctfs.")
		return nil
	})
	return progress, err
}

func tookNoPart(a answer, refusal *domain.CallError) bool {
	return refusal.Class == domain.NotFound && !looksLikeHTML(a.body)
}

func (c *Client) readEvents(records []json.RawMessage, where string) FlashProgress {
	p := FlashProgress{TookPart: len(records) > 0}
	for _, raw := range records {
		result, malformed := c.readEvent(raw, where)
		sameEvent := func(r domain.FlashResult) bool { return r.Event == result.Event }
		if slices.ContainsFunc(p.Results, sameEvent) {
			p.Malformed = append(p.Malformed, quarantine(domain.SourceFlash, raw, "the event came twice"))
			continue
		}
		p.Malformed = append(p.Malformed, malformed...)
		if result.Event.Name != "" {
			p.Results = append(p.Results, result)
		}
	}
	return p
}

// readEvent reads one event. Without a name, a start or a list of solves it is malformed as a whole, and the result
// has no event: a start that was made up would be a new event with each sync. A number that is wrong counts as 0 and
// is noted, and a solve that is wrong is left out, but the event stays.
func (c *Client) readEvent(raw []byte, where string) (domain.FlashResult, []domain.Quarantined) {
	var w wireEvent
	fault := c.readObject(raw, &w, where)
	if fault != "" {
		fault = "the event " + fault
	}
	if fault = firstFault(fault, w.fault()); fault != "" {
		return domain.FlashResult{}, []domain.Quarantined{quarantine(domain.SourceFlash, raw, fault)}
	}
	result := w.result()
	solves, malformed := c.readSolves(w.Solves.items, domain.SourceFlash, result.Event.ID(), where+"challenge_solves.")
	result.Solves = solves
	if odd := w.oddNumber(); odd != "" {
		malformed = append(malformed, quarantine(domain.SourceFlash, raw, odd))
	}
	return result, malformed
}

// fault says why the event is malformed as a whole, or "".
func (w *wireEvent) fault() string {
	return firstFault(
		w.Name.required("flash_ctf_name"),
		w.StartsAt.required("flash_ctf_time_start_unix", earliest, latest),
		w.Solves.required("challenge_solves"),
	)
}

// oddNumber says which number cannot be used, or "". Null and absent ones are usual.
func (w *wireEvent) oddNumber() string {
	return firstFault(
		w.Rank.optional("rank", 0, maxNumber+1),
		w.PointsEarned.optional("points_earned", 0, maxNumber+1),
		w.MaxPoints.optional("max_points_possible", 0, maxNumber+1),
		w.ChallengesSolved.optional("challenges_solved", 0, maxNumber+1),
	)
}

func (w *wireEvent) result() domain.FlashResult {
	return domain.FlashResult{
		Event:            domain.FlashEvent{Name: w.Name.value, StartsAt: w.StartsAt.time()},
		Rank:             w.Rank.orZero(),
		PointsEarned:     w.PointsEarned.orZero(),
		MaxPoints:        w.MaxPoints.orZero(),
		ChallengesSolved: w.ChallengesSolved.orZero(),
	}
}
