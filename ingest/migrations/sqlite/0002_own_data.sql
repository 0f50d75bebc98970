-- Erasing an account leaves its places in log, scores and ledger, without a name.

-- Scores in order of account, by place; an erased one is the hash of its leaf.
CREATE TABLE score_by_place (
    epoch INTEGER NOT NULL REFERENCES epoch (number),
    place INTEGER NOT NULL,
    account_id BLOB,
    leaf BLOB,
    -- Decimal: a score may reach 2^64.
    score TEXT NOT NULL,
    pay INTEGER NOT NULL,
    PRIMARY KEY (epoch, place),
    CHECK ((account_id IS NULL) <> (leaf IS NULL))
) WITHOUT ROWID;
INSERT INTO score_by_place
SELECT epoch, row_number() OVER (PARTITION BY epoch ORDER BY account_id) - 1,
       account_id, NULL, score, pay
FROM score;
DROP TABLE score;
ALTER TABLE score_by_place RENAME TO score;
CREATE INDEX score_by_account ON score (account_id, epoch) WHERE account_id IS NOT NULL;

-- Names in traffic state that every node has to forget, for the short time that it takes.
CREATE TABLE erasure (
    position INTEGER PRIMARY KEY,
    erased_at_ms INTEGER NOT NULL,
    -- Eight bytes a name, big endian.
    forget BLOB NOT NULL
);

-- Accounts erased so far: an epoch computed before one of them is not written after it.
ALTER TABLE log_head ADD COLUMN erasures INTEGER NOT NULL DEFAULT 0;

-- Names the key that the network's receipts are signed with; a server with another one is refused.
ALTER TABLE network ADD COLUMN server_key BLOB;
