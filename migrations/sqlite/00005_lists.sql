-- +goose Up
-- +goose StatementBegin
-- What lists show of a competitor, in one row to filter and sort by. It is derived from the roster and the last sync, and
-- written with them in the same transaction (store/list.go).
CREATE TABLE competitor_list (
    competitor_id    TEXT PRIMARY KEY REFERENCES competitors ON DELETE CASCADE,
    coach_id         TEXT NOT NULL,
    team_id          TEXT,
    game_platform_id TEXT,
    division         TEXT NOT NULL,
    sort_key         TEXT NOT NULL, -- of the name
    team_key         TEXT NOT NULL, -- of the team's name; after all others where there is none
    coach_key        TEXT NOT NULL, -- of the coach's name
    search_key       TEXT NOT NULL, -- folded name, email, team and username
    odl_solves       INTEGER NOT NULL,
    odl_points       INTEGER NOT NULL,
    flash_solves     INTEGER NOT NULL,
    flash_points     INTEGER NOT NULL,
    points           INTEGER NOT NULL,
    last_solve_at    INTEGER NOT NULL, -- 0 here and below: never
    last_seen_at     INTEGER NOT NULL,
    last_success_at  INTEGER NOT NULL,
    last_flash_at    INTEGER NOT NULL, -- start of the newest flash CTF with a result
    state            TEXT NOT NULL, -- but for stale, which comes with time alone
    state_order      INTEGER NOT NULL,
    waiting          INTEGER NOT NULL CHECK (waiting IN (0, 1)) -- for a person or the platform
) STRICT, WITHOUT ROWID;
CREATE INDEX competitor_list_by_name ON competitor_list (sort_key, competitor_id);
CREATE INDEX competitor_list_by_coach ON competitor_list (coach_id, sort_key, competitor_id);
CREATE INDEX competitor_list_by_team ON competitor_list (team_id, sort_key, competitor_id) WHERE team_id IS NOT NULL;
CREATE INDEX competitor_list_by_platform ON competitor_list (game_platform_id);
CREATE INDEX competitor_list_by_state ON competitor_list (state, sort_key, competitor_id);
-- Most and newest first: the sign is turned, so that names still run from a to z within equals.
CREATE INDEX competitor_list_by_points ON competitor_list ((-points), sort_key, competitor_id);
CREATE INDEX competitor_list_by_last_solve ON competitor_list ((-last_solve_at), sort_key, competitor_id);
-- For counting alone: what stands in an index under an expression is not read from there.
CREATE INDEX competitor_list_by_activity ON competitor_list (last_solve_at);
CREATE INDEX competitor_list_by_last_flash ON competitor_list (last_flash_at);
-- All that is added up of those without a team.
CREATE INDEX competitor_list_teamless ON competitor_list (coach_id, last_solve_at, points, odl_solves, flash_solves, game_platform_id, team_id)
    WHERE team_id IS NULL;
DROP INDEX competitors_by_name;

-- Sums over competitor_list, kept by the triggers below whatever writes it.
ALTER TABLE coaches ADD COLUMN sort_key TEXT NOT NULL DEFAULT ''; -- of the name
ALTER TABLE coaches ADD COLUMN competitors INTEGER NOT NULL DEFAULT 0;
ALTER TABLE coaches ADD COLUMN on_platform INTEGER NOT NULL DEFAULT 0;
ALTER TABLE coaches ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;
ALTER TABLE coaches ADD COLUMN odl_solves INTEGER NOT NULL DEFAULT 0;
ALTER TABLE coaches ADD COLUMN odl_points INTEGER NOT NULL DEFAULT 0;
ALTER TABLE coaches ADD COLUMN flash_solves INTEGER NOT NULL DEFAULT 0;
ALTER TABLE coaches ADD COLUMN flash_points INTEGER NOT NULL DEFAULT 0;
ALTER TABLE teams ADD COLUMN sort_key TEXT NOT NULL DEFAULT ''; -- of the name
ALTER TABLE teams ADD COLUMN competitors INTEGER NOT NULL DEFAULT 0;
ALTER TABLE teams ADD COLUMN on_platform INTEGER NOT NULL DEFAULT 0;
ALTER TABLE teams ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;
ALTER TABLE teams ADD COLUMN odl_solves INTEGER NOT NULL DEFAULT 0;
ALTER TABLE teams ADD COLUMN odl_points INTEGER NOT NULL DEFAULT 0;
ALTER TABLE teams ADD COLUMN flash_solves INTEGER NOT NULL DEFAULT 0;
ALTER TABLE teams ADD COLUMN flash_points INTEGER NOT NULL DEFAULT 0;
CREATE INDEX coaches_by_name ON coaches (sort_key, coach_id);
CREATE INDEX teams_by_name ON teams (sort_key, team_id);
CREATE INDEX teams_by_coach ON teams (coach_id, sort_key, team_id);
CREATE INDEX teams_by_points ON teams ((-(odl_points + flash_points)), sort_key, team_id);

