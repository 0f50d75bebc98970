//! What a store must do, whatever it is made of; and the rows to try it with.
//!
//! Each law is a function of a [`Place`]; the list of them is in [`conformance`].

pub(crate) mod accounts;
pub(crate) mod closures;
pub(crate) mod compactions;
pub(crate) mod concurrency;
pub(crate) mod epochs;
pub(crate) mod erasure;
pub(crate) mod expiry;
pub(crate) mod folds;
pub(crate) mod lease;
pub(crate) mod model;
pub(crate) mod traces;

use std::sync::Arc;

use async_trait::async_trait;
use hexmile_ingest::store::{
    Account, Commit, Device, DeviceAdded, FoldedTrace, Joining, LogRow, Logged, NewTrace, Store,
    Verdict,
};
use hexmile_rewards::merkle;
use hexmile_trace::{
    AccountId, DeviceId, KeyId, NetworkId, Receipt, ReceiptBody, TraceId,
    sign::{Signer, SoftwareSigner},
};

/// The network of every store here.
pub(crate) const NETWORK: NetworkId = NetworkId(*b"networkA");

/// Where one test keeps its store; gone with it.
#[async_trait]
pub(crate) trait Place: Send + Sync {
    /// Opens the store of this place: empty the first time, afterwards the same one again. Whoever
    /// opens it again has dropped it before.
    async fn open(&self) -> Arc<dyn Store>;
}

/// Runs every law as a test of its own, each in a place of its own; passes over where the place is
/// `None`, which says so itself.
macro_rules! conformance {
    ($name:ident, $place:expr) => {
        mod $name {
            use super::*;
            crate::store_laws::conformance! { @ $place;
                accounts: opening_again_keeps_the_first both_algorithms_round_trip
                    an_invitation_serves_for_one_device
                    a_device_that_was_signed_out_sends_nothing_new the_last_attestation_is_kept
                    a_device_belongs_to_one_account all_survives_reopening
                    the_first_key_that_signs_is_kept;
                traces: a_repeat_gets_the_first_receipt a_repeat_in_one_batch_gets_the_first_receipt
                    one_sequence_number_has_one_content outcomes_of_a_batch_are_independent
                    a_trace_is_pending_then_folded;
                lease: oldest_first_and_at_most_n a_lease_is_exclusive_until_it_runs_out
                    what_is_leased_is_whole folded_traces_are_not_leased;
                folds: positions_are_dense_in_the_order_given repeats_and_strangers_are_passed_over
                    the_merkle_log_is_that_of_its_leaves the_log_is_read_by_ranges
                    position_at_finds_the_first_row_since the_log_goes_on_after_reopening;
                epochs: an_epoch_round_trips what_is_not_next_leaves_no_trace
                    epochs_and_scores_are_paged balances_pass_two_to_the_63
                    buckets_hold_what_the_last_epoch_left;
                erasure: nothing_of_an_erased_account_is_left what_belongs_to_an_account_is_paged
                    what_was_published_still_adds_up an_epoch_computed_before_is_not_written_after
                    what_is_on_its_way_finds_nobody names_are_held_for_a_short_time
                    an_erased_account_may_come_back
                    a_trace_belongs_to_the_account_of_its_device;
                expiry: payloads_go_when_folded_closed_and_old ids_raise_the_watermark
                    pending_traces_are_never_forgotten;
                compactions: a_compaction_round_trips
                    a_compaction_that_is_not_next_leaves_no_trace
                    what_waits_is_replaced_until_none_does
                    a_compaction_made_before_an_erasure_is_not_written
                    nothing_of_an_erased_account_waits old_compactions_go_but_the_last
                    one_compaction_wins erasing_while_compacting_leaves_nothing_waiting;
                closures: closures_round_trip_in_order_of_start at_most_so_many_closures_are_kept
                    closures_that_ended_are_forgotten
                    every_change_of_closures_shows_in_the_version
                    closures_declared_at_once_are_counted_once;
                concurrency: one_trace_is_new_once one_sequence_number_is_won_once
                    leases_are_disjoint folds_keep_positions_dense one_epoch_wins;
                model: any_interleaving_is_that_of_the_model;
            }
        }
    };
    (@ $place:expr; $($subject:ident: $($law:ident)+;)+) => {
        $(mod $subject {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $law() {
                if let Some(place) = $place {
                    crate::store_laws::$subject::$law(&place).await;
                }
            })+
        })+
    };
}
pub(crate) use conformance;

