//! How far the phone's clock is off.
//!
//! Satellites tell the time with every fix, so that a row of fixes, each delivered as long after its
//! capture as the one before it, shows the difference of the two clocks. Fixes that the platform
//! replays from a cache come in one burst, and show nothing. A server's time is good to the time an
//! upload takes; it says little of fixes, which carry the satellites' time or the phone's own.

use hexmile_trace::{Fix, Provider};

/// Fixes in a row that must agree before the phone's clock is corrected by them.
const AGREEING: u32 = 5;
/// Shortest time that they must span, milliseconds by either clock.
const SPAN_MS: u64 = 3000;
/// How far delivery may waver among them, milliseconds.
const WAVERING_MS: i64 = 2000;

/// A row of fixes that agree so far.
#[derive(Clone, Copy, Debug)]
struct Row {
    fixes: u32,
    first_ms: u64,
    first_now_ms: u64,
    last_ms: u64,
    last_now_ms: u64,
    least_ms: i64,
    most_ms: i64,
}

/// What is known of the phone's clock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PhoneClock {
    row: Option<Row>,
    gnss_ms: Option<i64>,
    server_ms: Option<i64>,
}

/// Where a fix's time lies, seen from the time of its delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timing {
    Timely,
    Stale,
    Future,
}

fn difference_ms(true_ms: u64, phone_ms: u64) -> i64 {
    // Times of fixes are below 2^44; a clock beyond that is nonsense, and stays comparable.
    let bounded = |ms: u64| ms.min(1 << 45).cast_signed();
    bounded(true_ms) - bounded(phone_ms)
}

impl PhoneClock {
    /// Looks at a fix as it is delivered, whatever becomes of it.
    pub(super) fn observe(&mut self, fix: &Fix, now_ms: u64) {
        if fix.flags().provider() != Provider::Gnss || fix.is_mock() {
            return;
        }
        let offset_ms = difference_ms(fix.time_ms(), now_ms);
        let alone = Row {
            fixes: 1,
            first_ms: fix.time_ms(),
            first_now_ms: now_ms,
            last_ms: fix.time_ms(),
            last_now_ms: now_ms,
            least_ms: offset_ms,
            most_ms: offset_ms,
        };
        let joined = self.row.filter(|row| fix.time_ms() > row.last_ms && now_ms > row.last_now_ms);
        let row = joined.map_or(alone, |row| Row {
            fixes: row.fixes + 1,
            last_ms: fix.time_ms(),
            last_now_ms: now_ms,
            least_ms: row.least_ms.min(offset_ms),
            most_ms: row.most_ms.max(offset_ms),
            ..row
        });
        if row.most_ms - row.least_ms > WAVERING_MS {
            self.row = Some(alone);
            return;
        }
        let spans =
            row.last_ms - row.first_ms >= SPAN_MS && row.last_now_ms - row.first_now_ms >= SPAN_MS;
        if row.fixes >= AGREEING && spans {
            // Delivery takes time, never less than none: the fix that came soonest is nearest.
            self.gnss_ms = Some(row.most_ms);
            self.row = Some(alone);
        } else {
            self.row = Some(row);
        }
    }

    /// A server's clock was `server_ms` when the phone's was `now_ms`.
    pub(crate) fn note_server(&mut self, server_ms: u64, now_ms: u64) {
        self.server_ms = Some(difference_ms(server_ms, now_ms));
    }

    /// What an earlier process had learned from satellites, where this one knows nothing.
    pub(super) fn resume(&mut self, gnss_ms: Option<i64>) {
        self.gnss_ms = self.gnss_ms.or(gnss_ms);
    }

    /// GNSS time less the phone's, milliseconds, where known.
    pub(super) const fn gnss_offset_ms(&self) -> Option<i64> {
        self.gnss_ms
    }

    /// GNSS or server time less the phone's, milliseconds, where known.
    pub(crate) fn offset_ms(&self) -> Option<i64> {
        self.gnss_ms.or(self.server_ms)
    }

