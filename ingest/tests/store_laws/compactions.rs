//! Typical traffic: compactions of the log, and the rows that still wait.

use std::{collections::BTreeSet, sync::Arc};

use hexmile_ingest::store::{
    Compaction, CompactionCommit, CompactionRecord, Erasure, LogRow, Logged, Store, StoreError,
    Waiting,
};
use tokio::task::JoinSet;

use super::{Place, commit, enrol, folds, log_of, trace};

/// A compaction over a range, at a time of its own, in which nothing waits.
pub(crate) fn compaction(number: u64, first_position: u64, end_position: u64) -> Compaction {
    Compaction {
        number,
        first_position,
        end_position,
        at_ms: 1_000 + number,
        parts: vec![format!("sums {number}").into_bytes()],
        waiting: Vec::new(),
        erasures: 0,
    }
}

fn record(of: &Compaction) -> CompactionRecord {
    CompactionRecord {
        number: of.number,
        end_position: of.end_position,
        at_ms: of.at_ms,
        parts: of.parts.len().try_into().unwrap(),
    }
}

fn waiting<const N: usize>(rows: [(u64, &str); N]) -> Vec<Waiting> {
    let row = |(position, which): (u64, &str)| Waiting {
        position,
        observations: which.as_bytes().to_vec(),
    };
    rows.map(row).to_vec()
}

async fn write(store: &dyn Store, compaction: &Compaction) {
    let done = store.commit_compaction(compaction).await.unwrap();
    assert_eq!(done, CompactionCommit::Committed, "{:?}", record(compaction));
}

/// What waits, as text, by position.
async fn held(store: &dyn Store) -> Vec<(u64, String)> {
    let rows = store.waiting_rows(0, 99).await.unwrap();
    rows.into_iter().map(|(row, which)| (row.position, String::from_utf8(which).unwrap())).collect()
}

fn are(rows: &[(u64, &str)]) -> Vec<(u64, String)> {
    rows.iter().map(|(position, which)| (*position, (*which).to_owned())).collect()
}

pub(crate) async fn a_compaction_round_trips(place: &dyn Place) {
    let store = place.open().await;
    log_of(&*store, 4).await;
    assert_eq!(store.last_compaction().await.unwrap(), None);
    assert!(store.compactions().await.unwrap().is_empty());
    assert_eq!(store.compaction_part(0, 0).await.unwrap(), None);
    let large: Vec<u8> = (0..3_000_000_u32).map(|n| (n ^ (n >> 9)) as u8).collect();
    let first = Compaction { parts: vec![large, Vec::new(), vec![0; 9]], ..compaction(0, 0, 3) };
    write(&*store, &first).await;
    // Nothing was folded meanwhile, and nothing came of it.
    let second = Compaction { parts: Vec::new(), at_ms: i64::MAX as u64, ..compaction(1, 3, 3) };
    write(&*store, &second).await;
    drop(store);

    let store = place.open().await;
    assert_eq!(store.last_compaction().await.unwrap(), Some(record(&second)));
    assert_eq!(store.compactions().await.unwrap(), [record(&first), record(&second)]);
    for (n, part) in (0..).zip(&first.parts) {
        assert!(store.compaction_part(0, n).await.unwrap().as_ref() == Some(part), "part {n}");
    }
    for (number, part) in [(0, 3), (0, u32::MAX), (1, 0), (2, 0)] {
        assert_eq!(store.compaction_part(number, part).await.unwrap(), None);
    }
    write(&*store, &compaction(2, 3, 4)).await;
}

pub(crate) async fn a_compaction_that_is_not_next_leaves_no_trace(place: &dyn Place) {
    let store = place.open().await;
    log_of(&*store, 6).await;
    for (what, number, first, end) in
        [("not the first", 1, 0, 4), ("not from the start", 0, 1, 4), ("beyond the log", 0, 0, 7)]
    {
        let done = store.commit_compaction(&compaction(number, first, end)).await.unwrap();
        assert_eq!(done, CompactionCommit::NotNext, "{what}");
    }
    let first = Compaction { waiting: waiting([(1, "one")]), ..compaction(0, 0, 4) };
    write(&*store, &first).await;
    let refused = |number, first, end| Compaction {
        waiting: waiting([(1, "other"), (2, "two")]),
        parts: vec![b"other".to_vec(); 2],
        ..compaction(number, first, end)
    };
    for (what, number, first, end) in [
        ("written before", 0, 0, 4),
        ("a number left out", 2, 4, 6),
        ("positions left out", 1, 5, 6),
        ("positions counted twice", 1, 3, 6),
        ("from the start again", 1, 0, 6),
        ("beyond the log", 1, 4, 7),
        ("ending before it begins", 1, 4, 3),
    ] {
        let done = store.commit_compaction(&refused(number, first, end)).await.unwrap();
        assert_eq!(done, CompactionCommit::NotNext, "{what}");
    }
    // What waits is a row that was compacted.
    let beyond = Compaction { waiting: waiting([(2, "two"), (5, "five")]), ..refused(1, 4, 5) };
    let error = store.commit_compaction(&beyond).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");

    assert_eq!(store.compactions().await.unwrap(), [record(&first)]);
    assert_eq!(store.compaction_part(0, 0).await.unwrap().as_ref(), Some(&first.parts[0]));
    for (number, part) in [(0, 1), (1, 0), (2, 0)] {
        assert_eq!(store.compaction_part(number, part).await.unwrap(), None);
    }
    assert_eq!(held(&*store).await, are(&[(1, "one")]));
    write(&*store, &compaction(1, 4, 6)).await;
}

