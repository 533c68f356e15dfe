-- +goose Up
ALTER TABLE integrations ADD COLUMN health_due BIGINT NOT NULL DEFAULT 0; -- when it is to be looked at next
CREATE INDEX integrations_health_due ON integrations (health_due, id);

CREATE TABLE health (
    integration_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES integrations (id) ON DELETE CASCADE,
    state          TEXT NOT NULL -- JSON object
);

CREATE TABLE health_events (
    integration_id TEXT COLLATE "C" NOT NULL REFERENCES integrations (id) ON DELETE CASCADE,
    number         BIGINT NOT NULL,
    at             BIGINT NOT NULL,
    event          TEXT   NOT NULL, -- JSON object
    PRIMARY KEY (integration_id, number)
);
