-- +goose Up
CREATE TABLE exceptions (
    id   TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL -- JSON object
) STRICT;

ALTER TABLE matches ADD COLUMN exceptions TEXT NOT NULL DEFAULT ''; -- names those in force
ALTER TABLE matches ADD COLUMN policies TEXT NOT NULL DEFAULT ''; -- names them
ALTER TABLE matches ADD COLUMN subject BLOB NOT NULL DEFAULT x''; -- what exceptions may touch
ALTER TABLE matches ADD COLUMN touched TEXT NOT NULL DEFAULT ''; -- names those that may
DROP INDEX matches_due;
CREATE INDEX matches_due ON matches (data_as_of, vex, exceptions, policies, assessment_id);
