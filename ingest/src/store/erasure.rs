//! What erasing an account means, whatever the store is made of.

use hexmile_rewards::{Bucket, Cell, RegionId, Score as LeafScore, UnitId, ledger, merkle};
use hexmile_trace::AccountId;

/// Ledger account of an account.
pub(super) fn driver(account: AccountId) -> String {
    ledger::LedgerAccount::Driver(account).to_string()
}

/// Ledger account that an erased account's entries of an epoch are moved to.
pub(super) fn erased(epoch: u64, place: u64) -> String {
    ledger::LedgerAccount::Erased { epoch, place }.to_string()
}

/// Hash of the leaf that a score is in its epoch's root.
pub(super) fn leaf(epoch: u64, account: AccountId, score: u64, pay: u64) -> [u8; 32] {
    let score = LeafScore { region: RegionId::default(), account, score, pay };
    merkle::leaf_hash(&score.leaf(epoch))
}

/// The bytes by which a bucket knows an account.
pub(super) fn unit(account: AccountId) -> [u8; 16] {
    UnitId::from(account).0
}

/// A bucket without an account; as it is, where the bytes only look like it.
pub(super) fn without(cell: u64, state: Vec<u8>, account: AccountId) -> Vec<u8> {
    let bucket = Cell::try_from(cell).ok().and_then(|cell| Bucket::unpack(cell, &state).ok());
    let Some(mut bucket) = bucket else { return state };
    bucket.earned.retain(|(unit, _)| *unit != UnitId::from(account));
    bucket.pack()
}

/// Pseudonyms as a column holds them: eight bytes each, big endian.
pub(super) fn pack(drivers: &[u64]) -> Vec<u8> {
    drivers.iter().flat_map(|driver| driver.to_be_bytes()).collect()
}

/// Reads what [`pack`] wrote.
pub(super) fn unpack(bytes: &[u8]) -> Vec<u64> {
    bytes.as_chunks().0.iter().map(|driver| u64::from_be_bytes(*driver)).collect()
}
