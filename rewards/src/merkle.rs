//! The append-only Merkle tree of RFC 9162 (Certificate Transparency 2.0), section 2.1, with SHA-256.
//!
//! [`Frontier`] appends with logarithmic state; `proof.rs` makes and checks inclusion and consistency
//! proofs.

mod frontier;
mod proof;

pub use frontier::{Frontier, FrontierError};
pub use proof::{
    consistency_proof, inclusion_proof, root_of, verify_consistency, verify_inclusion,
};

use sha2::{Digest, Sha256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// Root of the empty tree: the hash of nothing.
pub const EMPTY_ROOT: Hash = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// Hash of a leaf: SHA-256 of a zero byte and the entry.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(entry).finalize().into()
}

/// Hash of a node: SHA-256 of a one byte, the left and the right child. The other first byte keeps a
/// node from being passed off as a leaf.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}
