//! What belongs to one account, and what is left when it is gone.

use hexmile_ingest::store::{
    Attestation, Bucket, Commit, DeviceAdded, Epoch, EpochCommit, Erased, Erasure, FoldedTrace,
    Holder, Joining, LedgerRow, Logged, NewTrace, Score, Store, Verdict,
};
use hexmile_rewards::{
    Bucket as RewardBucket, Cell, RegionId, Score as LeafScore, UnitId, ledger, merkle,
};
use hexmile_trace::{AccountId, DeviceId};

use super::{
    Place, account, attempt, commit, device, enrol, epochs::epoch, fold, folds, id, trace,
};

fn erasure(account: AccountId, at_ms: u64) -> Erasure {
    Erasure { account, at_ms, forget: vec![at_ms, u64::MAX] }
}

fn driver(account: AccountId) -> String {
    ledger::LedgerAccount::Driver(account).to_string()
}

const CELL: u64 = 0x08a2_a107_2b59_ffff;

/// A bucket that knows these accounts.
fn bucket(mut accounts: Vec<AccountId>) -> Bucket {
    accounts.sort();
    let state = RewardBucket {
        cell: Cell::try_from(CELL).unwrap(),
        last_slot: 7,
        coverage_level: 11,
        freshness_level: 13,
        earned: accounts.into_iter().map(|account| (UnitId::from(account), 17)).collect(),
    };
    Bucket { cell: CELL, state: state.pack() }
}

/// Scores of these accounts, paid 30 each, with all that an epoch writes of them.
fn paid(number: u64, end: u64, mut accounts: Vec<AccountId>, erasures: u64) -> Epoch {
    accounts.sort();
    let score = |(place, account)| Score {
        place,
        holder: Holder::Account(account),
        score: 5 + place,
        pay: 30,
    };
    let scores: Vec<Score> = (0..).zip(accounts.clone()).map(score).collect();
    let pool = ledger::LedgerAccount::Pool { epoch: number, region: RegionId(0) }.to_string();
    let entry = |entry, debit: &str, credit: &str, amount| LedgerRow {
        epoch: number,
        entry,
        debit: debit.to_owned(),
        credit: credit.to_owned(),
        amount,
    };
    let mut ledger = vec![entry(0, "reserve", &pool, 30 * accounts.len() as u64)];
    for (n, account) in (1..).zip(&accounts) {
        ledger.push(entry(n, &pool, &driver(*account), 30));
    }
    let leaves: Vec<_> = scores.iter().map(|score| leaf(number, score)).collect();
    let mut epoch = epoch(number, if number == 0 { 0 } else { end }, end);
    epoch.record.scores_root = merkle::root_of(&leaves);
    epoch.record.drivers = scores.len() as u64;
    Epoch { scores, ledger, buckets: vec![bucket(accounts)], erasures, ..epoch }
}

/// Hash of the leaf that a score is in its epoch's root.
fn leaf(epoch: u64, score: &Score) -> [u8; 32] {
    match score.holder {
        Holder::Erased(leaf) => leaf,
        Holder::Account(account) => {
            let region = RegionId::default();
            let score = LeafScore { region, account, score: score.score, pay: score.pay };
            merkle::leaf_hash(&score.leaf(epoch))
        }
    }
}

/// Two accounts with a folded, a rejected and a waiting trace each, and an epoch that paid both.
async fn two_accounts(store: &dyn Store) -> [Vec<NewTrace>; 2] {
    let mut both = Vec::new();
    for n in [1, 2] {
        let device = enrol(store, n).await;
        let traces: Vec<NewTrace> =
            (0..3).map(|i| trace(&device, i, 10 * u64::from(n) + i)).collect();
        commit(store, &traces).await;
        let rejected = FoldedTrace {
            verdict: Verdict { rejected: Some("mock".to_owned()), evidence: "{}".to_owned() },
            ..fold(&traces[1], 40)
        };
        store.commit_folds(&[fold(&traces[0], 40), rejected]).await.unwrap();
        both.push(traces);
    }
    let accounts = both.iter().map(|traces| traces[0].account).collect();
    let done = store.commit_epoch(&paid(0, 4, accounts, 0)).await.unwrap();
    assert!(matches!(done, EpochCommit::Closed(_)));
    both.try_into().unwrap()
}

