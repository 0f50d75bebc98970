//! Forgetting payloads and ids.

use hexmile_ingest::store::{Commit, EpochCommit, Expired, NewTrace};

use super::{Place, attempt, commit, enrol, epochs::epoch, folds, id, log_of, trace};

const fn expired(payloads: u64, ids: u64) -> Expired {
    Expired { payloads, ids }
}

pub(crate) async fn payloads_go_when_folded_closed_and_old(place: &dyn Place) {
    let store = place.open().await;
    // Received at 1 to 4, all folded; a fifth waits.
    let traces = log_of(&*store, 4).await;
    let device = store.device(traces[0].receipt.body.device).await.unwrap().unwrap();
    commit(&*store, &[trace(&device, 9, 2)]).await;
    assert_eq!(store.expire(100, 0).await.unwrap(), expired(0, 0), "no epoch is closed");
    store.commit_epoch(&epoch(0, 0, 3)).await.unwrap();
    assert_eq!(store.expire(1, 0).await.unwrap(), expired(0, 0), "none is old");
    assert_eq!(store.expire(2, 0).await.unwrap(), expired(1, 0));
    assert_eq!(store.expire(2, 0).await.unwrap(), expired(0, 0));
    assert_eq!(store.expire(100, 0).await.unwrap(), expired(2, 0), "one is in no epoch yet");
    store.commit_epoch(&epoch(1, 3, 4)).await.unwrap();
    assert_eq!(store.expire(100, 0).await.unwrap(), expired(1, 0));
    // Receipts, verdicts and the log stay.
    for t in &traces {
        assert_eq!(store.receipt(id(t)).await.unwrap(), Some(t.receipt));
        assert!(store.trace(id(t)).await.unwrap().unwrap().folded.is_some());
    }
    assert_eq!(store.read_log(0, 9).await.unwrap().len(), 4);
    // What waits can still be folded.
    assert_eq!(store.lease(9, 200, 300).await.unwrap().len(), 1);
}

pub(crate) async fn ids_raise_the_watermark(place: &dyn Place) {
    let store = place.open().await;
    let (mine, theirs) = (enrol(&*store, 1).await, enrol(&*store, 2).await);
    // Number 5 is received last, and number 8 early.
    let old = [trace(&mine, 3, 10), trace(&mine, 8, 11), trace(&theirs, 2, 12)];
    let young = trace(&mine, 5, 50);
    commit(&*store, &old).await;
    commit(&*store, std::slice::from_ref(&young)).await;
    store
        .commit_folds(&folds(&[&old[..], std::slice::from_ref(&young)].concat(), 60))
        .await
        .unwrap();
    let done = store.commit_epoch(&epoch(0, 0, 4)).await.unwrap();
    assert!(matches!(done, EpochCommit::Closed(_)));
    assert_eq!(store.expire(100, 50).await.unwrap(), expired(4, 3));
    for t in &old {
        assert_eq!(store.receipt(id(t)).await.unwrap(), None);
        assert_eq!(store.trace(id(t)).await.unwrap(), None);
    }
    let outcome = async |trace: NewTrace| store.commit_traces(&[trace]).await.unwrap().remove(0);
    // What is still known is repeated, though its number is below the watermark.
    let repeat = Commit::Repeat(young.receipt);
    assert_eq!(outcome(attempt(&mine, 5, 0, 70, 2)).await, repeat);
    assert_eq!(outcome(attempt(&mine, 5, 1, 70, 2)).await, Commit::SequenceTaken(id(&young)));
    for sequence in [0, 3, 4, 7, 8] {
        let refused = outcome(trace(&mine, sequence, 70)).await;
        assert_eq!(refused, Commit::SequenceClosed(8), "number {sequence}");
    }
    assert_eq!(outcome(trace(&theirs, 2, 70)).await, Commit::SequenceClosed(2));
    assert_eq!(outcome(trace(&theirs, 3, 70)).await, Commit::New);
    assert_eq!(outcome(trace(&mine, 9, 70)).await, Commit::New);

    // Number 5 goes later than 8 did, and the watermark does not fall back to it.
    assert_eq!(store.expire(100, 60).await.unwrap(), expired(0, 1));
    drop(store);
    let store = place.open().await;
    let refused = store.commit_traces(&[trace(&mine, 7, 70), trace(&mine, 5, 70)]).await.unwrap();
    assert_eq!(refused, [Commit::SequenceClosed(8), Commit::SequenceClosed(8)]);
    // The log does not forget.
    assert_eq!(store.read_log(0, 9).await.unwrap().len(), 4);
}

pub(crate) async fn pending_traces_are_never_forgotten(place: &dyn Place) {
    let store = place.open().await;
    let device = enrol(&*store, 1).await;
    let waits = trace(&device, 0, 1);
    commit(&*store, std::slice::from_ref(&waits)).await;
    store.commit_epoch(&epoch(0, 0, 0)).await.unwrap();
    assert_eq!(store.expire(1_000, 1_000).await.unwrap(), expired(0, 0));
    assert_eq!(store.receipt(id(&waits)).await.unwrap(), Some(waits.receipt));
    assert_eq!(store.lease(1, 1_000, 2_000).await.unwrap()[0].payload, waits.payload);
    commit(&*store, &[trace(&device, 1, 1_000)]).await;
}
