//! Laws of the crate, checked from outside as property tests and as examples.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod attacker;
mod chicago;
mod closures;
mod everywhere;
mod geometry;
mod linking;
mod pack;
mod snap;
mod state;
mod streets;
mod tile;
mod typical;
mod world;
