//! What account and device keys sign to join a network.

use crate::{AccountId, NetworkId, sign::PublicKey};

/// Length of a server's challenge in bytes.
pub const CHALLENGE_LEN: usize = 40;

fn with_key(mut message: Vec<u8>, key: &PublicKey) -> Vec<u8> {
    message.push(key.alg() as u8);
    message.extend_from_slice(key.as_bytes());
    message
}

/// Signed by the account key (domain [`Account`](crate::sign::Domain::Account)) to open its
/// account: network, algorithm, key.
pub fn account_message(network: NetworkId, key: &PublicKey) -> Vec<u8> {
    with_key(network.0.to_vec(), key)
}

/// Signed by both the account key and the device key
/// (domain [`Device`](crate::sign::Domain::Device)) to add the device: network, account,
/// challenge, algorithm, device key.
pub fn device_message(
    network: NetworkId,
    account: AccountId,
    challenge: &[u8; CHALLENGE_LEN],
    device_key: &PublicKey,
) -> Vec<u8> {
    with_key([&network.0[..], &account.0, challenge].concat(), device_key)
}
