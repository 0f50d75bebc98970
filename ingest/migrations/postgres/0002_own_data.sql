-- Erasing an account leaves its places in log, scores and ledger, without a name.

-- Scores in order of account, by place; an erased one is the hash of its leaf.
CREATE TABLE score_by_place (
    epoch BIGINT NOT NULL REFERENCES epoch (number),
    place BIGINT NOT NULL,
    account_id BYTEA,
    leaf BYTEA,
    -- Decimal: a score may reach 2^64.
    score TEXT COLLATE "C" NOT NULL,
    pay BIGINT NOT NULL,
    PRIMARY KEY (epoch, place),
    CHECK ((account_id IS NULL) <> (leaf IS NULL))
);
INSERT INTO score_by_place
SELECT epoch, row_number() OVER (PARTITION BY epoch ORDER BY account_id) - 1,
       account_id, NULL, score, pay
FROM score;
DROP TABLE score;
ALTER TABLE score_by_place RENAME TO score;
ALTER INDEX score_by_place_pkey RENAME TO score_pkey;
CREATE INDEX score_by_account ON score (account_id, epoch) WHERE account_id IS NOT NULL;

-- Names in traffic state that every node has to forget, for the short time that it takes.
CREATE TABLE erasure (
    position BIGINT PRIMARY KEY,
    erased_at_ms BIGINT NOT NULL,
    -- Eight bytes a name, big endian.
    forget BYTEA NOT NULL
);

-- Accounts erased so far: an epoch computed before one of them is not written after it.
ALTER TABLE log_head ADD COLUMN erasures BIGINT NOT NULL DEFAULT 0;

-- Names the key that the network's receipts are signed with; a server with another one is refused.
ALTER TABLE network ADD COLUMN server_key BYTEA;
