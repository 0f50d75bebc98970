//! Places that the driver comes back to, found by themselves.
//!
//! A place is known once trips ended or began there on two visits, or once the phone stayed there
//! through a night's worth of hours. From then on it has a zone like one that the driver set. What is
//! kept is a short list of stops, which the recorder writes under a key of the host's secret store.

use hexmile_trace::Position;

/// How far apart two stops of one place may be, metres: a car park and the width of a block.
const SAME_PLACE_M: f64 = 200.0;
/// A stay that makes a place known at the first visit, milliseconds.
const LONG_STAY_MS: u64 = 5 * 3600 * 1000;
/// Stops that are remembered; past it, the one not visited for longest goes, known ones last.
const MAX_STOPS: usize = 256;
/// First byte of the written form.
const VERSION: u8 = 1;
/// Bytes of a stop as written: latitude, longitude, last visit, visits.
const STOP_LEN: usize = 4 + 4 + 8 + 1;
/// Visits at which a place is known.
const KNOWN: u8 = 2;

/// A place where trips ended or began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stop {
    position: Position,
    /// Unix milliseconds.
    last_visit_ms: u64,
    /// Up to [`KNOWN`].
    visits: u8,
}

/// The stops of one phone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    stops: Vec<Stop>,
    /// Where and since when the phone is parked.
    parked: Option<(Position, u64)>,
    /// Those that became known and were not told yet.
    found: Vec<Position>,
}

impl Places {
    /// Places that became known since the last call.
    pub(crate) fn take_found(&mut self) -> Vec<Position> {
        std::mem::take(&mut self.found)
    }

    /// A trip began. Returns whether a place is known that was not.
    pub(crate) fn left(&mut self, position: Position, time_ms: u64) -> bool {
        let parked = self.parked.take().filter(|(at, _)| is_near(*at, position));
        let Some((at, since_ms)) = parked else { return self.visit(position, time_ms, 1) };
        let stayed = time_ms.saturating_sub(since_ms) >= LONG_STAY_MS;
        stayed && self.visit(at, time_ms, KNOWN)
    }

    /// A trip ended. Returns whether a place is known that was not.
    pub(crate) fn arrived(&mut self, position: Position, time_ms: u64) -> bool {
        self.parked = Some((position, time_ms));
        self.visit(position, time_ms, 1)
    }

    /// Counts visits of a place; whether it became known by them.
    fn visit(&mut self, position: Position, time_ms: u64, visits: u8) -> bool {
        let near = self.stops.iter_mut().filter(|stop| is_near(stop.position, position));
        let distance = |stop: &&mut Stop| stop.position.distance_m(position);
        if let Some(stop) = near.min_by(|a, b| distance(a).total_cmp(&distance(b))) {
            let before = stop.visits;
            stop.visits = (stop.visits + visits).min(KNOWN);
            stop.last_visit_ms = stop.last_visit_ms.max(time_ms);
            let found = (before < KNOWN && stop.visits == KNOWN).then_some(stop.position);
            self.found.extend(found);
            return found.is_some();
        }
        if self.stops.len() >= MAX_STOPS {
            let oldest = |stop: &&Stop| (stop.visits == KNOWN, stop.last_visit_ms);
            if let Some(oldest) = self.stops.iter().min_by_key(oldest).copied() {
                self.stops.retain(|stop| *stop != oldest);
            }
        }
        let visits = visits.min(KNOWN);
        self.found.extend((visits == KNOWN).then_some(position));
        self.stops.push(Stop { position, last_visit_ms: time_ms, visits });
        visits == KNOWN
    }

    /// The known places, in the order in which they were first visited.
    pub(crate) fn known(&self) -> impl Iterator<Item = Position> {
        self.stops.iter().filter(|stop| stop.visits == KNOWN).map(|stop| stop.position)
    }

    /// Forgets the stops near a position; whether there was one. It may become known again.
    pub(crate) fn forget(&mut self, position: Position) -> bool {
        let before = self.stops.len();
        self.stops.retain(|stop| !is_near(stop.position, position));
        self.parked = self.parked.filter(|(at, _)| !is_near(*at, position));
        self.stops.len() < before
    }

