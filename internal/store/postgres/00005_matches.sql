-- +goose Up
CREATE TABLE matches ( -- what assessments were matched with last, apart from their large bodies
    assessment_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES assessments (id) ON DELETE CASCADE ON UPDATE CASCADE,
    data_as_of    BIGINT NOT NULL, -- the advisories
    vex           TEXT COLLATE "C" NOT NULL, -- names the set of VEX documents
    checked       TEXT   NOT NULL, -- JSON object, '' where the assessment's own is meant
    packages      BYTEA  NOT NULL, -- zstd
    found         BYTEA  NOT NULL  -- hash
);
CREATE INDEX matches_due ON matches (data_as_of, vex, assessment_id);
ALTER TABLE matches ALTER COLUMN packages SET STORAGE EXTERNAL;
INSERT INTO matches SELECT id, 0, '', '', ''::bytea, ''::bytea FROM assessments;

CREATE TABLE changes (
    assessment_id TEXT COLLATE "C" NOT NULL REFERENCES assessments (id) ON DELETE CASCADE ON UPDATE CASCADE,
    number        BIGINT NOT NULL,
    at            BIGINT NOT NULL,
    change        TEXT   NOT NULL, -- JSON object
    PRIMARY KEY (assessment_id, number)
);

CREATE TABLE leases ( -- work that one server does at a time
    name   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    holder TEXT   NOT NULL,
    until  BIGINT NOT NULL
);

CREATE TABLE vex_documents (
    key  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    id   TEXT COLLATE "C" NOT NULL,
    info TEXT NOT NULL, -- JSON object
    body BYTEA NOT NULL  -- as it came, zstd
);
