//! The CRC-32 of Ethernet and gzip (ISO 3309), reflected, with the polynomial 0xedb88320.
//!
//! Four bytes at a time, with tables of 4 KB: a journal is a few megabytes, and read once. Implementations
//! that are several times faster bring 16 KB of tables, and code for each kind of processor.

/// `TABLES[n][byte]` is what `byte` makes of the sum when `n` zeros follow it.
static TABLES: [[u32; 256]; 4] = tables();

const fn tables() -> [[u32; 256]; 4] {
    let mut tables = [[0; 256]; 4];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg());
            bit += 1;
        }
        tables[0][byte] = sum;
        byte += 1;
    }
    let mut after = 1;
    while after < 4 {
        let mut byte = 0;
        while byte < 256 {
            let sum: u32 = tables[after - 1][byte];
            tables[after][byte] = (sum >> 8) ^ tables[0][(sum & 0xff) as usize];
            byte += 1;
        }
        after += 1;
    }
    tables
}

/// The sum of all parts, one after another.
pub(super) fn crc32(parts: &[&[u8]]) -> u32 {
    !parts.iter().fold(!0, |sum, part| update(sum, part))
}

fn update(mut sum: u32, bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        let [a, b, c, d] = (sum ^ u32::from_le_bytes(*word)).to_le_bytes().map(usize::from);
        sum = TABLES[3][a] ^ TABLES[2][b] ^ TABLES[1][c] ^ TABLES[0][d];
    }
    for byte in rest {
        sum = (sum >> 8) ^ TABLES[0][usize::from(sum as u8 ^ byte)];
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_check_value_is_the_catalogues() {
        assert_eq!(crc32(&[b"123456789"]), 0xcbf4_3926);
        assert_eq!(crc32(&[]), 0);
    }

    proptest! {
        #[test]
        fn any_parts_have_the_sum_that_another_finds(parts: Vec<Vec<u8>>) {
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(crc32(&parts), crc32fast::hash(&parts.concat()));
        }
    }
}
