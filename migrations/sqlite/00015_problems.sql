-- +goose Up
-- +goose StatementBegin
-- What coaches say is wrong with a page, and what admins answered.
CREATE TABLE problem_reports (
    report_id     INTEGER PRIMARY KEY AUTOINCREMENT,
    coach_id      TEXT NOT NULL REFERENCES coaches ON DELETE CASCADE,
    user_id       TEXT NOT NULL,
    page          TEXT NOT NULL, -- a path of the portal, without a query
    competitor_id TEXT, -- whose page it is; NULL: nobody's
    as_of         INTEGER NOT NULL, -- the page was as of this time
    text          TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('open', 'answered', 'closed')),
    reported_at   INTEGER NOT NULL,
    answer        TEXT NOT NULL DEFAULT '',
    answered_by   TEXT NOT NULL DEFAULT '', -- a user's id
    answered_at   INTEGER,
    closed_at     INTEGER,
    changed_at    INTEGER NOT NULL -- grows with every change, so that two who change it at once are told apart
) STRICT;
CREATE INDEX problem_reports_by_time ON problem_reports (reported_at);
CREATE INDEX problem_reports_by_coach ON problem_reports (coach_id, report_id);
CREATE INDEX problem_reports_by_competitor ON problem_reports (competitor_id);
CREATE INDEX problem_reports_open ON problem_reports (report_id) WHERE state = 'open';
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE problem_reports;
-- +goose StatementEnd