/// Whether anything that a store tells holds these bytes, in the form that it tells them in.
async fn is_named(store: &dyn Store, account: AccountId, device: DeviceId) -> bool {
    let rows = store.read_log(0, 999).await.unwrap();
    let mut told = format!(
        "{:?}{:?}{:?}{:?}{:?}",
        store.account(account).await.unwrap(),
        store.device(device).await.unwrap(),
        store.devices(account).await.unwrap(),
        rows,
        store.own_traces(device, None, 99).await.unwrap(),
    );
    for number in 0..2 {
        told.extend(store.scores(number, 0, 99).await.unwrap().iter().map(|s| format!("{s:?}")));
        told.extend(store.ledger(number, 0, 99).await.unwrap().iter().map(|l| format!("{l:?}")));
    }
    let buckets = store.buckets(&[CELL]).await.unwrap();
    let in_bucket = |b: &Bucket| b.state.windows(16).any(|window| window == account.0);
    told.contains(&account.to_string())
        || told.contains(&format!("{:?}", account.0))
        || told.contains(&device.to_string())
        || told.contains(&format!("{:?}", device.0))
        || buckets.iter().any(in_bucket)
        || !store.own_buckets(account).await.unwrap().is_empty()
        || !store.own_folds(account, 0, 99).await.unwrap().is_empty()
        || !store.account_scores(account, 99, 99).await.unwrap().is_empty()
        || !store.own_ledger(&driver(account), None, 99).await.unwrap().is_empty()
        || store.balance(&driver(account)).await.unwrap() != 0
}

pub(crate) async fn nothing_of_an_erased_account_is_left(place: &dyn Place) {
    let store = place.open().await;
    let [mine, others] = two_accounts(&*store).await;
    let (me, phone) = (mine[0].account, mine[0].receipt.body.device);
    let (other, other_phone) = (others[0].account, others[0].receipt.body.device);
    assert!(is_named(&*store, me, phone).await);
    let attestation = Attestation { format: "x".to_owned(), object: vec![1] };
    let joining = Joining { invitation: None, attestation: Some(attestation) };
    let known = store.device(phone).await.unwrap().unwrap();
    store.add_device(&known, &joining).await.unwrap();
    let before = store.read_log(0, 99).await.unwrap();
    let done = store.erase(&erasure(me, 50)).await.unwrap().unwrap();
    let want = Erased { position: 4, devices: 1, traces: 3, folds: 2, scores: 1, buckets: 1 };
    assert_eq!(done, want);
    drop(store);

    let store = place.open().await;
    assert!(!is_named(&*store, me, phone).await);
    assert_eq!(store.attestation(phone).await.unwrap(), None);
    for trace in &mine {
        assert_eq!(store.trace(id(trace)).await.unwrap(), None);
        assert_eq!(store.receipt(id(trace)).await.unwrap(), None);
    }
    // The other account's rows are as they were, and positions dense.
    assert!(is_named(&*store, other, other_phone).await);
    assert_eq!(store.balance(&driver(other)).await.unwrap(), 30);
    assert_eq!(store.own_traces(other_phone, None, 99).await.unwrap().len(), 3);
    let rows = store.read_log(0, 99).await.unwrap();
    assert!(rows.iter().map(|row| row.position).eq(0..5));
    assert_eq!(rows[2..4], before[2..]);
    let times: Vec<u64> = rows.iter().map(|row| row.folded_at_ms).collect();
    assert_eq!(times, [40, 40, 40, 40, 50]);
    let forget = vec![50, u64::MAX];
    assert_eq!(rows[0].what, Logged::Erased { forget: Vec::new() });
    assert_eq!(rows[4].what, Logged::Erased { forget });
    assert_eq!(store.buckets(&[CELL]).await.unwrap(), [bucket(vec![other])]);
    assert_eq!(store.pending().await.unwrap(), 1);
    assert_eq!(store.erase(&erasure(me, 60)).await.unwrap(), None);
    assert_eq!(store.log_head().await.unwrap().next_position, 5);
}

