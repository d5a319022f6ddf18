package roster

import (
	"fmt"
	"slices"
	"time"

	"flagpole/internal/domain"
)

// known finds the stored competitors by all that may tell who a row is about.
type known struct {
	byID, byPlatformID, byEmail map[string]*domain.Competitor
	byName                      map[string][]*domain.Competitor // of the coach, folded
}

func index(stored []domain.Competitor) known {
	n := len(stored)
	k := known{
		byID: make(map[string]*domain.Competitor, n), byPlatformID: make(map[string]*domain.Competitor, n),
		byEmail: make(map[string]*domain.Competitor, n), byName: make(map[string][]*domain.Competitor, n),
	}
	for i := range stored {
		c := &stored[i]
		name := pair(c.CoachID, NameKey(c.Name()))
		k.byID[c.ID] = c
		k.byPlatformID[c.GamePlatformID] = c
		k.byEmail[EmailKey(c.Email)] = c
		k.byName[name] = append(k.byName[name], c)
	}
	delete(k.byPlatformID, "")
	delete(k.byEmail, "")
	return k
}

// planCompetitors plans what changes of the competitors.
func (p *planner) planCompetitors(stored []domain.Competitor) {
	k := index(stored)
	planned := make([]Change[domain.Competitor], len(p.rows))
	after := map[string]domain.Competitor{} // stored ones of the file, as they will be
	for i, old := range p.recognise(k) {
		if p.coachOf[i] == nil || p.lost[i] {
			continue
		}
		planned[i] = p.competitor(i, old)
		after[planned[i].Old.ID] = planned[i].New
		tally(&p.plan.Competitors, &p.plan.Report.Competitors, planned[i])
	}
	p.duplicates(stored, planned)
	for i, row := range p.rows {
		p.free(row, "game_platform_id", planned[i].New, k.byPlatformID, after, func(c domain.Competitor) string { return c.GamePlatformID })
		p.free(row, "email", planned[i].New, k.byEmail, after, func(c domain.Competitor) string { return EmailKey(c.Email) })
	}
}

// recognise finds the stored competitor of each row; nil is a new one, unless the row is lost. First come the rows with a key of their own, so
// that names are looked up among the others only.
func (p *planner) recognise(k known) []*domain.Competitor {
	found := make([]*domain.Competitor, len(p.rows))
	lines := map[string]int{} // where a stored competitor is
	claim := func(i int, c *domain.Competitor) {
		if found[i] = c; c == nil {
			return
		}
		if line, taken := lines[c.ID]; taken {
			p.lose(i, fmt.Sprintf("the same competitor as line %d, %s", line, shown(c.ID)))
			return
		}
		lines[c.ID] = p.rows[i].Line
	}
	for i := range p.rows {
		claim(i, p.byKeys(i, k))
	}
	keyed := make(map[string]bool, len(lines))
	for id := range lines {
		keyed[id] = true
	}
	for i, row := range p.rows {
		if found[i] == nil && row.CompetitorID == "" && p.coachOf[i] != nil {
			claim(i, p.byName(i, k, keyed))
		}
	}
	return found
}

// byKeys is the stored competitor of a row's competitor_id or, where that is empty, of its other keys.
func (p *planner) byKeys(i int, k known) *domain.Competitor {
	row := p.rows[i]
	if row.CompetitorID != "" {
		return k.byID[row.CompetitorID]
	}
	a, b := k.byPlatformID[row.GamePlatformID], k.byEmail[EmailKey(row.Email)]
	if a == nil {
		return b
	}
	if b != nil && a != b {
		p.lose(i, fmt.Sprintf("the game_platform_id is the competitor %s's, the email %s's: give competitor_id", shown(a.ID), shown(b.ID)))
	}
	return a
}

// byName is the one stored competitor of the coach with the row's name, if email and game_platform_id do not say that it
// is another. Those in taken are other rows'.
func (p *planner) byName(i int, k known, taken map[string]bool) *domain.Competitor {
	row := p.rows[i]
	alike := slices.DeleteFunc(slices.Clone(k.byName[pair(p.coachOf[i].New.ID, row.nameKey())]), func(c *domain.Competitor) bool {
		return taken[c.ID] || differ(c.Email, row.Email) || differ(c.GamePlatformID, row.GamePlatformID)
	})
	switch len(alike) {
	case 0:
		return nil
	case 1:
		return alike[0]
	}
	p.lose(i, fmt.Sprintf("the coach has %d competitors of this name: give competitor_id", len(alike)))
	return nil
}

// lose adds the reason why row i's competitor cannot be told.
func (p *planner) lose(i int, reason string) {
	p.lost[i] = true
	p.bad.add(p.rows[i].Line, "competitor_id", reason)
}

