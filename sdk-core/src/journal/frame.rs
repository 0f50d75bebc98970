//! Frames: the unit that is whole or absent.
//!
//! `length u32 | CRC-32 u32 | body`, little endian; the sum covers length and body, so that a torn
//! length cannot pass.

use crc::{CRC_32_ISO_HDLC, Crc, Table};

/// With one table of 1 KB: a journal is a few megabytes and read once, and a phone's library is small.
static CRC_32: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);

/// Largest body in bytes.
pub(crate) const MAX_BODY: usize = 64 * 1024;
/// Bytes before the body.
pub(crate) const HEADER: usize = 8;

/// Appends a frame around `body`.
pub(crate) fn write(out: &mut Vec<u8>, body: &[u8]) {
    let len = (body.len() as u32).to_le_bytes();
    out.extend_from_slice(&len);
    out.extend_from_slice(&sum_of(len, body).to_le_bytes());
    out.extend_from_slice(body);
}

fn sum_of(len: [u8; 4], body: &[u8]) -> u32 {
    let mut digest = CRC_32.digest();
    digest.update(&len);
    digest.update(body);
    digest.finalize()
}

/// The body of the frame at the start of `bytes`, or `None` where it is torn or damaged.
pub(crate) fn read(bytes: &[u8]) -> Option<&[u8]> {
    read_up_to(MAX_BODY, bytes)
}

/// The same of a file whose bodies are at most so long.
pub(crate) fn read_up_to(max_body: usize, bytes: &[u8]) -> Option<&[u8]> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let body = rest.get(..u32::from_le_bytes(*len) as usize)?;
    (body.len() <= max_body && sum_of(*len, body) == u32::from_le_bytes(*sum)).then_some(body)
}
