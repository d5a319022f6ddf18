-- +goose Up
-- +goose StatementBegin
CREATE TABLE sync_attempt_sums (
    hour_at     BIGINT NOT NULL, -- start of the hour, UTC
    endpoint    TEXT COLLATE "C" NOT NULL,
    http_status BIGINT NOT NULL,
    error_class TEXT COLLATE "C" NOT NULL,
    attempts    BIGINT NOT NULL,
    duration_us BIGINT NOT NULL, -- of all of them together
    PRIMARY KEY (hour_at, endpoint, http_status, error_class)
);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE sync_attempt_sums;
-- +goose StatementEnd
