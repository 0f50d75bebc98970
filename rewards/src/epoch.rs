//! Closing an epoch: contributions and buckets in; scores, pay, ledger entries, a root and buckets out.

use std::collections::BTreeMap;

use hexmile_trace::AccountId;

use crate::{
    Bucket, Cell, Contribution, Rules, RulesError, UnitId,
    ledger::{AMOUNT_END, Entry, LedgerAccount},
    merkle::{self, Frontier, Hash},
    score::{portion, score_cell},
};

/// Whose pool pays for a cell. Region 0 is the default of a network with one pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegionId(pub u32);

/// A contribution and whom it counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credited {
    /// Who is paid.
    pub account: AccountId,
    /// Whom the account shares a score with; `account.into()` where it is alone.
    pub unit: UnitId,
    /// The region of the cell.
    pub region: RegionId,
    /// What was contributed.
    pub contribution: Contribution,
}

/// What a region pays out in one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// The region.
    pub region: RegionId,
    /// Amount in 1e-6 token, below 2^63.
    pub amount: u64,
    /// Sum of scores from which the whole amount is paid; below it each score is paid as if it were
    /// reached, so that the first drivers of a region do not take all.
    pub target_score: u64,
}

/// All that an epoch's result depends on. The order of the lists does not matter.
#[derive(Clone, Debug)]
pub struct EpochInput<'a> {
    /// Number of the epoch.
    pub number: u64,
    /// One pool for each region that has contributions.
    pub pools: Vec<Pool>,
    /// The contributions of the epoch's range of the log. Exact repetitions count once.
    pub contributions: Vec<Credited>,
    /// The buckets of the cells concerned, where there are any; others are let be.
    pub buckets: Vec<Bucket>,
    /// How to score.
    pub rules: &'a Rules,
}

/// An account's score and pay in one region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    /// The region.
    pub region: RegionId,
    /// The account.
    pub account: AccountId,
    /// Score units.
    pub score: u64,
    /// Pay in 1e-6 token.
    pub pay: u64,
}

/// How a pool was divided: `paid + unallocated == pool.amount`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolResult {
    /// The pool.
    pub pool: Pool,
    /// Sum of the region's scores.
    pub score_sum: u64,
    /// Sum of the region's pay, 1e-6 token.
    pub paid: u64,
    /// What returns to the reserve, 1e-6 token.
    pub unallocated: u64,
}

/// A closed epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochResult {
    /// Number of the epoch.
    pub number: u64,
    /// Hash of the rules that were applied.
    pub rules_hash: Hash,
    /// Scores above zero, sorted by region and account.
    pub scores: Vec<Score>,
    /// The pools, sorted by region.
    pub pools: Vec<PoolResult>,
    /// The buckets that changed, sorted by cell; each replaces the one of its cell.
    pub buckets: Vec<Bucket>,
    /// The ledger's entries of this epoch.
    pub entries: Vec<Entry>,
    /// RFC 9162 root over [`Score::leaf`] of `scores`, in their order.
    pub scores_root: Hash,
}

/// Why an epoch cannot be closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EpochError {
    /// The rules are out of range.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// Two pools for one region.
    #[error("region {} has two pools", .0.0)]
    DuplicatePool(RegionId),
    /// A contribution in a region without a pool.
    #[error("region {} has no pool", .0.0)]
    NoPool(RegionId),
    /// A pool of 2^63 or more.
    #[error("the pool of region {} is not below 2^63", .0.0)]
    PoolTooLarge(RegionId),
    /// Two buckets for one cell.
    #[error("cell {0} has two buckets")]
    DuplicateBucket(Cell),
    /// Two contributions of one trace in one cell and slot that are not the same.
    #[error("a trace has two different contributions in cell {0}")]
    ConflictingContributions(Cell),
    /// A cell said to be in two regions.
    #[error("cell {0} is said to be in two regions")]
    ConflictingRegions(Cell),
    /// More than 2^32 contributions: sums might not fit.
    #[error("more contributions than an epoch can hold")]
    TooMany,
}

/// Closes an epoch. The same set of inputs gives the same result, in whatever order it comes.
///
/// An account gets `floor(pool · score / max(sum of scores, target))`; the rest is unallocated.
///
/// # Errors
/// See [`EpochError`].
pub fn close(input: EpochInput<'_>) -> Result<EpochResult, EpochError> {
    let EpochInput { number, mut pools, mut contributions, mut buckets, rules } = input;
    rules.check()?;
    check_pools(&mut pools)?;
    check_buckets(&mut buckets)?;
    check_contributions(&mut contributions, &pools)?;

    let mut scores: BTreeMap<(RegionId, AccountId), u64> = BTreeMap::new();
    let mut changed = Vec::new();
    for passes in contributions.chunk_by(|a, b| a.contribution.cell == b.contribution.cell) {
        let (cell, region) = (passes[0].contribution.cell, passes[0].region);
        let bucket = buckets.binary_search_by_key(&cell, |b| b.cell).ok().map(|at| &buckets[at]);
        let earn = |account, earned| {
            if earned > 0 {
                *scores.entry((region, account)).or_default() += earned;
            }
        };
        changed.extend(score_cell(cell, bucket, passes, rules, earn));
    }

    let mut result = EpochResult {
        number,
        rules_hash: rules.hash(),
        scores: Vec::with_capacity(scores.len()),
        pools: Vec::with_capacity(pools.len()),
        buckets: changed,
        entries: Vec::new(),
        scores_root: merkle::EMPTY_ROOT,
    };
    for pool in pools {
        let range = (pool.region, AccountId([0; 16]))..=(pool.region, AccountId([0xff; 16]));
        let in_region: Vec<(AccountId, u64)> =
            scores.range(range).map(|(&(_, account), &score)| (account, score)).collect();
        divide_pool(&mut result, pool, &in_region);
    }
    let mut tree = Frontier::default();
    for score in &result.scores {
        tree.append(merkle::leaf_hash(&score.leaf(number)));
    }
    result.scores_root = tree.root();
    Ok(result)
}

