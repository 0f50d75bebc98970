//! A fix, quantised once at the door.

use crate::geodesy::Position;

/// Where a fix came from, as the platform tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Provider {
    /// Not told.
    #[default]
    Unknown = 0,
    /// Satellite positioning.
    Gnss = 1,
    /// The platform's fusion of satellites, inertia and radio.
    Fused = 2,
    /// Wi-Fi or cell towers.
    Network = 3,
}

/// Which optional fields a fix carries, whether it was mocked, and its provider.
///
/// ```text
/// bit 7    bits 6-5  bit 4     bit 3   bit 2  bit 1     bit 0
/// reserved provider  altitude  course  speed  accuracy  mock
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FixFlags(u8);

impl FixFlags {
    /// The platform says that an app, not a receiver, made this fix.
    pub const MOCK: Self = Self(1);
    /// `accuracy_dm` is meaningful.
    pub const ACCURACY: Self = Self(1 << 1);
    /// `speed_cmps` is meaningful.
    pub const SPEED: Self = Self(1 << 2);
    /// `course_ddeg` is meaningful.
    pub const COURSE: Self = Self(1 << 3);
    /// `altitude_dm` is meaningful.
    pub const ALTITUDE: Self = Self(1 << 4);

    /// The flags of a byte, or `None` where the reserved bit is set.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits & 0x80 == 0 { Some(Self(bits)) } else { None }
    }

    /// The byte.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether every flag of `other` is set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These flags and those of `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These flags with the provider replaced.
    #[must_use]
    pub const fn with_provider(self, provider: Provider) -> Self {
        Self(self.0 & !0x60 | (provider as u8) << 5)
    }

    /// The provider.
    pub const fn provider(self) -> Provider {
        match self.0 >> 5 & 3 {
            1 => Provider::Gnss,
            2 => Provider::Fused,
            3 => Provider::Network,
            _ => Provider::Unknown,
        }
    }
}

/// One position report as integers: the form that is signed, sent and computed with.
///
/// An optional field that is absent is zero, and its flag is clear. Fields are private so that a
/// `Fix` is always within its ranges; [`Fix::quantise`] and [`Fix::from_parts`] are the only doors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fix {
    time_ms: u64,
    position: Position,
    accuracy_dm: u16,
    speed_cmps: u16,
    course_ddeg: u16,
    altitude_dm: i32,
    flags: FixFlags,
}

/// A fix as a platform reports it, before quantisation. Absent fields are `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RawFix {
    /// Capture time, Unix milliseconds.
    pub time_ms: i64,
    /// Latitude, degrees, WGS 84.
    pub latitude_deg: f64,
    /// Longitude, degrees, WGS 84.
    pub longitude_deg: f64,
    /// Horizontal accuracy, metres (one standard deviation, as both mobile platforms report it).
    pub accuracy_m: Option<f64>,
    /// Ground speed, metres per second.
    pub speed_mps: Option<f64>,
    /// Course over ground, degrees clockwise from true north.
    pub course_deg: Option<f64>,
    /// Altitude, metres.
    pub altitude_m: Option<f64>,
    /// The platform's mock flag.
    pub mock: bool,
    /// Where it came from.
    pub provider: Provider,
}

impl From<&Fix> for RawFix {
    /// The quantised values as a platform would report them; quantising gives the fix again.
    fn from(fix: &Fix) -> Self {
        Self {
            time_ms: fix.time_ms.cast_signed(),
            latitude_deg: fix.position.lat_deg(),
            longitude_deg: fix.position.lon_deg(),
            accuracy_m: fix.accuracy_dm().map(|v| f64::from(v) / 10.0),
            speed_mps: fix.speed_cmps().map(|v| f64::from(v) / 100.0),
            course_deg: fix.course_ddeg().map(|v| f64::from(v) / 10.0),
            altitude_m: fix.altitude_dm().map(|v| f64::from(v) / 10.0),
            mock: fix.is_mock(),
            provider: fix.flags.provider(),
        }
    }
}

/// Highest altitude, and lowest, decimetres: 100 km, where no road goes.
const MAX_ALTITUDE_DM: i32 = 1_000_000;

/// Why a fix cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FixError {
    /// Capture time before 1970, or 2^44 ms (the year 2527) or later.
    #[error("capture time is outside 1970 to 2527")]
    Time,
    /// Latitude not a number or outside -90 to 90 degrees.
    #[error("latitude is not a number from -90 to 90 degrees")]
    Latitude,
    /// Longitude not a number or outside -180 to 180 degrees.
    #[error("longitude is not a number from -180 to 180 degrees")]
    Longitude,
    /// Course out of 0 to 359.9 degrees (only in [`Fix::from_parts`]; quantising wraps).
    #[error("course is outside 0 to 359.9 degrees")]
    Course,
    /// Altitude beyond 100 km up or down (only in [`Fix::from_parts`]; quantising cuts it).
    #[error("altitude is outside -100000 to 100000 m")]
    Altitude,
    /// An absent field that is not zero.
    #[error("a field is set whose flag is clear")]
    AbsentField,
}

/// The fields of a [`Fix`] as plain integers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FixParts {
    /// Capture time, Unix milliseconds, below 2^44.
    pub time_ms: u64,
    /// Latitude in 1e-6 degrees.
    pub lat_e6: i32,
    /// Longitude in 1e-6 degrees.
    pub lon_e6: i32,
    /// Horizontal accuracy in decimetres.
    pub accuracy_dm: u16,
    /// Speed in cm/s.
    pub speed_cmps: u16,
    /// Course in 0.1 degree, 0 to 3599.
    pub course_ddeg: u16,
    /// Altitude in decimetres, at most 1,000,000 up or down.
    pub altitude_dm: i32,
    /// Flags.
    pub flags: FixFlags,
}