pub(crate) async fn what_waits_is_replaced_until_none_does(place: &dyn Place) {
    let store = place.open().await;
    log_of(&*store, 5).await;
    assert!(store.waiting_rows(0, 9).await.unwrap().is_empty());
    // In any order; the last word on a row counts.
    let rows = waiting([(3, "three"), (0, "zero"), (1, "one"), (2, ""), (0, "none")]);
    write(&*store, &Compaction { waiting: rows, ..compaction(0, 0, 4) }).await;
    assert_eq!(held(&*store).await, are(&[(0, "none"), (1, "one"), (3, "three")]));
    let rows = waiting([(1, ""), (3, "rest"), (4, "four"), (0, "")]);
    write(&*store, &Compaction { waiting: rows, ..compaction(1, 4, 5) }).await;
    drop(store);

    let store = place.open().await;
    assert_eq!(held(&*store).await, are(&[(3, "rest"), (4, "four")]));
    let log = store.read_log(0, 9).await.unwrap();
    let both = [(log[3].clone(), b"rest".to_vec()), (log[4].clone(), b"four".to_vec())];
    for (position, limit, want) in
        [(0, 9, 0..2), (0, 1, 0..1), (4, 9, 1..2), (5, 9, 2..2), (0, 0, 0..0)]
    {
        let found = store.waiting_rows(position, limit).await.unwrap();
        assert_eq!(found, both[want], "from {position}, at most {limit}");
    }
    write(&*store, &Compaction { waiting: waiting([(3, "")]), ..compaction(2, 5, 5) }).await;
    assert_eq!(held(&*store).await, are(&[(4, "four")]));
}

pub(crate) async fn a_compaction_made_before_an_erasure_is_not_written(place: &dyn Place) {
    let store = place.open().await;
    let traces = log_of(&*store, 3).await;
    let rows = waiting([(0, "zero")]);
    let made = Compaction { waiting: rows, ..compaction(0, 0, 3) };
    let erasure = Erasure { account: traces[0].account, at_ms: 50, forget: Vec::new() };
    store.erase(&erasure).await.unwrap().unwrap();
    assert_eq!(store.commit_compaction(&made).await.unwrap(), CompactionCommit::Erased);
    assert_eq!(store.last_compaction().await.unwrap(), None);
    assert_eq!(store.compaction_part(0, 0).await.unwrap(), None);
    assert!(held(&*store).await.is_empty());
    write(&*store, &Compaction { erasures: 1, ..compaction(0, 0, 4) }).await;
}

pub(crate) async fn nothing_of_an_erased_account_waits(place: &dyn Place) {
    let store = place.open().await;
    let (mine, theirs) = (enrol(&*store, 1).await, enrol(&*store, 2).await);
    let traces =
        [trace(&mine, 0, 1), trace(&theirs, 0, 2), trace(&mine, 1, 3), trace(&theirs, 1, 4)];
    commit(&*store, &traces).await;
    store.commit_folds(&folds(&traces, 10)).await.unwrap();
    let rows = waiting([(0, "zero"), (1, "one"), (2, "two"), (3, "three")]);
    write(&*store, &Compaction { waiting: rows, ..compaction(0, 0, 4) }).await;
    let erasure = Erasure { account: mine.account, at_ms: 50, forget: vec![7] };
    store.erase(&erasure).await.unwrap().unwrap();
    drop(store);

    let store = place.open().await;
    assert_eq!(held(&*store).await, are(&[(1, "one"), (3, "three")]));
    // Sums hold no names, and stay.
    assert_eq!(store.compactions().await.unwrap().len(), 1);
    assert!(store.compaction_part(0, 0).await.unwrap().is_some());
}

