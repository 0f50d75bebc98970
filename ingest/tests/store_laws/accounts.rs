//! Accounts and devices.

use hexmile_ingest::store::{Account, Device, DeviceAdded};
use hexmile_trace::{
    AccountId, DeviceId, KeyId,
    sign::{Alg, PublicKey},
};

use super::{Place, account, device};

pub(crate) async fn opening_again_keeps_the_first(place: &dyn Place) {
    let store = place.open().await;
    let first = account(1, 1_000);
    assert_eq!(store.account(first.id).await.unwrap(), None);
    assert_eq!(store.open_account(&first).await.unwrap(), first);
    let again = Account { opened_at_ms: 2_000, ..first.clone() };
    assert_eq!(store.open_account(&again).await.unwrap(), first);
    let earlier = Account { opened_at_ms: 500, ..first.clone() };
    assert_eq!(store.open_account(&earlier).await.unwrap(), first);
    assert_eq!(store.account(first.id).await.unwrap(), Some(first));
    assert_eq!(store.account(account(2, 0).id).await.unwrap(), None);
}

pub(crate) async fn both_algorithms_round_trip(place: &dyn Place) {
    // The generator of P-256, compressed: a key as good as any.
    let point = hex::decode("036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296");
    let key = PublicKey::new(Alg::Es256, &point.unwrap()).unwrap();
    let store = place.open().await;
    let opened = Account { id: AccountId::of_key(&key), key, opened_at_ms: 5 };
    assert_eq!(store.open_account(&opened).await.unwrap(), opened);
    let added = Device { id: DeviceId::of_key(&key), account: opened.id, key, added_at_ms: 6 };
    assert_eq!(store.add_device(&added).await.unwrap(), DeviceAdded::New(added.clone()));
    assert_eq!(store.account(opened.id).await.unwrap(), Some(opened));
    assert_eq!(store.device(added.id).await.unwrap(), Some(added));
}

pub(crate) async fn a_device_belongs_to_one_account(place: &dyn Place) {
    let store = place.open().await;
    let mine = store.open_account(&account(1, 1)).await.unwrap();
    let theirs = store.open_account(&account(2, 1)).await.unwrap();
    let first = device(1, mine.id, 10);
    assert_eq!(store.device(first.id).await.unwrap(), None);

    let stray = Device { account: account(3, 0).id, ..first.clone() };
    assert_eq!(store.add_device(&stray).await.unwrap(), DeviceAdded::NoAccount);
    assert_eq!(store.device(first.id).await.unwrap(), None);

    assert_eq!(store.add_device(&first).await.unwrap(), DeviceAdded::New(first.clone()));
    let again = Device { added_at_ms: 20, ..first.clone() };
    assert_eq!(store.add_device(&again).await.unwrap(), DeviceAdded::Known(first.clone()));
    let taken = Device { account: theirs.id, ..first.clone() };
    assert_eq!(store.add_device(&taken).await.unwrap(), DeviceAdded::OtherAccount);
    assert_eq!(store.device(first.id).await.unwrap(), Some(first));

    let second = device(2, mine.id, 30);
    assert_eq!(store.add_device(&second).await.unwrap(), DeviceAdded::New(second));
}

pub(crate) async fn the_first_key_that_signs_is_kept(place: &dyn Place) {
    let store = place.open().await;
    assert_eq!(store.server_key().await.unwrap(), None);
    let (first, second) = (KeyId([1; 8]), KeyId([2; 8]));
    assert_eq!(store.claim_server_key(first).await.unwrap(), first);
    assert_eq!(store.claim_server_key(second).await.unwrap(), first);
    drop(store);
    let store = place.open().await;
    assert_eq!(store.server_key().await.unwrap(), Some(first));
    assert_eq!(store.claim_server_key(first).await.unwrap(), first);
}

pub(crate) async fn all_survives_reopening(place: &dyn Place) {
    let store = place.open().await;
    let opened = store.open_account(&account(1, 7)).await.unwrap();
    let added = device(1, opened.id, 8);
    store.add_device(&added).await.unwrap();
    drop(store);
    let store = place.open().await;
    assert_eq!(store.account(opened.id).await.unwrap(), Some(opened));
    assert_eq!(store.add_device(&added).await.unwrap(), DeviceAdded::Known(added));
}
