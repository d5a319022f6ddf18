-- +goose Up
-- +goose StatementBegin
-- How long calls took, counted by hour and in buckets (domain.LatencyBucket).
CREATE TABLE sync_latency_hours (
    hour_at  INTEGER NOT NULL, -- start of the hour, UTC
    endpoint TEXT NOT NULL,
    bucket   INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    PRIMARY KEY (hour_at, endpoint, bucket)
) STRICT, WITHOUT ROWID;

-- Up to which attempt the sums by hour go. What was pruned before this migration stands in them, and what is left does not.
CREATE TABLE sync_roll_up (
    only_one   INTEGER PRIMARY KEY CHECK (only_one = 1),
    attempt_id INTEGER NOT NULL
) STRICT;
INSERT INTO sync_roll_up VALUES (1, 0);

-- While there is a row, no call of the platform is made.
CREATE TABLE sync_pause (
    only_one  INTEGER PRIMARY KEY CHECK (only_one = 1),
    paused_at INTEGER NOT NULL,
    paused_by TEXT NOT NULL, -- a user's id, or a word for a program
    reason    TEXT NOT NULL
) STRICT;

ALTER TABLE sync_runs ADD COLUMN expected INTEGER NOT NULL DEFAULT 0; -- competitors it will try; 0: not known
ALTER TABLE sync_runs ADD COLUMN round_at INTEGER; -- when it last began to work, and how many it had tried by then
ALTER TABLE sync_runs ADD COLUMN round_attempted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE game_platform_sync_state ADD COLUMN failing_since INTEGER; -- the first of the failed syncs in a row; NULL: the last one did not fail

-- All that sync health counts of competitors, without reading their rows.
CREATE INDEX competitor_list_by_health ON competitor_list (coach_id, state, last_success_at);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP INDEX competitor_list_by_health;
ALTER TABLE game_platform_sync_state DROP COLUMN failing_since;
ALTER TABLE sync_runs DROP COLUMN round_attempted;
ALTER TABLE sync_runs DROP COLUMN round_at;
ALTER TABLE sync_runs DROP COLUMN expected;
DROP TABLE sync_pause;
-- Before, attempts were summed when they were pruned: those still there are taken out, or they would count twice.
UPDATE sync_attempt_sums SET attempts = sync_attempt_sums.attempts - r.attempts, duration_us = sync_attempt_sums.duration_us - r.duration_us
FROM (
    SELECT started_at / 3600000000 * 3600000000 AS hour_at, endpoint, http_status, error_class, COUNT(*) AS attempts, SUM(duration_us) AS duration_us
    FROM sync_attempts WHERE attempt_id <= (SELECT attempt_id FROM sync_roll_up)
    GROUP BY 1, 2, 3, 4
) AS r
WHERE sync_attempt_sums.hour_at = r.hour_at AND sync_attempt_sums.endpoint = r.endpoint
    AND sync_attempt_sums.http_status = r.http_status AND sync_attempt_sums.error_class = r.error_class;
DELETE FROM sync_attempt_sums WHERE attempts <= 0;
DROP TABLE sync_roll_up;
DROP TABLE sync_latency_hours;
-- +goose StatementEnd
