//! A small world for the tests of epochs: cells in a row, accounts by number, one region.

use hexmile_rewards::{
    Bucket, Cell, CellPass, Credited, EpochInput, EpochResult, Pool, RegionId, Rules, SLOT_MS,
    UnitId, close, contributions,
};
use hexmile_trace::{AccountId, TraceId};

pub(crate) const FIRST_SLOT: u32 = 480_000;

/// The cell with this number, by coordinates: cells in one column lie 1 km apart.
pub(crate) fn cell(number: u16) -> Cell {
    let latitude = -60.0 + f64::from(number) * 0.01;
    let at = h3o::LatLng::new(latitude, 11.5).expect("valid").to_cell(h3o::Resolution::Ten);
    Cell::try_from(u64::from(at)).expect("valid")
}

/// A pass: who drove where and when, how well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drive {
    pub(crate) account: u8,
    pub(crate) unit: u8,
    pub(crate) trace: u16,
    pub(crate) cell: u16,
    /// Hours after [`FIRST_SLOT`].
    pub(crate) slot: u32,
    pub(crate) quality_ppm: u32,
    pub(crate) delay_s: u64,
}

impl Drive {
    /// Account `account` alone, through cell 0 in full quality, received at once.
    pub(crate) fn by(account: u8, slot: u32) -> Self {
        let trace = u16::from(account) << 8 | (slot & 0xff) as u16;
        Self { account, unit: account, trace, cell: 0, slot, quality_ppm: 1_000_000, delay_s: 0 }
    }

    pub(crate) fn credited(self) -> Credited {
        let entered_ms = u64::from(FIRST_SLOT + self.slot) * SLOT_MS + u64::from(self.trace);
        let pass = CellPass { cell: cell(self.cell), entered_ms, distance_cm: 20_000 };
        let mut trace = [0; 32];
        trace[..2].copy_from_slice(&self.trace.to_le_bytes());
        // What one trace holds is one thing: its content is its name.
        trace[2..6].copy_from_slice(&self.quality_ppm.to_le_bytes());
        trace[6..10].copy_from_slice(&(self.delay_s as u32).to_le_bytes());
        trace[10..12].copy_from_slice(&[self.account, self.unit]);
        let received_ms = entered_ms + self.delay_s * 1000;
        let [contribution] =
            contributions(TraceId(trace), self.quality_ppm, received_ms, [pass])[..]
        else {
            unreachable!("one pass is one contribution")
        };
        Credited {
            account: AccountId([self.account; 16]),
            unit: UnitId([self.unit; 16]),
            region: RegionId::default(),
            contribution,
        }
    }
}

pub(crate) fn pool(amount: u64, target_score: u64) -> Pool {
    Pool { region: RegionId::default(), amount, target_score }
}

pub(crate) fn close_with(
    number: u64,
    pool: Pool,
    drives: impl IntoIterator<Item = Drive>,
    buckets: Vec<Bucket>,
    rules: &Rules,
) -> EpochResult {
    let contributions = drives.into_iter().map(Drive::credited).collect();
    close(EpochInput { number, pools: vec![pool], contributions, buckets, rules }).expect("valid")
}

/// One epoch from full buckets under the default rules.
pub(crate) fn epoch(drives: &[Drive]) -> EpochResult {
    close_with(1, pool(1_000_000_000, 1), drives.iter().copied(), vec![], &Rules::default())
}

pub(crate) fn score_of(result: &EpochResult, account: u8) -> u64 {
    let found = result.scores.iter().find(|s| s.account == AccountId([account; 16]));
    found.map_or(0, |s| s.score)
}

pub(crate) fn score_sum(result: &EpochResult) -> u64 {
    result.pools.iter().map(|p| p.score_sum).sum()
}
