//! What must hold of any bytes that reach Hexmile from outside: one function a fuzz target.
//!
//! **Owns** the properties, as functions that take bytes and panic where one does not hold, and a
//! server of their own for those that go over HTTP. The fuzzer's programs (`fuzz/fuzz_targets/`)
//! call them with bytes that it invents; an ordinary test calls them with every input under
//! `fuzz/corpus/`, so that what was found once stays found.
//!
//! **Must never know** how the fuzzer works, nor say twice what a type's constructor says.
//!
//! Start at [`trace`], the bytes that everybody on the network may send.

mod client;
mod files;
mod memory;
pub mod seeds;
mod server;
mod traces;
mod web;

pub use files::{csv, gpx, nmea, sealed};
pub use traces::{batch, trace};
pub use web::{query, registration};

/// A property: takes any bytes, and panics where it does not hold.
pub type Property = fn(&[u8]);

/// Every target by its name, which is that of its corpus too.
pub const TARGETS: [(&str, Property); 8] = [
    ("trace", trace),
    ("batch", batch),
    ("registration", registration),
    ("query", query),
    ("csv", csv),
    ("gpx", gpx),
    ("nmea", nmea),
    ("sealed", sealed),
];

/// Asserts that a code is one: stable names are lower case with underscores.
fn assert_code(code: &str) {
    let well_formed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
    assert!(!code.is_empty() && code.bytes().all(well_formed), "{code:?} is no code");
}
