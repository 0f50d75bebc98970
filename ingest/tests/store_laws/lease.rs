//! Leasing what waits to be folded.

use std::collections::BTreeSet;

use hexmile_ingest::store::{NewTrace, PendingTrace, Store};
use hexmile_trace::TraceId;

use super::{Place, commit, enrol, folds, id, trace};

async fn lease(store: &dyn Store, n: usize, now_ms: u64, until_ms: u64) -> Vec<TraceId> {
    let leased = store.lease(n, now_ms, until_ms).await.unwrap();
    leased.iter().map(|pending| pending.receipt.body.trace).collect()
}

pub(crate) async fn oldest_first_and_at_most_n(place: &dyn Place) {
    let store = place.open().await;
    let device = enrol(&*store, 1).await;
    assert!(lease(&*store, 8, 10, 20).await.is_empty());
    // Committed neither in order of time nor of sequence; two came in the same millisecond.
    let mut traces: Vec<NewTrace> =
        [(0, 300), (1, 100), (2, 200), (3, 200)].map(|(s, at)| trace(&device, s, at)).into();
    commit(&*store, &traces).await;
    traces.sort_by_key(|t| (t.receipt.body.received_at_ms, id(t)));
    let order: Vec<TraceId> = traces.iter().map(id).collect();
    assert!(lease(&*store, 0, 1_000, 2_000).await.is_empty());
    assert_eq!(lease(&*store, 3, 1_000, 2_000).await, order[..3]);
    assert_eq!(lease(&*store, 3, 1_000, 2_000).await, order[3..]);
    assert!(lease(&*store, 3, 1_000, 2_000).await.is_empty());
    assert_eq!(store.pending().await.unwrap(), 4);
}

pub(crate) async fn a_lease_is_exclusive_until_it_runs_out(place: &dyn Place) {
    let store = place.open().await;
    let device = enrol(&*store, 1).await;
    let traces: Vec<NewTrace> = (0..2).map(|i| trace(&device, i, i + 1)).collect();
    commit(&*store, &traces).await;
    assert_eq!(lease(&*store, 1, 100, 200).await, [id(&traces[0])]);
    assert_eq!(lease(&*store, 1, 150, 400).await, [id(&traces[1])]);
    assert!(lease(&*store, 9, 199, 300).await.is_empty());
    // A lease outlives the node that took it.
    drop(store);
    let store = place.open().await;
    assert!(lease(&*store, 9, 199, 300).await.is_empty());
    assert_eq!(lease(&*store, 9, 200, 300).await, [id(&traces[0])]);
    assert!(lease(&*store, 9, 299, 500).await.is_empty());
    let both: BTreeSet<TraceId> = traces.iter().map(id).collect();
    assert_eq!(BTreeSet::from_iter(lease(&*store, 9, 400, 500).await), both);
}

pub(crate) async fn what_is_leased_is_whole(place: &dyn Place) {
    let store = place.open().await;
    let device = enrol(&*store, 1).await;
    let NewTrace { account, receipt, payload } = trace(&device, 7, 100);
    let pending = PendingTrace { account, receipt, payload: payload.clone() };
    commit(&*store, &[NewTrace { account, receipt, payload }]).await;
    assert_eq!(store.lease(1, 200, 300).await.unwrap(), [pending]);
}

pub(crate) async fn folded_traces_are_not_leased(place: &dyn Place) {
    let store = place.open().await;
    let device = enrol(&*store, 1).await;
    let traces: Vec<NewTrace> = (0..3).map(|i| trace(&device, i, i + 1)).collect();
    commit(&*store, &traces).await;
    // With a lease and without one: what was folded is done.
    lease(&*store, 1, 100, 200).await;
    store.commit_folds(&folds(&traces[..2], 150)).await.unwrap();
    assert_eq!(lease(&*store, 9, 1_000, 2_000).await, [id(&traces[2])]);
    assert_eq!(store.pending().await.unwrap(), 1);
}
