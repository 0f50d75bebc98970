//! The places and hours of which nothing leaves the phone, together.

use hexmile_trace::{Fix, Position};
use rstar::{
    RTree,
    primitives::{GeomWithData, Rectangle},
};

use super::{
    DropReason,
    zone::{MAX_RADIUS_M, TURN_E6, Zone},
};

/// Why a zone or quiet hours cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrivacyError {
    /// A radius of nothing, or beyond 100 km.
    #[error("a radius of {0} m; expected 1 to {MAX_RADIUS_M}")]
    Radius(u32),
    /// Fewer than three corners.
    #[error("a polygon of {0} corners; expected at least 3")]
    Corners(usize),
    /// A polygon that spans half the world, so that its inside cannot be told from its outside.
    #[error("a polygon spans 180 degrees of longitude or more")]
    Span,
    /// Minutes beyond a day, or hours of no length.
    #[error("quiet hours from minute {from} to {until}; expected two of 0 to 1439")]
    QuietHours {
        /// First minute.
        from: u16,
        /// First minute after.
        until: u16,
    },
    /// An offset from UTC that no place has.
    #[error("{0} minutes from UTC; expected -840 to 840")]
    UtcOffset(i16),
}

/// Hours of every day in which nothing is recorded, in minutes after local midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    /// First minute, 0 to 1439.
    pub from_minute: u16,
    /// First minute after, 0 to 1439; before `from_minute` it is of the next day.
    pub until_minute: u16,
}

impl QuietHours {
    fn contains(self, minute: u16) -> bool {
        let Self { from_minute, until_minute } = self;
        if from_minute < until_minute {
            (from_minute..until_minute).contains(&minute)
        } else {
            minute >= from_minute || minute < until_minute
        }
    }
}

type Place = GeomWithData<Rectangle<[f64; 2]>, usize>;

/// The places and hours of which nothing leaves the phone. Thousands of zones cost a fix no more than
/// a few do.
#[derive(Clone, Debug, Default)]
pub struct Privacy {
    zones: Vec<Zone>,
    index: RTree<Place>,
    quiet: Vec<QuietHours>,
    utc_offset_min: i16,
}

impl Privacy {
    /// Zones, and no quiet hours.
    ///
    /// # Errors
    /// A zone that cannot be used.
    pub fn new(zones: Vec<Zone>) -> Result<Self, PrivacyError> {
        let mut places = Vec::with_capacity(zones.len());
        for (number, zone) in zones.iter().enumerate() {
            zone.check()?;
            let (low, high) = zone.bounds();
            places.push(Place::new(Rectangle::from_corners(low, high), number));
        }
        Ok(Self { zones, index: RTree::bulk_load(places), ..Self::default() })
    }

    /// The same with further zones, each a circle of a known place.
    pub(crate) fn with_zones(&self, zones: Vec<Zone>) -> Self {
        let zones = self.zones.iter().cloned().chain(zones).collect();
        let Self { quiet, utc_offset_min, .. } = self.clone();
        // All of them were checked before.
        Self::new(zones).map_or_else(|_| self.clone(), |all| Self { quiet, utc_offset_min, ..all })
    }

    /// Whether the zones are the same, in the same order.
    pub(crate) fn has_zones_of(&self, other: &Self) -> bool {
        self.zones == other.zones
    }

    /// The same with quiet hours, at a place whose time is so many minutes ahead of UTC; the host sets
    /// it anew when its time zone changes.
    ///
    /// # Errors
    /// Minutes out of range.
    pub fn with_quiet_hours(
        self,
        quiet: Vec<QuietHours>,
        utc_offset_min: i16,
    ) -> Result<Self, PrivacyError> {
        if !(-840..=840).contains(&utc_offset_min) {
            return Err(PrivacyError::UtcOffset(utc_offset_min));
        }
        for hours in &quiet {
            let QuietHours { from_minute: from, until_minute: until } = *hours;
            if from >= 1440 || until >= 1440 || from == until {
                return Err(PrivacyError::QuietHours { from, until });
            }
        }
        Ok(Self { quiet, utc_offset_min, ..self })
    }

