-- Typical traffic: the log is compacted now and then into sums, in which no name of a driver is.

-- Compactions in order of number, each up to end_position; old ones go, the last one never does.
-- Whoever writes one, or forgets some, locks the table, and holds it until it has committed.
CREATE TABLE compaction (
    number BIGINT PRIMARY KEY,
    end_position BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    parts BIGINT NOT NULL
);

-- What each summed up, in parts from 0.
CREATE TABLE compaction_part (
    number BIGINT NOT NULL REFERENCES compaction (number),
    part BIGINT NOT NULL,
    sums BYTEA NOT NULL,
    PRIMARY KEY (number, part)
);

-- Rows of the log with observations that still wait for company, and which of them do. Whoever
-- changes them holds the head of the log.
CREATE TABLE waiting (
    position BIGINT PRIMARY KEY,
    which BYTEA NOT NULL
);
