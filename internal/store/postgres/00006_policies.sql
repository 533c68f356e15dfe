-- +goose Up
CREATE TABLE policies (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    document   BYTEA  NOT NULL, -- YAML as it was sent
    changed    BIGINT NOT NULL,
    changed_by TEXT   NOT NULL
);