pub(crate) async fn what_belongs_to_an_account_is_paged(place: &dyn Place) {
    let store = place.open().await;
    let [mine, _] = two_accounts(&*store).await;
    let (me, phone) = (mine[0].account, mine[0].receipt.body.device);
    let second = device(9, me, 3);
    assert_eq!(
        store.add_device(&second, &Joining::default()).await.unwrap(),
        DeviceAdded::New(second.clone())
    );
    let mut devices = [phone, second.id];
    devices.sort();
    let found = store.devices(me).await.unwrap();
    assert!(found.iter().map(|d| d.id).eq(devices));

    let first = store.own_traces(phone, None, 2).await.unwrap();
    let rest = store.own_traces(phone, Some(1), 2).await.unwrap();
    let all: Vec<_> = first.iter().chain(&rest).collect();
    assert_eq!(all.len(), 3);
    for (n, (own, trace)) in (0..).zip(all.into_iter().zip(&mine)) {
        assert_eq!((own.receipt, own.position), (trace.receipt, (n < 2).then_some(n)));
        assert_eq!(own.payload.as_ref(), Some(&trace.payload));
    }
    assert!(store.own_traces(second.id, None, 9).await.unwrap().is_empty());
    store.expire(99, 0).await.unwrap();
    let kept: Vec<bool> = store
        .own_traces(phone, None, 9)
        .await
        .unwrap()
        .iter()
        .map(|own| own.payload.is_some())
        .collect();
    assert_eq!(kept, [false, false, true]);

    let rows = store.read_log(0, 9).await.unwrap();
    for (position, n) in [(0, 2), (1, 1), (2, 0)] {
        let own = store.own_folds(me, position, 9).await.unwrap();
        assert_eq!(own.len(), n);
        for fold in own {
            let row = &rows[fold.position as usize];
            assert_eq!(row.folded_at_ms, fold.folded_at_ms);
            assert_eq!(row.what, Logged::Trace(fold.trace));
            assert_eq!(fold.verdict.rejected.is_some(), fold.position == 1);
        }
    }
    assert_eq!(store.own_folds(me, 0, 1).await.unwrap().len(), 1);
    assert_eq!(store.own_buckets(me).await.unwrap(), store.buckets(&[CELL]).await.unwrap());
    assert_eq!(store.own_ledger(&driver(me), None, 9).await.unwrap().len(), 1);
}

pub(crate) async fn what_was_published_still_adds_up(place: &dyn Place) {
    let store = place.open().await;
    let [mine, others] = two_accounts(&*store).await;
    let (me, other) = (mine[0].account, others[0].account);
    let again = store.commit_epoch(&paid(1, 4, vec![me, other], 0)).await.unwrap();
    assert!(matches!(again, EpochCommit::Closed(_)));
    let head = store.log_head().await.unwrap();
    let sums = async || {
        let mut sums = Vec::new();
        for number in 0..2 {
            let rows = store.ledger(number, 0, 99).await.unwrap();
            sums.push(rows.iter().map(|row| row.amount).collect::<Vec<_>>());
        }
        sums
    };
    let before = sums().await;
    store.erase(&erasure(me, 50)).await.unwrap().unwrap();
    assert_eq!(sums().await, before);
    let after = store.log_head().await.unwrap();
    assert_eq!((after.tree_size, after.root), (head.tree_size, head.root));
    assert_eq!(after.erasures, 1);
    let mut names = Vec::new();
    for number in 0..2 {
        let scores = store.scores(number, 0, 99).await.unwrap();
        let leaves: Vec<_> = scores.iter().map(|score| leaf(number, score)).collect();
        let record = store.epoch(number).await.unwrap().unwrap();
        assert_eq!(merkle::root_of(&leaves), record.scores_root);
        assert_eq!(record.drivers, 2);
        let of_me = |s: &&Score| matches!(s.holder, Holder::Erased(_));
        let place = scores.iter().find(of_me).unwrap().place;
        assert!(scores.iter().any(|s| s.holder == Holder::Account(other)));
        let ledger = store.ledger(number, 0, 99).await.unwrap();
        let name = format!("erased/{number}/{place}");
        assert!(ledger.iter().any(|row| row.credit == name && row.amount == 30), "{ledger:?}");
        assert_eq!(store.balance(&name).await.unwrap(), 30);
        names.push(name);
    }
    assert_ne!(names[0], names[1]);
}

