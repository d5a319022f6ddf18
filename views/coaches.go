package views

// Coaches is the list of all coaches, for admins, one page of it.
type Coaches struct {
	Rows   []CoachRow
	Search string
	Pager
	ExportURL string
}

// CoachRow is one coach with sums over the coach's competitors.
type CoachRow struct {
	ID, Name, School, Email, CompetitorsURL, TeamsURL string
	Competitors, OnPlatform, Waiting, Teams           int
	Solves, Points                                    int64
}

func (d Coaches) say() string {
	if len(d.Rows) == 0 {
		return "No coach matches"
	}
	return "Coaches by name, " + d.span()
}

// Categories is the one table of categories, and what the platform sends besides.
type Categories struct {
	Known   []KnownCategory
	Unknown []UnknownCategory
}

// KnownCategory is a category with the spellings that count as it.
type KnownCategory struct {
	Name, URL string
	Variants  []string
}

// UnknownCategory is a category of the platform that the table does not have.
type UnknownCategory struct {
	Name, URL           string
	Competitors, Solves int64
}
