-- +goose Up
-- +goose StatementBegin
-- Who was deleted at somebody's request: ids alone, so that an import does not bring them back unnoticed.
CREATE TABLE erased_people (
    competitor_id    TEXT PRIMARY KEY,
    game_platform_id TEXT,
    erased_at        INTEGER NOT NULL,
    erased_by        TEXT NOT NULL -- a user's id
) STRICT;
CREATE INDEX erased_people_by_account ON erased_people (game_platform_id);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE erased_people;
-- +goose StatementEnd
