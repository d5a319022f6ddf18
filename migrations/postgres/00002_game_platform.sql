-- +goose Up
-- +goose StatementBegin
CREATE TABLE game_platform_users (
    syned_user_id       TEXT COLLATE "C" PRIMARY KEY,
    metactf_user_id     BIGINT NOT NULL,
    metactf_username    TEXT NOT NULL,
    metactf_user_status TEXT NOT NULL, -- the vendor's word; only an answer of GET /users changes it
    last_login_at       BIGINT,
    checked_at          BIGINT NOT NULL
);

CREATE TABLE game_platform_challenge_solves (
    syned_user_id        TEXT COLLATE "C" NOT NULL,
    source               TEXT COLLATE "C" NOT NULL CHECK (source IN ('odl', 'flash')),
    event_id             TEXT COLLATE "C" NOT NULL, -- '' for odl
    challenge_solve_id   BIGINT NOT NULL,
    challenge_id         BIGINT NOT NULL,
    challenge_title      TEXT NOT NULL,
    challenge_category   TEXT COLLATE "C" NOT NULL, -- the platform's free text
    category_key         TEXT COLLATE "C" NOT NULL, -- its canonical category
    challenge_points     BIGINT NOT NULL,
    challenge_retired    BOOLEAN NOT NULL,
    nist_nice_work_roles TEXT NOT NULL, -- JSON list
    solved_at            BIGINT NOT NULL,
    first_seen_at        BIGINT NOT NULL,
    missed_snapshots     BIGINT NOT NULL DEFAULT 0, -- full answers in a row without this solve
    PRIMARY KEY (syned_user_id, source, event_id, challenge_solve_id, challenge_id)
);

CREATE TABLE game_platform_withdrawn_solves (
    syned_user_id        TEXT COLLATE "C" NOT NULL,
    source               TEXT COLLATE "C" NOT NULL,
    event_id             TEXT COLLATE "C" NOT NULL,
    challenge_solve_id   BIGINT NOT NULL,
    challenge_id         BIGINT NOT NULL,
    challenge_title      TEXT NOT NULL,
    challenge_category   TEXT COLLATE "C" NOT NULL,
    category_key         TEXT COLLATE "C" NOT NULL,
    challenge_points     BIGINT NOT NULL,
    challenge_retired    BOOLEAN NOT NULL,
    nist_nice_work_roles TEXT NOT NULL,
    solved_at            BIGINT NOT NULL,
    first_seen_at        BIGINT NOT NULL,
    withdrawn_at         BIGINT NOT NULL,
    PRIMARY KEY (syned_user_id, source, event_id, challenge_solve_id, challenge_id)
);

CREATE TABLE game_platform_flash_ctf_events (
    event_id      TEXT COLLATE "C" PRIMARY KEY, -- a hash of name and start, so these are unique too
    name          TEXT NOT NULL,
    starts_at     BIGINT NOT NULL,
    first_seen_at BIGINT NOT NULL
);

CREATE TABLE game_platform_flash_ctf_results (
    syned_user_id       TEXT COLLATE "C" NOT NULL,
    event_id            TEXT COLLATE "C" NOT NULL REFERENCES game_platform_flash_ctf_events,
    rank                BIGINT NOT NULL, -- 0: not ranked
    points_earned       BIGINT NOT NULL,
    max_points_possible BIGINT NOT NULL,
    challenges_solved   BIGINT NOT NULL,
    first_seen_at       BIGINT NOT NULL,
    missed_snapshots    BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (syned_user_id, event_id)
);

CREATE TABLE game_platform_quarantined_records (
    syned_user_id TEXT COLLATE "C" NOT NULL,
    source        TEXT COLLATE "C" NOT NULL,
    payload_hash  TEXT COLLATE "C" NOT NULL,
    payload       TEXT NOT NULL,
    reason        TEXT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    last_seen_at  BIGINT NOT NULL,
    PRIMARY KEY (syned_user_id, source, payload_hash)
);

CREATE TABLE game_platform_stats (
    syned_user_id        TEXT COLLATE "C" PRIMARY KEY,
    odl_solves           BIGINT NOT NULL,
    odl_points           BIGINT NOT NULL,
    flash_solves         BIGINT NOT NULL,
    flash_points         BIGINT NOT NULL,
    last_solve_at        BIGINT,
    platform_odl_solves  BIGINT, -- what the platform says, from unfiltered calls only
    platform_odl_points  BIGINT,
    platform_totals_at   BIGINT,
    computed_at          BIGINT NOT NULL
);