/// A key pair's public half, by number.
fn key(role: u8, n: u8) -> hexmile_trace::sign::PublicKey {
    let mut seed = [n; 32];
    seed[0] = role;
    SoftwareSigner::from_seed(&seed).public_key()
}

/// Account `n`, opened at `opened_at_ms`.
pub(crate) fn account(n: u8, opened_at_ms: u64) -> Account {
    let key = key(1, n);
    Account { id: AccountId::of_key(&key), key, opened_at_ms }
}

/// Device `n` of an account.
pub(crate) fn device(n: u8, account: AccountId, added_at_ms: u64) -> Device {
    let key = key(2, n);
    Device { id: DeviceId::of_key(&key), account, key, added_at_ms, revoked_at_ms: None }
}

/// Opens account `n` and adds device `n` to it.
pub(crate) async fn enrol(store: &dyn Store, n: u8) -> Device {
    let account = store.open_account(&account(n, 1)).await.unwrap();
    let device = device(n, account.id, 2);
    let added = store.add_device(&device, &Joining::default()).await.unwrap();
    assert_eq!(added, DeviceAdded::New(device.clone()));
    device
}

/// A trace with its receipt. `attempt` changes what a server draws anew each time (salt, signature)
/// and leaves the trace the same. To a store payloads and signatures are bytes.
pub(crate) fn attempt(
    device: &Device,
    sequence: u64,
    content: u64,
    received_at_ms: u64,
    attempt: u8,
) -> NewTrace {
    let payload = [&device.id.0[..], &sequence.to_be_bytes(), &content.to_be_bytes()].concat();
    let body = ReceiptBody {
        network: NETWORK,
        trace: TraceId::of_payload(&payload),
        device: device.id,
        sequence,
        received_at_ms,
        salt: [attempt; 16],
        key: KeyId([7; 8]),
    };
    let receipt = Receipt { body, signature: [attempt ^ 0xff; 64] };
    NewTrace { account: device.account, receipt, payload }
}

/// A trace of a device under a sequence number.
pub(crate) fn trace(device: &Device, sequence: u64, received_at_ms: u64) -> NewTrace {
    attempt(device, sequence, 0, received_at_ms, 0)
}

/// The id of a trace to be committed.
pub(crate) const fn id(trace: &NewTrace) -> TraceId {
    trace.receipt.body.trace
}

/// Which trace a row of the log holds.
pub(crate) fn trace_of(row: &LogRow) -> TraceId {
    match &row.what {
        Logged::Trace(trace) => trace.trace,
        Logged::Erased { .. } => panic!("position {} is erased", row.position),
    }
}

/// Commits traces that must all be new.
pub(crate) async fn commit(store: &dyn Store, traces: &[NewTrace]) {
    let outcomes = store.commit_traces(traces).await.unwrap();
    assert_eq!(outcomes, vec![Commit::New; traces.len()]);
}

/// An accepted fold of a trace, whose bytes are its own.
pub(crate) fn fold(trace: &NewTrace, folded_at_ms: u64) -> FoldedTrace {
    let id = id(trace);
    FoldedTrace {
        trace: id,
        folded_at_ms,
        verdict: Verdict { rejected: None, evidence: format!("{{\"trace\":\"{id}\"}}") },
        observations: [b"observations", &id.0[..]].concat(),
        contributions: [b"contributions", &id.0[..]].concat(),
        leaf: merkle::leaf_hash(&trace.receipt.body.commitment()),
    }
}

/// Folds of traces, all at one time.
pub(crate) fn folds(traces: &[NewTrace], folded_at_ms: u64) -> Vec<FoldedTrace> {
    traces.iter().map(|trace| fold(trace, folded_at_ms)).collect()
}

/// Commits and folds traces `0..n` of device `1`, at times `1..=n`.
pub(crate) async fn log_of(store: &dyn Store, n: u64) -> Vec<NewTrace> {
    let device = enrol(store, 1).await;
    let traces: Vec<NewTrace> = (0..n).map(|i| trace(&device, i, i + 1)).collect();
    commit(store, &traces).await;
    let folds: Vec<FoldedTrace> = traces.iter().zip(1..).map(|(t, at)| fold(t, at)).collect();
    assert_eq!(store.commit_folds(&folds).await.unwrap().appended, folds.len());
    traces
}
