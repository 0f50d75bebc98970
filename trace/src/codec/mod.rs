//! Entropy coding of a trace's columns.

mod columns;
mod model;
mod range;

pub(crate) use columns::{DecodeError, decode, encode};
