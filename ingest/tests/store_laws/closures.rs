//! Closures that operators declared.

use std::sync::Arc;

use hexmile_ingest::store::{ClosureRow, Store};
use tokio::task::JoinSet;

use super::Place;

fn closure(id: u8, from_ms: u64, until_ms: u64) -> ClosureRow {
    let body = format!("{{\"why\":\"Brücke {id}\"}}");
    ClosureRow { id: [id; 8], from_ms, until_ms, body, declared_at_ms: 7 }
}

async fn declare(store: &dyn Store, closure: &ClosureRow) {
    assert!(store.declare_closure(closure, 99).await.unwrap(), "{closure:?}");
}

pub(crate) async fn closures_round_trip_in_order_of_start(place: &dyn Place) {
    let store = place.open().await;
    assert!(store.closures().await.unwrap().is_empty());
    let largest = i64::MAX as u64;
    // Those that start at once in order of id; bytes have no sign.
    let want = [
        closure(0xff, 0, 0),
        closure(0x01, 10, 20),
        closure(0x7f, 10, 15),
        closure(0x80, 10, 30),
        closure(0x00, largest, largest),
    ];
    for n in [3, 0, 4, 2, 1] {
        declare(&*store, &want[n]).await;
    }
    drop(store);
    assert_eq!(place.open().await.closures().await.unwrap(), want);
}

pub(crate) async fn at_most_so_many_closures_are_kept(place: &dyn Place) {
    let store = place.open().await;
    assert!(!store.declare_closure(&closure(1, 10, 20), 0).await.unwrap());
    assert!(store.declare_closure(&closure(1, 10, 20), 2).await.unwrap());
    assert!(store.declare_closure(&closure(2, 10, 20), 2).await.unwrap());
    assert!(!store.declare_closure(&closure(3, 10, 20), 2).await.unwrap());
    assert_eq!(store.closures().await.unwrap(), [closure(1, 10, 20), closure(2, 10, 20)]);
    // One that is kept is replaced, also where fewer are allowed now.
    let changed = ClosureRow { body: "{}".to_owned(), declared_at_ms: 99, ..closure(1, 30, 40) };
    assert!(store.declare_closure(&changed, 1).await.unwrap());
    assert_eq!(store.closures().await.unwrap(), [closure(2, 10, 20), changed.clone()]);
    assert!(store.withdraw_closure([2; 8]).await.unwrap());
    assert!(!store.withdraw_closure([2; 8]).await.unwrap());
    assert!(store.declare_closure(&closure(3, 10, 20), 2).await.unwrap());
    assert_eq!(store.closures().await.unwrap(), [closure(3, 10, 20), changed]);
}

pub(crate) async fn closures_that_ended_are_forgotten(place: &dyn Place) {
    let store = place.open().await;
    for n in 1..=4 {
        declare(&*store, &closure(n, 1, 10 * u64::from(n))).await;
    }
    assert_eq!(store.forget_closures(10).await.unwrap(), 0);
    assert_eq!(store.forget_closures(30).await.unwrap(), 2);
    assert_eq!(store.closures().await.unwrap(), [closure(3, 1, 30), closure(4, 1, 40)]);
    assert_eq!(store.forget_closures(9_999).await.unwrap(), 2);
    assert!(store.closures().await.unwrap().is_empty());
}

pub(crate) async fn every_change_of_closures_shows_in_the_version(place: &dyn Place) {
    let store = place.open().await;
    let mut seen = store.closures_version().await.unwrap();
    let mut rose = async |what: &str, changed: bool| {
        let version = store.closures_version().await.unwrap();
        assert_eq!(version > seen, changed, "{what}: {seen}, then {version}");
        assert!(version >= seen, "{what}: {seen}, then {version}");
        seen = version;
    };
    assert!(!store.declare_closure(&closure(1, 1, 10), 0).await.unwrap());
    rose("one too many", false).await;
    declare(&*store, &closure(1, 1, 10)).await;
    rose("declared", true).await;
    declare(&*store, &closure(1, 1, 20)).await;
    rose("declared again", true).await;
    assert!(!store.withdraw_closure([2; 8]).await.unwrap());
    rose("another withdrawn", false).await;
    assert_eq!(store.forget_closures(20).await.unwrap(), 0);
    rose("none forgotten", false).await;
    assert!(store.withdraw_closure([1; 8]).await.unwrap());
    rose("withdrawn", true).await;
    declare(&*store, &closure(2, 1, 10)).await;
    rose("another declared", true).await;
    assert_eq!(store.forget_closures(11).await.unwrap(), 1);
    rose("forgotten", true).await;
    store.closures().await.unwrap();
    rose("read", false).await;
    drop(store);
    assert_eq!(place.open().await.closures_version().await.unwrap(), seen);
}

pub(crate) async fn closures_declared_at_once_are_counted_once(place: &dyn Place) {
    let store = place.open().await;
    let before = store.closures_version().await.unwrap();
    let mut tasks = JoinSet::new();
    for n in 0..12 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.declare_closure(&closure(n, 1, 2), 5).await.unwrap() });
    }
    let kept = tasks.join_all().await.into_iter().filter(|kept| *kept).count();
    assert_eq!(kept, 5);
    assert_eq!(store.closures().await.unwrap().len(), 5);
    assert_eq!(store.closures_version().await.unwrap(), before + 5);
}
