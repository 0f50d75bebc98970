//! Many tasks at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use hexmile_ingest::store::{Commit, EpochCommit, NewTrace, Store};
use hexmile_rewards::merkle;
use hexmile_trace::TraceId;
use tokio::task::JoinSet;

use super::{Place, attempt, commit, enrol, epochs::epoch, folds, id, log_of, trace, trace_of};

const TASKS: u8 = 8;

/// Runs `task` as many times at once, and collects what they return.
async fn at_once<T, F>(store: &Arc<dyn Store>, task: impl Fn(Arc<dyn Store>, u8) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for n in 0..TASKS {
        tasks.spawn(task(Arc::clone(store), n));
    }
    tasks.join_all().await
}

pub(crate) async fn one_trace_is_new_once(place: &dyn Place) {
    let store = place.open().await;
    let device = enrol(&*store, 1).await;
    // Every task commits the same traces, in batches of its own cut, and one that is its own.
    let outcomes = at_once(&store, |store, n| {
        let device = device.clone();
        async move {
            let mut traces: Vec<NewTrace> =
                (0..12).map(|s| attempt(&device, s, 0, 100, n)).collect();
            traces.push(attempt(&device, 100 + u64::from(n), 0, 100, n));
            traces.rotate_left(usize::from(n));
            let mut outcomes = Vec::new();
            for batch in traces.chunks(1 + usize::from(n)) {
                let done = store.commit_traces(batch).await.unwrap();
                outcomes.extend(batch.iter().cloned().zip(done));
            }
            outcomes
        }
    });
    let mut first = BTreeMap::new();
    let mut repeats = Vec::new();
    for (trace, outcome) in outcomes.await.into_iter().flatten() {
        match outcome {
            Commit::New => assert_eq!(first.insert(id(&trace), trace.receipt), None),
            Commit::Repeat(receipt) => repeats.push(receipt),
            refused => panic!("{refused:?}"),
        }
    }
    assert_eq!(first.len(), 12 + usize::from(TASKS));
    assert_eq!(repeats.len(), 12 * usize::from(TASKS - 1));
    assert!(repeats.iter().all(|receipt| first[&receipt.body.trace] == *receipt));
    assert_eq!(store.pending().await.unwrap(), first.len() as u64);
}

pub(crate) async fn one_sequence_number_is_won_once(place: &dyn Place) {
    let store = place.open().await;
    let device = enrol(&*store, 1).await;
    let outcomes = at_once(&store, |store, n| {
        let trace = attempt(&device, 4, u64::from(n), 100, n);
        async move { (id(&trace), store.commit_traces(&[trace]).await.unwrap().remove(0)) }
    });
    let outcomes = outcomes.await;
    let won: Vec<TraceId> =
        outcomes.iter().filter(|(_, o)| *o == Commit::New).map(|(id, _)| *id).collect();
    let [winner] = won[..] else { panic!("{} won the number", won.len()) };
    let taken = Commit::SequenceTaken(winner);
    assert_eq!(outcomes.iter().filter(|(_, o)| *o == taken).count(), usize::from(TASKS) - 1);
}

pub(crate) async fn leases_are_disjoint(place: &dyn Place) {
    let store = place.open().await;
    let device = enrol(&*store, 1).await;
    let traces: Vec<NewTrace> = (0..60).map(|s| trace(&device, s, s + 1)).collect();
    commit(&*store, &traces).await;
    let leased = at_once(&store, |store, _| async move {
        let mut mine = Vec::new();
        loop {
            let leased = store.lease(7, 1_000, 2_000).await.unwrap();
            if leased.is_empty() {
                return mine;
            }
            mine.extend(leased.iter().map(|p| p.receipt.body.trace));
            assert!(mine.len() <= 60, "traces come again and again");
        }
    });
    let leased: Vec<TraceId> = leased.await.into_iter().flatten().collect();
    assert_eq!(leased.len(), traces.len());
    assert_eq!(BTreeSet::from_iter(leased), traces.iter().map(id).collect());
}

pub(crate) async fn folds_keep_positions_dense(place: &dyn Place) {
    let store = place.open().await;
    let device = enrol(&*store, 1).await;
    let traces: Arc<Vec<NewTrace>> = Arc::new((0..48).map(|s| trace(&device, s, s + 1)).collect());
    commit(&*store, &traces).await;
    // Neighbouring tasks fold some traces both, as nodes do whose leases ran out.
    let appended = at_once(&store, |store, n| {
        let traces = Arc::clone(&traces);
        async move {
            let from = usize::from(n) * 6;
            let mut appended = 0;
            for batch in traces[from..(from + 12).min(48)].chunks(3) {
                appended += store.commit_folds(&folds(batch, 100)).await.unwrap().appended;
            }
            appended
        }
    });
    assert_eq!(appended.await.iter().sum::<usize>(), 48);
    let log = store.read_log(0, 99).await.unwrap();
    assert!(log.iter().map(|row| row.position).eq(0..48));
    let folded: BTreeSet<TraceId> = log.iter().map(trace_of).collect();
    assert_eq!(folded, traces.iter().map(id).collect());
    let head = store.log_head().await.unwrap();
    let leaves: Vec<[u8; 32]> = log
        .iter()
        .map(|row| traces.iter().find(|t| id(t) == trace_of(row)).unwrap())
        .map(|t| merkle::leaf_hash(&t.receipt.body.commitment()))
        .collect();
    assert_eq!((head.next_position, head.root), (48, merkle::root_of(&leaves)));
    assert_eq!(store.log_leaves(0, 48).await.unwrap(), leaves);
}

pub(crate) async fn one_epoch_wins(place: &dyn Place) {
    let store = place.open().await;
    log_of(&*store, 3).await;
    let outcomes = at_once(&store, |store, n| async move {
        store.commit_epoch(&epoch(0, 0, u64::from(n % 4))).await.unwrap()
    });
    let outcomes = outcomes.await;
    let lost = outcomes.iter().filter(|outcome| **outcome == EpochCommit::NotNext).count();
    assert_eq!(lost, usize::from(TASKS) - 1);
    assert_eq!(store.epochs(9, 9).await.unwrap().len(), 1);
    assert_eq!(store.log_head().await.unwrap().tree_size, 4);
}
