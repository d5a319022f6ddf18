-- +goose Up
-- +goose StatementBegin
-- Rosters that were uploaded, to be looked at before they are imported. What is in a file goes as soon as it is decided.
CREATE TABLE roster_imports (
    import_id   TEXT PRIMARY KEY,
    uploaded_at INTEGER NOT NULL,
    uploaded_by TEXT NOT NULL, -- a user's id
    state       TEXT NOT NULL CHECK (state IN ('staged', 'imported', 'cancelled', 'expired')),
    decided_at  INTEGER,
    content     BLOB, -- gzip; NULL once it is decided
    result      TEXT NOT NULL DEFAULT '' -- JSON: counts
) STRICT;
CREATE INDEX roster_imports_by_time ON roster_imports (uploaded_at);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE roster_imports;
-- +goose StatementEnd