CREATE TRIGGER competitor_list_added AFTER INSERT ON competitor_list BEGIN
    UPDATE coaches SET
        competitors = competitors + 1,
        on_platform = on_platform + (CASE WHEN NEW.game_platform_id IS NULL THEN 0 ELSE 1 END),
        waiting = waiting + NEW.waiting,
        odl_solves = odl_solves + NEW.odl_solves,
        odl_points = odl_points + NEW.odl_points,
        flash_solves = flash_solves + NEW.flash_solves,
        flash_points = flash_points + NEW.flash_points
    WHERE coach_id = NEW.coach_id;
    UPDATE teams SET
        competitors = competitors + 1,
        on_platform = on_platform + (CASE WHEN NEW.game_platform_id IS NULL THEN 0 ELSE 1 END),
        waiting = waiting + NEW.waiting,
        odl_solves = odl_solves + NEW.odl_solves,
        odl_points = odl_points + NEW.odl_points,
        flash_solves = flash_solves + NEW.flash_solves,
        flash_points = flash_points + NEW.flash_points
    WHERE team_id = NEW.team_id;
END;

CREATE TRIGGER competitor_list_removed AFTER DELETE ON competitor_list BEGIN
    UPDATE coaches SET
        competitors = competitors - 1,
        on_platform = on_platform - (CASE WHEN OLD.game_platform_id IS NULL THEN 0 ELSE 1 END),
        waiting = waiting - OLD.waiting,
        odl_solves = odl_solves - OLD.odl_solves,
        odl_points = odl_points - OLD.odl_points,
        flash_solves = flash_solves - OLD.flash_solves,
        flash_points = flash_points - OLD.flash_points
    WHERE coach_id = OLD.coach_id;
    UPDATE teams SET
        competitors = competitors - 1,
        on_platform = on_platform - (CASE WHEN OLD.game_platform_id IS NULL THEN 0 ELSE 1 END),
        waiting = waiting - OLD.waiting,
        odl_solves = odl_solves - OLD.odl_solves,
        odl_points = odl_points - OLD.odl_points,
        flash_solves = flash_solves - OLD.flash_solves,
        flash_points = flash_points - OLD.flash_points
    WHERE team_id = OLD.team_id;
END;

CREATE TRIGGER competitor_list_changed AFTER UPDATE ON competitor_list
WHEN OLD.coach_id IS NOT NEW.coach_id
    OR OLD.team_id IS NOT NEW.team_id
    OR OLD.game_platform_id IS NOT NEW.game_platform_id
    OR OLD.waiting IS NOT NEW.waiting
    OR OLD.odl_solves IS NOT NEW.odl_solves
    OR OLD.odl_points IS NOT NEW.odl_points
    OR OLD.flash_solves IS NOT NEW.flash_solves
    OR OLD.flash_points IS NOT NEW.flash_points
BEGIN
    UPDATE coaches SET
        competitors = competitors - 1,
        on_platform = on_platform - (CASE WHEN OLD.game_platform_id IS NULL THEN 0 ELSE 1 END),
        waiting = waiting - OLD.waiting,
        odl_solves = odl_solves - OLD.odl_solves,
        odl_points = odl_points - OLD.odl_points,
        flash_solves = flash_solves - OLD.flash_solves,
        flash_points = flash_points - OLD.flash_points
    WHERE coach_id = OLD.coach_id;
    UPDATE teams SET
        competitors = competitors - 1,
        on_platform = on_platform - (CASE WHEN OLD.game_platform_id IS NULL THEN 0 ELSE 1 END),
        waiting = waiting - OLD.waiting,
        odl_solves = odl_solves - OLD.odl_solves,
        odl_points = odl_points - OLD.odl_points,
        flash_solves = flash_solves - OLD.flash_solves,
        flash_points = flash_points - OLD.flash_points
    WHERE team_id = OLD.team_id;
    UPDATE coaches SET
        competitors = competitors + 1,
        on_platform = on_platform + (CASE WHEN NEW.game_platform_id IS NULL THEN 0 ELSE 1 END),
        waiting = waiting + NEW.waiting,
        odl_solves = odl_solves + NEW.odl_solves,
        odl_points = odl_points + NEW.odl_points,
        flash_solves = flash_solves + NEW.flash_solves,
        flash_points = flash_points + NEW.flash_points
    WHERE coach_id = NEW.coach_id;
    UPDATE teams SET
        competitors = competitors + 1,
        on_platform = on_platform + (CASE WHEN NEW.game_platform_id IS NULL THEN 0 ELSE 1 END),
        waiting = waiting + NEW.waiting,
        odl_solves = odl_solves + NEW.odl_solves,
        odl_points = odl_points + NEW.odl_points,
        flash_solves = flash_solves + NEW.flash_solves,
        flash_points = flash_points + NEW.flash_points
    WHERE team_id = NEW.team_id;
