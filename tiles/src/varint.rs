//! Numbers as bytes: LEB128, one form for each.

use crate::{Offset, UnpackError};

/// Writes a number as LEB128, in its shortest form.
pub(crate) fn write(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Writes a number with its sign in the lowest bit.
pub(crate) fn write_signed(out: &mut Vec<u8>, number: i64) {
    write(out, (number << 1 ^ number >> 63) as u64);
}

/// Reads what the two wrote, and nothing that they would not have written.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl Reader<'_> {
    pub(crate) fn number(&mut self) -> Result<u64, UnpackError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or(UnpackError::Truncated)?;
            self.0 = rest;
            let overlong = (byte == 0 && shift > 0) || (shift == 63 && byte > 1);
            if overlong {
                return Err(UnpackError::Overlong);
            }
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(UnpackError::Overlong)
    }

    pub(crate) fn ranged(&mut self, max: u64) -> Result<u64, UnpackError> {
        self.number().and_then(|n| if n <= max { Ok(n) } else { Err(UnpackError::Range) })
    }

    pub(crate) fn signed(&mut self) -> Result<i64, UnpackError> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    pub(crate) fn offset(&mut self) -> Result<Offset, UnpackError> {
        let mut component = || {
            let dm = i16::try_from(self.signed()?).map_err(|_| UnpackError::Range)?;
            if dm.unsigned_abs() <= Offset::MAX_DM.unsigned_abs() {
                Ok(dm)
            } else {
                Err(UnpackError::Range)
            }
        };
        Ok(Offset { east_dm: component()?, north_dm: component()? })
    }
}
