-- +goose Up
CREATE TABLE watched (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    due   BIGINT NOT NULL, -- when the image is to be assessed next, or its claim ends
    image TEXT COLLATE "C" NOT NULL  -- JSON object
);
CREATE INDEX watched_due ON watched (due, name);

ALTER TABLE assessments ADD COLUMN digest TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE assessments SET digest = COALESCE(summary::json ->> 'digest', '');
CREATE INDEX assessments_images ON assessments (digest, reference, id);

CREATE TABLE assessment_findings ( -- which images a vulnerability is in
    name          TEXT COLLATE "C" NOT NULL,
    assessment_id TEXT COLLATE "C" NOT NULL REFERENCES assessments (id) ON DELETE CASCADE ON UPDATE CASCADE,
    PRIMARY KEY (name, assessment_id)
);
CREATE INDEX assessment_findings_assessment ON assessment_findings (assessment_id);
UPDATE matches SET data_as_of = 0, vex = 'none', found = ''; -- makes all of them be matched again, which fills the table
