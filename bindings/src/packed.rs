//! Many fixes in one call: crossing the border costs more than recording one.

use hexmile_sdk_core::{self as core, trace::RawFix};

use crate::{Fix, FixProvider};

/// Bytes of a fix: time (i64, Unix milliseconds), then latitude, longitude, accuracy, speed, course and
/// altitude (f64, in the units of [`Fix`], NaN where it is not known), all little endian; a byte that is
/// 1 for a mock and else 0; a byte for the provider (0 unknown, 1 satellites, 2 fused, 3 network); six
/// zeros.
const FIX_LEN: usize = 64;

/// What packed fixes must look like.
pub(crate) const EXPECTED: &str = "fixes: expected 64 bytes for each";

/// What became of fixes that came together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, uniffi::Record)]
pub struct Batch {
    /// Fixes that joined the open run.
    pub kept: u32,
    /// Fixes that wait until enough of the trip lies behind them.
    pub held: u32,
    /// Fixes that are gone; `status` says why.
    pub dropped: u32,
}

impl FromIterator<core::Recorded> for Batch {
    fn from_iter<I: IntoIterator<Item = core::Recorded>>(recorded: I) -> Self {
        let mut batch = Self::default();
        for recorded in recorded {
            match recorded {
                core::Recorded::Kept => batch.kept += 1,
                core::Recorded::Held => batch.held += 1,
                core::Recorded::Dropped(_) => batch.dropped += 1,
            }
        }
        batch
    }
}

/// The fixes of packed bytes; `None` where they are none.
pub(crate) fn fixes(bytes: &[u8]) -> Option<impl Iterator<Item = RawFix>> {
    let (packed, []) = bytes.as_chunks::<FIX_LEN>() else { return None };
    let is_fix = |fix: &[u8; FIX_LEN]| fix[56] <= 1 && fix[57] <= 3 && fix[58..] == [0; 6];
    packed.iter().all(is_fix).then(|| packed.iter().map(fix))
}

fn fix(bytes: &[u8; FIX_LEN]) -> RawFix {
    let (words, _) = bytes.as_chunks::<8>();
    let number = |at: usize| f64::from_le_bytes(words[at]);
    let known = |at: usize| Some(number(at)).filter(|value| !value.is_nan());
    let fix = Fix {
        time_ms: i64::from_le_bytes(words[0]),
        latitude_deg: number(1),
        longitude_deg: number(2),
        accuracy_m: known(3),
        speed_mps: known(4),
        course_deg: known(5),
        altitude_m: known(6),
        mock: bytes[56] == 1,
        provider: match bytes[57] {
            1 => FixProvider::Gnss,
            2 => FixProvider::Fused,
            3 => FixProvider::Network,
            _ => FixProvider::Unknown,
        },
    };
    fix.into()
}
