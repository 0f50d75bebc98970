//! The server: everything that touches the network, the disk and the clock.
//!
//! **Owns** HTTP, the [`store`] and its implementations, admission and receipts, group commit, the
//! jobs (folding, following the log, closing epochs, forgetting), configuration, metrics, and the
//! explorer page. Alone of the libraries it knows SQL, HTTP and the wall clock.
//!
//! **Must never know** how a speed, a verdict or a score is computed: that is the work of
//! `hexmile-tiles`, `hexmile-validation` and `hexmile-rewards`, which it feeds and obeys.
//!
//! Start at [`serve::start`], which puts a server together, then follow one trace:
//! [`admission`] verifies it, [`commit`] makes it durable, `jobs/fold.rs` folds it ([`fold::fold`])
//! into the log, `jobs/follow.rs` reads the log into traffic, [`epoch`] pays for it.

pub mod admission;
pub mod archive;
pub mod checkpoint;
pub mod commit;
pub mod config;
pub mod decoded;
pub mod environment;
pub mod epoch;
pub mod fold;
pub mod http;
mod jobs;
pub mod keys;
mod local_time;
mod map;
pub mod metrics;
mod public;
pub mod serve;
pub mod store;
mod week;
pub mod when;