END;

-- A competitor's sums by category; every sync recomputes them.
CREATE TABLE game_platform_category_stats (
    syned_user_id TEXT NOT NULL,
    category_key  TEXT NOT NULL,
    category_text TEXT NOT NULL, -- the platform's spelling, or one of them
    odl_solves    INTEGER NOT NULL,
    odl_points    INTEGER NOT NULL,
    flash_solves  INTEGER NOT NULL,
    flash_points  INTEGER NOT NULL,
    PRIMARY KEY (syned_user_id, category_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX game_platform_category_stats_by_key ON game_platform_category_stats (category_key, syned_user_id);
INSERT INTO game_platform_category_stats
SELECT syned_user_id, category_key, MIN(challenge_category),
    COUNT(*) FILTER (WHERE source = 'odl'), CAST(COALESCE(SUM(challenge_points) FILTER (WHERE source = 'odl'), 0) AS BIGINT),
    COUNT(*) FILTER (WHERE source = 'flash'), CAST(COALESCE(SUM(challenge_points) FILTER (WHERE source = 'flash'), 0) AS BIGINT)
FROM game_platform_challenge_solves GROUP BY syned_user_id, category_key;

-- Every ODL challenge that anybody has solved, as it was last reported.
CREATE TABLE game_platform_challenges (
    challenge_id       INTEGER PRIMARY KEY,
    challenge_title    TEXT NOT NULL,
    challenge_category TEXT NOT NULL,
    category_key       TEXT NOT NULL,
    challenge_points   INTEGER NOT NULL,
    challenge_retired  INTEGER NOT NULL CHECK (challenge_retired IN (0, 1))
) STRICT;
INSERT INTO game_platform_challenges
SELECT challenge_id, MAX(challenge_title), MAX(challenge_category), MAX(category_key), MAX(challenge_points), MAX(challenge_retired)
FROM game_platform_challenge_solves WHERE source = 'odl' GROUP BY challenge_id;

ALTER TABLE game_platform_flash_ctf_events ADD COLUMN participants INTEGER NOT NULL DEFAULT 0; -- competitors with a result
UPDATE game_platform_flash_ctf_events SET participants = (
    SELECT COUNT(*) FROM game_platform_flash_ctf_results r JOIN competitors c ON c.game_platform_id = r.syned_user_id
    WHERE r.event_id = game_platform_flash_ctf_events.event_id);
CREATE INDEX game_platform_flash_ctf_events_by_start ON game_platform_flash_ctf_events (starts_at, event_id);
CREATE INDEX game_platform_flash_ctf_results_by_rank ON game_platform_flash_ctf_results (event_id, (rank = 0), rank, syned_user_id);

-- An admin may look at the portal as a coach; what is seen then is audited with that coach.
ALTER TABLE sessions ADD COLUMN viewing_coach_id TEXT;
ALTER TABLE audit_log ADD COLUMN viewing_coach_id TEXT NOT NULL DEFAULT '';

CREATE INDEX sync_runs_open ON sync_runs (competitor_id) WHERE finished_at IS NULL;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP INDEX sync_runs_open;
ALTER TABLE audit_log DROP COLUMN viewing_coach_id;
ALTER TABLE sessions DROP COLUMN viewing_coach_id;
DROP INDEX game_platform_flash_ctf_results_by_rank;
DROP INDEX game_platform_flash_ctf_events_by_start;
ALTER TABLE game_platform_flash_ctf_events DROP COLUMN participants;
DROP TABLE game_platform_challenges;
DROP TABLE game_platform_category_stats;
DROP TABLE competitor_list;
DROP INDEX teams_by_points;
DROP INDEX teams_by_coach;
DROP INDEX teams_by_name;
DROP INDEX coaches_by_name;
ALTER TABLE teams DROP COLUMN flash_points;
ALTER TABLE teams DROP COLUMN flash_solves;
ALTER TABLE teams DROP COLUMN odl_points;
ALTER TABLE teams DROP COLUMN odl_solves;
ALTER TABLE teams DROP COLUMN waiting;
ALTER TABLE teams DROP COLUMN on_platform;
ALTER TABLE teams DROP COLUMN competitors;
ALTER TABLE teams DROP COLUMN sort_key;
ALTER TABLE coaches DROP COLUMN flash_points;
ALTER TABLE coaches DROP COLUMN flash_solves;
ALTER TABLE coaches DROP COLUMN odl_points;
ALTER TABLE coaches DROP COLUMN odl_solves;
ALTER TABLE coaches DROP COLUMN waiting;
ALTER TABLE coaches DROP COLUMN on_platform;
ALTER TABLE coaches DROP COLUMN competitors;
ALTER TABLE coaches DROP COLUMN sort_key;
CREATE INDEX competitors_by_name ON competitors (sort_key, competitor_id);
-- +goose StatementEnd