    /// The written form: a version, where the phone is parked, and the stops.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        let parked = self.parked.map(|(position, last_visit_ms)| Stop {
            position,
            last_visit_ms,
            visits: 0,
        });
        for stop in parked.iter().chain(&self.stops) {
            out.extend(stop.position.lat_e6().to_le_bytes());
            out.extend(stop.position.lon_e6().to_le_bytes());
            out.extend(stop.last_visit_ms.to_le_bytes());
            out.push(stop.visits);
        }
        out
    }

    /// Reads the written form; `None` where it is none.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&VERSION, rest) = bytes.split_first()? else { return None };
        let (stops, []) = rest.as_chunks::<STOP_LEN>() else { return None };
        let mut places = Self::default();
        for stop in stops {
            let (lat, rest) = stop.split_first_chunk()?;
            let (lon, rest) = rest.split_first_chunk()?;
            let (time, rest) = rest.split_first_chunk()?;
            let position =
                Position::from_e6(i32::from_le_bytes(*lat), i32::from_le_bytes(*lon)).ok()?;
            let last_visit_ms = u64::from_le_bytes(*time);
            match rest.first()? {
                0 => places.parked = Some((position, last_visit_ms)),
                visits @ 1..=KNOWN if places.stops.len() < MAX_STOPS => {
                    places.stops.push(Stop { position, last_visit_ms, visits: *visits });
                }
                _ => return None,
            }
        }
        Some(places)
    }
}

fn is_near(a: Position, b: Position) -> bool {
    a.distance_m(b) <= SAME_PLACE_M
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: u64 = 3600 * 1000;

    fn at(north_m: f64) -> Position {
        Position::from_e6(50_000_000, 8_000_000).unwrap().destination(0.0, north_m)
    }

    fn known(places: &Places) -> Vec<Position> {
        places.known().collect()
    }

    #[test]
    fn a_home_is_known_after_the_first_day() {
        let (home, work) = (at(0.0), at(9000.0));
        let mut places = Places::default();
        assert!(!places.left(home, 8 * HOUR));
        assert!(!places.arrived(work, 9 * HOUR));
        // Nine hours at work, a little further on in the same car park.
        assert!(places.left(at(9100.0), 18 * HOUR));
        assert_eq!(known(&places), [work]);
        assert!(places.arrived(at(150.0), 19 * HOUR), "back at home");
        assert_eq!(known(&places), [home, work]);
        assert!(!places.left(home, 32 * HOUR), "known before");
    }

    #[test]
    fn one_visit_is_not_two_and_a_short_stay_makes_nothing_known() {
        let (shop, elsewhere) = (at(0.0), at(500.0));
        let mut places = Places::default();
        places.arrived(shop, HOUR);
        places.left(shop, 2 * HOUR);
        assert_eq!(known(&places), []);
        places.arrived(elsewhere, 3 * HOUR);
        // The phone was carried away: where the next trip begins is a visit of its own.
        places.left(at(5000.0), 30 * HOUR);
        assert_eq!(known(&places), []);
        assert!(places.arrived(shop, 40 * HOUR), "the second visit");
        assert!(places.forget(at(50.0)) && !places.forget(at(50.0)));
        assert_eq!(known(&places), []);
        assert!(!places.arrived(shop, 50 * HOUR), "forgotten, and begun anew");
    }

    #[test]
    fn the_list_is_bounded_and_known_places_stay_longest() {
        let mut places = Places::default();
        places.arrived(at(0.0), 1);
        places.arrived(at(0.0), 2);
        for n in 1..1000 {
            places.arrived(at(f64::from(n) * 450.0), u64::from(n as u32) + 2);
        }
        assert_eq!(places.stops.len(), MAX_STOPS);
        assert_eq!(known(&places), [at(0.0)]);
        assert!(places.to_bytes().len() < 4500);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            events in prop::collection::vec((any::<bool>(), 0_u32..9000, 0_u64..u64::MAX), 0..40),
            garbage in prop::collection::vec(any::<u8>(), 0..99),
        ) {
            let mut places = Places::default();
            for (arrival, north_m, time_ms) in events {
                let position = at(f64::from(north_m));
                let before = known(&places).len();
                let news = if arrival { places.arrived(position, time_ms) } else { places.left(position, time_ms) };
                prop_assert_eq!(known(&places).len() - before, usize::from(news));
            }
            places.take_found();
            prop_assert_eq!(Places::from_bytes(&places.to_bytes()), Some(places));
            if let Some(read) = Places::from_bytes(&garbage) {
                prop_assert_eq!(Places::from_bytes(&read.to_bytes()), Some(read));
            }
        }
    }
}