// differ reports whether two keys are both there: alike they cannot be, or the row would have been recognised by them.
func differ(stored, cell string) bool { return stored != "" && cell != "" }

// competitor is what becomes of row i's competitor; old is nil for a new one.
func (p *planner) competitor(i int, old *domain.Competitor) Change[domain.Competitor] {
	row, coach := p.rows[i], p.coachOf[i].New
	c := Change[domain.Competitor]{Added: old == nil}
	if c.Added {
		c.New.ID = row.CompetitorID
		if c.New.ID == "" {
			c.New.ID = p.newID()
		}
		for _, cell := range []struct{ column, text string }{{"division", string(row.Division)}, {"status", string(row.Status)}} {
			if cell.text == "" {
				p.bad.add(row.Line, cell.column, "must not be empty: this is a new competitor")
			}
		}
	} else {
		c.Old, c.New = *old, *old
	}
	fill(&c.New.GamePlatformID, row.GamePlatformID)
	fill(&c.New.FirstName, row.FirstName)
	fill(&c.New.LastName, row.LastName)
	fill(&c.New.Email, row.Email)
	fill(&c.New.Division, row.Division)
	fill(&c.New.Grade, row.Grade)
	fill(&c.New.Status, row.Status)
	c.New.CoachID = coach.ID
	moved := !c.Added && c.Old.CoachID != coach.ID
	if moved {
		c.New.TeamID = ""
	}
	if t := p.teamOf[i]; t != nil {
		c.New.TeamID = t.New.ID
	}
	if moved {
		p.plan.Report.Moved = append(p.plan.Report.Moved, p.move(row, c, coach))
	}
	return c
}

// move says from where to where a competitor goes.
func (p *planner) move(row Row, c Change[domain.Competitor], to domain.Coach) Move {
	m := Move{
		Line: row.Line, CompetitorID: c.New.ID, Name: c.New.Name(),
		FromCoach: p.coachByID[c.Old.CoachID].Email, ToCoach: to.Email,
	}
	if c.New.TeamID == "" {
		m.LeftTeam = p.teamByID[c.Old.TeamID].Name
	}
	return m
}

// refuseErased adds a problem to lines that would bring back somebody who was deleted.
func (p *planner) refuseErased(erased map[string]time.Time) {
	for _, row := range p.rows {
		for _, key := range []struct{ column, id string }{{"competitor_id", row.CompetitorID}, {"game_platform_id", row.GamePlatformID}} {
			if at, ok := erased[key.id]; ok && key.id != "" {
				p.bad.add(row.Line, key.column, fmt.Sprintf("%s was deleted on %s at somebody's request: leave the line out", shown(key.id), at.Format(time.DateOnly)))
			}
		}
	}
}

// duplicates finds the lines that add somebody whose name a stored competitor has, or a line before.
func (p *planner) duplicates(stored []domain.Competitor, planned []Change[domain.Competitor]) {
	added := map[string]bool{}
	for _, c := range planned {
		if c.Added {
			added[NameKey(c.New.Name())] = true
		}
	}
	if len(added) == 0 {
		return
	}
	byName := map[string][]domain.Competitor{}
	for _, c := range stored {
		if key := NameKey(c.Name()); added[key] {
			byName[key] = append(byName[key], c)
		}
	}
	first := map[string]int{} // the row that adds somebody of the name first
	for i, c := range planned {
		if !c.Added {
			continue
		}
		key, d := NameKey(c.New.Name()), Duplicate{Line: p.rows[i].Line, Name: c.New.Name()}
		for _, other := range byName[key] {
			d.CompetitorID, d.OtherCoach = other.ID, p.coachByID[other.CoachID].Email
			p.plan.Report.Duplicates = append(p.plan.Report.Duplicates, d)
		}
		if before, ok := first[key]; ok {
			p.plan.Report.Duplicates = append(p.plan.Report.Duplicates, Duplicate{
				Line: d.Line, Name: d.Name, OtherLine: p.rows[before].Line, OtherCoach: p.coachOf[before].New.Email,
			})
			continue
		}
		first[key] = i
	}
}

// free adds a problem where a key of c stays that of another stored competitor.
func (p *planner) free(row Row, column string, c domain.Competitor, holders map[string]*domain.Competitor,
	after map[string]domain.Competitor, key func(domain.Competitor) string) {
	holder := holders[key(c)]
	if holder == nil || holder.ID == c.ID {
		return
	}
	if then, ok := after[holder.ID]; ok && key(then) != key(c) {
		return // it is given free
	}
	p.bad.add(row.Line, column, "belongs to the competitor "+shown(holder.ID))
}
