-- Roads that operators declared closed.
CREATE TABLE closure (
    closure_id BLOB PRIMARY KEY,
    from_ms INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    -- JSON.
    body TEXT NOT NULL,
    declared_at_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- Rises whenever a closure comes, changes or goes: one row.
CREATE TABLE closure_version (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL
);
INSERT INTO closure_version VALUES (1, 0);
