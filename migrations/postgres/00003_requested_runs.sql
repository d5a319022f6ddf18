-- +goose Up
-- +goose StatementBegin
ALTER TABLE sync_runs ADD COLUMN queued BOOLEAN NOT NULL DEFAULT FALSE; -- asked for, not begun
ALTER TABLE sync_runs ADD COLUMN dry_run BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE sync_runs ADD COLUMN requested_by TEXT NOT NULL DEFAULT ''; -- "command" or "api"; '' for the schedule
ALTER TABLE sync_runs ADD COLUMN coach_id TEXT NOT NULL DEFAULT ''; -- whom it is for; '' for everybody
ALTER TABLE sync_runs ADD COLUMN competitor_id TEXT NOT NULL DEFAULT '';
ALTER TABLE sync_runs ADD COLUMN stop_reason TEXT NOT NULL DEFAULT ''; -- why it ended before it was done
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DELETE FROM sync_runs WHERE queued OR dry_run;
ALTER TABLE sync_runs DROP COLUMN stop_reason;
ALTER TABLE sync_runs DROP COLUMN competitor_id;
ALTER TABLE sync_runs DROP COLUMN coach_id;
ALTER TABLE sync_runs DROP COLUMN requested_by;
ALTER TABLE sync_runs DROP COLUMN dry_run;
ALTER TABLE sync_runs DROP COLUMN queued;
-- +goose StatementEnd
