-- +goose Up
-- +goose StatementBegin
-- Who was deleted at somebody's request: ids alone, so that an import does not bring them back unnoticed.
CREATE TABLE erased_people (
    competitor_id    TEXT COLLATE "C" PRIMARY KEY,
    game_platform_id TEXT COLLATE "C",
    erased_at        BIGINT NOT NULL,
    erased_by        TEXT COLLATE "C" NOT NULL -- a user's id
);
CREATE INDEX erased_people_by_account ON erased_people (game_platform_id);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE erased_people;
-- +goose StatementEnd
