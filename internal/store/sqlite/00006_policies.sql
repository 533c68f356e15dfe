-- +goose Up
CREATE TABLE policies (
    id         TEXT    NOT NULL PRIMARY KEY,
    document   BLOB    NOT NULL, -- YAML as it was sent
    changed    INTEGER NOT NULL,
    changed_by TEXT    NOT NULL
) STRICT;
