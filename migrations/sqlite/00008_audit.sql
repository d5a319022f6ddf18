-- +goose Up
-- +goose StatementBegin
-- The log's page: newest first, narrowed by any of these.
DROP INDEX audit_log_by_time;
DROP INDEX audit_log_by_competitor;
CREATE INDEX audit_log_by_time ON audit_log (at, audit_id);
CREATE INDEX audit_log_by_user ON audit_log (user_id, at, audit_id);
CREATE INDEX audit_log_by_action ON audit_log (action, at, audit_id);
CREATE INDEX audit_log_by_competitor ON audit_log (competitor_id, at, audit_id);
CREATE INDEX audit_log_by_coach ON audit_log (viewing_coach_id, at, audit_id) WHERE viewing_coach_id <> '';

CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log BEGIN
    SELECT RAISE(ABORT, 'the audit log is append only: no entry may be changed or deleted');
END;

CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log BEGIN
    SELECT RAISE(ABORT, 'the audit log is append only: no entry may be changed or deleted');
END;

-- INSERT OR REPLACE deletes without calling the trigger above.
CREATE TRIGGER audit_log_no_replace BEFORE INSERT ON audit_log WHEN EXISTS (SELECT 1 FROM audit_log WHERE audit_id = NEW.audit_id) BEGIN
    SELECT RAISE(ABORT, 'the audit log is append only: no entry may be changed or deleted');
END;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TRIGGER audit_log_no_replace;
DROP TRIGGER audit_log_no_delete;
DROP TRIGGER audit_log_no_update;
DROP INDEX audit_log_by_coach;
DROP INDEX audit_log_by_competitor;
DROP INDEX audit_log_by_action;
DROP INDEX audit_log_by_user;
DROP INDEX audit_log_by_time;
CREATE INDEX audit_log_by_time ON audit_log (at);
CREATE INDEX audit_log_by_competitor ON audit_log (competitor_id, at);
-- +goose StatementEnd
