-- +goose Up
CREATE TABLE trusts (
    id      TEXT NOT NULL PRIMARY KEY,
    issuer  TEXT NOT NULL UNIQUE,
    version TEXT NOT NULL,
    trust   TEXT NOT NULL -- JSON object
) STRICT;

ALTER TABLE tokens ADD COLUMN trust TEXT NOT NULL DEFAULT ''; -- version of the trust that gave it out
CREATE INDEX tokens_expires ON tokens (expires);
