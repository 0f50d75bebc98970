//! What goes into a store and comes out of it.

use hexmile_trace::{AccountId, DeviceId, Receipt, TraceId, sign::PublicKey};

/// A driver's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Hash of the key.
    pub id: AccountId,
    /// Signs devices in.
    pub key: PublicKey,
    /// Unix milliseconds.
    pub opened_at_ms: u64,
}

/// A device of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Hash of the key.
    pub id: DeviceId,
    /// Whose it is.
    pub account: AccountId,
    /// Signs traces.
    pub key: PublicKey,
    /// Unix milliseconds.
    pub added_at_ms: u64,
    /// When the account signed it out, Unix milliseconds.
    pub revoked_at_ms: Option<u64>,
}

/// What a device brings when it joins an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Joining {
    /// Names the invitation, where it joins by one: each serves for one device.
    pub invitation: Option<[u8; 32]>,
    /// What its platform says of its key.
    pub attestation: Option<Attestation>,
}

/// What a platform says of a key, as it came: nobody has checked it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// Name of its format.
    pub format: String,
    /// Its bytes.
    pub object: Vec<u8>,
}

/// What became of a device to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceAdded {
    /// It is new, and was added.
    New(Device),
    /// The same account had added it before.
    Known(Device),
    /// It belongs to another account.
    OtherAccount,
    /// The account signed it out, and its key is never taken again.
    Revoked,
    /// Another device joined by the invitation.
    InvitationUsed,
    /// There is no such account.
    NoAccount,
}

/// An admitted trace, to be made durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTrace {
    /// Whose it is.
    pub account: AccountId,
    /// The receipt to give out if it is new; names trace, device, sequence and time.
    pub receipt: Receipt,
    /// The signed bytes.
    pub payload: Vec<u8>,
}

/// What became of a trace to be committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commit {
    /// It is durable, with the receipt it came with.
    New,
    /// It was durable before: its first receipt.
    Repeat(Receipt),
    /// Its device gave that sequence number to another trace.
    SequenceTaken(TraceId),
    /// Its device's sequence numbers up to this one are closed.
    SequenceClosed(u64),
    /// Its device is not there: it was erased while the trace was on its way.
    NoDevice,
    /// The device was signed out of its account.
    DeviceRevoked,
}

/// What the rules said of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Code of the first reason where the whole trace was rejected.
    pub rejected: Option<String>,
    /// The assessment in full, as JSON.
    pub evidence: String,
}

/// A trace's receipt and, once folded, its position and verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceState {
    /// The first receipt.
    pub receipt: Receipt,
    /// Position in the log and verdict; `None` while it waits.
    pub folded: Option<(u64, Verdict)>,
}

/// A leased trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingTrace {
    /// Whose it is.
    pub account: AccountId,
    /// Its receipt.
    pub receipt: Receipt,
    /// The signed bytes.
    pub payload: Vec<u8>,
}

/// A trace as the log will hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoldedTrace {
    /// Which trace.
    pub trace: TraceId,
    /// When it was folded, Unix milliseconds.
    pub folded_at_ms: u64,
    /// What the rules said.
    pub verdict: Verdict,
    /// Packed observations; empty where rejected.
    pub observations: Vec<u8>,
    /// Packed contributions; empty where rejected.
    pub contributions: Vec<u8>,
    /// Leaf hash of its receipt's commitment.
    pub leaf: [u8; 32],
}

/// What became of a batch of folds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoldCommit {
    /// How many were appended; the rest had been folded before.
    pub appended: usize,
    /// Where the log now ends.
    pub head: LogHead,
}

/// Where the log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogHead {
    /// The position that the next fold takes; positions are dense from 0.
    pub next_position: u64,
    /// Leaves in the Merkle log.
    pub tree_size: u64,
    /// Its root (RFC 9162).
    pub root: [u8; 32],
    /// Accounts erased so far.
    pub erasures: u64,
}

/// A row of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    /// Its dense position.
    pub position: u64,
    /// When it was written, Unix milliseconds.
    pub folded_at_ms: u64,
    /// What it holds.
    pub what: Logged,
}

/// What a row of the log holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logged {
    /// A folded trace.
    Trace(LoggedTrace),
    /// Nothing any more: a trace of an account that was erased, or that erasure itself. For a short
    /// time the erasure names the drivers that traffic state has to forget.
    Erased {
        /// Pseudonyms in traffic state; empty unless it is an erasure, and a young one.
        forget: Vec<u64>,
    },
}

