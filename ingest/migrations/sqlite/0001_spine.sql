-- Accounts and the devices that they signed in.
CREATE TABLE account (
    account_id BLOB PRIMARY KEY,
    alg INTEGER NOT NULL,
    public_key BLOB NOT NULL,
    opened_at_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE device (
    device_id BLOB PRIMARY KEY,
    account_id BLOB NOT NULL REFERENCES account (account_id),
    alg INTEGER NOT NULL,
    public_key BLOB NOT NULL,
    added_at_ms INTEGER NOT NULL,
    -- Highest sequence number whose id has aged out; numbers up to it are closed for ever.
    sequence_watermark INTEGER
) WITHOUT ROWID;
CREATE INDEX device_by_account ON device (account_id);

-- One row a trace: its ids and its first receipt. state: 0 pending -> 1 folded.
CREATE TABLE trace (
    trace_id BLOB PRIMARY KEY,
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
) WITHOUT ROWID;
CREATE INDEX trace_pending ON trace (received_at_ms, trace_id) WHERE state = 0;
CREATE INDEX trace_by_age ON trace (received_at_ms);

-- The signed bytes, until they are no longer needed.
CREATE TABLE payload (
    trace_id BLOB PRIMARY KEY,
    received_at_ms INTEGER NOT NULL,
    payload BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX payload_by_age ON payload (received_at_ms);

-- The log of folded traces: the truth that traffic and pay are computed from.
CREATE TABLE fold (
    position INTEGER PRIMARY KEY,
    trace_id BLOB NOT NULL,
    account_id BLOB NOT NULL,
    device_id BLOB NOT NULL,
    received_at_ms INTEGER NOT NULL,
    folded_at_ms INTEGER NOT NULL,
    -- Empty where accepted, else the code of the first reason.
    rejected TEXT NOT NULL,
    -- Verdict in full, for the driver: JSON.
    evidence TEXT NOT NULL,
    observations BLOB NOT NULL,
    contributions BLOB NOT NULL
);
CREATE INDEX fold_by_account ON fold (account_id);

-- The next position, and the Merkle log: one row.
CREATE TABLE log_head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    next_position INTEGER NOT NULL,
    -- Number of leaves, and the roots of the perfect subtrees that they make.
    frontier BLOB NOT NULL
);
INSERT INTO log_head VALUES (1, 0, x'0000000000000000');

-- Leaf hashes of the Merkle log. kind: 1 receipt, 2 rules, 3 epoch.
CREATE TABLE log_leaf (
    leaf INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    hash BLOB NOT NULL
);

-- Closed epochs, each a range of the log: [first_position, end_position).
CREATE TABLE epoch (
    number INTEGER PRIMARY KEY,
    first_position INTEGER NOT NULL,
    end_position INTEGER NOT NULL,
    closed_at_ms INTEGER NOT NULL,
    rules_hash BLOB NOT NULL,
    pool INTEGER NOT NULL,
    paid INTEGER NOT NULL,
    unallocated INTEGER NOT NULL,
    target_score TEXT NOT NULL,
    total_score TEXT NOT NULL,
    scores_root BLOB NOT NULL
);

CREATE TABLE score (
    epoch INTEGER NOT NULL REFERENCES epoch (number),
    account_id BLOB NOT NULL,
    -- Decimal: a score may reach 2^64.
    score TEXT NOT NULL,
    pay INTEGER NOT NULL,
    PRIMARY KEY (epoch, account_id)
) WITHOUT ROWID;
CREATE INDEX score_by_account ON score (account_id);

-- Double entry, append-only; amounts in 1e-6 token.
CREATE TABLE ledger (
    epoch INTEGER NOT NULL REFERENCES epoch (number),
    entry INTEGER NOT NULL,
    debit TEXT NOT NULL,
    credit TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (epoch, entry)
) WITHOUT ROWID;
CREATE INDEX ledger_by_debit ON ledger (debit);
CREATE INDEX ledger_by_credit ON ledger (credit);

-- What each cell can still pay, as the last epoch that touched it left it.
CREATE TABLE bucket (
    cell INTEGER PRIMARY KEY,
    state BLOB NOT NULL
);
