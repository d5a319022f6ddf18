-- +goose Up
-- +goose StatementBegin
-- Alerts: what rules held since when, what belongs together, and what people were told.
CREATE TABLE alert_incidents (
    incident_id INTEGER PRIMARY KEY AUTOINCREMENT,
    began_at    INTEGER NOT NULL,
    ended_at    INTEGER, -- NULL: it goes on
    told_at     INTEGER, -- of the last message
    end_told    INTEGER NOT NULL DEFAULT 0 CHECK (end_told IN (0, 1)),
    reopened    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX alert_incidents_by_end ON alert_incidents (ended_at);

CREATE TABLE alerts (
    alert_id            INTEGER PRIMARY KEY AUTOINCREMENT,
    rule                TEXT NOT NULL,
    incident_id         INTEGER NOT NULL REFERENCES alert_incidents,
    state               TEXT NOT NULL CHECK (state IN ('firing', 'acknowledged', 'resolved')),
    since               INTEGER NOT NULL, -- of the state
    fired_at            INTEGER NOT NULL,
    evidence            TEXT NOT NULL, -- the last while it held
    acknowledged_at     INTEGER,
    acknowledged_by     TEXT NOT NULL DEFAULT '',
    acknowledged_reason TEXT NOT NULL DEFAULT '',
    resolved_at         INTEGER
) STRICT;
CREATE UNIQUE INDEX alerts_open ON alerts (rule) WHERE state <> 'resolved';
CREATE INDEX alerts_by_rule ON alerts (rule, alert_id);
CREATE INDEX alerts_by_incident ON alerts (incident_id);
CREATE INDEX alerts_by_time ON alerts (fired_at, alert_id);

-- The last evaluation. Whoever evaluates locks it.
CREATE TABLE alert_evaluation (
    only_one     INTEGER PRIMARY KEY CHECK (only_one = 1),
    evaluated_at INTEGER NOT NULL, -- 0: never
    verdicts     TEXT NOT NULL -- JSON: what each rule said
) STRICT;
INSERT INTO alert_evaluation VALUES (1, 0, '[]');

-- What the rules went by, one row a minute.
CREATE TABLE alert_facts (
    minute_at INTEGER PRIMARY KEY,
    facts     TEXT NOT NULL -- JSON
) STRICT;

CREATE TABLE alert_messages (
    message_id  INTEGER PRIMARY KEY AUTOINCREMENT,
    incident_id INTEGER, -- NULL: a test
    kind        TEXT NOT NULL,
    at          INTEGER NOT NULL,
    subject     TEXT NOT NULL,
    body        TEXT NOT NULL,
    alerts      TEXT NOT NULL, -- JSON
    link        TEXT NOT NULL,
    handed_out  INTEGER NOT NULL DEFAULT 0 CHECK (handed_out IN (0, 1)) -- deliveries were made of it, or it was too old for that
) STRICT;
CREATE INDEX alert_messages_new ON alert_messages (message_id) WHERE NOT handed_out;

CREATE TABLE alert_deliveries (
    message_id INTEGER NOT NULL REFERENCES alert_messages ON DELETE CASCADE,
    channel    TEXT NOT NULL,
    address    TEXT NOT NULL, -- whom a mail goes to; '' for other channels
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'given_up')),
    created_at INTEGER NOT NULL,
    next_at    INTEGER NOT NULL, -- of the next try; while one is under way, when it is taken for dead
    attempts   INTEGER NOT NULL DEFAULT 0,
    ended_at   INTEGER,
    error      TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (message_id, channel, address)
) STRICT;
CREATE INDEX alert_deliveries_due ON alert_deliveries (next_at) WHERE state = 'waiting';
CREATE INDEX alert_deliveries_ended ON alert_deliveries (ended_at) WHERE state = 'given_up';

-- The going through everybody who was due when it began.
CREATE TABLE sync_cycle (
    only_one     INTEGER PRIMARY KEY CHECK (only_one = 1),
    started_at   INTEGER NOT NULL, -- 0: none
    completed_at INTEGER NOT NULL
) STRICT;
INSERT INTO sync_cycle VALUES (1, 0, 0);

-- Background jobs, by how they went.
CREATE TABLE background_jobs (
    name         TEXT PRIMARY KEY,
    done_at      INTEGER, -- the last time it came to its end in time
    timed_out_at INTEGER
) STRICT;

CREATE TABLE database_error_minutes (
    minute_at INTEGER PRIMARY KEY,
    errors    INTEGER NOT NULL
) STRICT;

ALTER TABLE sync_runs ADD COLUMN platform_failed INTEGER NOT NULL DEFAULT 0; -- of failed: 5xx, no answer in time, unreachable

-- The connection with the platform, as the process that calls it last saw it.
CREATE TABLE platform_connection (
    only_one        INTEGER PRIMARY KEY CHECK (only_one = 1),
    seen_at         INTEGER NOT NULL,
    state           TEXT NOT NULL,
    until_at        INTEGER, -- when the next probe may be sent; NULL: open
    rate            INTEGER NOT NULL, -- thousandths of a call per second
    configured_rate INTEGER NOT NULL,
    fingerprint     TEXT NOT NULL -- of the token in use
) STRICT;

CREATE TABLE platform_tokens (
    fingerprint TEXT PRIMARY KEY, -- the first 12 hex digits of the SHA-256 of the token
    source      TEXT NOT NULL, -- where it stands: token, next or file
    first_at    INTEGER NOT NULL, -- when it was first used
    accepted_at INTEGER,
    refused_at  INTEGER
) STRICT;

-- Times in which calls were held back.
CREATE TABLE platform_waits (
    wait_id  INTEGER PRIMARY KEY AUTOINCREMENT,
    state    TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    until_at INTEGER NOT NULL, -- as it was planned
    ended_at INTEGER -- NULL: it goes on, or its process ended
) STRICT;
CREATE INDEX platform_waits_by_time ON platform_waits (began_at);

-- Fields of answers that differ from the platform's description. Names only.
CREATE TABLE platform_fields (
    field    TEXT NOT NULL, -- endpoint, and where it stands
    fault    TEXT NOT NULL CHECK (fault IN ('unknown', 'missing')),
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    times    INTEGER NOT NULL,
    PRIMARY KEY (field, fault)
) STRICT;

CREATE TABLE platform_checks (
    check_id    INTEGER PRIMARY KEY AUTOINCREMENT,
    asked_at    INTEGER NOT NULL,
    asked_by    TEXT NOT NULL, -- a user's id, or a word for a program
    began_at    INTEGER,
    finished_at INTEGER,
    answer_us   INTEGER NOT NULL DEFAULT 0, -- how long the platform's index took
    skew_us     INTEGER, -- how far the platform's clock is ahead; NULL: not known
    reachable   TEXT NOT NULL DEFAULT '', -- '': yes; else why not
    token       TEXT NOT NULL DEFAULT '' -- '': taken; else why not
) STRICT;
CREATE INDEX platform_checks_open ON platform_checks (check_id) WHERE finished_at IS NULL;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE platform_checks;
DROP TABLE platform_fields;
DROP TABLE platform_waits;
DROP TABLE platform_tokens;
DROP TABLE platform_connection;
ALTER TABLE sync_runs DROP COLUMN platform_failed;
DROP TABLE database_error_minutes;
DROP TABLE background_jobs;
DROP TABLE sync_cycle;
DROP TABLE alert_deliveries;
DROP TABLE alert_messages;
DROP TABLE alert_facts;
DROP TABLE alert_evaluation;
DROP TABLE alerts;
DROP TABLE alert_incidents;
-- +goose StatementEnd
