//! Reading and writing packed records: variable-length integers (LEB128), in their shortest form only,
//! so that one value has one encoding.

/// Why packed bytes cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// A version that this code does not know.
    #[error("unknown version {0} of a packed record")]
    Version(u8),
    /// The bytes end within a field.
    #[error("the packed record is cut short")]
    Truncated,
    /// Bytes follow the last field.
    #[error("bytes follow the packed record")]
    Trailing,
    /// A field is out of its range, out of order, or not in its shortest form.
    #[error("field `{0}` of the packed record is out of range or order")]
    Field(&'static str),
}

pub(crate) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// What is left to read of a record.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Starts after the version byte, which must be `version`.
    pub(crate) fn new(bytes: &'a [u8], version: u8) -> Result<Self, UnpackError> {
        match bytes.split_first() {
            None => Err(UnpackError::Truncated),
            Some((&found, rest)) if found == version => Ok(Self(rest)),
            Some((&found, _)) => Err(UnpackError::Version(found)),
        }
    }

    /// Bytes left: an upper bound of what any count in the record can promise.
    pub(crate) fn left(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], UnpackError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(UnpackError::Truncated)?;
        self.0 = rest;
        Ok(*head)
    }

    /// An integer from 0 to `max`.
    pub(crate) fn take(&mut self, field: &'static str, max: u64) -> Result<u64, UnpackError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits || (byte == 0 && shift > 0) {
                return Err(UnpackError::Field(field));
            }
            value |= bits << shift;
            if byte < 0x80 {
                return if value <= max { Ok(value) } else { Err(UnpackError::Field(field)) };
            }
        }
        Err(UnpackError::Field(field))
    }

    pub(crate) fn take_u32(&mut self, field: &'static str) -> Result<u32, UnpackError> {
        self.take(field, u64::from(u32::MAX)).map(|value| value as u32)
    }

    pub(crate) fn end(self) -> Result<(), UnpackError> {
        if self.0.is_empty() { Ok(()) } else { Err(UnpackError::Trailing) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn integers_round_trip_in_one_form(value in any::<u64>(), shift in 0..64u32) {
            let value = value >> shift;
            let mut bytes = vec![1];
            put(&mut bytes, value);
            let mut reader = Reader::new(&bytes, 1).unwrap();
            prop_assert_eq!(reader.take("x", u64::MAX), Ok(value));
            prop_assert_eq!(reader.end(), Ok(()));
            // The same value with a superfluous zero at the end.
            *bytes.last_mut().unwrap() |= 0x80;
            bytes.push(0);
            prop_assert_eq!(Reader::new(&bytes, 1).unwrap().take("x", u64::MAX), Err(UnpackError::Field("x")));
        }
    }
}
