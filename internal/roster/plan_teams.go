package roster

import "strconv"

// team is a team of the file.
type team struct {
	entry[Team]
	said Team // what the rows say, the first spelling of the name
}

// planTeams gives every row that names a team its team and plans what changes of them.
func (p *planner) planTeams(stored []Team) {
	p.teamByID = make(map[string]Team, len(stored))
	byName := make(map[string]Team, len(stored))
	for _, t := range stored {
		p.teamByID[t.ID] = t
		byName[t.key()] = t
	}
	byID := map[string]*team{}
	teams := p.teamsWithID(byID)
	teams = append(teams, p.teamsWithName(byName, byID, teams)...)
	for _, t := range teams {
		if t.Added {
			t.New = Team{t.said.ID, t.said.CoachID, t.said.Name}
			if t.New.ID == "" {
				t.New.ID = p.newID()
			}
		} else {
			t.New = t.Old
			fill(&t.New.Name, t.said.Name)
		}
		tally(&p.plan.Teams, &p.plan.Report.Teams, t.Change)
	}
	for _, t := range teams {
		p.teamNameFree(t, byName, byID)
	}
}

// key is what is unique about a team besides its id.
func (t Team) key() string { return pair(t.CoachID, NameKey(t.Name)) }

// teamsWithID joins the rows of each team_id, in the order of the file.
func (p *planner) teamsWithID(byID map[string]*team) []*team {
	var teams []*team
	for i, row := range p.rows {
		if row.TeamID == "" || p.coachOf[i] == nil {
			continue
		}
		t := byID[row.TeamID]
		if t == nil {
			t = &team{said: Team{ID: row.TeamID, CoachID: p.coachOf[i].New.ID}}
			t.Old = p.teamByID[row.TeamID]
			t.Added = t.Old.ID == ""
			byID[row.TeamID] = t
			teams = append(teams, t)
		}
		t.rows = append(t.rows, i)
		p.teamOf[i] = t
		setOnce(&t.said.Name, row.Team)
		if !t.Added && t.Old.CoachID != t.said.CoachID {
			p.bad.add(row.Line, "team_id", shown(row.TeamID)+" is a team of the coach "+shown(t.Old.CoachID))
		}
	}
	for _, t := range teams {
		if t.Added && t.said.Name == "" {
			p.bad.add(p.rows[t.rows[0]].Line, "team", "must not be empty: "+shown(t.said.ID)+" is a new team")
		}
	}
	return teams
}

// teamsWithName joins the other rows of each coach and team name, in the order of the file, with the teams that have an
// id where they are the same.
func (p *planner) teamsWithName(stored map[string]Team, byID map[string]*team, withID []*team) []*team {
	byName := map[string]*team{}
	for _, t := range withID {
		now := Team{CoachID: t.said.CoachID, Name: t.Old.Name}
		fill(&now.Name, t.said.Name)
		byName[now.key()] = t
	}
	var teams []*team
	for i, row := range p.rows {
		if row.TeamID != "" || row.Team == "" || p.coachOf[i] == nil {
			continue
		}
		said := Team{CoachID: p.coachOf[i].New.ID, Name: row.Team}
		t := byName[said.key()]
		if t == nil {
			old, known := stored[said.key()]
			if other := byID[old.ID]; known && other != nil {
				p.bad.add(row.Line, "team", shown(row.Team)+" gets another name in line "+p.lineOf(other.rows))
				continue
			}
			t = &team{said: said}
			t.Old, t.Added = old, !known
			byName[said.key()] = t
			teams = append(teams, t)
		}
		t.rows = append(t.rows, i)
		p.teamOf[i] = t
	}
	return teams
}

// teamNameFree adds a problem where the coach has another team of this name after the import.
func (p *planner) teamNameFree(t *team, byName map[string]Team, byID map[string]*team) {
	holder, held := byName[t.New.key()]
	if !held || holder.ID == t.New.ID {
		return
	}
	if other := byID[holder.ID]; other != nil && other.New.key() != t.New.key() {
		return // it is given free
	}
	column := "team"
	if t.Added {
		column = "team_id"
	}
	for _, i := range t.rows {
		p.bad.add(p.rows[i].Line, column, "the team "+shown(t.New.Name)+" of this coach has the team_id "+shown(holder.ID))
	}
}

// lineOf is the number of the first of the rows.
func (p *planner) lineOf(rows []int) string { return strconv.Itoa(p.rows[rows[0]].Line) }