    /// Whether a position lies in a zone.
    pub fn contains(&self, position: Position) -> bool {
        if self.zones.is_empty() {
            return false;
        }
        let (lat, lon) = (f64::from(position.lat_e6()), f64::from(position.lon_e6()));
        [-TURN_E6 as f64, 0.0, TURN_E6 as f64].iter().any(|turn| {
            let mut near = self.index.locate_all_at_point([lon + turn, lat]);
            near.any(|place| self.zones[place.data].contains(position))
        })
    }

    fn is_quiet(&self, time_ms: u64) -> bool {
        let minutes = (time_ms / 60_000).cast_signed() + i64::from(self.utc_offset_min);
        let minute = minutes.rem_euclid(1440) as u16;
        self.quiet.iter().any(|hours| hours.contains(minute))
    }

    /// Why a fix stays on the phone, if it does.
    pub(super) fn hides(&self, fix: &Fix) -> Option<DropReason> {
        if self.contains(fix.position()) {
            Some(DropReason::Zone)
        } else if self.is_quiet(fix.time_ms()) {
            Some(DropReason::QuietHours)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn position(lat: f64, lon: f64) -> Position {
        Position::from_e6((lat * 1e6).round() as i32, (lon * 1e6).round() as i32).unwrap()
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let corner = position(0.0, 0.0);
        let error = |zone| Privacy::new(vec![zone]).unwrap_err();
        let circle = |radius_m| Zone::Circle { centre: corner, radius_m };
        assert_eq!(error(circle(0)), PrivacyError::Radius(0));
        assert_eq!(error(circle(100_001)), PrivacyError::Radius(100_001));
        assert_eq!(error(Zone::Polygon(vec![corner; 2])), PrivacyError::Corners(2));
        let wide = [0.0, 120.0, -120.0].map(|lon| position(0.0, lon)).to_vec();
        assert_eq!(error(Zone::Polygon(wide)), PrivacyError::Span);
        let hours = |from_minute, until_minute, offset| {
            let quiet = vec![QuietHours { from_minute, until_minute }];
            Privacy::default().with_quiet_hours(quiet, offset).err()
        };
        assert_eq!(hours(1320, 360, 60), None);
        assert_eq!(hours(5, 5, 0), Some(PrivacyError::QuietHours { from: 5, until: 5 }));
        assert_eq!(hours(0, 1440, 0), Some(PrivacyError::QuietHours { from: 0, until: 1440 }));
        assert_eq!(hours(0, 1, 841), Some(PrivacyError::UtcOffset(841)));
    }

    #[test]
    fn quiet_hours_are_local_and_may_span_midnight() {
        let quiet = |from_minute, until_minute, utc_offset_min| {
            let hours = vec![QuietHours { from_minute, until_minute }];
            let privacy = Privacy::default().with_quiet_hours(hours, utc_offset_min).unwrap();
            let day = 20_000 * 1440;
            (0..1440).filter(|m| privacy.is_quiet((day + m) * 60_000)).collect::<Vec<u64>>()
        };
        assert_eq!(quiet(60, 120, 0), (60..120).collect::<Vec<_>>());
        assert_eq!(quiet(60, 120, 60), (0..60).collect::<Vec<_>>());
        assert_eq!(quiet(1380, 60, 0), (0..60).chain(1380..1440).collect::<Vec<_>>());
        assert_eq!(quiet(0, 60, -840), (840..900).collect::<Vec<_>>());
    }

    proptest! {
        /// The index finds what asking every zone finds, wherever on Earth.
        #[test]
        fn the_index_loses_no_zone(
            places in proptest::collection::vec((-90.0..90.0f64, -180.0..180.0f64, 1..50_000u32), 1..40),
            near in 0..40usize, bearing in 0.0..360.0f64, part in 0.0..1.3f64,
        ) {
            let zones: Vec<Zone> = places.iter().map(|(lat, lon, radius_m)| {
                Zone::Circle { centre: position(*lat, *lon), radius_m: *radius_m }
            }).collect();
            let (lat, lon, radius_m) = places[near % places.len()];
            let asked = position(lat, lon).destination(bearing, f64::from(radius_m) * part);
            let want = zones.iter().any(|zone| zone.contains(asked));
            prop_assert_eq!(Privacy::new(zones).unwrap().contains(asked), want);
        }
    }
}