CREATE TABLE game_platform_sync_state (
    syned_user_id            TEXT COLLATE "C" PRIMARY KEY,
    last_odl_synced_at       BIGINT,
    last_flash_ctf_synced_at BIGINT,
    last_full_pull_at        BIGINT,
    last_remote_accessed_at  BIGINT,
    last_attempt_at          BIGINT,
    last_success_at          BIGINT,
    last_result              TEXT NOT NULL DEFAULT '' CHECK (last_result IN ('', 'success', 'failure', 'blocked')),
    odl_cursor_at            BIGINT, -- newest solve seen, before the overlap is taken off
    error_class              TEXT NOT NULL DEFAULT '',
    error_endpoint           TEXT NOT NULL DEFAULT '',
    error_message            TEXT NOT NULL DEFAULT '',
    failed_in_a_row          BIGINT NOT NULL DEFAULT 0,
    next_due_at              BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX game_platform_sync_state_due ON game_platform_sync_state (next_due_at);

CREATE TABLE sync_runs (
    run_id       TEXT COLLATE "C" PRIMARY KEY,
    kind         TEXT COLLATE "C" NOT NULL CHECK (kind IN ('schedule', 'command')),
    slot_at      BIGINT, -- start of the quarter hour, for kind schedule
    full_pull    BOOLEAN NOT NULL,
    started_at   BIGINT NOT NULL,
    heartbeat_at BIGINT NOT NULL, -- last sign of life while it runs
    finished_at  BIGINT,
    stopped      BOOLEAN NOT NULL DEFAULT FALSE,
    attempted    BIGINT NOT NULL DEFAULT 0,
    changed      BIGINT NOT NULL DEFAULT 0,
    unchanged    BIGINT NOT NULL DEFAULT 0,
    blocked      BIGINT NOT NULL DEFAULT 0,
    failed       BIGINT NOT NULL DEFAULT 0,
    skipped      BIGINT NOT NULL DEFAULT 0,
    not_enrolled BIGINT NOT NULL DEFAULT 0,
    new_solves   BIGINT NOT NULL DEFAULT 0,
    api_calls    BIGINT NOT NULL DEFAULT 0,
    UNIQUE (kind, slot_at)
);
CREATE INDEX sync_runs_by_start ON sync_runs (started_at);

CREATE TABLE sync_attempts (
    attempt_id    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id        TEXT COLLATE "C" NOT NULL,
    syned_user_id TEXT COLLATE "C" NOT NULL,
    endpoint      TEXT NOT NULL,
    started_at    BIGINT NOT NULL,
    duration_us   BIGINT NOT NULL,
    http_status   BIGINT NOT NULL, -- 0: no answer
    error_class   TEXT NOT NULL,    -- '': succeeded
    error_message TEXT NOT NULL
);
CREATE INDEX sync_attempts_by_user ON sync_attempts (syned_user_id, started_at);
CREATE INDEX sync_attempts_by_time ON sync_attempts (started_at);

CREATE VIEW support_challenge_solves AS
SELECT syned_user_id, source, event_id, challenge_solve_id, challenge_id, challenge_title, challenge_category,
       challenge_points, challenge_retired,
       to_char(to_timestamp(solved_at / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS solved_at,
       to_char(to_timestamp(first_seen_at / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS first_seen_at
FROM game_platform_challenge_solves;

CREATE VIEW support_sync_state AS
SELECT syned_user_id, last_result, error_class, error_message, failed_in_a_row,
       to_char(to_timestamp(last_attempt_at / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS last_attempt_at,
       to_char(to_timestamp(last_success_at / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS last_success_at,
       to_char(to_timestamp(last_odl_synced_at / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS last_odl_synced_at,
       to_char(to_timestamp(last_flash_ctf_synced_at / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS last_flash_ctf_synced_at,
       to_char(to_timestamp(next_due_at / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS next_due_at
FROM game_platform_sync_state;

CREATE VIEW support_sync_attempts AS
SELECT attempt_id, run_id, syned_user_id, endpoint, http_status, error_class, error_message, duration_us / 1000 AS duration_ms,
       to_char(to_timestamp(started_at / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS started_at
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
