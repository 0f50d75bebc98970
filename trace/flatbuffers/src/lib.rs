//! Code that flatc generates from `trace/trace.fbs`, and nothing else; never edited.
//!
//! `cargo xtask check` generates it again and compares.
#![allow(clippy::all, clippy::pedantic, missing_docs, rustdoc::all, unused_imports, warnings)]

#[rustfmt::skip]
mod trace_generated;

pub use trace_generated::hexmile::*;
