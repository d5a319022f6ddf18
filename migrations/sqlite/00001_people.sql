-- +goose Up
-- +goose StatementBegin
CREATE TABLE coaches (
    coach_id   TEXT PRIMARY KEY,
    email      TEXT NOT NULL,
    email_key  TEXT NOT NULL UNIQUE, -- folded, for look-ups
    name       TEXT NOT NULL,
    school     TEXT NOT NULL DEFAULT '',
    region     TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE teams (
    team_id    TEXT PRIMARY KEY,
    coach_id   TEXT NOT NULL REFERENCES coaches,
    name       TEXT NOT NULL,
    name_key   TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (coach_id, name_key),
    UNIQUE (team_id, coach_id)
) STRICT;

CREATE TABLE competitors (
    competitor_id    TEXT PRIMARY KEY,
    game_platform_id TEXT UNIQUE, -- the platform's syned_user_id; NULL: not on the platform
    coach_id         TEXT NOT NULL REFERENCES coaches,
    team_id          TEXT,
    first_name       TEXT NOT NULL,
    last_name        TEXT NOT NULL,
    email            TEXT, -- NULL: none on file
    email_key        TEXT UNIQUE,
    division         TEXT NOT NULL,
    grade            TEXT NOT NULL DEFAULT '',
    status           TEXT NOT NULL,
    name_key         TEXT NOT NULL, -- folded full name, to recognise a person without ids
    sort_key         TEXT NOT NULL, -- order of names, compared as bytes
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    FOREIGN KEY (team_id, coach_id) REFERENCES teams (team_id, coach_id)
) STRICT;
CREATE INDEX competitors_by_name ON competitors (sort_key, competitor_id);
CREATE INDEX competitors_by_coach ON competitors (coach_id, sort_key, competitor_id);
CREATE INDEX competitors_by_team ON competitors (team_id);

CREATE TABLE users (
    user_id         TEXT PRIMARY KEY,
    email           TEXT NOT NULL,
    email_key       TEXT NOT NULL UNIQUE,
    role            TEXT NOT NULL CHECK (role IN ('coach', 'admin', 'product')),
    coach_id        TEXT REFERENCES coaches,
    password_hash   TEXT NOT NULL,
    disabled_at     INTEGER,
    created_at      INTEGER NOT NULL,
    last_sign_in_at INTEGER,
    CHECK ((role = 'coach') = (coach_id IS NOT NULL))
) STRICT;

CREATE TABLE sessions (
    session_hash TEXT PRIMARY KEY, -- sha256 of the cookie's value; the value itself is never stored
    user_id      TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE sign_in_attempts (
    subject     TEXT PRIMARY KEY, -- sha256 of an email or a network address
    attempts    INTEGER NOT NULL,
    window_ends INTEGER NOT NULL
) STRICT;

CREATE TABLE audit_log (
    audit_id      INTEGER PRIMARY KEY,
    at            INTEGER NOT NULL,
    user_id       TEXT NOT NULL,
    action        TEXT NOT NULL,
    competitor_id TEXT NOT NULL DEFAULT '',
    detail        TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX audit_log_by_time ON audit_log (at);
CREATE INDEX audit_log_by_competitor ON audit_log (competitor_id, at);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE audit_log;
DROP TABLE sign_in_attempts;
DROP TABLE sessions;
DROP TABLE users;
DROP TABLE competitors;
DROP TABLE teams;
DROP TABLE coaches;
-- +goose StatementEnd
