-- +goose Up
-- +goose StatementBegin
ALTER TABLE game_platform_sync_state ADD COLUMN error_status BIGINT NOT NULL DEFAULT 0; -- HTTP status, 0: no answer

-- What is wrong with a competitor's sync: one row from the first sync that failed for a cause to the end of it.
CREATE TABLE sync_failures (
    failure_id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    competitor_id     TEXT COLLATE "C" NOT NULL,
    coach_id          TEXT COLLATE "C" NOT NULL,
    fingerprint       TEXT COLLATE "C" NOT NULL,
    message           TEXT NOT NULL, -- of the last sync
    state             TEXT COLLATE "C" NOT NULL CHECK (state IN ('retrying', 'needs_attention', 'blocked', 'cleared')),
    opened_at         BIGINT NOT NULL,
    last_at           BIGINT NOT NULL,
    failed_in_a_row   BIGINT NOT NULL,
    next_due_at       BIGINT, -- as in the sync state; NULL: it is not tried
    running_at        BIGINT, -- since when it is tried right now
    cleared_at        BIGINT,
    cleared_by        TEXT COLLATE "C" NOT NULL DEFAULT '', -- a user's id, or a word for a program
    cleared_reason    TEXT NOT NULL DEFAULT '',
    cleared_operation BIGINT NOT NULL DEFAULT 0,
    ended_at          BIGINT,
    end_reason        TEXT COLLATE "C" NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX sync_failures_open ON sync_failures (competitor_id) WHERE ended_at IS NULL;
CREATE INDEX sync_failures_by_cause ON sync_failures (fingerprint, opened_at, failure_id, state, coach_id) WHERE ended_at IS NULL; -- also counts by age without reading rows
CREATE INDEX sync_failures_by_last ON sync_failures (fingerprint, last_at, state) WHERE ended_at IS NULL;
CREATE INDEX sync_failures_by_coach ON sync_failures (coach_id, fingerprint, opened_at) WHERE ended_at IS NULL;
CREATE INDEX sync_failures_due ON sync_failures (next_due_at) WHERE ended_at IS NULL;
CREATE INDEX sync_failures_running ON sync_failures (running_at) WHERE running_at IS NOT NULL;
CREATE INDEX sync_failures_cleared ON sync_failures (cleared_operation) WHERE cleared_operation > 0;
CREATE INDEX sync_failures_ended ON sync_failures (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sync_failures_of_competitor ON sync_failures (competitor_id, failure_id);

CREATE TABLE failure_causes (
    fingerprint TEXT COLLATE "C" PRIMARY KEY,
    kind        TEXT COLLATE "C" NOT NULL CHECK (kind IN ('failure', 'blocked')),
    class       TEXT COLLATE "C" NOT NULL,
    endpoint    TEXT COLLATE "C" NOT NULL,
    http_status BIGINT NOT NULL,
    message     TEXT NOT NULL -- without what differs from one competitor to the next
);

-- Open failures by cause and coach, in each state, and in the state 'open' all that are not cleared. The coach '' stands for
-- all coaches, the cause '' for all causes. Rows that have come to 0 are deleted.
CREATE TABLE failure_sums (
    fingerprint TEXT COLLATE "C" NOT NULL,
    coach_id    TEXT COLLATE "C" NOT NULL,
    state       TEXT COLLATE "C" NOT NULL,
    competitors BIGINT NOT NULL,
    coaches     BIGINT NOT NULL DEFAULT 0, -- whose competitors they are; only in rows of all coaches
    PRIMARY KEY (coach_id, fingerprint, state)
);
CREATE INDEX failure_sums_empty ON failure_sums (competitors) WHERE competitors = 0;

-- How many failures began in an hour.
CREATE TABLE failure_hours (
    fingerprint TEXT COLLATE "C" NOT NULL,
    hour_at     BIGINT NOT NULL, -- its start, UTC
    failures    BIGINT NOT NULL,
    PRIMARY KEY (fingerprint, hour_at)
);

-- What somebody has done to one failure, or to all that match a filter.
CREATE TABLE operations (
    operation_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         TEXT COLLATE "C" NOT NULL CHECK (kind IN ('retry', 'clear')),
    requested_at BIGINT NOT NULL,
    requested_by TEXT COLLATE "C" NOT NULL, -- a user's id, or a word for a program
    reason       TEXT NOT NULL,
    filter       TEXT NOT NULL, -- JSON
    last_failure BIGINT NOT NULL, -- the newest one that it may touch
    cursor       BIGINT NOT NULL, -- up to which failure its items have been made
    pace_us      BIGINT NOT NULL, -- between two retries
    planned_at   BIGINT, -- when all items had been made
    finished_at  BIGINT, -- when nothing was left to do
    aborted_at   BIGINT,
    aborted_by   TEXT COLLATE "C" NOT NULL DEFAULT '',
    undone_at    BIGINT,
    undone_by    TEXT COLLATE "C" NOT NULL DEFAULT ''
);
CREATE INDEX operations_open ON operations (operation_id) WHERE finished_at IS NULL;

CREATE TABLE operation_items (
    operation_id  BIGINT NOT NULL REFERENCES operations,
    failure_id    BIGINT NOT NULL,
    competitor_id TEXT COLLATE "C" NOT NULL,
    state         TEXT COLLATE "C" NOT NULL CHECK (state IN ('queued', 'skipped', 'done', 'failed', 'aborted')),
    skip_reason   TEXT COLLATE "C" NOT NULL DEFAULT '',
    due_at        BIGINT, -- when its retry is due
    due_before    BIGINT, -- when it would have been
    settled_at    BIGINT,
    PRIMARY KEY (operation_id, failure_id)
);
-- The items of operations that are finished, counted once.
CREATE TABLE operation_counts (
    operation_id BIGINT NOT NULL REFERENCES operations,
    state        TEXT COLLATE "C" NOT NULL,
    skip_reason  TEXT COLLATE "C" NOT NULL,
    items        BIGINT NOT NULL,
    PRIMARY KEY (operation_id, state, skip_reason)
);
CREATE INDEX operation_items_queued ON operation_items (competitor_id) WHERE state = 'queued';
CREATE INDEX operation_items_due ON operation_items (due_at) WHERE state = 'queued';
CREATE INDEX operation_items_by_state ON operation_items (operation_id, state, skip_reason);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE operation_counts;
DROP TABLE operation_items;
DROP TABLE operations;
DROP TABLE failure_hours;
DROP TABLE failure_sums;
DROP TABLE failure_causes;
DROP TABLE sync_failures;
ALTER TABLE game_platform_sync_state DROP COLUMN error_status;
-- +goose StatementEnd
