//! Places and hours of which nothing leaves the phone, as they cross the border.

use hexmile_sdk_core::{
    self as core,
    trace::{Fix, Position, RawFix},
};

use crate::{RecorderError, recorder::argument};

/// A place on Earth.
#[derive(Clone, Copy, Debug, PartialEq, uniffi::Record)]
pub struct Place {
    /// Degrees, WGS 84.
    pub latitude_deg: f64,
    /// Degrees, WGS 84.
    pub longitude_deg: f64,
}

/// An area of which nothing leaves the phone.
#[derive(Clone, Debug, PartialEq, uniffi::Enum)]
pub enum Zone {
    /// The lasting zone of a known place, such as the driver's home: a large circle that does not have
    /// the place at its centre.
    Around {
        /// The place.
        place: Place,
    },
    /// A circle.
    Circle {
        /// Its centre.
        centre: Place,
        /// Its radius, metres.
        radius_m: u32,
    },
    /// What a ring of corners encloses; the last is joined to the first.
    Polygon {
        /// Its corners.
        corners: Vec<Place>,
    },
}

/// Hours of every day in which nothing is recorded, in minutes after local midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct QuietHours {
    /// First minute, 0 to 1439.
    pub from_minute: u16,
    /// First minute after, 0 to 1439; before `from_minute` it is of the next day.
    pub until_minute: u16,
}

impl From<Position> for Place {
    fn from(position: Position) -> Self {
        let degrees = |e6: i32| f64::from(e6) / 1e6;
        Self { latitude_deg: degrees(position.lat_e6()), longitude_deg: degrees(position.lon_e6()) }
    }
}

pub(crate) fn position(place: Place) -> Result<Position, RecorderError> {
    let Place { latitude_deg, longitude_deg } = place;
    // Places are rounded and checked as fixes are.
    let raw = RawFix { latitude_deg, longitude_deg, ..RawFix::default() };
    Fix::quantise(&raw).map(|fix| fix.position()).map_err(argument)
}

pub(crate) fn privacy(
    zones: &[Zone],
    quiet_hours: &[QuietHours],
    utc_offset_min: i16,
    secret: &[u8],
) -> Result<core::Privacy, RecorderError> {
    let secret: &[u8; 32] = secret.try_into().map_err(|_| argument("a secret has 32 bytes"))?;
    let zone = |zone: &Zone| {
        Ok(match zone {
            Zone::Around { place } => core::Zone::around(position(*place)?, secret),
            Zone::Circle { centre, radius_m } => {
                core::Zone::Circle { centre: position(*centre)?, radius_m: *radius_m }
            }
            Zone::Polygon { corners } => {
                let corners = corners.iter().map(|corner| position(*corner));
                core::Zone::Polygon(corners.collect::<Result<_, _>>()?)
            }
        })
    };
    let zones = zones.iter().map(zone).collect::<Result<_, RecorderError>>()?;
    let quiet = quiet_hours.iter().map(|hours| {
        let QuietHours { from_minute, until_minute } = *hours;
        core::QuietHours { from_minute, until_minute }
    });
    core::Privacy::new(zones)
        .and_then(|privacy| privacy.with_quiet_hours(quiet.collect(), utc_offset_min))
        .map_err(argument)
}
