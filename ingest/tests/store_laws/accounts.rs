//! Accounts and devices.

use hexmile_ingest::store::{Account, Attestation, Commit, Device, DeviceAdded, Joining};
use hexmile_trace::{
    AccountId, DeviceId, KeyId,
    sign::{Alg, PublicKey},
};

use super::{Place, account, attempt, commit, device, enrol};

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
    let id = DeviceId::of_key(&key);
    let added = Device { id, account: opened.id, key, added_at_ms: 6, revoked_at_ms: None };
    assert_eq!(
        store.add_device(&added, &Joining::default()).await.unwrap(),
        DeviceAdded::New(added.clone())
    );
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
    assert_eq!(
        store.add_device(&stray, &Joining::default()).await.unwrap(),
        DeviceAdded::NoAccount
    );
    assert_eq!(store.device(first.id).await.unwrap(), None);

    assert_eq!(
        store.add_device(&first, &Joining::default()).await.unwrap(),
        DeviceAdded::New(first.clone())
    );
    let again = Device { added_at_ms: 20, ..first.clone() };
    assert_eq!(
        store.add_device(&again, &Joining::default()).await.unwrap(),
        DeviceAdded::Known(first.clone())
    );
    let taken = Device { account: theirs.id, ..first.clone() };
    assert_eq!(
        store.add_device(&taken, &Joining::default()).await.unwrap(),
        DeviceAdded::OtherAccount
    );
    assert_eq!(store.device(first.id).await.unwrap(), Some(first));

    let second = device(2, mine.id, 30);
    assert_eq!(
        store.add_device(&second, &Joining::default()).await.unwrap(),
        DeviceAdded::New(second)
    );
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
    store.add_device(&added, &Joining::default()).await.unwrap();
    drop(store);
    let store = place.open().await;
    assert_eq!(store.account(opened.id).await.unwrap(), Some(opened));
    assert_eq!(
        store.add_device(&added, &Joining::default()).await.unwrap(),
        DeviceAdded::Known(added)
    );
}

pub(crate) async fn an_invitation_serves_for_one_device(place: &dyn Place) {
    let store = place.open().await;
    let mine = store.open_account(&account(1, 1)).await.unwrap();
    let by = |n| Joining { invitation: Some([n; 32]), attestation: None };
    let (first, second) = (device(1, mine.id, 10), device(2, mine.id, 20));
    assert_eq!(store.add_device(&first, &by(1)).await.unwrap(), DeviceAdded::New(first.clone()));
    assert_eq!(store.add_device(&first, &by(1)).await.unwrap(), DeviceAdded::Known(first.clone()));
    assert_eq!(store.add_device(&second, &by(1)).await.unwrap(), DeviceAdded::InvitationUsed);
    assert_eq!(store.device(second.id).await.unwrap(), None);
    assert_eq!(store.add_device(&second, &by(2)).await.unwrap(), DeviceAdded::New(second));
    // Signing its device out does not make an invitation good again.
    store.revoke_device(mine.id, first.id, 30).await.unwrap();
    let third = device(3, mine.id, 40);
    assert_eq!(store.add_device(&third, &by(1)).await.unwrap(), DeviceAdded::InvitationUsed);
}

pub(crate) async fn a_device_that_was_signed_out_sends_nothing_new(place: &dyn Place) {
    let store = place.open().await;
    let phone = enrol(&*store, 1).await;
    let stranger = store.open_account(&account(9, 1)).await.unwrap();
    let first = attempt(&phone, 0, 0, 100, 1);
    commit(&*store, std::slice::from_ref(&first)).await;
    assert_eq!(store.device(phone.id).await.unwrap().unwrap().revoked_at_ms, None);

    assert_eq!(store.revoke_device(stranger.id, phone.id, 150).await.unwrap(), None);
    assert_eq!(
        store.revoke_device(phone.account, device(7, phone.account, 0).id, 150).await.unwrap(),
        None
    );
    let revoked = Device { revoked_at_ms: Some(200), ..phone.clone() };
    for at_ms in [200, 300] {
        let done = store.revoke_device(phone.account, phone.id, at_ms).await.unwrap();
        assert_eq!(done, Some(revoked.clone()));
    }
    drop(store);
    let store = place.open().await;
    assert_eq!(store.device(phone.id).await.unwrap(), Some(revoked.clone()));
    assert_eq!(store.devices(phone.account).await.unwrap(), [revoked]);
    let added = store.add_device(&phone, &Joining::default()).await.unwrap();
    assert_eq!(added, DeviceAdded::Revoked);
    let outcomes = [attempt(&phone, 0, 0, 400, 2), attempt(&phone, 1, 0, 400, 1)];
    let outcomes = store.commit_traces(&outcomes).await.unwrap();
    assert_eq!(outcomes, [Commit::Repeat(first.receipt), Commit::DeviceRevoked]);
    assert_eq!(store.pending().await.unwrap(), 1, "what was sent before is folded");
}

pub(crate) async fn the_last_attestation_is_kept(place: &dyn Place) {
    let store = place.open().await;
    let mine = store.open_account(&account(1, 1)).await.unwrap();
    let phone = device(1, mine.id, 10);
    store.add_device(&phone, &Joining::default()).await.unwrap();
    assert_eq!(store.attestation(phone.id).await.unwrap(), None);
    for object in [vec![1; 8192], vec![0, 0xff]] {
        let attestation = Some(Attestation { format: "android-key".to_owned(), object });
        let joining = Joining { invitation: None, attestation: attestation.clone() };
        let added = store.add_device(&phone, &joining).await.unwrap();
        assert_eq!(added, DeviceAdded::Known(phone.clone()));
        assert_eq!(store.attestation(phone.id).await.unwrap(), attestation);
    }
    let theirs = store.open_account(&account(2, 1)).await.unwrap();
    let taken = Device { account: theirs.id, ..phone.clone() };
    let attestation = Some(Attestation { format: "x".to_owned(), object: vec![7] });
    let joining = Joining { invitation: None, attestation };
    assert_eq!(store.add_device(&taken, &joining).await.unwrap(), DeviceAdded::OtherAccount);
    assert_eq!(store.attestation(phone.id).await.unwrap().unwrap().object, [0, 0xff]);
}
