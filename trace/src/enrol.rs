//! What account and device keys sign to join a network, and to ask for what is theirs.

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

/// Signed by the account key (domain [`Invitation`](crate::sign::Domain::Invitation)) to let whoever
/// holds the signature add one device in its place, for as long as the challenge is good: network,
/// account, challenge.
pub fn invitation_message(
    network: NetworkId,
    account: AccountId,
    challenge: &[u8; CHALLENGE_LEN],
) -> Vec<u8> {
    [&network.0[..], &account.0, challenge].concat()
}

/// Signed by an account key or a device key (domain [`Request`](crate::sign::Domain::Request)) to
/// ask for what belongs to the account: network, id of the key (an account's or a device's), time
/// (Unix milliseconds, u64 big endian), method, a space, path.
///
/// The method is in capitals and the path begins with a slash and has no query, so that no two
/// requests have one message.
pub fn request_message(
    network: NetworkId,
    key_id: [u8; 16],
    time_ms: u64,
    method: &str,
    path: &str,
) -> Vec<u8> {
    let time = time_ms.to_be_bytes();
    [&network.0[..], &key_id, &time, method.as_bytes(), b" ", path.as_bytes()].concat()
}