/// First capture time that a fix cannot carry.
const TIME_END_MS: u64 = 1 << 44;

impl Fix {
    /// Rounds a reported fix to the units of the wire: 1e-6 degrees, cm/s, 0.1 degree, dm.
    ///
    /// Optional values that are not finite or are negative (platforms report "unknown" so) count as
    /// absent; too large ones saturate.
    ///
    /// # Errors
    /// Time, latitude or longitude out of range or not a number.
    pub fn quantise(raw: &RawFix) -> Result<Self, FixError> {
        let time_ms = u64::try_from(raw.time_ms).map_err(|_| FixError::Time)?;
        if !(-90.0..=90.0).contains(&raw.latitude_deg) {
            return Err(FixError::Latitude);
        }
        if !(-180.0..=180.0).contains(&raw.longitude_deg) {
            return Err(FixError::Longitude);
        }
        let mut flags = FixFlags::default().with_provider(raw.provider);
        if raw.mock {
            flags = flags.with(FixFlags::MOCK);
        }
        let mut unsigned = |value: Option<f64>, scale: f64, flag: FixFlags| match value {
            Some(v) if v.is_finite() && v >= 0.0 => {
                flags = flags.with(flag);
                libm::round(v * scale).min(f64::from(u16::MAX)) as u16
            }
            _ => 0,
        };
        let accuracy_dm = unsigned(raw.accuracy_m, 10.0, FixFlags::ACCURACY);
        let speed_cmps = unsigned(raw.speed_mps, 100.0, FixFlags::SPEED);
        let turns = raw.course_deg.filter(|c| (0.0..=360.0).contains(c));
        let course_ddeg = unsigned(turns, 10.0, FixFlags::COURSE) % 3600;
        let altitude_dm = match raw.altitude_m {
            Some(v) if v.is_finite() => {
                flags = flags.with(FixFlags::ALTITUDE);
                let max = f64::from(MAX_ALTITUDE_DM);
                libm::round((v * 10.0).clamp(-max, max)) as i32
            }
            _ => 0,
        };
        Self::from_parts(&FixParts {
            time_ms,
            lat_e6: libm::round(raw.latitude_deg * 1e6) as i32,
            lon_e6: libm::round(raw.longitude_deg * 1e6) as i32,
            accuracy_dm,
            speed_cmps,
            course_ddeg,
            altitude_dm,
            flags,
        })
    }

    /// Checks integers, for instance decoded ones.
    ///
    /// # Errors
    /// Any field out of its range, or set though its flag is clear.
    pub const fn from_parts(p: &FixParts) -> Result<Self, FixError> {
        if p.time_ms >= TIME_END_MS {
            return Err(FixError::Time);
        }
        let position = match Position::from_e6(p.lat_e6, p.lon_e6) {
            Ok(position) => position,
            Err(e) => return Err(e),
        };
        if p.course_ddeg >= 3600 {
            return Err(FixError::Course);
        }
        if p.altitude_dm < -MAX_ALTITUDE_DM || p.altitude_dm > MAX_ALTITUDE_DM {
            return Err(FixError::Altitude);
        }
        if (p.accuracy_dm != 0 && !p.flags.contains(FixFlags::ACCURACY))
            || (p.speed_cmps != 0 && !p.flags.contains(FixFlags::SPEED))
            || (p.course_ddeg != 0 && !p.flags.contains(FixFlags::COURSE))
            || (p.altitude_dm != 0 && !p.flags.contains(FixFlags::ALTITUDE))
        {
            return Err(FixError::AbsentField);
        }
        Ok(Self {
            time_ms: p.time_ms,
            position,
            accuracy_dm: p.accuracy_dm,
            speed_cmps: p.speed_cmps,
            course_ddeg: p.course_ddeg,
            altitude_dm: p.altitude_dm,
            flags: p.flags,
        })
    }

    /// The integers.
    pub const fn parts(&self) -> FixParts {
        FixParts {
            time_ms: self.time_ms,
            lat_e6: self.position.lat_e6(),
            lon_e6: self.position.lon_e6(),
            accuracy_dm: self.accuracy_dm,
            speed_cmps: self.speed_cmps,
            course_ddeg: self.course_ddeg,
            altitude_dm: self.altitude_dm,
            flags: self.flags,
        }
    }

    /// Capture time, Unix milliseconds.
    pub const fn time_ms(&self) -> u64 {
        self.time_ms
    }

    /// Where it was captured.
    pub const fn position(&self) -> Position {
        self.position
    }

    /// Horizontal accuracy in decimetres, if reported.
    pub const fn accuracy_dm(&self) -> Option<u16> {
        if self.flags.contains(FixFlags::ACCURACY) { Some(self.accuracy_dm) } else { None }
    }

    /// Speed in cm/s, if reported.
    pub const fn speed_cmps(&self) -> Option<u16> {
        if self.flags.contains(FixFlags::SPEED) { Some(self.speed_cmps) } else { None }
    }

    /// Course in 0.1 degree clockwise from true north, 0 to 3599, if reported.
    pub const fn course_ddeg(&self) -> Option<u16> {
        if self.flags.contains(FixFlags::COURSE) { Some(self.course_ddeg) } else { None }
    }

    /// Altitude in decimetres, if reported.
    pub const fn altitude_dm(&self) -> Option<i32> {
        if self.flags.contains(FixFlags::ALTITUDE) { Some(self.altitude_dm) } else { None }
    }

    /// The flags.
    pub const fn flags(&self) -> FixFlags {
        self.flags
    }

    /// Whether the platform called it a mock.
    pub const fn is_mock(&self) -> bool {
        self.flags.contains(FixFlags::MOCK)
    }
}
