-- +goose Up
-- +goose StatementBegin
ALTER TABLE coaches ADD COLUMN pilot INTEGER NOT NULL DEFAULT 0 CHECK (pilot IN (0, 1));
ALTER TABLE coaches ADD COLUMN held_back INTEGER NOT NULL DEFAULT 0 CHECK (held_back IN (0, 1));
ALTER TABLE coaches ADD COLUMN enrolled INTEGER NOT NULL DEFAULT 0 CHECK (enrolled IN (0, 1)); -- has the feature
ALTER TABLE coaches ADD COLUMN introduced_at INTEGER; -- when the coach has seen the introduction
CREATE INDEX coaches_enrolled ON coaches (coach_id) WHERE enrolled;

-- Where the rollout stands: one row.
CREATE TABLE rollout (
    only_one    INTEGER PRIMARY KEY CHECK (only_one = 1),
    salt        TEXT NOT NULL, -- of the order in which coaches get the feature; it never changes by itself
    percent     INTEGER NOT NULL CHECK (percent BETWEEN 0 AND 100),
    off         INTEGER NOT NULL CHECK (off IN (0, 1)), -- nobody has it, not even pilots
    kill_switch INTEGER NOT NULL CHECK (kill_switch IN (0, 1)), -- no call of the platform
    change_id   INTEGER NOT NULL -- of the last change; 0: none
) STRICT;

-- Every change of the rollout, with all of it as it was afterwards.
CREATE TABLE rollout_changes (
    change_id   INTEGER PRIMARY KEY AUTOINCREMENT,
    at          INTEGER NOT NULL,
    actor       TEXT NOT NULL, -- a user's id, or a word for a program
    action      TEXT NOT NULL,
    coach_id    TEXT NOT NULL DEFAULT '', -- whom it is about, where it is about one
    reason      TEXT NOT NULL,
    percent     INTEGER NOT NULL,
    off         INTEGER NOT NULL CHECK (off IN (0, 1)),
    kill_switch INTEGER NOT NULL CHECK (kill_switch IN (0, 1)),
    eligible    INTEGER NOT NULL,
    pilots      TEXT NOT NULL, -- JSON lists of coach ids
    held_back   TEXT NOT NULL,
    enrolled    TEXT NOT NULL
) STRICT;

-- Who had the feature from when to when.
CREATE TABLE rollout_enrolments (
    coach_id  TEXT NOT NULL,
    gained_by INTEGER NOT NULL, -- changes
    gained_at INTEGER NOT NULL,
    lost_by   INTEGER,
    lost_at   INTEGER,
    PRIMARY KEY (coach_id, gained_by)
) STRICT;
CREATE INDEX rollout_enrolments_by_gain ON rollout_enrolments (gained_by);
CREATE INDEX rollout_enrolments_by_loss ON rollout_enrolments (lost_by);

-- A portal that holds results already goes on for everybody; a new one begins with nobody.
INSERT INTO rollout (only_one, salt, percent, off, kill_switch, change_id)
SELECT 1, 'first', CASE WHEN EXISTS (SELECT 1 FROM game_platform_challenge_solves) THEN 100 ELSE 0 END, 0, 0, 0;
INSERT INTO rollout_changes (at, actor, action, reason, percent, off, kill_switch, eligible, pilots, held_back, enrolled)
SELECT (SELECT MIN(first_seen_at) FROM game_platform_challenge_solves), 'migration', 'level', 'Everybody had it before there was a rollout.', 100, 0, 0,
    (SELECT COUNT(*) FROM coaches), '[]', '[]', (SELECT json_group_array(coach_id) FROM (SELECT coach_id FROM coaches ORDER BY coach_id))
FROM rollout WHERE percent = 100;
UPDATE coaches SET enrolled = 1 WHERE EXISTS (SELECT 1 FROM rollout WHERE percent = 100);
INSERT INTO rollout_enrolments (coach_id, gained_by, gained_at)
SELECT c.coach_id, h.change_id, h.at FROM coaches c CROSS JOIN rollout_changes h;
UPDATE rollout SET change_id = COALESCE((SELECT MAX(change_id) FROM rollout_changes), 0);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE rollout_enrolments;
DROP TABLE rollout_changes;
DROP TABLE rollout;
DROP INDEX coaches_enrolled;
ALTER TABLE coaches DROP COLUMN introduced_at;
ALTER TABLE coaches DROP COLUMN enrolled;
ALTER TABLE coaches DROP COLUMN held_back;
ALTER TABLE coaches DROP COLUMN pilot;
-- +goose StatementEnd