pub(crate) async fn an_epoch_computed_before_is_not_written_after(place: &dyn Place) {
    let store = place.open().await;
    let [mine, others] = two_accounts(&*store).await;
    let (me, other) = (mine[0].account, others[0].account);
    let computed = paid(1, 4, vec![me, other], 0);
    store.erase(&erasure(me, 50)).await.unwrap().unwrap();
    let head = store.log_head().await.unwrap();
    assert_eq!(store.commit_epoch(&computed).await.unwrap(), EpochCommit::Erased);
    assert_eq!(store.log_head().await.unwrap(), head);
    assert_eq!(store.epoch(1).await.unwrap(), None);
    let anew = paid(1, 5, vec![other], 1);
    let anew = Epoch {
        record: hexmile_ingest::store::EpochRecord { first_position: 4, ..anew.record.clone() },
        ..anew
    };
    assert!(matches!(store.commit_epoch(&anew).await.unwrap(), EpochCommit::Closed(_)));
}

pub(crate) async fn what_is_on_its_way_finds_nobody(place: &dyn Place) {
    let store = place.open().await;
    let phone = enrol(&*store, 1).await;
    let stays = enrol(&*store, 2).await;
    let leased = trace(&phone, 0, 10);
    commit(&*store, std::slice::from_ref(&leased)).await;
    assert_eq!(store.lease(9, 20, 30).await.unwrap().len(), 1);
    store.erase(&erasure(phone.account, 25)).await.unwrap().unwrap();
    // Folded elsewhere, uploaded again, and a device that is added at the same time.
    assert_eq!(
        store.commit_folds(&folds(std::slice::from_ref(&leased), 26)).await.unwrap().appended,
        0
    );
    let batch = [trace(&stays, 0, 27), leased, attempt(&phone, 5, 1, 27, 0)];
    let outcomes = store.commit_traces(&batch).await.unwrap();
    assert_eq!(outcomes, [Commit::New, Commit::NoDevice, Commit::NoDevice]);
    let late = device(3, phone.account, 28);
    assert_eq!(store.add_device(&late, &Joining::default()).await.unwrap(), DeviceAdded::NoAccount);
    assert!(store.lease(9, 99, 100).await.unwrap().iter().all(|p| p.account == stays.account));
    assert_eq!(store.log_head().await.unwrap().next_position, 1);
}

pub(crate) async fn names_are_held_for_a_short_time(place: &dyn Place) {
    let store = place.open().await;
    for (n, at_ms) in [(1, 50), (2, 60)] {
        let phone = enrol(&*store, n).await;
        store.erase(&erasure(phone.account, at_ms)).await.unwrap().unwrap();
    }
    let held = async || {
        let rows = store.read_log(0, 9).await.unwrap();
        rows.iter()
            .map(|row| match &row.what {
                Logged::Erased { forget } => forget.len(),
                Logged::Trace(_) => panic!("nothing was folded"),
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(store.forget_erasures(50).await.unwrap(), 0);
    assert_eq!(held().await, [2, 2]);
    assert_eq!(store.forget_erasures(60).await.unwrap(), 1);
    assert_eq!(held().await, [0, 2]);
    assert_eq!(store.forget_erasures(61).await.unwrap(), 1);
    assert_eq!(held().await, [0, 0]);
}

pub(crate) async fn an_erased_account_may_come_back(place: &dyn Place) {
    let store = place.open().await;
    let phone = enrol(&*store, 1).await;
    commit(&*store, &[trace(&phone, 7, 10)]).await;
    store.erase(&erasure(phone.account, 50)).await.unwrap().unwrap();
    let again = store.open_account(&account(1, 90)).await.unwrap();
    assert_eq!((again.id, again.opened_at_ms), (phone.account, 90));
    assert_eq!(
        store.add_device(&phone, &Joining::default()).await.unwrap(),
        DeviceAdded::New(phone.clone())
    );
    commit(&*store, &[trace(&phone, 7, 91)]).await;
    assert_eq!(store.own_traces(phone.id, None, 9).await.unwrap().len(), 1);
}

/// A device may have been erased and have joined another account while its trace was admitted.
pub(crate) async fn a_trace_belongs_to_the_account_of_its_device(place: &dyn Place) {
    let store = place.open().await;
    let phone = enrol(&*store, 1).await;
    let stale = NewTrace { account: AccountId([9; 16]), ..trace(&phone, 0, 10) };
    commit(&*store, &[stale]).await;
    let leased = store.lease(9, 20, 30).await.unwrap();
    assert_eq!(leased.iter().map(|p| p.account).collect::<Vec<_>>(), [phone.account]);
}
