//! What the clocks of a place show: time zone and summer time, from boundaries and rules that this release
//! carries, so that all nodes of a release agree.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use h3o::{CellIndex, LatLng};
use hexmile_tiles::WeekSlot;
use jiff::{Timestamp, tz::TimeZone};
use tzf_rs::EmbeddedFinder;

/// Places whose zone is remembered.
const REMEMBERED: usize = 65_536;

/// Local times of places.
pub(crate) struct LocalTime {
    finder: EmbeddedFinder,
    zones: Mutex<HashMap<CellIndex, TimeZone>>,
}

impl LocalTime {
    pub(crate) fn new() -> Self {
        Self { finder: EmbeddedFinder::new(), zones: Mutex::default() }
    }

    /// The slot of the local week that an instant, Unix milliseconds, falls in at a cell's centre. Where no
    /// zone is known, that of UTC.
    pub(crate) fn week_slot(&self, cell: CellIndex, unix_ms: u64) -> WeekSlot {
        let instant =
            i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let local = instant.unwrap_or(Timestamp::MAX).to_zoned(self.zone(cell));
        let day = local.weekday().to_monday_zero_offset().unsigned_abs();
        let minute =
            u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        WeekSlot::of_day(day, minute).unwrap_or_default()
    }

    fn zone(&self, cell: CellIndex) -> TimeZone {
        let mut zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(zone) = zones.get(&cell) {
            return zone.clone();
        }
        let centre = LatLng::from(cell);
        let name = self.finder.get_tz_name(centre.lng(), centre.lat());
        let zone = TimeZone::get(name).unwrap_or_else(|error| {
            tracing::warn!(%error, name, "a time zone without rules; taking UTC");
            TimeZone::UTC
        });
        if zones.len() >= REMEMBERED {
            zones.clear();
        }
        zones.insert(cell, zone.clone());
        zone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Local times by the rules that the towns' governments publish.
    #[test]
    fn clocks_show_what_they_do_there_summer_time_and_all() {
        let local = LocalTime::new();
        for (town, lat, lon, instant, want) in [
            ("Vienna in winter", 48.21, 16.37, "2026-01-12T07:00:00Z", "mon-08:00"),
            ("Vienna in summer", 48.21, 16.37, "2026-07-13T06:00:00Z", "mon-08:00"),
            (
                "Vienna, before the clocks go forward",
                48.21,
                16.37,
                "2026-03-29T00:59:00Z",
                "sun-01:55",
            ),
            ("Vienna, after it", 48.21, 16.37, "2026-03-29T01:00:00Z", "sun-03:00"),
            ("Chicago, Sunday still", 41.88, -87.63, "2026-01-12T05:59:59Z", "sun-23:55"),
            ("Kathmandu", 27.71, 85.32, "2026-01-12T00:00:00Z", "mon-05:45"),
            ("Sydney in its summer", -33.87, 151.21, "2026-01-12T00:00:00Z", "mon-11:00"),
            ("Sydney in its winter", -33.87, 151.21, "2026-07-13T00:00:00Z", "mon-10:00"),
            ("the open Pacific", 0.0, -150.0, "2026-01-12T00:00:00Z", "sun-14:00"),
        ] {
            let cell = LatLng::new(lat, lon).unwrap().to_cell(h3o::Resolution::Six);
            let instant: Timestamp = instant.parse().unwrap();
            let slot = local.week_slot(cell, instant.as_millisecond().unsigned_abs());
            assert_eq!(slot.to_string(), want, "{town}");
        }
    }

    #[test]
    fn any_instant_has_a_slot_at_any_place() {
        let local = LocalTime::new();
        for cell in CellIndex::base_cells() {
            let cell = cell.center_child(h3o::Resolution::Six).unwrap();
            for unix_ms in [0, 1, 1_800_000_000_000, u64::MAX] {
                assert!(local.week_slot(cell, unix_ms).number() < WeekSlot::COUNT);
            }
        }
    }
}
