-- +goose Up
CREATE TABLE exceptions (
    id   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    body TEXT NOT NULL -- JSON object
);

ALTER TABLE matches ADD COLUMN exceptions TEXT COLLATE "C" NOT NULL DEFAULT ''; -- names those in force
ALTER TABLE matches ADD COLUMN policies TEXT COLLATE "C" NOT NULL DEFAULT ''; -- names them
ALTER TABLE matches ADD COLUMN subject BYTEA NOT NULL DEFAULT ''; -- what exceptions may touch
ALTER TABLE matches ALTER COLUMN subject SET STORAGE EXTERNAL;
ALTER TABLE matches ADD COLUMN touched TEXT COLLATE "C" NOT NULL DEFAULT ''; -- names those that may
DROP INDEX matches_due;
CREATE INDEX matches_due ON matches (data_as_of, vex, exceptions, policies, assessment_id);
