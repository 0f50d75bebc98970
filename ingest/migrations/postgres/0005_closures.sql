-- Roads that operators declared closed.
CREATE TABLE closure (
    closure_id BYTEA PRIMARY KEY,
    from_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    -- JSON.
    body TEXT COLLATE "C" NOT NULL,
    declared_at_ms BIGINT NOT NULL
);

-- Rises whenever a closure comes, changes or goes: one row, which every writer of closures locks.
CREATE TABLE closure_version (
    one SMALLINT PRIMARY KEY CHECK (one = 1),
    version BIGINT NOT NULL
);
INSERT INTO closure_version VALUES (1, 0);
