//! How much memory reading takes.

use allocation_counter::measure;

/// Reads, and asserts that no more than so many bytes were held at any time, beside `input`.
pub(crate) fn within<T>(bytes: usize, input: &[u8], read: impl FnOnce() -> T) -> T {
    let mut out = None;
    let held = measure(|| out = Some(read())).bytes_max;
    assert!(held <= bytes as u64, "{held} bytes were held to read {}", input.len());
    out.expect("measuring calls what it measures")
}
