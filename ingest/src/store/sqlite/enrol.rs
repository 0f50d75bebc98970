//! Accounts, devices, and the key that the network signs with.

use hexmile_trace::{
    AccountId, DeviceId, KeyId,
    sign::{Alg, PublicKey},
};
use rusqlite::{Connection, OptionalExtension, params};

use super::connection::{Fault, Outcome, bytes, int, uint};
use crate::store::{Account, Attestation, Device, DeviceAdded, Joining};

pub(super) fn server_key(db: &Connection) -> Outcome<Option<KeyId>> {
    let key: Option<Vec<u8>> = db
        .prepare_cached("/* server_key */ SELECT server_key FROM network")?
        .query_row([], |r| r.get(0))?;
    key.map(|key| Ok(KeyId(bytes(&key)?))).transpose()
}

pub(super) fn claim_server_key(db: &Connection, key: KeyId) -> Outcome<KeyId> {
    db.prepare_cached(
        "/* claim_server_key */ UPDATE network SET server_key = ? WHERE server_key IS NULL",
    )?
    .execute([key.0])?;
    Ok(server_key(db)?.unwrap_or(key))
}

pub(super) fn open_account(db: &Connection, account: &Account) -> Outcome<Account> {
    db.prepare_cached(
        "/* open_account */ INSERT INTO account VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )?
    .execute(params![
        account.id.0,
        account.key.alg() as u8,
        account.key.as_bytes(),
        int(account.opened_at_ms)?
    ])?;
    self::account(db, account.id)?.ok_or_else(|| Fault::Corrupt("the account is gone".to_owned()))
}

pub(super) fn account(db: &Connection, id: AccountId) -> Outcome<Option<Account>> {
    let row = db
        .prepare_cached(
            "/* account */ SELECT alg, public_key, opened_at_ms FROM account WHERE account_id = ?",
        )?
        .query_row([id.0], |r| Ok((r.get(0)?, r.get::<_, Vec<u8>>(1)?, r.get(2)?)))
        .optional()?;
    row.map(|(alg, key, at)| {
        Ok(Account { id, key: public_key(alg, &key)?, opened_at_ms: uint(at)? })
    })
    .transpose()
}

pub(super) fn add_device(
    db: &Connection,
    device: &Device,
    joining: &Joining,
) -> Outcome<DeviceAdded> {
    if account(db, device.account)?.is_none() {
        return Ok(DeviceAdded::NoAccount);
    }
    let added = db
        .prepare_cached(
            "/* add_device */
             INSERT INTO device (device_id, account_id, alg, public_key, added_at_ms, invitation)
             VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            device.id.0,
            device.account.0,
            device.key.alg() as u8,
            device.key.as_bytes(),
            int(device.added_at_ms)?,
            joining.invitation
        ])?;
    // Nothing was added, and the device is not known: something else has the invitation.
    let Some(known) = self::device(db, device.id)? else { return Ok(DeviceAdded::InvitationUsed) };
    if known.account != device.account {
        return Ok(DeviceAdded::OtherAccount);
    }
    if known.revoked_at_ms.is_some() {
        return Ok(DeviceAdded::Revoked);
    }
    if let Some(Attestation { format, object }) = &joining.attestation {
        db.prepare_cached("/* add_device */ INSERT OR REPLACE INTO attestation VALUES (?, ?, ?)")?
            .execute(params![device.id.0, format, object])?;
    }
    Ok(if added == 1 { DeviceAdded::New(known) } else { DeviceAdded::Known(known) })
}

pub(super) fn revoke_device(
    db: &Connection,
    account: AccountId,
    id: DeviceId,
    at_ms: u64,
) -> Outcome<Option<Device>> {
    db.prepare_cached(
        "/* revoke_device */ UPDATE device SET revoked_at_ms = ?
         WHERE device_id = ? AND account_id = ? AND revoked_at_ms IS NULL",
    )?
    .execute(params![int(at_ms)?, id.0, account.0])?;
    Ok(device(db, id)?.filter(|device| device.account == account))
}

pub(super) fn attestation(db: &Connection, id: DeviceId) -> Outcome<Option<Attestation>> {
    Ok(db
        .prepare_cached(
            "/* attestation */ SELECT format, object FROM attestation WHERE device_id = ?",
        )?
        .query_row([id.0], |r| Ok(Attestation { format: r.get(0)?, object: r.get(1)? }))
        .optional()?)
}

pub(super) fn device(db: &Connection, id: DeviceId) -> Outcome<Option<Device>> {
    let row = db
        .prepare_cached(
            "/* device */ SELECT account_id, alg, public_key, added_at_ms, revoked_at_ms FROM device
             WHERE device_id = ?",
        )?
        .query_row([id.0], |r| {
            let (account, key): (Vec<u8>, Vec<u8>) = (r.get(0)?, r.get(2)?);
            Ok((account, r.get(1)?, key, r.get(3)?, r.get::<_, Option<i64>>(4)?))
        })
        .optional()?;
    row.map(|(account, alg, key, at, revoked)| {
        Ok(Device {
            id,
            account: AccountId(bytes(&account)?),
            key: public_key(alg, &key)?,
            added_at_ms: uint(at)?,
            revoked_at_ms: revoked.map(uint).transpose()?,
        })
    })
    .transpose()
}

fn public_key(alg: u8, key: &[u8]) -> Outcome<PublicKey> {
    Alg::from_u8(alg)
        .and_then(|alg| PublicKey::new(alg, key).ok())
        .ok_or_else(|| Fault::Corrupt("a public key cannot be read".to_owned()))
}
