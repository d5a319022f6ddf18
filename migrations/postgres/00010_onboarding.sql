-- +goose Up
-- +goose StatementBegin
ALTER TABLE competitors ADD COLUMN deactivated_at BIGINT; -- NULL: takes part
ALTER TABLE coaches ADD COLUMN deactivated_at BIGINT;
ALTER TABLE coaches ADD COLUMN onboarding_confirmed_at BIGINT; -- when somebody saw what is sent about the coach's people, and agreed
ALTER TABLE coaches ADD COLUMN onboarding_confirmed_by TEXT COLLATE "C" NOT NULL DEFAULT '';

-- For what a competitor waits before results can come, and since when; '': for nothing.
ALTER TABLE competitor_list ADD COLUMN waits_for TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE competitor_list ADD COLUMN waits_since BIGINT NOT NULL DEFAULT 0;
UPDATE competitor_list SET waits_since = (SELECT c.updated_at FROM competitors c WHERE c.competitor_id = competitor_list.competitor_id),
    waits_for = COALESCE((
        SELECT CASE
            WHEN c.game_platform_id IS NULL AND c.email IS NULL THEN 'email'
            WHEN c.game_platform_id IS NULL THEN 'account'
            WHEN u.metactf_user_status = 'user_created' THEN 'sign_in'
            WHEN u.metactf_user_status = 'approved' AND u.last_login_at IS NULL AND competitor_list.last_seen_at = 0
                AND competitor_list.odl_solves + competitor_list.flash_solves = 0 THEN 'sign_in'
            WHEN u.metactf_user_status = 'pending_approval' THEN 'approval'
            WHEN u.metactf_user_status IN ('denied', 'unknown') THEN u.metactf_user_status
            ELSE '' END
        FROM competitors c LEFT JOIN game_platform_users u ON u.syned_user_id = c.game_platform_id
        WHERE c.competitor_id = competitor_list.competitor_id), '');
UPDATE competitor_list SET waits_since = 0 WHERE waits_for = '';
CREATE INDEX competitor_list_waits ON competitor_list (waits_for, coach_id) WHERE waits_for <> '';

-- What the platform says of coaches' accounts, which have the coach's own id there.
CREATE TABLE game_platform_coaches (
    coach_id            TEXT COLLATE "C" PRIMARY KEY,
    metactf_user_id     BIGINT NOT NULL,
    metactf_username    TEXT COLLATE "C" NOT NULL,
    metactf_user_status TEXT COLLATE "C" NOT NULL, -- the vendor's word
    last_login_at       BIGINT,
    since_at            BIGINT NOT NULL, -- of the status
    checked_at          BIGINT NOT NULL,
    next_due_at         BIGINT NOT NULL
);

-- The teams that are on the platform, as they were made there: the platform cannot change them.
CREATE TABLE game_platform_teams (
    syned_team_id       TEXT COLLATE "C" PRIMARY KEY,
    syned_coach_user_id TEXT COLLATE "C" NOT NULL,
    team_name           TEXT NOT NULL, -- '' where the team was there before
    affiliation         TEXT NOT NULL,
    division            TEXT COLLATE "C" NOT NULL,
    made_at             BIGINT NOT NULL
);

-- Who is in which team on the platform, as of the last complete answer and of what was done since.
CREATE TABLE game_platform_assignments (
    syned_user_id TEXT COLLATE "C" PRIMARY KEY,
    syned_team_id TEXT COLLATE "C" NOT NULL, -- '': in none
    ours_team_id  TEXT COLLATE "C" NOT NULL, -- where the portal last put them, or took them for put; what differs from it was changed over there
    since_at      BIGINT NOT NULL -- when syned_team_id was first seen
);
CREATE INDEX game_platform_assignments_by_team ON game_platform_assignments (syned_team_id);

-- Removals from teams that somebody has agreed to beyond the share that needs nobody.
CREATE TABLE confirmed_removals (
    syned_user_id TEXT COLLATE "C" NOT NULL,
    syned_team_id TEXT COLLATE "C" NOT NULL,
    confirmed_at  BIGINT NOT NULL,
    confirmed_by  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (syned_user_id, syned_team_id)
);

-- The last complete answer about all assignments: one row.
CREATE TABLE assignment_reads (
    only_one BIGINT PRIMARY KEY CHECK (only_one = 1),
    read_at  BIGINT NOT NULL,
    assigned BIGINT NOT NULL
);

-- The last fault of each step that has not succeeded since.
CREATE TABLE onboarding_faults (
    kind            TEXT COLLATE "C" NOT NULL CHECK (kind IN ('coach', 'account', 'team', 'assignment', 'removal', 'team_removal')),
    subject_id      TEXT COLLATE "C" NOT NULL, -- of the coach, competitor or team
    endpoint        TEXT COLLATE "C" NOT NULL,
    error_class     TEXT COLLATE "C" NOT NULL,
    error_message   TEXT NOT NULL,
    http_status     BIGINT NOT NULL,
    since_at        BIGINT NOT NULL,
    tried_at        BIGINT NOT NULL,
    failed_in_a_row BIGINT NOT NULL,
    next_due_at     BIGINT NOT NULL,
    PRIMARY KEY (kind, subject_id)
);

-- Everything that was sent to the platform about somebody, written before it is sent.
CREATE TABLE disclosures (
    disclosure_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at            BIGINT NOT NULL,
    endpoint      TEXT COLLATE "C" NOT NULL,
    syned_user_id TEXT COLLATE "C" NOT NULL, -- whom it was about; '' for a team
    fields        TEXT NOT NULL, -- JSON: what was sent, by the platform's names
    http_status   BIGINT -- NULL: no answer is known, 0: none came
);
CREATE INDEX disclosures_by_user ON disclosures (syned_user_id, disclosure_id) WHERE syned_user_id <> '';
CREATE INDEX disclosures_by_endpoint ON disclosures (endpoint, at);

-- Who changed what in the roster. Values of people stand here, so it goes with them.
CREATE TABLE roster_changes (
    change_id  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         BIGINT NOT NULL,
    actor      TEXT COLLATE "C" NOT NULL, -- a user's id, or a word for a program
    source     TEXT COLLATE "C" NOT NULL, -- page, import, ...
    kind       TEXT COLLATE "C" NOT NULL CHECK (kind IN ('coach', 'team', 'competitor')),
    subject_id TEXT COLLATE "C" NOT NULL,
    field      TEXT COLLATE "C" NOT NULL,
    old_value  TEXT NOT NULL,
    new_value  TEXT NOT NULL
);
CREATE INDEX roster_changes_of ON roster_changes (kind, subject_id, change_id);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE roster_changes;
DROP TABLE disclosures;
DROP TABLE onboarding_faults;
DROP TABLE assignment_reads;
DROP TABLE confirmed_removals;
DROP TABLE game_platform_assignments;
DROP TABLE game_platform_teams;
DROP TABLE game_platform_coaches;
DROP INDEX competitor_list_waits;
ALTER TABLE competitor_list DROP COLUMN waits_since;
ALTER TABLE competitor_list DROP COLUMN waits_for;
ALTER TABLE coaches DROP COLUMN onboarding_confirmed_by;
ALTER TABLE coaches DROP COLUMN onboarding_confirmed_at;
ALTER TABLE coaches DROP COLUMN deactivated_at;
ALTER TABLE competitors DROP COLUMN deactivated_at;
-- +goose StatementEnd
