//! Entropy coding of a trace's columns.

mod columns;
mod model;
mod optional;
mod positions;
mod rans;
mod reckoning;

pub(crate) use columns::{DecodeError, decode, encode};
