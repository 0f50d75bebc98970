-- Typical traffic: the log is compacted now and then into sums, in which no name of a driver is.

-- Compactions in order of number, each up to end_position; old ones go, the last one never does.
CREATE TABLE compaction (
    number INTEGER PRIMARY KEY,
    end_position INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    parts INTEGER NOT NULL
);

-- What each summed up, in parts from 0.
CREATE TABLE compaction_part (
    number INTEGER NOT NULL REFERENCES compaction (number),
    part INTEGER NOT NULL,
    sums BLOB NOT NULL,
    PRIMARY KEY (number, part)
);

-- Rows of the log with observations that still wait for company, and which of them do.
CREATE TABLE waiting (
    position INTEGER PRIMARY KEY,
    which BLOB NOT NULL
);
