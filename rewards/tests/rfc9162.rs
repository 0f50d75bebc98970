//! The Merkle tree against known answers and against the recursive definitions of RFC 9162.

use hexmile_rewards::merkle::{
    EMPTY_ROOT, Frontier, Hash, consistency_proof, inclusion_proof, leaf_hash, node_hash, root_of,
    verify_consistency, verify_inclusion,
};
use proptest::prelude::*;

fn hash(hex: &str) -> Hash {
    hex::decode(hex).expect("hexadecimal").try_into().expect("32 bytes")
}

/// The entries of the Certificate Transparency reference implementation's test.
const ENTRIES: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];
/// Roots of the trees over the first 1, 2, ... of them.
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn known_leaves() -> Vec<Hash> {
    ENTRIES.iter().map(|entry| leaf_hash(&hex::decode(entry).expect("hexadecimal"))).collect()
}

#[test]
fn known_roots() {
    let leaves = known_leaves();
    let mut frontier = Frontier::default();
    assert_eq!((frontier.root(), root_of(&[])), (EMPTY_ROOT, EMPTY_ROOT));
    for (size, root) in (1..).zip(ROOTS) {
        frontier.append(leaves[size - 1]);
        assert_eq!(frontier.root(), hash(root), "{size}");
        assert_eq!(root_of(&leaves[..size]), hash(root), "{size}");
    }
}

#[test]
fn known_proofs() {
    let leaves = known_leaves();
    let proof = |hashes: &[&str]| hashes.iter().map(|h| hash(h)).collect::<Vec<_>>();
    let of_first = proof(&[
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]);
    let of_sixth = proof(&[
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]);
    let from_six = proof(&[
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]);
    assert_eq!(inclusion_proof(&leaves, 0), Some(of_first.clone()));
    assert_eq!(inclusion_proof(&leaves, 5), Some(of_sixth));
    assert_eq!(consistency_proof(&leaves, 1), Some(of_first));
    assert_eq!(consistency_proof(&leaves, 6), Some(from_six));
}

/// MTH of section 2.1.1.
fn mth(d: &[Hash]) -> Hash {
    match d.len() {
        0 => EMPTY_ROOT,
        1 => d[0],
        n => {
            let k = k(n);
            node_hash(&mth(&d[..k]), &mth(&d[k..]))
        }
    }
}

/// The largest power of two smaller than n.
fn k(n: usize) -> usize {
    (1..n).filter(|k| k.is_power_of_two()).max().expect("n is 2 at least")
}

/// PATH of section 2.1.3.1.
fn path(m: usize, d: &[Hash]) -> Vec<Hash> {
    if d.len() == 1 {
        return vec![];
    }
    let k = k(d.len());
    let (mut rest, other) =
        if m < k { (path(m, &d[..k]), mth(&d[k..])) } else { (path(m - k, &d[k..]), mth(&d[..k])) };
    rest.push(other);
    rest
}

/// SUBPROOF of section 2.1.4.1.
fn subproof(m: usize, d: &[Hash], b: bool) -> Vec<Hash> {
    if m == d.len() {
        return if b { vec![] } else { vec![mth(d)] };
    }
    let k = k(d.len());
    let (mut rest, other) = if m <= k {
        (subproof(m, &d[..k], b), mth(&d[k..]))
    } else {
        (subproof(m - k, &d[k..], false), mth(&d[..k]))
    };
    rest.push(other);
    rest
}

fn leaves(n: usize) -> Vec<Hash> {
    (0..n as u64).map(|i| leaf_hash(&i.to_be_bytes())).collect()
}

#[test]
fn all_trees_of_up_to_40_leaves() {
    for n in 0..=40 {
        let d = leaves(n);
        let root = mth(&d);
        assert_eq!(root_of(&d), root);
        let mut frontier = Frontier::default();
        for &leaf in &d {
            frontier.append(leaf);
        }
        assert_eq!((frontier.size(), frontier.root()), (n as u64, root));
        assert_eq!(Frontier::unpack(&frontier.pack()), Ok(frontier));
        for m in 0..n {
            let proof = inclusion_proof(&d, m).unwrap();
            assert_eq!(proof, path(m, &d));
            for other in 0..=n {
                let holds = verify_inclusion(&root, n as u64, &d[m], other as u64, &proof);
                assert_eq!(holds, other == m, "leaf {m} of {n} as {other}");
            }
        }
        assert_eq!(inclusion_proof(&d, n), None);
        for m in 0..=n {
            let proof = consistency_proof(&d, m).unwrap();
            if m > 0 {
                assert_eq!(proof, subproof(m, &d, true));
            }
            let old = mth(&d[..m]);
            assert!(verify_consistency(&old, m as u64, &root, n as u64, &proof), "{m} to {n}");
            if m > 0 {
                // A root says nothing of the size, but the length of a proof does.
                let taller = 2 * n.next_power_of_two() as u64;
                assert!(!verify_consistency(&old, m as u64, &root, taller, &proof), "{m} to {n}");
            }
        }
        assert_eq!(consistency_proof(&d, n + 1), None);
    }
}

#[test]
fn a_forked_log_is_found() {
    let d = leaves(21);
    let mut forked = d.clone();
    forked[3] = leaf_hash(b"another");
    for m in 4..21 {
        let proof = consistency_proof(&forked, m).unwrap();
        let (old, new) = (mth(&d[..m]), mth(&forked));
        assert!(!verify_consistency(&old, m as u64, &new, 21, &proof), "{m}");
    }
}

#[test]
fn a_frontier_has_one_form() {
    let mut frontier = Frontier::default();
    for leaf in leaves(5) {
        frontier.append(leaf);
    }
    let bytes = frontier.pack();
    assert_eq!(bytes.len(), 8 + 2 * 32);
    for cut in 0..bytes.len() {
        assert!(Frontier::unpack(&bytes[..cut]).is_err());
    }
    assert!(Frontier::unpack(&[&bytes[..], &[0; 32]].concat()).is_err());
}

proptest! {
    #[test]
    fn proofs_that_were_touched_fail(n in 1..200usize, at in any::<prop::sample::Index>(), bit in any::<prop::sample::Index>()) {
        let d = leaves(n);
        let (root, m) = (root_of(&d), at.index(n));
        let mut proof = inclusion_proof(&d, m).unwrap();
        prop_assert!(verify_inclusion(&root, n as u64, &d[m], m as u64, &proof));
        let longer = [&proof[..], &[root]].concat();
        prop_assert!(!verify_inclusion(&root, n as u64, &d[m], m as u64, &longer));
        if !proof.is_empty() {
            let flip = bit.index(proof.len() * 256);
            proof[flip / 256][flip % 256 / 8] ^= 1 << (flip % 8);
            prop_assert!(!verify_inclusion(&root, n as u64, &d[m], m as u64, &proof));
            proof.pop();
            prop_assert!(!verify_inclusion(&root, n as u64, &d[m], m as u64, &proof));
        }
    }

    #[test]
    fn any_proof_is_answered(sizes in any::<[u64; 2]>(), index in any::<u64>(), proof in prop::collection::vec(any::<Hash>(), 0..80)) {
        let root = leaf_hash(b"");
        prop_assert!(!verify_inclusion(&root, sizes[0], &EMPTY_ROOT, index, &proof));
        prop_assert!(!verify_consistency(&EMPTY_ROOT, sizes[0] | 1, &root, sizes[1], &proof));
    }
}
