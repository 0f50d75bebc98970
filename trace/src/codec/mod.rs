//! Entropy coding of a trace's columns, as `FORMAT.md` specifies it.
//!
//! [`columns`] sets the order; [`optional`] and [`positions`] predict values, the latter by
//! [`reckoning`]; [`model`] turns what is left over into symbols, and [`rans`] those into bytes. The
//! same code encodes and decodes. What else was tried stands in the crate's docs.

mod columns;
mod model;
mod optional;
mod positions;
mod rans;
mod reckoning;

pub(crate) use columns::{DecodeError, decode, encode};
