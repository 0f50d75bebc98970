//! Closes an epoch of a million contributions and prints what it took:
//! `cargo run --release -p hexmile-rewards --example close_million`.

#![expect(clippy::print_stdout, reason = "prints a measurement")]
#![expect(clippy::disallowed_methods, reason = "measures time")]

use std::time::Instant;

use h3o::{LatLng, Resolution};
use hexmile_rewards::{
    Cell, CellPass, Credited, EpochInput, Pool, RegionId, Rules, SLOT_MS, close, contributions,
};
use hexmile_trace::{AccountId, TraceId};

const CONTRIBUTIONS: usize = 1_000_000;
const PER_TRACE: u64 = 20;
const ACCOUNTS: u64 = 20_000;
const CELLS: usize = 100_000;

/// A step of the `SplitMix64` sequence: the same contributions in every run.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

fn city() -> Result<Vec<Cell>, Box<dyn std::error::Error>> {
    let centre = LatLng::new(41.88, -87.63)?.to_cell(Resolution::Ten);
    let disk = centre.grid_disk::<Vec<_>>(183).into_iter().take(CELLS);
    Ok(disk.map(|cell| Cell::try_from(u64::from(cell))).collect::<Result<_, _>>()?)
}

fn day(cells: &[Cell]) -> Vec<Credited> {
    let mut state = 7;
    let mut day = Vec::with_capacity(CONTRIBUTIONS);
    while day.len() < CONTRIBUTIONS {
        let mut trace = [0; 32];
        trace[..8].copy_from_slice(&next(&mut state).to_le_bytes());
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(next(&mut state) % ACCOUNTS).to_be_bytes());
        let start_ms = 480_000 * SLOT_MS + next(&mut state) % (24 * SLOT_MS);
        let first = next(&mut state);
        let passes = (0..PER_TRACE).map(|i| CellPass {
            cell: cells[((first + i) % cells.len() as u64) as usize],
            entered_ms: start_ms + i * 12_000,
            distance_cm: 5_000 + first % 8_000,
        });
        let quality_ppm = 500_000 + (first % 500_000) as u32;
        let received_ms = start_ms + 300_000 + first % 3_000_000;
        let account = AccountId(id);
        let made = contributions(TraceId(trace), quality_ppm, received_ms, passes);
        day.extend(made.into_iter().map(|contribution| Credited {
            account,
            unit: account.into(),
            region: RegionId::default(),
            contribution,
        }));
    }
    day.truncate(CONTRIBUTIONS);
    day
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cells = city()?;
    let rules = Rules::default();
    let mut buckets = vec![];
    // The second day meets the buckets of the first.
    for number in 1..=2 {
        let mut contributions = day(&cells);
        for credited in &mut contributions {
            credited.contribution.slot += 24 * number as u32;
        }
        let pool = Pool { region: RegionId::default(), amount: 1 << 50, target_score: 1 };
        let pools = vec![pool];
        let started = Instant::now();
        let result = close(EpochInput { number, pools, contributions, buckets, rules: &rules })?;
        println!(
            "epoch {number}: {CONTRIBUTIONS} contributions, {} cells, {} accounts, {} entries: {:.2} s",
            result.buckets.len(),
            result.scores.len(),
            result.entries.len(),
            started.elapsed().as_secs_f64()
        );
        buckets = result.buckets;
    }
    Ok(())
}
