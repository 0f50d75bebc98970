//! Committing traces. That their devices are known is a precondition: admission has looked each up
//! before, and devices are never removed.

use hexmile_ingest::store::{Commit, FoldedTrace, TraceState, Verdict};
use hexmile_trace::MAX_SEQUENCE;

use super::{Place, attempt, commit, enrol, fold, id, trace};

pub(crate) async fn a_repeat_gets_the_first_receipt(place: &dyn Place) {
    let store = place.open().await;
    let device = enrol(&*store, 1).await;
    let first = attempt(&device, 3, 0, 100, 1);
    assert_eq!(store.receipt(id(&first)).await.unwrap(), None);
    commit(&*store, std::slice::from_ref(&first)).await;
    let repeat = [Commit::Repeat(first.receipt)];
    assert_eq!(store.commit_traces(&[attempt(&device, 3, 0, 200, 2)]).await.unwrap(), repeat);
    drop(store);
    let store = place.open().await;
    assert_eq!(store.commit_traces(&[attempt(&device, 3, 0, 300, 3)]).await.unwrap(), repeat);
    assert_eq!(store.receipt(id(&first)).await.unwrap(), Some(first.receipt));
    assert_eq!(store.pending().await.unwrap(), 1);
    // Folding changes nothing in it.
    store.commit_folds(&[fold(&first, 400)]).await.unwrap();
    assert_eq!(store.commit_traces(&[attempt(&device, 3, 0, 500, 4)]).await.unwrap(), repeat);
}

pub(crate) async fn a_repeat_in_one_batch_gets_the_first_receipt(place: &dyn Place) {
    let store = place.open().await;
    let device = enrol(&*store, 1).await;
    let batch: Vec<_> = (1..=3).map(|n| attempt(&device, 0, 0, 100, n)).collect();
    let first = Commit::Repeat(batch[0].receipt);
    let outcomes = store.commit_traces(&batch).await.unwrap();
    assert_eq!(outcomes, [Commit::New, first.clone(), first]);
    assert_eq!(store.pending().await.unwrap(), 1);
}

pub(crate) async fn one_sequence_number_has_one_content(place: &dyn Place) {
    let store = place.open().await;
    let (mine, theirs) = (enrol(&*store, 1).await, enrol(&*store, 2).await);
    let first = attempt(&mine, 5, 0, 100, 1);
    let other = attempt(&mine, 5, 1, 100, 1);
    let taken = Commit::SequenceTaken(id(&first));
    let outcomes = store.commit_traces(&[first.clone(), other.clone()]).await.unwrap();
    assert_eq!(outcomes, [Commit::New, taken.clone()]);
    assert_eq!(store.commit_traces(std::slice::from_ref(&other)).await.unwrap(), [taken]);
    assert_eq!(store.receipt(id(&other)).await.unwrap(), None);
    // Numbers are a device's own, may come late, and reach as far as a trace can carry them.
    commit(
        &*store,
        &[trace(&theirs, 5, 100), trace(&mine, MAX_SEQUENCE, 100), trace(&mine, 0, 101)],
    )
    .await;
}

pub(crate) async fn outcomes_of_a_batch_are_independent(place: &dyn Place) {
    let store = place.open().await;
    let device = enrol(&*store, 1).await;
    let first = attempt(&device, 0, 0, 100, 1);
    commit(&*store, std::slice::from_ref(&first)).await;
    let fresh = attempt(&device, 1, 0, 100, 1);
    let outcomes = store
        .commit_traces(&[
            attempt(&device, 0, 9, 100, 1),
            fresh.clone(),
            attempt(&device, 0, 0, 100, 2),
            attempt(&device, 1, 9, 100, 1),
            attempt(&device, 2, 0, 100, 1),
        ])
        .await
        .unwrap();
    assert_eq!(
        outcomes,
        [
            Commit::SequenceTaken(id(&first)),
            Commit::New,
            Commit::Repeat(first.receipt),
            Commit::SequenceTaken(id(&fresh)),
            Commit::New,
        ]
    );
    assert_eq!(store.pending().await.unwrap(), 3);
    assert_eq!(store.commit_traces(&[]).await.unwrap(), []);
}

pub(crate) async fn a_trace_is_pending_then_folded(place: &dyn Place) {
    let store = place.open().await;
    let device = enrol(&*store, 1).await;
    let (good, bad) = (trace(&device, 0, 100), trace(&device, 1, 100));
    assert_eq!(store.trace(id(&good)).await.unwrap(), None);
    commit(&*store, &[good.clone(), bad.clone()]).await;
    let pending = TraceState { receipt: good.receipt, folded: None };
    assert_eq!(store.trace(id(&good)).await.unwrap(), Some(pending));
    assert_eq!(store.pending().await.unwrap(), 2);

    let rejection =
        Verdict { rejected: Some("teleport".to_owned()), evidence: "{\"é\":1}".to_owned() };
    let rejected = FoldedTrace { verdict: rejection.clone(), ..fold(&bad, 200) };
    store.commit_folds(&[rejected, fold(&good, 200)]).await.unwrap();
    let state = store.trace(id(&bad)).await.unwrap().unwrap();
    assert_eq!(state, TraceState { receipt: bad.receipt, folded: Some((0, rejection)) });
    let state = store.trace(id(&good)).await.unwrap().unwrap();
    assert_eq!(state.folded, Some((1, fold(&good, 200).verdict)));
    assert_eq!(store.pending().await.unwrap(), 0);
}
