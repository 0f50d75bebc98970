//! Closed epochs: records, scores, ledger, buckets.

use hexmile_ingest::store::{
    Bucket, Epoch, EpochCommit, EpochRecord, Holder, LeafKind, LedgerRow, Score, Store,
};
use hexmile_rewards::{ledger::AMOUNT_END, merkle};
use hexmile_trace::AccountId;

use super::{Place, log_of};

/// An epoch over a range, that writes nothing else but its leaf.
pub(crate) fn epoch(number: u64, first_position: u64, end_position: u64) -> Epoch {
    let record = EpochRecord {
        number,
        first_position,
        end_position,
        closed_at_ms: 1_000 + number,
        rules_hash: [number as u8; 32],
        pool: 100,
        paid: 60,
        unallocated: 40,
        target_score: 7,
        total_score: 5,
        scores_root: [9; 32],
        drivers: 0,
    };
    let leaves = vec![(LeafKind::Epoch, merkle::leaf_hash(&number.to_be_bytes()))];
    Epoch {
        record,
        scores: Vec::new(),
        ledger: Vec::new(),
        buckets: Vec::new(),
        leaves,
        erasures: 0,
    }
}

const fn score(place: u64, account: u8, score: u64, pay: u64) -> Score {
    Score { place, holder: Holder::Account(AccountId([account; 16])), score, pay }
}

fn entry(epoch: u64, entry: u64, debit: &str, credit: &str, amount: u64) -> LedgerRow {
    LedgerRow { epoch, entry, debit: debit.to_owned(), credit: credit.to_owned(), amount }
}

fn bucket(cell: u64, state: &[u8]) -> Bucket {
    Bucket { cell, state: state.to_vec() }
}

async fn close(store: &dyn Store, epoch: &Epoch) {
    let done = store.commit_epoch(epoch).await.unwrap();
    assert!(matches!(done, EpochCommit::Closed(_)), "{:?} is not next", epoch.record);
}

pub(crate) async fn an_epoch_round_trips(place: &dyn Place) {
    let store = place.open().await;
    log_of(&*store, 4).await;
    assert_eq!(store.last_epoch().await.unwrap(), None);
    assert_eq!(store.epoch(0).await.unwrap(), None);
    let mut whole = epoch(0, 0, 3);
    whole.record.pool = AMOUNT_END - 1;
    whole.record.target_score = u64::MAX;
    whole.record.total_score = u64::MAX;
    whole.scores =
        vec![score(0, 1, u64::MAX, AMOUNT_END - 1), score(1, 2, 0, 0), score(2, 255, 3, 1)];
    whole.record.drivers = 3;
    whole.ledger =
        vec![entry(0, 0, "reserve", "pool/0/0", AMOUNT_END - 1), entry(0, 1, "pool/0/0", "a", 1)];
    whole.buckets = vec![bucket(5, b"five"), bucket(0x08a2_a107_2b59_ffff, b"")];
    let rules = merkle::leaf_hash(b"rules");
    whole.leaves.insert(0, (LeafKind::Rules, rules));
    let EpochCommit::Closed(head) = store.commit_epoch(&whole).await.unwrap() else {
        panic!("the first epoch is next");
    };
    assert_eq!((head.next_position, head.tree_size), (4, 6));
    drop(store);

    let store = place.open().await;
    assert_eq!(store.log_head().await.unwrap(), head);
    let leaves = store.log_leaves(0, 6).await.unwrap();
    assert_eq!(leaves[4..], [rules, whole.leaves[1].1]);
    assert_eq!(head.root, merkle::root_of(&leaves));
    assert_eq!(store.epoch(0).await.unwrap(), Some(whole.record.clone()));
    assert_eq!(store.last_epoch().await.unwrap(), Some(whole.record));
    assert_eq!(store.scores(0, 0, 9).await.unwrap(), whole.scores);
    assert_eq!(store.ledger(0, 0, 9).await.unwrap(), whole.ledger);
    assert_eq!(store.buckets(&[5, 0x08a2_a107_2b59_ffff]).await.unwrap(), whole.buckets);

    // An epoch in which nothing was folded closes like any other.
    let empty = Epoch { leaves: Vec::new(), ..epoch(1, 3, 3) };
    assert_eq!(store.commit_epoch(&empty).await.unwrap(), EpochCommit::Closed(head));
    assert_eq!(store.last_epoch().await.unwrap(), Some(empty.record));
    assert!(store.scores(1, 0, 9).await.unwrap().is_empty());
    assert!(store.ledger(1, 0, 9).await.unwrap().is_empty());
}

pub(crate) async fn what_is_not_next_leaves_no_trace(place: &dyn Place) {
    let store = place.open().await;
    log_of(&*store, 6).await;
    close(&*store, &Epoch { buckets: vec![bucket(5, b"first")], ..epoch(0, 0, 4) }).await;
    let head = store.log_head().await.unwrap();
    for (what, number, first, end) in [
        ("closed before", 0, 0, 4),
        ("a number left out", 2, 4, 6),
        ("positions left out", 1, 5, 6),
        ("positions counted twice", 1, 3, 6),
        ("from the start again", 1, 0, 6),
        ("beyond the log", 1, 4, 7),
        ("ending before it begins", 1, 4, 3),
    ] {
        let mut refused = epoch(number, first, end);
        refused.scores = vec![score(0, 1, 1, 1)];
        refused.ledger = vec![entry(number, 0, "reserve", "a", 1)];
        refused.buckets = vec![bucket(5, b"second"), bucket(6, b"second")];
        let done = store.commit_epoch(&refused).await.unwrap();
        assert_eq!(done, EpochCommit::NotNext, "{what}");
    }
    assert_eq!(store.log_head().await.unwrap(), head);
    assert_eq!(store.last_epoch().await.unwrap(), Some(epoch(0, 0, 4).record));
    assert_eq!(store.epochs(99, 9).await.unwrap().len(), 1);
    for number in 0..3 {
        assert!(store.scores(number, 0, 9).await.unwrap().is_empty());
        assert!(store.ledger(number, 0, 9).await.unwrap().is_empty());
    }
    assert_eq!(store.balance("a").await.unwrap(), 0);
    assert_eq!(store.buckets(&[5, 6]).await.unwrap(), [bucket(5, b"first")]);
    close(&*store, &epoch(1, 4, 6)).await;
}

