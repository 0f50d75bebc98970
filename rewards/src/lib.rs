//! Contributions to exact scores, pay, ledger entries and roots.
//!
//! This crate owns what a trace's way through cells is worth, and how a pool is divided by it: integers
//! only, products in 128 bits, every division floored and its remainder kept where it came from, every
//! order fixed. [`close`] is a pure function of a *set*: any order of its input gives the same bytes.
//!
//! It must never know fixes, tiles, stores, HTTP or the clock, and no rule may look at how long, how
//! often or with what stake an account has taken part: a late joiner earns the same for the same work.
//!
//! Start at [`close`] (`epoch.rs`), which calls `score.rs` for each cell; `bucket.rs` holds what a cell
//! still has to pay. [`ledger`] and [`merkle`] stand alone.
//!
//! ```
//! use hexmile_rewards::{
//!     Cell, CellPass, Credited, EpochInput, Pool, RegionId, Rules, close, contributions, ledger,
//! };
//! use hexmile_trace::{AccountId, TraceId};
//!
//! let pass = CellPass {
//!     cell: Cell::try_from(0x8a2664c1a8effff)?,
//!     entered_ms: 1_700_000_000_000,
//!     distance_cm: 12_000,
//! };
//! let account = AccountId([7; 16]);
//! let credited = contributions(TraceId([1; 32]), 1_000_000, 1_700_000_060_000, [pass])
//!     .into_iter()
//!     .map(|contribution| Credited {
//!         account,
//!         unit: account.into(),
//!         region: RegionId::default(),
//!         contribution,
//!     });
//! let result = close(EpochInput {
//!     number: 1,
//!     pools: vec![Pool { region: RegionId::default(), amount: 5_000_000, target_score: 2_200_000 }],
//!     contributions: credited.collect(),
//!     buckets: vec![],
//!     rules: &Rules::default(),
//! })?;
//! assert_eq!(result.scores[0].score, 1_100_000);
//! assert_eq!((result.scores[0].pay, result.pools[0].unallocated), (2_500_000, 2_500_000));
//! ledger::verify(&result.entries)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bucket;
mod bytes;
mod cell;
mod contribution;
mod epoch;
pub mod ledger;
pub mod merkle;
mod rules;
mod score;

pub use bucket::Bucket;
pub use bytes::UnpackError;
pub use cell::{Cell, NotACell};
pub use contribution::{
    CellPass, Contribution, PackError, SLOT_MS, SLOTS_PER_DAY, contributions, pack, unpack,
};
pub use epoch::{
    Credited, EpochError, EpochInput, EpochResult, Pool, PoolResult, RegionId, Score, close,
};
pub use rules::{Rules, RulesError};
pub use score::UnitId;
