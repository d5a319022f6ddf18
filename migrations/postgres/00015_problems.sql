-- +goose Up
-- +goose StatementBegin
-- What coaches say is wrong with a page, and what admins answered.
CREATE TABLE problem_reports (
    report_id     BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    coach_id      TEXT COLLATE "C" NOT NULL REFERENCES coaches ON DELETE CASCADE,
    user_id       TEXT COLLATE "C" NOT NULL,
    page          TEXT COLLATE "C" NOT NULL, -- a path of the portal, without a query
    competitor_id TEXT COLLATE "C", -- whose page it is; NULL: nobody's
    as_of         BIGINT NOT NULL, -- the page was as of this time
    text          TEXT NOT NULL,
    state         TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'answered', 'closed')),
    reported_at   BIGINT NOT NULL,
    answer        TEXT NOT NULL DEFAULT '',
    answered_by   TEXT COLLATE "C" NOT NULL DEFAULT '', -- a user's id
    answered_at   BIGINT,
    closed_at     BIGINT,
    changed_at    BIGINT NOT NULL -- grows with every change, so that two who change it at once are told apart
);
CREATE INDEX problem_reports_by_time ON problem_reports (reported_at);
CREATE INDEX problem_reports_by_coach ON problem_reports (coach_id, report_id);
CREATE INDEX problem_reports_by_competitor ON problem_reports (competitor_id);
CREATE INDEX problem_reports_open ON problem_reports (report_id) WHERE state = 'open';
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE problem_reports;
-- +goose StatementEnd