/// Pays a region's scores, sorted by account, and books it.
fn divide_pool(result: &mut EpochResult, pool: Pool, scores: &[(AccountId, u64)]) {
    let epoch = result.number;
    let score_sum: u64 = scores.iter().map(|&(_, score)| score).sum();
    let whole = score_sum.max(pool.target_score);
    let pool_account = LedgerAccount::Pool { epoch, region: pool.region };
    let mut book = |debit, credit, amount| {
        if amount > 0 {
            let index = result.entries.len() as u32;
            result.entries.push(Entry { epoch, index, debit, credit, amount });
        }
    };
    book(LedgerAccount::Reserve, pool_account, pool.amount);
    let mut paid = 0;
    for &(account, score) in scores {
        let pay = portion(pool.amount, score, whole);
        book(pool_account, LedgerAccount::Driver(account), pay);
        result.scores.push(Score { region: pool.region, account, score, pay });
        paid += pay;
    }
    let unallocated = pool.amount - paid;
    book(pool_account, LedgerAccount::Reserve, unallocated);
    result.pools.push(PoolResult { pool, score_sum, paid, unallocated });
}

fn check_pools(pools: &mut [Pool]) -> Result<(), EpochError> {
    pools.sort_unstable_by_key(|pool| pool.region);
    if let Some(two) = pools.windows(2).find(|two| two[0].region == two[1].region) {
        return Err(EpochError::DuplicatePool(two[0].region));
    }
    match pools.iter().find(|pool| pool.amount >= AMOUNT_END) {
        Some(pool) => Err(EpochError::PoolTooLarge(pool.region)),
        None => Ok(()),
    }
}

fn check_buckets(buckets: &mut [Bucket]) -> Result<(), EpochError> {
    buckets.sort_unstable_by_key(|bucket| bucket.cell);
    match buckets.windows(2).find(|two| two[0].cell == two[1].cell) {
        Some(two) => Err(EpochError::DuplicateBucket(two[0].cell)),
        None => Ok(()),
    }
}

/// Sorts by cell, slot and content hash, and removes repetitions.
fn check_contributions(
    contributions: &mut Vec<Credited>,
    pools: &[Pool],
) -> Result<(), EpochError> {
    if u32::try_from(contributions.len()).is_err() {
        return Err(EpochError::TooMany);
    }
    let key = |c: &Credited| (c.contribution.cell, c.contribution.slot, c.contribution.trace);
    contributions.sort_unstable_by_key(key);
    contributions.dedup();
    for two in contributions.windows(2) {
        if key(&two[0]) == key(&two[1]) {
            return Err(EpochError::ConflictingContributions(two[0].contribution.cell));
        }
        let same_cell = two[0].contribution.cell == two[1].contribution.cell;
        if same_cell && two[0].region != two[1].region {
            return Err(EpochError::ConflictingRegions(two[0].contribution.cell));
        }
    }
    let has_pool = |region| pools.binary_search_by_key(&region, |pool| pool.region).is_ok();
    match contributions.iter().find(|c| !has_pool(c.region)) {
        Some(c) => Err(EpochError::NoPool(c.region)),
        None => Ok(()),
    }
}

impl Score {
    /// Length of [`Score::leaf`].
    pub const LEAF_LEN: usize = 45;

    /// What the epoch's root is taken over.
    ///
    /// ```text
    /// 0  version, 1     1  epoch, 8     9  region, 4     13  account, 16     29  score, 8     37  pay, 8
    /// ```
    /// Integers are big-endian.
    pub fn leaf(&self, epoch: u64) -> [u8; Self::LEAF_LEN] {
        let mut leaf = [0; Self::LEAF_LEN];
        leaf[0] = 1;
        leaf[1..9].copy_from_slice(&epoch.to_be_bytes());
        leaf[9..13].copy_from_slice(&self.region.0.to_be_bytes());
        leaf[13..29].copy_from_slice(&self.account.0);
        leaf[29..37].copy_from_slice(&self.score.to_be_bytes());
        leaf[37..45].copy_from_slice(&self.pay.to_be_bytes());
        leaf
    }
}
