-- +goose Up
-- +goose StatementBegin
ALTER TABLE users ADD COLUMN totp_secret TEXT; -- NULL: signing in takes the password alone
ALTER TABLE users ADD COLUMN totp_pending TEXT; -- a secret that no code has confirmed yet
ALTER TABLE users ADD COLUMN totp_last_step BIGINT NOT NULL DEFAULT 0; -- of the last code that was taken: none is taken twice

-- What takes the place of a code where the phone is lost; each is taken once.
CREATE TABLE recovery_codes (
    user_id   TEXT COLLATE "C" NOT NULL REFERENCES users ON DELETE CASCADE,
    code_hash TEXT COLLATE "C" NOT NULL, -- sha256 of 80 random bits
    used_at   BIGINT,
    PRIMARY KEY (user_id, code_hash)
);

-- Those who have given the right password, and whose code is awaited.
CREATE TABLE half_sign_ins (
    half_hash  TEXT COLLATE "C" PRIMARY KEY, -- sha256 of the cookie's value
    user_id    TEXT COLLATE "C" NOT NULL REFERENCES users ON DELETE CASCADE,
    expires_at BIGINT NOT NULL
);
CREATE INDEX half_sign_ins_by_user ON half_sign_ins (user_id);

-- Links by which somebody chooses a password: one a user, the last one made.
CREATE TABLE invitations (
    user_id    TEXT COLLATE "C" PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    token_hash TEXT COLLATE "C" NOT NULL UNIQUE, -- sha256 of what stands in the link
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL
);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE invitations;
DROP TABLE half_sign_ins;
DROP TABLE recovery_codes;
ALTER TABLE users DROP COLUMN totp_last_step;
ALTER TABLE users DROP COLUMN totp_pending;
ALTER TABLE users DROP COLUMN totp_secret;
-- +goose StatementEnd