/// A folded trace in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedTrace {
    /// Which trace.
    pub trace: TraceId,
    /// Whose it is.
    pub account: AccountId,
    /// From which device.
    pub device: DeviceId,
    /// When it was received, Unix milliseconds.
    pub received_at_ms: u64,
    /// Whether it counts.
    pub accepted: bool,
    /// Packed observations.
    pub observations: Vec<u8>,
    /// Packed contributions.
    pub contributions: Vec<u8>,
}

/// What a leaf of the Merkle log commits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum LeafKind {
    /// A receipt's salted commitment.
    Receipt = 1,
    /// The hash of reward rules that came into force.
    Rules = 2,
    /// A closed epoch's record.
    Epoch = 3,
}

/// A closed epoch, as published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochRecord {
    /// From 0, without gaps.
    pub number: u64,
    /// First position of its range of the log.
    pub first_position: u64,
    /// End of the range, exclusive.
    pub end_position: u64,
    /// Unix milliseconds.
    pub closed_at_ms: u64,
    /// Hash of the rules in force.
    pub rules_hash: [u8; 32],
    /// What there was to pay, 1e-6 token.
    pub pool: u64,
    /// What was paid.
    pub paid: u64,
    /// What returned to the reserve.
    pub unallocated: u64,
    /// The score at which the pool is paid whole.
    pub target_score: u64,
    /// Sum of all scores.
    pub total_score: u64,
    /// RFC 9162 root over the scores, in order of account.
    pub scores_root: [u8; 32],
    /// How many scores there are, those of erased accounts included. Not kept: read from the last
    /// one's place.
    pub drivers: u64,
}

/// A score and its pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    /// From 0 among the epoch's scores, in order of account.
    pub place: u64,
    /// Whose.
    pub holder: Holder,
    /// Points.
    pub score: u64,
    /// 1e-6 token.
    pub pay: u64,
}

/// Whose a score is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// An account's.
    Account(AccountId),
    /// An account's that was erased: the hash of the score's leaf, so that the epoch's root still
    /// follows from its scores.
    Erased([u8; 32]),
}

/// A ledger entry; ledger accounts are written as the rewards crate writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// Which epoch.
    pub epoch: u64,
    /// From 0 within the epoch.
    pub entry: u64,
    /// Who gives.
    pub debit: String,
    /// Who receives.
    pub credit: String,
    /// 1e-6 token.
    pub amount: u64,
}

/// A cell's bucket, packed by the rewards crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// H3 index, resolution 10.
    pub cell: u64,
    /// Its state.
    pub state: Vec<u8>,
}

/// Everything that closing an epoch writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// The record.
    pub record: EpochRecord,
    /// In order of account.
    pub scores: Vec<Score>,
    /// In order of entry.
    pub ledger: Vec<LedgerRow>,
    /// Buckets that changed.
    pub buckets: Vec<Bucket>,
    /// Leaves for the Merkle log, in order.
    pub leaves: Vec<(LeafKind, [u8; 32])>,
    /// [`LogHead::erasures`] before the rows were read that this was made of.
    pub erasures: u64,
}

/// What became of an epoch to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EpochCommit {
    /// It is closed.
    Closed(LogHead),
    /// Another node closed one first, or the range is not the next one; nothing was written.
    NotNext,
    /// An account was erased meanwhile, of which the epoch may know; nothing was written.
    Erased,
}

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// Payloads.
    pub payloads: u64,
    /// Ids.
    pub ids: u64,
}

/// An account to be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Whose.
    pub account: AccountId,
    /// Unix milliseconds.
    pub at_ms: u64,
    /// Its names in traffic state, for the nodes to forget.
    pub forget: Vec<u64>,
}

/// What was erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// The erasure's own position in the log: whoever has read past it has forgotten.
    pub position: u64,
    /// Devices.
    pub devices: u64,
    /// Ids and receipts of traces, with their payloads.
    pub traces: u64,
    /// Rows of the log.
    pub folds: u64,
    /// Scores, which stay without a name.
    pub scores: u64,
    /// Cells whose buckets knew the account.
    pub buckets: u64,
}

/// A trace as its driver may have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnTrace {
    /// The first receipt.
    pub receipt: Receipt,
    /// Position in the log, once folded.
    pub position: Option<u64>,
    /// The signed bytes, while they are kept.
    pub payload: Option<Vec<u8>>,
}

/// A row of the log as its driver may have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnFold {
    /// Its position.
    pub position: u64,
    /// When it was folded, Unix milliseconds.
    pub folded_at_ms: u64,
    /// What was folded.
    pub trace: LoggedTrace,
    /// What the rules said.
    pub verdict: Verdict,
}
