-- +goose Up
CREATE TABLE trusts (
    id      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    issuer  TEXT COLLATE "C" NOT NULL UNIQUE,
    version TEXT COLLATE "C" NOT NULL,
    trust   TEXT COLLATE "C" NOT NULL -- JSON object
);

ALTER TABLE tokens ADD COLUMN trust TEXT COLLATE "C" NOT NULL DEFAULT ''; -- version of the trust that gave it out
CREATE INDEX tokens_expires ON tokens (expires);
