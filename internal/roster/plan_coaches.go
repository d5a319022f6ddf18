package roster

import "flagpole/internal/domain"

// coach is a coach of the file.
type coach struct {
	entry[domain.Coach]
	said  domain.Coach // what the rows say, the first spelling of each
	wrong bool         // who it is remains unknown
}

// planCoaches gives every row its coach and plans what changes of them.
func (p *planner) planCoaches(stored []domain.Coach) {
	p.coachByID = make(map[string]domain.Coach, len(stored))
	byEmail := make(map[string]domain.Coach, len(stored))
	for _, c := range stored {
		p.coachByID[c.ID] = c
		byEmail[EmailKey(c.Email)] = c
	}
	coaches := p.fileCoaches()
	byID := map[string]*coach{} // stored coaches that the file names by id
	for _, c := range coaches {
		if old, ok := p.coachByID[c.said.ID]; ok {
			c.Old = old
			byID[old.ID] = c
		}
	}
	for _, c := range coaches {
		p.knowCoach(c, byEmail, byID)
		c.New = c.Old
		fill(&c.New.Email, c.said.Email)
		fill(&c.New.Name, c.said.Name)
		fill(&c.New.School, c.said.School)
		fill(&c.New.Region, c.said.Region)
		if c.Added {
			if c.New.ID = c.said.ID; c.New.ID == "" {
				c.New.ID = p.newID()
			}
		}
		tally(&p.plan.Coaches, &p.plan.Report.Coaches, c.Change)
	}
	for _, c := range coaches {
		p.coachEmailFree(c, byEmail, byID)
		if c.Added && !c.wrong && c.New.Name == "" {
			p.bad.add(p.rows[c.rows[0]].Line, "coach_name", "must not be empty: "+shown(c.said.Email)+" is a new coach")
		}
	}
}

// fileCoaches joins the rows of each coach email, in the order of the file. A row without one is wrong and has no coach.
func (p *planner) fileCoaches() []*coach {
	var coaches []*coach
	byEmail := map[string]*coach{}
	for i, row := range p.rows {
		key := EmailKey(row.CoachEmail)
		if key == "" {
			continue
		}
		c := byEmail[key]
		if c == nil {
			c = &coach{}
			byEmail[key] = c
			coaches = append(coaches, c)
		}
		c.rows = append(c.rows, i)
		p.coachOf[i] = c
		setOnce(&c.said.ID, row.CoachID)
		setOnce(&c.said.Email, row.CoachEmail)
		setOnce(&c.said.Name, row.CoachName)
		setOnce(&c.said.School, row.School)
		setOnce(&c.said.Region, row.Region)
	}
	return coaches
}

// knowCoach finds the stored coach of a coach of the file that no id has found, or says that it is a new one.
func (p *planner) knowCoach(c *coach, byEmail map[string]domain.Coach, byID map[string]*coach) {
	if c.Old.ID != "" {
		return
	}
	old, known := byEmail[EmailKey(c.said.Email)]
	if c.said.ID != "" || !known {
		c.Added = true
		return
	}
	if other := byID[old.ID]; other != nil {
		p.wrongCoach(c, "coach_email", "the coach "+shown(old.ID)+" gets another email in line "+p.lineOf(other.rows))
		return
	}
	c.Old = old
}

// coachEmailFree adds a problem where the email of a coach stays another's.
func (p *planner) coachEmailFree(c *coach, byEmail map[string]domain.Coach, byID map[string]*coach) {
	key := EmailKey(c.New.Email)
	holder, held := byEmail[key]
	if c.wrong || !held || holder.ID == c.New.ID {
		return
	}
	if other := byID[holder.ID]; other != nil && EmailKey(other.New.Email) != key {
		return // it is given free
	}
	if c.Added {
		p.wrongCoach(c, "coach_id", shown(c.said.ID)+" is not the id of the coach of this email, which is "+shown(holder.ID))
		return
	}
	p.wrongCoach(c, "coach_email", shown(c.said.Email)+" is the email of the coach "+shown(holder.ID))
}

// wrongCoach adds a problem to every row of c that has a text in the column, and takes c from its rows.
func (p *planner) wrongCoach(c *coach, column, reason string) {
	c.wrong = true
	for _, i := range c.rows {
		if column != "coach_id" || p.rows[i].CoachID != "" {
			p.bad.add(p.rows[i].Line, column, reason)
		}
		p.coachOf[i] = nil
	}
}
