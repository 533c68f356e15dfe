-- +goose Up
CREATE TABLE matches ( -- what assessments were matched with last, apart from their large bodies
    assessment_id TEXT    NOT NULL PRIMARY KEY REFERENCES assessments (id) ON DELETE CASCADE ON UPDATE CASCADE,
    data_as_of    INTEGER NOT NULL, -- the advisories
    vex           TEXT    NOT NULL, -- names the set of VEX documents
    checked       TEXT    NOT NULL, -- JSON object, '' where the assessment's own is meant
    packages      BLOB    NOT NULL, -- zstd
    found         BLOB    NOT NULL  -- hash
) STRICT;
CREATE INDEX matches_due ON matches (data_as_of, vex, assessment_id);
INSERT INTO matches SELECT id, 0, '', '', x'', x'' FROM assessments;

CREATE TABLE changes (
    assessment_id TEXT    NOT NULL REFERENCES assessments (id) ON DELETE CASCADE ON UPDATE CASCADE,
    number        INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    change        TEXT    NOT NULL, -- JSON object
    PRIMARY KEY (assessment_id, number)
) STRICT;

CREATE TABLE leases ( -- work that one server does at a time
    name   TEXT    NOT NULL PRIMARY KEY,
    holder TEXT    NOT NULL,
    until  INTEGER NOT NULL
) STRICT;

CREATE TABLE vex_documents (
    key  TEXT NOT NULL PRIMARY KEY,
    id   TEXT NOT NULL,
    info TEXT NOT NULL, -- JSON object
    body BLOB NOT NULL  -- as it came, zstd
) STRICT;
