-- Rows stand in the order in which traces came: those of one commit, or one lease, share pages, where
-- order of id gave each trace pages of its own, and each commit many to write.

-- One row a trace: its ids and its first receipt. state: 0 pending -> 1 folded.
CREATE TABLE trace_by_arrival (
    number INTEGER PRIMARY KEY,
    trace_id BLOB NOT NULL UNIQUE,
    device_id BLOB NOT NULL REFERENCES device (device_id),
    account_id BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    receipt_salt BLOB NOT NULL,
    receipt_key BLOB NOT NULL,
    receipt_signature BLOB NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    leased_until_ms INTEGER NOT NULL DEFAULT 0,
    position INTEGER,
    UNIQUE (device_id, sequence)
);
INSERT INTO trace_by_arrival
SELECT row_number() OVER (ORDER BY received_at_ms, trace_id), trace_id, device_id, account_id,
       sequence, received_at_ms, receipt_salt, receipt_key, receipt_signature, state,
       leased_until_ms, position
FROM trace;

-- The signed bytes, until they are no longer needed, under their trace's number.
CREATE TABLE payload_by_arrival (
    number INTEGER PRIMARY KEY,
    payload BLOB NOT NULL
);
INSERT INTO payload_by_arrival
SELECT number, payload FROM payload JOIN trace_by_arrival USING (trace_id) ORDER BY number;

DROP TABLE payload;
DROP TABLE trace;
ALTER TABLE trace_by_arrival RENAME TO trace;
ALTER TABLE payload_by_arrival RENAME TO payload;
CREATE INDEX trace_pending ON trace (received_at_ms, trace_id) WHERE state = 0;
CREATE INDEX trace_by_age ON trace (received_at_ms);