    /// The time in which fixes are captured: corrected by satellites alone, since without them
    /// fixes carry the phone's own time.
    pub(crate) fn capture_now_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_add_signed(self.gnss_ms.unwrap_or(0))
    }

    /// Whether a time is between `max_age_ms` ago and `max_ahead_ms` ahead. Until satellites have
    /// said better, the phone's clock and the server's are both believed.
    pub(super) fn timing(
        &self,
        time_ms: u64,
        now_ms: u64,
        max_age_ms: u64,
        max_ahead_ms: u64,
    ) -> Timing {
        let by = |offset_ms: i64| {
            let now_ms = now_ms.saturating_add_signed(offset_ms);
            if now_ms.saturating_sub(time_ms) > max_age_ms {
                Timing::Stale
            } else if time_ms.saturating_sub(now_ms) > max_ahead_ms {
                Timing::Future
            } else {
                Timing::Timely
            }
        };
        let first = by(self.gnss_ms.unwrap_or(0));
        match (first, self.gnss_ms, self.server_ms) {
            (Timing::Stale | Timing::Future, None, Some(server_ms))
                if by(server_ms) == Timing::Timely =>
            {
                Timing::Timely
            }
            _ => first,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hexmile_trace::RawFix;

    const START_MS: u64 = 1_700_000_000_000;

    fn fix(time_ms: u64, provider: Provider, mock: bool) -> Fix {
        let time_ms = time_ms.cast_signed();
        Fix::quantise(&RawFix { time_ms, provider, mock, ..RawFix::default() }).unwrap()
    }

    fn after(deliveries: impl IntoIterator<Item = (u64, u64)>, provider: Provider) -> PhoneClock {
        let mut clock = PhoneClock::default();
        for (time_ms, now_ms) in deliveries {
            clock.observe(&fix(time_ms, provider, false), now_ms);
        }
        clock
    }

    #[test]
    fn a_row_of_satellite_fixes_shows_the_offset() {
        let ahead = 3_600_000;
        let row = |n: u64| (0..n).map(move |s| (START_MS + s * 1000, START_MS + ahead + s * 1000));
        assert_eq!(after(row(4), Provider::Gnss).offset_ms(), None);
        let clock = after(row(5).map(|(t, now)| (t, now + t / 1000 % 3 * 300)), Provider::Gnss);
        assert_eq!(clock.offset_ms(), Some(-3_600_000));
        assert_eq!(clock.capture_now_ms(START_MS + ahead), START_MS);
        assert_eq!(after(row(50), Provider::Fused).offset_ms(), None);
        let mut clock = after(row(50), Provider::Gnss);
        for s in 50..60 {
            clock.observe(&fix(START_MS + s * 1000, Provider::Gnss, false), START_MS + s * 1000);
        }
        assert_eq!(clock.offset_ms(), Some(0), "the clock was set right");
    }

    #[test]
    fn a_burst_from_a_cache_shows_nothing() {
        let burst = (0..60).map(|s| (START_MS + s * 1000, START_MS + 900_000 + s * 10));
        assert_eq!(after(burst, Provider::Gnss).offset_ms(), None);
        let slow = (0..60).map(|s| (START_MS + s * 100, START_MS + 900_000 + s * 100));
        assert_eq!(after(slow.take(30), Provider::Gnss).offset_ms(), None, "less than 3 s");
    }

    #[test]
    fn what_a_mock_provider_says_is_no_evidence() {
        let mut clock = PhoneClock::default();
        for s in 0..60 {
            clock.observe(&fix(START_MS + s * 1000, Provider::Gnss, true), START_MS / 2 + s * 1000);
        }
        assert_eq!(clock.offset_ms(), None);
    }

    #[test]
    fn satellites_are_believed_before_servers_and_servers_beside_the_phone() {
        let mut clock = PhoneClock::default();
        let timing = |clock: &PhoneClock, time_ms| clock.timing(time_ms, START_MS, 60_000, 10_000);
        assert_eq!(timing(&clock, START_MS + 10_001), Timing::Future);
        assert_eq!(timing(&clock, START_MS - 60_001), Timing::Stale);
        clock.note_server(START_MS + 500_000, START_MS);
        assert_eq!(timing(&clock, START_MS + 500_000), Timing::Timely);
        assert_eq!(timing(&clock, START_MS), Timing::Timely);
        assert_eq!(timing(&clock, START_MS + 600_000), Timing::Future);
        clock.gnss_ms = Some(-100_000);
        assert_eq!(timing(&clock, START_MS - 100_000), Timing::Timely);
        assert_eq!(timing(&clock, START_MS + 500_000), Timing::Future);
        assert_eq!(timing(&clock, START_MS), Timing::Future);
    }
}
