-- +goose Up
-- +goose StatementBegin
-- The log's page: newest first, narrowed by any of these.
ALTER TABLE audit_log ALTER COLUMN action TYPE TEXT COLLATE "C";
DROP INDEX audit_log_by_time;
DROP INDEX audit_log_by_competitor;
CREATE INDEX audit_log_by_time ON audit_log (at, audit_id);
CREATE INDEX audit_log_by_user ON audit_log (user_id, at, audit_id);
CREATE INDEX audit_log_by_action ON audit_log (action, at, audit_id);
CREATE INDEX audit_log_by_competitor ON audit_log (competitor_id, at, audit_id);
CREATE INDEX audit_log_by_coach ON audit_log (viewing_coach_id, at, audit_id) WHERE viewing_coach_id <> '';

CREATE FUNCTION audit_log_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append only: no entry may be changed or deleted';
END $$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION audit_log_append_only();
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TRIGGER audit_log_append_only ON audit_log;
DROP FUNCTION audit_log_append_only;
DROP INDEX audit_log_by_coach;
DROP INDEX audit_log_by_competitor;
DROP INDEX audit_log_by_action;
DROP INDEX audit_log_by_user;
DROP INDEX audit_log_by_time;
CREATE INDEX audit_log_by_time ON audit_log (at);
CREATE INDEX audit_log_by_competitor ON audit_log (competitor_id, at);
ALTER TABLE audit_log ALTER COLUMN action TYPE TEXT;
-- +goose StatementEnd
