//! The log of folded traces and the Merkle log beside it.

use hexmile_ingest::store::{
    FoldedTrace, LogHead, LogRow, Logged, LoggedTrace, NewTrace, Store, Verdict,
};
use hexmile_rewards::merkle;
use hexmile_trace::TraceId;

use super::{Place, commit, enrol, fold, folds, id, log_of, trace};

/// Ids by position, read to the end.
async fn log(store: &dyn Store) -> Vec<TraceId> {
    let rows = store.read_log(0, 10_000).await.unwrap();
    assert!(rows.iter().zip(0..).all(|(row, position)| row.position == position));
    rows.iter().map(super::trace_of).collect()
}

pub(crate) async fn positions_are_dense_in_the_order_given(place: &dyn Place) {
    let store = place.open().await;
    let device = enrol(&*store, 1).await;
    let traces: Vec<NewTrace> = (0..5).map(|i| trace(&device, i, i + 1)).collect();
    commit(&*store, &traces).await;
    let order = [3, 0, 4, 2, 1].map(|i: usize| traces[i].clone());
    let first = store.commit_folds(&folds(&order[..3], 50)).await.unwrap();
    assert_eq!((first.appended, first.head.next_position), (3, 3));
    let second = store.commit_folds(&folds(&order[3..], 60)).await.unwrap();
    assert_eq!((second.appended, second.head.next_position), (2, 5));
    assert_eq!(log(&*store).await, order.each_ref().map(id));
    assert_eq!(store.commit_folds(&[]).await.unwrap().appended, 0);
}

pub(crate) async fn repeats_and_strangers_are_passed_over(place: &dyn Place) {
    let store = place.open().await;
    let device = enrol(&*store, 1).await;
    let traces: Vec<NewTrace> = (0..4).map(|i| trace(&device, i, i + 1)).collect();
    commit(&*store, &traces[..3]).await;
    let batch = [0, 0, 3, 1].map(|i: usize| fold(&traces[i], 50));
    let done = store.commit_folds(&batch).await.unwrap();
    assert_eq!((done.appended, done.head.next_position, done.head.tree_size), (2, 2, 2));
    // A later fold of the same trace, with another verdict, changes nothing.
    let late = FoldedTrace {
        verdict: Verdict { rejected: Some("speed".to_owned()), evidence: "{}".to_owned() },
        ..fold(&traces[0], 99)
    };
    let done = store.commit_folds(&[late, fold(&traces[2], 60)]).await.unwrap();
    assert_eq!((done.appended, done.head.next_position), (1, 3));
    assert_eq!(log(&*store).await, [0, 1, 2].map(|i: usize| id(&traces[i])));
    let state = store.trace(id(&traces[0])).await.unwrap().unwrap();
    assert_eq!(state.folded, Some((0, fold(&traces[0], 50).verdict)));
}

pub(crate) async fn the_merkle_log_is_that_of_its_leaves(place: &dyn Place) {
    let store = place.open().await;
    let empty = LogHead { next_position: 0, tree_size: 0, root: merkle::EMPTY_ROOT, erasures: 0 };
    assert_eq!(store.log_head().await.unwrap(), empty);
    let device = enrol(&*store, 1).await;
    let traces: Vec<NewTrace> = (0..13).map(|i| trace(&device, i, i + 1)).collect();
    commit(&*store, &traces).await;
    let leaves: Vec<[u8; 32]> = folds(&traces, 0).iter().map(|f| f.leaf).collect();
    let mut done = 0;
    for n in [1, 2, 3, 7] {
        let commit = store.commit_folds(&folds(&traces[done..done + n], 50)).await.unwrap();
        done += n;
        let size = done as u64;
        let root = merkle::root_of(&leaves[..done]);
        assert_eq!(
            commit.head,
            LogHead { next_position: size, tree_size: size, root, erasures: 0 }
        );
        assert_eq!(store.log_head().await.unwrap(), commit.head);
    }
    assert_eq!(store.log_leaves(0, 13).await.unwrap(), leaves);
    assert_eq!(store.log_leaves(4, 9).await.unwrap(), leaves[4..9]);
    assert_eq!(store.log_leaves(11, 99).await.unwrap(), leaves[11..]);
    assert!(store.log_leaves(5, 5).await.unwrap().is_empty());
}

pub(crate) async fn the_log_is_read_by_ranges(place: &dyn Place) {
    let store = place.open().await;
    assert!(store.read_log(0, 5).await.unwrap().is_empty());
    let device = enrol(&*store, 1).await;
    let (good, bad) = (trace(&device, 0, 70), trace(&device, 1, 80));
    commit(&*store, &[good.clone(), bad.clone()]).await;
    let folded = fold(&good, 90);
    let rejected = FoldedTrace {
        verdict: Verdict { rejected: Some("mock".to_owned()), evidence: "{}".to_owned() },
        observations: Vec::new(),
        contributions: Vec::new(),
        ..fold(&bad, 91)
    };
    store.commit_folds(&[folded.clone(), rejected]).await.unwrap();
    let first = LoggedTrace {
        trace: id(&good),
        account: device.account,
        device: device.id,
        received_at_ms: 70,
        accepted: true,
        observations: folded.observations,
        contributions: folded.contributions,
    };
    let second = LoggedTrace {
        trace: id(&bad),
        received_at_ms: 80,
        accepted: false,
        observations: Vec::new(),
        contributions: Vec::new(),
        ..first.clone()
    };
    let first = LogRow { position: 0, folded_at_ms: 90, what: Logged::Trace(first) };
    let second = LogRow { position: 1, folded_at_ms: 91, what: Logged::Trace(second) };
    let rows = [first, second];
    assert_eq!(store.read_log(0, 1).await.unwrap(), rows[..1]);
    assert_eq!(store.read_log(0, 2).await.unwrap(), rows);
    assert_eq!(store.read_log(1, 9).await.unwrap(), rows[1..]);
    assert!(store.read_log(2, 9).await.unwrap().is_empty());
    assert!(store.read_log(0, 0).await.unwrap().is_empty());
}

pub(crate) async fn position_at_finds_the_first_row_since(place: &dyn Place) {
    let store = place.open().await;
    assert_eq!(store.position_at(0).await.unwrap(), 0);
    let device = enrol(&*store, 1).await;
    let times = [10, 10, 20, 20, 20, 35];
    let traces: Vec<NewTrace> = (0..6).map(|i| trace(&device, i, i + 1)).collect();
    commit(&*store, &traces).await;
    let folds: Vec<FoldedTrace> = traces.iter().zip(times).map(|(t, at)| fold(t, at)).collect();
    store.commit_folds(&folds).await.unwrap();
    for (since, want) in [(0, 0), (10, 0), (11, 2), (20, 2), (21, 5), (35, 5), (36, 6), (99, 6)] {
        assert_eq!(store.position_at(since).await.unwrap(), want, "since {since}");
    }
}

pub(crate) async fn the_log_goes_on_after_reopening(place: &dyn Place) {
    let store = place.open().await;
    let traces = log_of(&*store, 5).await;
    let before = store.log_head().await.unwrap();
    let device = store.device(traces[0].receipt.body.device).await.unwrap().unwrap();
    drop(store);
    let store = place.open().await;
    assert_eq!(store.log_head().await.unwrap(), before);
    let next = trace(&device, 5, 6);
    commit(&*store, std::slice::from_ref(&next)).await;
    let done = store.commit_folds(&[fold(&next, 6)]).await.unwrap();
    assert_eq!(done.head.next_position, 6);
    let leaves = store.log_leaves(0, 6).await.unwrap();
    assert_eq!(done.head.root, merkle::root_of(&leaves));
}
