-- +goose Up
CREATE TABLE watched (
    name  TEXT    NOT NULL PRIMARY KEY,
    due   INTEGER NOT NULL, -- when the image is to be assessed next, or its claim ends
    image TEXT    NOT NULL  -- JSON object
) STRICT;
CREATE INDEX watched_due ON watched (due, name);

ALTER TABLE assessments ADD COLUMN digest TEXT NOT NULL DEFAULT '';
UPDATE assessments SET digest = COALESCE(summary ->> '$.digest', '');
CREATE INDEX assessments_images ON assessments (digest, reference, id);

CREATE TABLE assessment_findings ( -- which images a vulnerability is in
    name          TEXT NOT NULL,
    assessment_id TEXT NOT NULL REFERENCES assessments (id) ON DELETE CASCADE ON UPDATE CASCADE,
    PRIMARY KEY (name, assessment_id)
) STRICT;
CREATE INDEX assessment_findings_assessment ON assessment_findings (assessment_id);
UPDATE matches SET data_as_of = 0, vex = 'none', found = x''; -- makes all of them be matched again, which fills the table
