//! Accounts, devices, and the key that the network signs with.

use hexmile_trace::{
    AccountId, DeviceId, KeyId,
    sign::{Alg, PublicKey},
};
use tokio_postgres::Row;

use super::{
    columns::{bytes, get, int, uint},
    connection::{Db, Fault, Outcome},
};
use crate::store::{Account, Attestation, Device, DeviceAdded, Joining};

pub(super) async fn server_key(db: &Db<'_>) -> Outcome<Option<KeyId>> {
    let Some(row) = db.row("/* server_key */ SELECT server_key FROM network", &[]).await? else {
        return Ok(None);
    };
    let key: Option<&[u8]> = get(&row, 0)?;
    key.map(|_| Ok(KeyId(bytes(&row, 0)?))).transpose()
}

pub(super) async fn claim_server_key(db: &Db<'_>, key: KeyId) -> Outcome<KeyId> {
    db.run(
        "/* claim_server_key */ UPDATE network SET server_key = $1 WHERE server_key IS NULL",
        &[&key.0],
    )
    .await?;
    Ok(server_key(db).await?.unwrap_or(key))
}

pub(super) async fn open_account(db: &Db<'_>, account: &Account) -> Outcome<Account> {
    // Changing nothing in a row that is there locks it, so that it cannot be erased in between.
    db.run(
        "/* open_account */ INSERT INTO account VALUES ($1, $2, $3, $4)
         ON CONFLICT (account_id) DO UPDATE SET opened_at_ms = account.opened_at_ms",
        &[
            &account.id.0,
            &i16::from(account.key.alg() as u8),
            &account.key.as_bytes(),
            &int(account.opened_at_ms)?,
        ],
    )
    .await?;
    self::account(db, account.id)
        .await?
        .ok_or_else(|| Fault::Corrupt("the account is gone".to_owned()))
}

pub(super) async fn account(db: &Db<'_>, id: AccountId) -> Outcome<Option<Account>> {
    db.row(
        "/* account */ SELECT alg, public_key, opened_at_ms FROM account WHERE account_id = $1",
        &[&id.0],
    )
    .await?
    .map(|row| Ok(Account { id, key: public_key(&row, 0)?, opened_at_ms: uint(&row, 2)? }))
    .transpose()
}

pub(super) async fn add_device(
    db: &Db<'_>,
    device: &Device,
    joining: &Joining,
) -> Outcome<DeviceAdded> {
    let locked = db
        .row(
            "/* add_device */ SELECT FROM account WHERE account_id = $1 FOR KEY SHARE",
            &[&device.account.0],
        )
        .await?;
    if locked.is_none() {
        return Ok(DeviceAdded::NoAccount);
    }
    let added = db
        .run(
            "/* add_device */
             INSERT INTO device (device_id, account_id, alg, public_key, added_at_ms, invitation)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            &[
                &device.id.0,
                &device.account.0,
                &i16::from(device.key.alg() as u8),
                &device.key.as_bytes(),
                &int(device.added_at_ms)?,
                &joining.invitation.as_ref().map(<[u8; 32]>::as_slice),
            ],
        )
        .await?;
    // Nothing was added, and the device is not known: something else has the invitation.
    let Some(known) = self::device(db, device.id).await? else {
        return Ok(DeviceAdded::InvitationUsed);
    };
    if known.account != device.account {
        return Ok(DeviceAdded::OtherAccount);
    }
    if known.revoked_at_ms.is_some() {
        return Ok(DeviceAdded::Revoked);
    }
    if let Some(Attestation { format, object }) = &joining.attestation {
        db.run(
            "/* add_device */ INSERT INTO attestation VALUES ($1, $2, $3)
             ON CONFLICT (device_id) DO UPDATE SET format = $2, object = $3",
            &[&device.id.0, format, object],
        )
        .await?;
    }
    Ok(if added == 1 { DeviceAdded::New(known) } else { DeviceAdded::Known(known) })
}

pub(super) async fn revoke_device(
    db: &Db<'_>,
    account: AccountId,
    id: DeviceId,
    at_ms: u64,
) -> Outcome<Option<Device>> {
    db.run(
        "/* revoke_device */ UPDATE device SET revoked_at_ms = $1
         WHERE device_id = $2 AND account_id = $3 AND revoked_at_ms IS NULL",
        &[&int(at_ms)?, &id.0, &account.0],
    )
    .await?;
    Ok(device(db, id).await?.filter(|device| device.account == account))
}

pub(super) async fn attestation(db: &Db<'_>, id: DeviceId) -> Outcome<Option<Attestation>> {
    db.row(
        "/* attestation */ SELECT format, object FROM attestation WHERE device_id = $1",
        &[&id.0],
    )
    .await?
    .map(|row| Ok(Attestation { format: get(&row, 0)?, object: get(&row, 1)? }))
    .transpose()
}

pub(super) async fn device(db: &Db<'_>, id: DeviceId) -> Outcome<Option<Device>> {
    db.row(
        "/* device */ SELECT alg, public_key, added_at_ms, account_id, revoked_at_ms FROM device
         WHERE device_id = $1",
        &[&id.0],
    )
    .await?
    .map(|row| {
        Ok(Device {
            id,
            account: AccountId(bytes(&row, 3)?),
            key: public_key(&row, 0)?,
            added_at_ms: uint(&row, 2)?,
            revoked_at_ms: get::<Option<i64>>(&row, 4)?.map(|_| uint(&row, 4)).transpose()?,
        })
    })
    .transpose()
}

/// The key in two columns from `column` on: algorithm and bytes.
fn public_key(row: &Row, column: usize) -> Outcome<PublicKey> {
    let (alg, key): (i16, &[u8]) = (get(row, column)?, get(row, column + 1)?);
    u8::try_from(alg)
        .ok()
        .and_then(Alg::from_u8)
        .and_then(|alg| PublicKey::new(alg, key).ok())
        .ok_or_else(|| Fault::Corrupt("a public key cannot be read".to_owned()))
}
