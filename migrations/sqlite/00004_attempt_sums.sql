-- +goose Up
-- +goose StatementBegin
CREATE TABLE sync_attempt_sums (
    hour_at     INTEGER NOT NULL, -- start of the hour, UTC
    endpoint    TEXT NOT NULL,
    http_status INTEGER NOT NULL,
    error_class TEXT NOT NULL,
    attempts    INTEGER NOT NULL,
    duration_us INTEGER NOT NULL, -- of all of them together
    PRIMARY KEY (hour_at, endpoint, http_status, error_class)
) STRICT;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE sync_attempt_sums;
-- +goose StatementEnd
