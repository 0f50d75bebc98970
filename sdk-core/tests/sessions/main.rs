//! Thousands of sessions of an app, from start to crash, against a server and a network that do what
//! those do: every fix that was kept arrives, and counts once.
//!
//! `HEXMILE_SESSIONS` sets how many, `HEXMILE_SEED` from which seed; `cargo xtask soak` runs many.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod phone;
mod server;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

use phone::Phone;

/// Sessions of a phone, all on one journal.
const SESSIONS_A_PHONE: u64 = 20;
const SESSIONS: u64 = 2000;

/// Numbers that a seed gives (`SplitMix64`).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From zero to less than `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// What happened, counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) fixes: u64,
    pub(crate) traces: u64,
    pub(crate) requests: u64,
    /// What became of requests, by name.
    pub(crate) fates: BTreeMap<&'static str, u64>,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.fixes += other.fixes;
        self.traces += other.traces;
        self.requests += other.requests;
        for (name, n) in &other.fates {
            *self.fates.entry(name).or_default() += n;
        }
    }
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// The life of one phone.
fn live(seed: u64, number: u64) -> Tally {
    let mut phone = Phone::new(Random(seed ^ number.wrapping_mul(0xd134_2543_de82_ef95)));
    for _ in 0..SESSIONS_A_PHONE {
        phone.session();
    }
    phone.finish()
}

#[test]
fn whatever_becomes_of_requests_and_answers_every_fix_counts_once() {
    let seed = setting("HEXMILE_SEED").unwrap_or(1);
    let sessions = setting("HEXMILE_SESSIONS").unwrap_or(SESSIONS);
    let phones = sessions.div_ceil(SESSIONS_A_PHONE);
    let (next, started) = (AtomicU64::new(0), Instant::now());
    let work = || {
        let mut tally = Tally::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= phones {
                return tally;
            }
            let lived = std::panic::catch_unwind(|| live(seed, number));
            tally.add(&lived.unwrap_or_else(|_| panic!("phone {number} of HEXMILE_SEED={seed}")));
        }
    };
    let mut all = Tally::default();
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(2, usize::from);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            all.add(&worker.join().unwrap());
        }
    });
    let seconds = started.elapsed().as_secs_f64();
    eprintln!(
        "{} sessions of {phones} phones in {seconds:.1} s: {} fixes in {} traces, each once, in {} requests: {:?}",
        phones * SESSIONS_A_PHONE,
        all.fixes,
        all.traces,
        all.requests,
        all.fates
    );
    assert!(all.traces > phones && all.fates.len() > 10, "the faults happen");
}