pub(crate) async fn epochs_and_scores_are_paged(place: &dyn Place) {
    let store = place.open().await;
    let accounts = [0x00, 0x01, 0x7f, 0x80, 0xff];
    let of = |number: u64| -> Vec<Score> {
        let score = |(place, a)| score(place, a, number * 10 + u64::from(a), number);
        (0..).zip(accounts).map(score).collect()
    };
    let entries = |number| {
        let entry = |n| entry(number, n, "reserve", "driver/a", n + 1);
        (0..5).map(entry).collect::<Vec<_>>()
    };
    for number in 0..5 {
        let (scores, ledger) = (of(number), entries(number));
        close(&*store, &Epoch { scores, ledger, ..epoch(number, 0, 0) }).await;
    }
    let numbers = async |before, limit| {
        let found = store.epochs(before, limit).await.unwrap();
        found.iter().map(|record| record.number).collect::<Vec<u64>>()
    };
    assert_eq!(numbers(99, 2).await, [4, 3]);
    assert_eq!(numbers(3, 2).await, [2, 1]);
    assert_eq!(numbers(1, 2).await, [0]);
    assert!(numbers(0, 2).await.is_empty());
    assert!(numbers(99, 0).await.is_empty());
    assert_eq!(numbers((1 << 53) - 1, 100).await, [4, 3, 2, 1, 0]);
    // Each has its own scores counted.
    close(&*store, &Epoch { scores: of(5)[..2].to_vec(), ..epoch(5, 0, 0) }).await;
    let counted = store.epochs(99, 9).await.unwrap();
    let counted: Vec<(u64, u64)> = counted.iter().map(|e| (e.number, e.drivers)).collect();
    assert_eq!(counted, [(5, 2), (4, 5), (3, 5), (2, 5), (1, 5), (0, 5)]);
    assert_eq!(store.last_epoch().await.unwrap().unwrap().drivers, 2);

    for (from, want) in [(0, 0..2), (2, 2..4), (4, 4..5), (5, 5..5), (99, 5..5)] {
        assert_eq!(store.scores(3, from, 2).await.unwrap(), of(3)[want.clone()]);
        assert_eq!(store.ledger(3, from, 2).await.unwrap(), entries(3)[want]);
    }

    let mine = store.account_scores(AccountId([0x80; 16]), i64::MAX as u64, 2).await.unwrap();
    assert_eq!(mine, [(4, of(4)[3]), (3, of(3)[3])]);
    let older = store.account_scores(AccountId([0x80; 16]), 3, 2).await.unwrap();
    assert_eq!(older, [(2, of(2)[3]), (1, of(1)[3])]);
    assert!(store.account_scores(AccountId([3; 16]), 9, 2).await.unwrap().is_empty());

    let mine = store.own_ledger("driver/a", Some((1, 3)), 3).await.unwrap();
    assert_eq!(mine, [entries(1)[4].clone(), entries(2)[0].clone(), entries(2)[1].clone()]);
    assert_eq!(store.own_ledger("reserve", None, 99).await.unwrap().len(), 25);
    assert!(store.own_ledger("driver/", None, 99).await.unwrap().is_empty());
}

pub(crate) async fn balances_pass_two_to_the_63(place: &dyn Place) {
    let store = place.open().await;
    let largest = AMOUNT_END - 1;
    for number in 0..3 {
        let ledger = vec![
            entry(number, 0, "reserve", "pool/0/0", largest),
            entry(number, 1, "pool/0/0", "driver/a", largest - 5),
            entry(number, 2, "pool/0/0", "reserve", 5),
        ];
        close(&*store, &Epoch { ledger, ..epoch(number, 0, 0) }).await;
    }
    let paid = 3 * i128::from(largest - 5);
    assert_eq!(store.balance("driver/a").await.unwrap(), paid);
    assert_eq!(store.balance("reserve").await.unwrap(), -paid);
    assert_eq!(store.balance("pool/0/0").await.unwrap(), 0);
    assert_eq!(store.balance("driver/b").await.unwrap(), 0);
    assert_eq!(store.balance("DRIVER/A").await.unwrap(), 0);
}

pub(crate) async fn buckets_hold_what_the_last_epoch_left(place: &dyn Place) {
    let store = place.open().await;
    assert!(store.buckets(&[1, 2]).await.unwrap().is_empty());
    let buckets = vec![bucket(30, b"a"), bucket(4, b"b"), bucket(500, b"c")];
    close(&*store, &Epoch { buckets, ..epoch(0, 0, 0) }).await;
    close(&*store, &Epoch { buckets: vec![bucket(30, b"later")], ..epoch(1, 0, 0) }).await;
    let asked = [500, 30, 7, 4, 30];
    let want = [bucket(4, b"b"), bucket(30, b"later"), bucket(500, b"c")];
    assert_eq!(store.buckets(&asked).await.unwrap(), want);
    assert!(store.buckets(&[]).await.unwrap().is_empty());
    let many: Vec<u64> = (0..3_000).collect();
    assert_eq!(store.buckets(&many).await.unwrap(), want);
}
