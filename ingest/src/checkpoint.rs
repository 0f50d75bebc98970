//! Signed checkpoints of the Merkle log, in the C2SP formats `tlog-checkpoint` and `signed-note`.
//!
//! ```text
//! hexmile/NETWORK              the log's origin
//! 1234                         leaves
//! BASE64                       root hash (RFC 9162)
//!
//! — hexmile/NETWORK BASE64     key hash (4 bytes), Ed25519 signature (64)
//! ```

use base64::{Engine, engine::general_purpose::STANDARD};
use hexmile_trace::sign::{Domain, SignError};
use sha2::{Digest, Sha256};

use crate::{keys::ServerKeys, store::LogHead};

/// Signature type of Ed25519 in a signed note.
const NOTE_ED25519: u8 = 1;

/// The log's name in its checkpoints.
pub fn origin(network_name: &str) -> String {
    format!("hexmile/{network_name}")
}

/// The line by which verifiers know the key: `NAME+HASH+KEY`.
pub fn verifier_key(network_name: &str, keys: &ServerKeys) -> String {
    let origin = origin(network_name);
    let key = [&[NOTE_ED25519], keys.public_key().as_bytes()].concat();
    format!("{origin}+{}+{}", hex::encode(key_hash(&origin, &key)), STANDARD.encode(key))
}

fn key_hash(origin: &str, key: &[u8]) -> [u8; 4] {
    let hash = Sha256::new().chain_update(origin).chain_update(b"\n").chain_update(key).finalize();
    [hash[0], hash[1], hash[2], hash[3]]
}

/// Signs where the log ends.
///
/// # Errors
/// The key did not sign.
pub fn sign(network_name: &str, head: &LogHead, keys: &ServerKeys) -> Result<String, SignError> {
    let origin = origin(network_name);
    let body = format!("{origin}\n{}\n{}\n", head.tree_size, STANDARD.encode(head.root));
    let signature = keys.signer().sign(Domain::Note, body.as_bytes())?;
    let key = [&[NOTE_ED25519], keys.public_key().as_bytes()].concat();
    let line = [&key_hash(&origin, &key)[..], &signature].concat();
    Ok(format!("{body}\n\u{2014} {origin} {}\n", STANDARD.encode(line)))
}
