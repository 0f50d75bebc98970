-- Ids are bytea, which orders by bytes; text has collation "C" throughout, so that no locale, and
-- no change of one, ever orders anything.

-- Accounts and the devices that they signed in.
CREATE TABLE account (
    account_id BYTEA PRIMARY KEY,
    alg SMALLINT NOT NULL,
    public_key BYTEA NOT NULL,
    opened_at_ms BIGINT NOT NULL
);

CREATE TABLE device (
    device_id BYTEA PRIMARY KEY,
    account_id BYTEA NOT NULL REFERENCES account (account_id),
    alg SMALLINT NOT NULL,
    public_key BYTEA NOT NULL,
    added_at_ms BIGINT NOT NULL,
    -- Highest sequence number whose id has aged out; numbers up to it are closed for ever.
    sequence_watermark BIGINT
);
CREATE INDEX device_by_account ON device (account_id);

-- One row a trace: its ids and its first receipt. state: 0 pending -> 1 folded.
CREATE TABLE trace (
    trace_id BYTEA PRIMARY KEY,
    device_id BYTEA NOT NULL REFERENCES device (device_id),
    account_id BYTEA NOT NULL,
    sequence BIGINT NOT NULL,
    received_at_ms BIGINT NOT NULL,
    receipt_salt BYTEA NOT NULL,
    receipt_key BYTEA NOT NULL,
    receipt_signature BYTEA NOT NULL,
    state SMALLINT NOT NULL DEFAULT 0,
    leased_until_ms BIGINT NOT NULL DEFAULT 0,
    position BIGINT,
    UNIQUE (device_id, sequence)
);
CREATE INDEX trace_pending ON trace (received_at_ms, trace_id) WHERE state = 0;
CREATE INDEX trace_by_age ON trace (received_at_ms);

-- The signed bytes, until they are no longer needed.
CREATE TABLE payload (
    trace_id BYTEA PRIMARY KEY,
    received_at_ms BIGINT NOT NULL,
    payload BYTEA NOT NULL
);
CREATE INDEX payload_by_age ON payload (received_at_ms);
-- Sealed traces are compressed already.
ALTER TABLE payload ALTER COLUMN payload SET STORAGE EXTERNAL;

-- The log of folded traces: the truth that traffic and pay are computed from.
CREATE TABLE fold (
    position BIGINT PRIMARY KEY,
    trace_id BYTEA NOT NULL,
    account_id BYTEA NOT NULL,
    device_id BYTEA NOT NULL,
    received_at_ms BIGINT NOT NULL,
    folded_at_ms BIGINT NOT NULL,
    -- Empty where accepted, else the code of the first reason.
    rejected TEXT COLLATE "C" NOT NULL,
    -- Verdict in full, for the driver: JSON.
    evidence TEXT COLLATE "C" NOT NULL,
    observations BYTEA NOT NULL,
    contributions BYTEA NOT NULL
);
CREATE INDEX fold_by_account ON fold (account_id);

-- The next position, and the Merkle log: one row, which every writer of the log locks.
CREATE TABLE log_head (
    one SMALLINT PRIMARY KEY CHECK (one = 1),
    next_position BIGINT NOT NULL,
    -- Number of leaves, and the roots of the perfect subtrees that they make.
    frontier BYTEA NOT NULL
);
INSERT INTO log_head VALUES (1, 0, '\x0000000000000000');

-- Leaf hashes of the Merkle log. kind: 1 receipt, 2 rules, 3 epoch.
CREATE TABLE log_leaf (
    leaf BIGINT PRIMARY KEY,
    kind SMALLINT NOT NULL,
    hash BYTEA NOT NULL
);

-- Closed epochs, each a range of the log: [first_position, end_position).
CREATE TABLE epoch (
    number BIGINT PRIMARY KEY,
    first_position BIGINT NOT NULL,
    end_position BIGINT NOT NULL,
    closed_at_ms BIGINT NOT NULL,
    rules_hash BYTEA NOT NULL,
    pool BIGINT NOT NULL,
    paid BIGINT NOT NULL,
    unallocated BIGINT NOT NULL,
    target_score TEXT COLLATE "C" NOT NULL,
    total_score TEXT COLLATE "C" NOT NULL,
    scores_root BYTEA NOT NULL
);

CREATE TABLE score (
    epoch BIGINT NOT NULL REFERENCES epoch (number),
    account_id BYTEA NOT NULL,
    -- Decimal: a score may reach 2^64.
    score TEXT COLLATE "C" NOT NULL,
    pay BIGINT NOT NULL,
    PRIMARY KEY (epoch, account_id)
);
CREATE INDEX score_by_account ON score (account_id);

-- Double entry, append-only; amounts in 1e-6 token.
CREATE TABLE ledger (
    epoch BIGINT NOT NULL REFERENCES epoch (number),
    entry BIGINT NOT NULL,
    debit TEXT COLLATE "C" NOT NULL,
    credit TEXT COLLATE "C" NOT NULL,
    amount BIGINT NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (epoch, entry)
);
CREATE INDEX ledger_by_debit ON ledger (debit);
CREATE INDEX ledger_by_credit ON ledger (credit);

-- What each cell can still pay, as the last epoch that touched it left it.
CREATE TABLE bucket (
    cell BIGINT PRIMARY KEY,
    state BYTEA NOT NULL
);