pub(crate) async fn old_compactions_go_but_the_last(place: &dyn Place) {
    let store = place.open().await;
    assert_eq!(store.forget_compactions(9_999, 9_999).await.unwrap(), 0);
    // Folded at 1 to 6.
    log_of(&*store, 6).await;
    for (number, at_ms) in (0..).zip([100, 300, 200, 400]) {
        let rows = waiting([(number, "waits")]);
        let next = Compaction { at_ms, waiting: rows, ..compaction(number, number, number + 1) };
        write(&*store, &next).await;
    }
    let kept = async || {
        let kept = store.compactions().await.unwrap();
        kept.iter().map(|compaction| compaction.number).collect::<Vec<u64>>()
    };
    assert_eq!(store.forget_compactions(100, 0).await.unwrap(), 0);
    assert_eq!(kept().await, [0, 1, 2, 3]);
    // The third is older than the second, which stays; nothing between two goes.
    assert_eq!(store.forget_compactions(250, 0).await.unwrap(), 1);
    assert_eq!(kept().await, [1, 2, 3]);
    assert_eq!(held(&*store).await.len(), 4);
    assert_eq!(store.compaction_part(0, 0).await.unwrap(), None);
    assert!(store.compaction_part(1, 0).await.unwrap().is_some());
    // What waits goes by when its row was folded.
    assert_eq!(store.forget_compactions(0, 3).await.unwrap(), 0);
    assert_eq!(held(&*store).await, are(&[(2, "waits"), (3, "waits")]));
    assert_eq!(store.forget_compactions(9_999, 9_999).await.unwrap(), 2);
    assert_eq!(kept().await, [3]);
    assert!(held(&*store).await.is_empty());
    let last = store.last_compaction().await.unwrap().unwrap();
    assert_eq!((last.number, last.end_position, last.at_ms), (3, 4, 400));
    assert!(store.compaction_part(3, 0).await.unwrap().is_some());
    assert_eq!(store.forget_compactions(9_999, 9_999).await.unwrap(), 0);
    write(&*store, &compaction(4, 4, 6)).await;
}

const TASKS: u64 = 8;

pub(crate) async fn one_compaction_wins(place: &dyn Place) {
    let store = place.open().await;
    log_of(&*store, 3).await;
    let mut tasks = JoinSet::new();
    for n in 0..TASKS {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let rows = waiting([(n % 3, "waits")]);
            let parts = vec![vec![n as u8; 100_000]; 3];
            let mine = Compaction { waiting: rows, parts, at_ms: n, ..compaction(0, 0, 3) };
            (n, store.commit_compaction(&mine).await.unwrap())
        });
    }
    let outcomes = tasks.join_all().await;
    let won = |(_, done): &&(u64, CompactionCommit)| *done == CompactionCommit::Committed;
    let winners: Vec<u64> = outcomes.iter().filter(won).map(|(n, _)| *n).collect();
    let [winner] = winners[..] else { panic!("{winners:?} were written") };
    assert_eq!(store.compactions().await.unwrap().len(), 1);
    assert_eq!(store.last_compaction().await.unwrap().unwrap().at_ms, winner);
    let part = store.compaction_part(0, 2).await.unwrap().unwrap();
    assert!(part == vec![winner as u8; 100_000]);
    assert_eq!(held(&*store).await, are(&[(winner % 3, "waits")]));
}

/// Compacts the log whole, again and again, letting every row wait that is not erased.
async fn keep_compacting(store: Arc<dyn Store>, times: usize) -> u64 {
    let mut written = 0;
    for _ in 0..times {
        let head = store.log_head().await.unwrap();
        let last = store.last_compaction().await.unwrap();
        let (number, first) = last.map_or((0, 0), |last| (last.number + 1, last.end_position));
        let rows = store.read_log(0, 999).await.unwrap();
        let kept = |row: &LogRow| matches!(row.what, Logged::Trace(_));
        let rows = rows.iter().filter(|row| row.position < head.next_position && kept(row));
        let waits = |row: &LogRow| Waiting { position: row.position, observations: vec![1] };
        let next = Compaction {
            waiting: rows.map(waits).collect(),
            erasures: head.erasures,
            ..compaction(number, first, head.next_position)
        };
        let done = store.commit_compaction(&next).await.unwrap();
        written += u64::from(done == CompactionCommit::Committed);
    }
    written
}

pub(crate) async fn erasing_while_compacting_leaves_nothing_waiting(place: &dyn Place) {
    let store = place.open().await;
    let mut accounts = Vec::new();
    for n in 1..=6 {
        let device = enrol(&*store, n).await;
        let traces: Vec<_> = (0..5).map(|sequence| trace(&device, sequence, 10)).collect();
        commit(&*store, &traces).await;
        store.commit_folds(&folds(&traces, 20)).await.unwrap();
        accounts.push(device.account);
    }
    let stays = accounts.pop().unwrap();
    let mut compacting = JoinSet::new();
    for _ in 0..3 {
        compacting.spawn(keep_compacting(Arc::clone(&store), 12));
    }
    let mut others = JoinSet::new();
    for account in accounts {
        let store = Arc::clone(&store);
        others.spawn(async move {
            let erasure = Erasure { account, at_ms: 30, forget: Vec::new() };
            store.erase(&erasure).await.unwrap().unwrap();
            store.forget_compactions(9_999, 0).await.unwrap();
        });
    }
    let written: u64 = compacting.join_all().await.iter().sum();
    others.join_all().await;
    let written = written + keep_compacting(Arc::clone(&store), 1).await;
    assert_eq!(store.last_compaction().await.unwrap().unwrap().number + 1, written);
    let left: BTreeSet<u64> =
        store.own_folds(stays, 0, 99).await.unwrap().iter().map(|fold| fold.position).collect();
    let waits = held(&*store).await;
    assert_eq!(waits.iter().map(|(position, _)| *position).collect::<BTreeSet<_>>(), left);
}
