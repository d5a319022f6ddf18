-- +goose Up
-- +goose StatementBegin
-- What came of each competitor in a window that is still open (rollout.Window).
CREATE TABLE sync_trials (
    window_at          BIGINT NOT NULL,
    syned_user_id      TEXT COLLATE "C" NOT NULL,
    closes_at          BIGINT NOT NULL,
    succeeded          BOOLEAN NOT NULL,
    failed_at          BIGINT, -- the last time in a way that counts
    platform_failed_at BIGINT, -- the last time in a way that may be the first sign of an outage
    PRIMARY KEY (window_at, syned_user_id)
);

-- Closed windows: counts only.
CREATE TABLE sync_windows (
    window_at       BIGINT PRIMARY KEY,
    closed_at       BIGINT NOT NULL,
    succeeded       BIGINT NOT NULL,
    failed          BIGINT NOT NULL,
    left_out        BIGINT NOT NULL,
    failing_coaches BIGINT NOT NULL,
    failing         TEXT NOT NULL -- JSON list of coach ids, most failures first, not all of many
);

ALTER TABLE rollout ADD COLUMN phase_at BIGINT NOT NULL DEFAULT 0; -- when the phase began; 0: the rollout has not begun
ALTER TABLE rollout ADD COLUMN guard_on BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE rollout ADD COLUMN guard_act TEXT COLLATE "C" NOT NULL DEFAULT 'freeze' CHECK (guard_act IN ('freeze', 'back', 'off'));
ALTER TABLE rollout ADD COLUMN frozen_at BIGINT; -- since the guard has acted; NULL: a person has decided since, or it has not
ALTER TABLE rollout ADD COLUMN frozen_why TEXT NOT NULL DEFAULT '';
ALTER TABLE rollout ADD COLUMN observed_at BIGINT; -- since the guard would act, were it on
UPDATE rollout SET phase_at = COALESCE(
    (SELECT MAX(at) FROM rollout_changes WHERE action IN ('level', 'restore')), (SELECT MIN(gained_at) FROM rollout_enrolments), 0);

ALTER TABLE rollout_changes ADD COLUMN phase TEXT COLLATE "C" NOT NULL DEFAULT ''; -- where the change entered one
ALTER TABLE rollout_changes ADD COLUMN override_until BIGINT; -- NULL: it overrode no gate
ALTER TABLE rollout_changes ADD COLUMN overridden TEXT NOT NULL DEFAULT '[]'; -- JSON list of gates
ALTER TABLE rollout_changes ADD COLUMN excused TEXT NOT NULL DEFAULT '[]'; -- of these, those for which the guard does not act until then
CREATE INDEX rollout_changes_overriding ON rollout_changes (override_until) WHERE override_until IS NOT NULL;

-- The phases as somebody has set them; none: as rollout.DefaultPhases has them.
CREATE TABLE rollout_phases (
    position   BIGINT PRIMARY KEY,
    off        BOOLEAN NOT NULL,
    percent    BIGINT NOT NULL,
    soak_hours BIGINT NOT NULL,
    gates      TEXT NOT NULL -- JSON
);

-- Moves that the rollout makes by itself.
CREATE TABLE rollout_plans (
    plan_id    BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    percent    BIGINT NOT NULL, -- of the phase that it ends with
    not_before BIGINT, -- NULL: as soon as gates pass
    reason     TEXT NOT NULL,
    planned_at BIGINT NOT NULL,
    planned_by TEXT COLLATE "C" NOT NULL, -- a user's id, or a word for a program
    state      TEXT COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'done', 'stopped')),
    ended_at   BIGINT,
    ended_why  TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX rollout_plans_waiting ON rollout_plans (state) WHERE state = 'waiting';

-- Since when each gate says what it says.
CREATE TABLE rollout_gates (
    gate     TEXT COLLATE "C" PRIMARY KEY,
    verdict  TEXT COLLATE "C" NOT NULL,
    since_at BIGINT NOT NULL
);

-- What gates went by: every hour, and whenever one of them said something else.
CREATE TABLE rollout_facts (
    at      BIGINT PRIMARY KEY,
    percent BIGINT NOT NULL,
    off     BOOLEAN NOT NULL,
    facts   TEXT NOT NULL -- JSON
);

-- What people have confirmed before the launch.
CREATE TABLE launch_ticks (
    item      TEXT COLLATE "C" PRIMARY KEY,
    ticked_at BIGINT NOT NULL,
    ticked_by TEXT COLLATE "C" NOT NULL -- a user's id
);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE launch_ticks;
DROP TABLE rollout_facts;
DROP TABLE rollout_gates;
DROP TABLE rollout_plans;
DROP TABLE rollout_phases;
DROP INDEX rollout_changes_overriding;
ALTER TABLE rollout_changes DROP COLUMN excused;
ALTER TABLE rollout_changes DROP COLUMN overridden;
ALTER TABLE rollout_changes DROP COLUMN override_until;
ALTER TABLE rollout_changes DROP COLUMN phase;
ALTER TABLE rollout DROP COLUMN observed_at;
ALTER TABLE rollout DROP COLUMN frozen_why;
ALTER TABLE rollout DROP COLUMN frozen_at;
ALTER TABLE rollout DROP COLUMN guard_act;
ALTER TABLE rollout DROP COLUMN guard_on;
ALTER TABLE rollout DROP COLUMN phase_at;
DROP TABLE sync_windows;
DROP TABLE sync_trials;
-- +goose StatementEnd
