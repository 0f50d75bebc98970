//! Live traffic: fixes to observations to traffic state to published snapshot to tile bytes.
//!
//! This crate owns snapping to H3 cells, what counts as an observation, the rule of what may be
//! published and when, and the content and bytes of tiles. It must never know of HTTP, stores,
//! configuration, accounts, rewards or the wall clock: rows of the log and ticks are passed in, and
//! everything is a pure function of them, equal on every machine.
//!
//! Where to start reading, in the order data flows:
//! 1. [`snap()`]: consecutive fixes are joined to a [`Course`] (`course.rs`) and each cell on the way
//!    is credited (`snap.rs`; the geometry of cells is in `lattice.rs`, their indices in `digits.rs`).
//! 2. [`observe`]: passes become [`Observation`]s (`observe.rs`, `observation.rs`), [`pack`]ed into the
//!    log (`pack.rs`).
//! 3. [`TrafficState`]: rows of the log advance the state of each key (`state.rs`). What waits for
//!    enough drivers is in `cohort.rs`; what is published of a key, in `published.rs`.
//! 4. [`Snapshot`]: immutable shards (`shard.rs`) of directions (`direction.rs`), joined into roads
//!    (`chain.rs`) less what is none (`stray.rs`), and their sums in coarser cells (`group.rs`), read by cell or by tile.
//! 5. [`encode`]: a tile's bytes (`encode.rs`, `clip.rs`, `mvt.rs`); its fields are described in [`LAYERS`].
//!
//! # The rule of publishing
//! Observations of a key wait in an open cohort. When it holds as many distinct drivers as the
//! [`Threshold`] asks for, all within the live window, it closes: it becomes a sum that can no more be
//! taken apart, it is published whole, ages whole and expires whole. So the difference of any two
//! publications, however taken, is made of whole cohorts, each of at least that many drivers. Those who
//! wait on either side of the border of two sectors may close a cohort together, so that a road that
//! lies on it is not kept back. Who waits and who waited in vain has no part in what is published.

mod bounds;
mod chain;
mod clip;
mod closure;
mod cohort;
mod course;
mod digest;
mod digits;
mod direction;
mod encode;
mod group;
mod hexagon;
mod histogram;
mod lattice;
mod level;
mod mvt;
mod observation;
mod observe;
mod pack;
mod published;
mod schema;
mod sector;
mod shape;
mod shard;
mod simplify;
mod snap;
mod snapshot;
mod sphere;
mod state;
mod stray;
mod summary;
mod threads;
mod threshold;
mod tile;
mod time;
mod typical;
mod varint;
mod world;

pub use closure::{
    Closure, ClosureError, Closures, MAX_CLOSURE_M, MAX_CLOSURE_POINTS, MAX_REASON_BYTES,
};
pub use course::Course;
pub use encode::encode;
pub use level::{CONFIDENCE_BOUNDS_PERCENT, Congestion, DRIVER_BUCKETS, Level};
pub use observation::{OBSERVATION_RESOLUTION, Observation, Offset, TrafficKey};
pub use observe::{MIN_DISTANCE_CM, PARKED_MS, observe};
pub use pack::{MAX_OBSERVATIONS, UnpackError, pack, unpack};
pub use schema::{FieldSchema, LAYERS, LayerSchema};
pub use sector::Sector;
pub use snap::{Pass, Visit, snap};
pub use snapshot::{CellTraffic, DirectionTraffic, Snapshot};
pub use state::{Applied, Row, TrafficConfig, TrafficState, TrafficStats, WaitingFull};
pub use summary::Summary;
pub use threshold::{Threshold, ThresholdError};
pub use tile::{MAX_ZOOM, TileId, TileIdError};
pub use time::{Slot, Tick};
pub use typical::{
    Compacted, Compaction, Section, Typical, TypicalBuilder, TypicalConfig, WeekSlot,
};
