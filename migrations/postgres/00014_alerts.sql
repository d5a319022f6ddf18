-- +goose Up
-- +goose StatementBegin
-- Alerts: what rules held since when, what belongs together, and what people were told.
CREATE TABLE alert_incidents (
    incident_id BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    began_at    BIGINT NOT NULL,
    ended_at    BIGINT, -- NULL: it goes on
    told_at     BIGINT, -- of the last message
    end_told    BOOLEAN NOT NULL DEFAULT FALSE,
    reopened    BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX alert_incidents_by_end ON alert_incidents (ended_at);

CREATE TABLE alerts (
    alert_id            BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    rule                TEXT COLLATE "C" NOT NULL,
    incident_id         BIGINT NOT NULL REFERENCES alert_incidents,
    state               TEXT COLLATE "C" NOT NULL CHECK (state IN ('firing', 'acknowledged', 'resolved')),
    since               BIGINT NOT NULL, -- of the state
    fired_at            BIGINT NOT NULL,
    evidence            TEXT NOT NULL, -- the last while it held
    acknowledged_at     BIGINT,
    acknowledged_by     TEXT COLLATE "C" NOT NULL DEFAULT '',
    acknowledged_reason TEXT NOT NULL DEFAULT '',
    resolved_at         BIGINT
);
CREATE UNIQUE INDEX alerts_open ON alerts (rule) WHERE state <> 'resolved';
CREATE INDEX alerts_by_rule ON alerts (rule, alert_id);
CREATE INDEX alerts_by_incident ON alerts (incident_id);
CREATE INDEX alerts_by_time ON alerts (fired_at, alert_id);

-- The last evaluation. Whoever evaluates locks it.
CREATE TABLE alert_evaluation (
    only_one     BIGINT PRIMARY KEY CHECK (only_one = 1),
    evaluated_at BIGINT NOT NULL, -- 0: never
    verdicts     TEXT NOT NULL -- JSON: what each rule said
);
INSERT INTO alert_evaluation VALUES (1, 0, '[]');

-- What the rules went by, one row a minute.
CREATE TABLE alert_facts (
    minute_at BIGINT PRIMARY KEY,
    facts     TEXT NOT NULL -- JSON
);

CREATE TABLE alert_messages (
    message_id  BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    incident_id BIGINT, -- NULL: a test
    kind        TEXT COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL,
    subject     TEXT NOT NULL,
    body        TEXT NOT NULL,
    alerts      TEXT NOT NULL, -- JSON
    link        TEXT NOT NULL,
    handed_out  BOOLEAN NOT NULL DEFAULT FALSE -- deliveries were made of it, or it was too old for that
);
CREATE INDEX alert_messages_new ON alert_messages (message_id) WHERE NOT handed_out;

CREATE TABLE alert_deliveries (
    message_id BIGINT NOT NULL REFERENCES alert_messages ON DELETE CASCADE,
    channel    TEXT COLLATE "C" NOT NULL,
    address    TEXT COLLATE "C" NOT NULL, -- whom a mail goes to; '' for other channels
    state      TEXT COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'sent', 'given_up')),
    created_at BIGINT NOT NULL,
    next_at    BIGINT NOT NULL, -- of the next try; while one is under way, when it is taken for dead
    attempts   BIGINT NOT NULL DEFAULT 0,
    ended_at   BIGINT,
    error      TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (message_id, channel, address)
);
CREATE INDEX alert_deliveries_due ON alert_deliveries (next_at) WHERE state = 'waiting';
CREATE INDEX alert_deliveries_ended ON alert_deliveries (ended_at) WHERE state = 'given_up';

-- The going through everybody who was due when it began.
CREATE TABLE sync_cycle (
    only_one     BIGINT PRIMARY KEY CHECK (only_one = 1),
    started_at   BIGINT NOT NULL, -- 0: none
    completed_at BIGINT NOT NULL
);
INSERT INTO sync_cycle VALUES (1, 0, 0);

-- Background jobs, by how they went.
CREATE TABLE background_jobs (
    name         TEXT COLLATE "C" PRIMARY KEY,
    done_at      BIGINT, -- the last time it came to its end in time
    timed_out_at BIGINT
);

CREATE TABLE database_error_minutes (
    minute_at BIGINT PRIMARY KEY,
    errors    BIGINT NOT NULL
);

ALTER TABLE sync_runs ADD COLUMN platform_failed BIGINT NOT NULL DEFAULT 0; -- of failed: 5xx, no answer in time, unreachable

-- The connection with the platform, as the process that calls it last saw it.
CREATE TABLE platform_connection (
    only_one        BIGINT PRIMARY KEY CHECK (only_one = 1),
    seen_at         BIGINT NOT NULL,
    state           TEXT COLLATE "C" NOT NULL,
    until_at        BIGINT, -- when the next probe may be sent; NULL: open
    rate            BIGINT NOT NULL, -- thousandths of a call per second
    configured_rate BIGINT NOT NULL,
    fingerprint     TEXT COLLATE "C" NOT NULL -- of the token in use
);

CREATE TABLE platform_tokens (
    fingerprint TEXT COLLATE "C" PRIMARY KEY, -- the first 12 hex digits of the SHA-256 of the token
    source      TEXT COLLATE "C" NOT NULL, -- where it stands: token, next or file
    first_at    BIGINT NOT NULL, -- when it was first used
    accepted_at BIGINT,
    refused_at  BIGINT
);

-- Times in which calls were held back.
CREATE TABLE platform_waits (
    wait_id  BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    state    TEXT COLLATE "C" NOT NULL,
    began_at BIGINT NOT NULL,
    until_at BIGINT NOT NULL, -- as it was planned
    ended_at BIGINT -- NULL: it goes on, or its process ended
);
CREATE INDEX platform_waits_by_time ON platform_waits (began_at);

-- Fields of answers that differ from the platform's description. Names only.
CREATE TABLE platform_fields (
    field    TEXT COLLATE "C" NOT NULL, -- endpoint, and where it stands
    fault    TEXT COLLATE "C" NOT NULL CHECK (fault IN ('unknown', 'missing')),
    first_at BIGINT NOT NULL,
    last_at  BIGINT NOT NULL,
    times    BIGINT NOT NULL,
    PRIMARY KEY (field, fault)
);

CREATE TABLE platform_checks (
    check_id    BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    asked_at    BIGINT NOT NULL,
    asked_by    TEXT COLLATE "C" NOT NULL, -- a user's id, or a word for a program
    began_at    BIGINT,
    finished_at BIGINT,
    answer_us   BIGINT NOT NULL DEFAULT 0, -- how long the platform's index took
    skew_us     BIGINT, -- how far the platform's clock is ahead; NULL: not known
    reachable   TEXT NOT NULL DEFAULT '', -- '': yes; else why not
    token       TEXT NOT NULL DEFAULT '' -- '': taken; else why not
);
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
