-- +goose Up
ALTER TABLE integrations ADD COLUMN health_due INTEGER NOT NULL DEFAULT 0; -- when it is to be looked at next
CREATE INDEX integrations_health_due ON integrations (health_due, id);

CREATE TABLE health (
    integration_id TEXT NOT NULL PRIMARY KEY REFERENCES integrations (id) ON DELETE CASCADE,
    state          TEXT NOT NULL -- JSON object
) STRICT;

CREATE TABLE health_events (
    integration_id TEXT    NOT NULL REFERENCES integrations (id) ON DELETE CASCADE,
    number         INTEGER NOT NULL,
    at             INTEGER NOT NULL,
    event          TEXT    NOT NULL, -- JSON object
    PRIMARY KEY (integration_id, number)
) STRICT;
