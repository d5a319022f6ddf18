-- +goose Up
-- +goose StatementBegin
CREATE TABLE game_platform_users (
    syned_user_id       TEXT PRIMARY KEY,
    metactf_user_id     INTEGER NOT NULL,
    metactf_username    TEXT NOT NULL,
    metactf_user_status TEXT NOT NULL, -- the vendor's word; only an answer of GET /users changes it
    last_login_at       INTEGER,
    checked_at          INTEGER NOT NULL
) STRICT;

CREATE TABLE game_platform_challenge_solves (
    syned_user_id        TEXT NOT NULL,
    source               TEXT NOT NULL CHECK (source IN ('odl', 'flash')),
    event_id             TEXT NOT NULL, -- '' for odl
    challenge_solve_id   INTEGER NOT NULL,
    challenge_id         INTEGER NOT NULL,
    challenge_title      TEXT NOT NULL,
    challenge_category   TEXT NOT NULL, -- the platform's free text
    category_key         TEXT NOT NULL, -- its canonical category
    challenge_points     INTEGER NOT NULL,
    challenge_retired    INTEGER NOT NULL CHECK (challenge_retired IN (0, 1)),
    nist_nice_work_roles TEXT NOT NULL, -- JSON list
    solved_at            INTEGER NOT NULL,
    first_seen_at        INTEGER NOT NULL,
    missed_snapshots     INTEGER NOT NULL DEFAULT 0, -- full answers in a row without this solve
    PRIMARY KEY (syned_user_id, source, event_id, challenge_solve_id, challenge_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE game_platform_withdrawn_solves (
    syned_user_id        TEXT NOT NULL,
    source               TEXT NOT NULL,
    event_id             TEXT NOT NULL,
    challenge_solve_id   INTEGER NOT NULL,
    challenge_id         INTEGER NOT NULL,
    challenge_title      TEXT NOT NULL,
    challenge_category   TEXT NOT NULL,
    category_key         TEXT NOT NULL,
    challenge_points     INTEGER NOT NULL,
    challenge_retired    INTEGER NOT NULL,
    nist_nice_work_roles TEXT NOT NULL,
    solved_at            INTEGER NOT NULL,
    first_seen_at        INTEGER NOT NULL,
    withdrawn_at         INTEGER NOT NULL,
    PRIMARY KEY (syned_user_id, source, event_id, challenge_solve_id, challenge_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE game_platform_flash_ctf_events (
    event_id      TEXT PRIMARY KEY, -- a hash of name and start, so these are unique too
    name          TEXT NOT NULL,
    starts_at     INTEGER NOT NULL,
    first_seen_at INTEGER NOT NULL
) STRICT;

CREATE TABLE game_platform_flash_ctf_results (
    syned_user_id       TEXT NOT NULL,
    event_id            TEXT NOT NULL REFERENCES game_platform_flash_ctf_events,
    rank                INTEGER NOT NULL, -- 0: not ranked
    points_earned       INTEGER NOT NULL,
    max_points_possible INTEGER NOT NULL,
    challenges_solved   INTEGER NOT NULL,
    first_seen_at       INTEGER NOT NULL,
    missed_snapshots    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (syned_user_id, event_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE game_platform_quarantined_records (
    syned_user_id TEXT NOT NULL,
    source        TEXT NOT NULL,
    payload_hash  TEXT NOT NULL,
    payload       TEXT NOT NULL,
    reason        TEXT NOT NULL,
    first_seen_at INTEGER NOT NULL,
    last_seen_at  INTEGER NOT NULL,
    PRIMARY KEY (syned_user_id, source, payload_hash)
) STRICT;

CREATE TABLE game_platform_stats (
    syned_user_id        TEXT PRIMARY KEY,
    odl_solves           INTEGER NOT NULL,
    odl_points           INTEGER NOT NULL,
    flash_solves         INTEGER NOT NULL,
    flash_points         INTEGER NOT NULL,
    last_solve_at        INTEGER,
    platform_odl_solves  INTEGER, -- what the platform says, from unfiltered calls only
    platform_odl_points  INTEGER,
    platform_totals_at   INTEGER,
    computed_at          INTEGER NOT NULL
) STRICT;

CREATE TABLE game_platform_sync_state (
    syned_user_id            TEXT PRIMARY KEY,
    last_odl_synced_at       INTEGER,
    last_flash_ctf_synced_at INTEGER,
    last_full_pull_at        INTEGER,
    last_remote_accessed_at  INTEGER,
    last_attempt_at          INTEGER,
    last_success_at          INTEGER,
    last_result              TEXT NOT NULL DEFAULT '' CHECK (last_result IN ('', 'success', 'failure', 'blocked')),
    odl_cursor_at            INTEGER, -- newest solve seen, before the overlap is taken off
    error_class              TEXT NOT NULL DEFAULT '',
    error_endpoint           TEXT NOT NULL DEFAULT '',
    error_message            TEXT NOT NULL DEFAULT '',
    failed_in_a_row          INTEGER NOT NULL DEFAULT 0,
    next_due_at              INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX game_platform_sync_state_due ON game_platform_sync_state (next_due_at);

CREATE TABLE sync_runs (
    run_id       TEXT PRIMARY KEY,
    kind         TEXT NOT NULL CHECK (kind IN ('schedule', 'command')),
    slot_at      INTEGER, -- start of the quarter hour, for kind schedule
    full_pull    INTEGER NOT NULL CHECK (full_pull IN (0, 1)),
    started_at   INTEGER NOT NULL,
    heartbeat_at INTEGER NOT NULL, -- last sign of life while it runs
    finished_at  INTEGER,
    stopped      INTEGER NOT NULL DEFAULT 0 CHECK (stopped IN (0, 1)),
    attempted    INTEGER NOT NULL DEFAULT 0,
    changed      INTEGER NOT NULL DEFAULT 0,
    unchanged    INTEGER NOT NULL DEFAULT 0,
    blocked      INTEGER NOT NULL DEFAULT 0,
    failed       INTEGER NOT NULL DEFAULT 0,
    skipped      INTEGER NOT NULL DEFAULT 0,
    not_enrolled INTEGER NOT NULL DEFAULT 0,
    new_solves   INTEGER NOT NULL DEFAULT 0,
    api_calls    INTEGER NOT NULL DEFAULT 0,
    UNIQUE (kind, slot_at)
) STRICT;
CREATE INDEX sync_runs_by_start ON sync_runs (started_at);

CREATE TABLE sync_attempts (
    attempt_id    INTEGER PRIMARY KEY,
    run_id        TEXT NOT NULL,
    syned_user_id TEXT NOT NULL,
    endpoint      TEXT NOT NULL,
    started_at    INTEGER NOT NULL,
    duration_us   INTEGER NOT NULL,
    http_status   INTEGER NOT NULL, -- 0: no answer
    error_class   TEXT NOT NULL,    -- '': succeeded
    error_message TEXT NOT NULL
) STRICT;
CREATE INDEX sync_attempts_by_user ON sync_attempts (syned_user_id, started_at);
CREATE INDEX sync_attempts_by_time ON sync_attempts (started_at);

CREATE VIEW support_challenge_solves AS
SELECT syned_user_id, source, event_id, challenge_solve_id, challenge_id, challenge_title, challenge_category,
       challenge_points, challenge_retired,
       strftime('%Y-%m-%dT%H:%M:%SZ', solved_at / 1000000, 'unixepoch') AS solved_at,
       strftime('%Y-%m-%dT%H:%M:%SZ', first_seen_at / 1000000, 'unixepoch') AS first_seen_at
FROM game_platform_challenge_solves;

CREATE VIEW support_sync_state AS
SELECT syned_user_id, last_result, error_class, error_message, failed_in_a_row,
       strftime('%Y-%m-%dT%H:%M:%SZ', last_attempt_at / 1000000, 'unixepoch') AS last_attempt_at,
       strftime('%Y-%m-%dT%H:%M:%SZ', last_success_at / 1000000, 'unixepoch') AS last_success_at,
       strftime('%Y-%m-%dT%H:%M:%SZ', last_odl_synced_at / 1000000, 'unixepoch') AS last_odl_synced_at,
       strftime('%Y-%m-%dT%H:%M:%SZ', last_flash_ctf_synced_at / 1000000, 'unixepoch') AS last_flash_ctf_synced_at,
       strftime('%Y-%m-%dT%H:%M:%SZ', next_due_at / 1000000, 'unixepoch') AS next_due_at
FROM game_platform_sync_state;

CREATE VIEW support_sync_attempts AS
SELECT attempt_id, run_id, syned_user_id, endpoint, http_status, error_class, error_message, duration_us / 1000 AS duration_ms,
       strftime('%Y-%m-%dT%H:%M:%SZ', started_at / 1000000, 'unixepoch') AS started_at
FROM sync_attempts;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP VIEW support_sync_attempts;
DROP VIEW support_sync_state;
DROP VIEW support_challenge_solves;
DROP TABLE sync_attempts;
DROP TABLE sync_runs;
DROP TABLE game_platform_sync_state;
DROP TABLE game_platform_stats;
DROP TABLE game_platform_quarantined_records;
DROP TABLE game_platform_flash_ctf_results;
DROP TABLE game_platform_flash_ctf_events;
DROP TABLE game_platform_withdrawn_solves;
DROP TABLE game_platform_challenge_solves;
DROP TABLE game_platform_users;
-- +goose StatementEnd
