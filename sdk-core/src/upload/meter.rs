//! What uploads have cost the phone: wake-ups of the cellular radio, and bytes of the data plan.
//!
//! Time is metered, too, since a phone's clock jumps. What passes is counted once: readings above the
//! highest one so far count whole; below it the steps of a ticking phone do, and of a leap an hour. So
//! a clock that was set back blocks nothing for ever, and one that is set forward, and forward again,
//! refills nothing twice.

use std::cmp::Reverse;

use super::rules::UploadRules;

/// Wake-ups of the cellular radio that are allowed in an hour.
const WAKE_UPS: usize = 4;
const HOUR_MS: u64 = 3600 * 1000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// A month of a data plan, milliseconds: the longest.
const MONTH_MS: u64 = 31 * DAY_MS;
/// How long the cellular radio stays connected after the last byte, milliseconds: a request within it
/// wakes nothing up. LTE networks hold a connection for about ten seconds (Huang et al., "A Close
/// Examination of Performance and Power Characteristics of 4G LTE Networks", `MobiSys` 2012, measure
/// 11.6 s); half of that holds for those that are in more of a hurry.
pub(crate) const RADIO_TAIL_MS: u64 = 5_000;
/// Longest step between two readings of the clock that may be a ticking phone's, milliseconds.
const STEP_MS: u64 = HOUR_MS;
/// Bytes that a request and its answer weigh beside their bodies: HTTP's headers, and what TLS adds
/// to each record.
const REQUEST_BYTES: u64 = 700;
/// Bytes of a new connection: the handshakes of TCP and TLS 1.3, with a chain of two or three
/// certificates.
const CONNECTION_BYTES: u64 = 5_000;

/// Bytes since a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Window {
    began: u64,
    bytes: u64,
}

impl Window {
    /// Bytes of the window that is under way.
    fn bytes(self, now: u64, length_ms: u64) -> u64 {
        if now - self.began < length_ms { self.bytes } else { 0 }
    }

    fn add(&mut self, bytes: u64, now: u64, length_ms: u64) {
        if now - self.began >= length_ms {
            *self = Self { began: now, bytes: 0 };
        }
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// How many bytes of traces may go now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// Together.
    pub(crate) bytes: u64,
    /// A trace alone: one always goes where nothing has gone of a budget yet, so that a small one is
    /// no bar for ever.
    pub(crate) alone: u64,
}

impl Room {
    /// As many as there are.
    pub(crate) const FREE: Self = Self { bytes: u64::MAX, alone: u64::MAX };
}

/// Counts wake-ups and bytes on cellular connections.
///
/// Times are milliseconds that passed by the meter's own count, which never falls. It begins beyond
/// the longest window, so that zero is long ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meter {
    /// The clock when it was last read, Unix milliseconds; zero before.
    last_ms: u64,
    /// Its highest reading.
    highest_ms: u64,
    passed: u64,
    /// Oldest first.
    wake_ups: [u64; WAKE_UPS],
    /// When the radio was last in use.
    active: u64,
    day: Window,
    month: Window,
}

/// Bytes of a meter on disk.
const LEN: usize = 8 * (3 + WAKE_UPS + 1 + 4);

impl Meter {
    /// Nothing was counted yet.
    pub(crate) const NEW: Self = Self {
        last_ms: 0,
        highest_ms: 0,
        passed: MONTH_MS,
        wake_ups: [0; WAKE_UPS],
        active: 0,
        day: Window { began: 0, bytes: 0 },
        month: Window { began: 0, bytes: 0 },
    };

    /// Whether it has counted anything.
    pub(crate) fn is_new(&self) -> bool {
        self.active == 0
    }

    /// The clock shows this, Unix milliseconds.
    pub(crate) fn read_clock(&mut self, now_ms: u64) {
        let step = now_ms.saturating_sub(self.last_ms);
        let counted = if self.last_ms == 0 {
            0
        } else if step <= STEP_MS || self.last_ms >= self.highest_ms {
            step
        } else {
            now_ms.checked_sub(self.highest_ms).unwrap_or(STEP_MS)
        };
        // No window is longer.
        self.passed = self.passed.saturating_add(counted.min(MONTH_MS));
        self.last_ms = now_ms;
        self.highest_ms = self.highest_ms.max(now_ms);
    }

    /// Whether the radio is still connected.
    pub(crate) fn is_awake(&self) -> bool {
        self.passed - self.active < RADIO_TAIL_MS
    }

    /// How long the radio must be left asleep, milliseconds, where wake-ups keep `spacing_ms` and are
    /// four an hour at most.
    pub(crate) fn sleep_ms(&self, spacing_ms: u64) -> Option<u64> {
        let [oldest, .., newest] = self.wake_ups;
        let until = (oldest + HOUR_MS).max(newest + spacing_ms);
        until.checked_sub(self.passed).filter(|ms| *ms > 0 && !self.is_awake())
    }

    /// Notes a request with a body of so many bytes.
    pub(crate) fn note_request(&mut self, body_bytes: usize) {
        let mut bytes = REQUEST_BYTES + body_bytes as u64;
        if !self.is_awake() {
            self.wake_ups.rotate_left(1);
            self.wake_ups[WAKE_UPS - 1] = self.passed;
            bytes += CONNECTION_BYTES;
        }
        self.use_radio(bytes);
    }

    /// Notes an answer with a body of so many bytes.
    pub(crate) fn note_answer(&mut self, body_bytes: usize) {
        self.use_radio(body_bytes as u64);
    }

    fn use_radio(&mut self, bytes: u64) {
        self.active = self.passed;
        self.day.add(bytes, self.passed, DAY_MS);
        self.month.add(bytes, self.passed, MONTH_MS);
    }

    /// How large a request's body may be.
    pub(crate) fn room(&self, rules: &UploadRules) -> Room {
        let connection = if self.is_awake() { 0 } else { CONNECTION_BYTES };
        let mut room = Room::FREE;
        for (budget, used, _) in self.budgets(rules).into_iter().flatten() {
            let left = budget.saturating_sub(used).saturating_sub(REQUEST_BYTES + connection);
            room.bytes = room.bytes.min(left);
            if used > 0 {
                room.alone = room.alone.min(left);
            }
        }
        room
    }

    /// How long until a budget that is in use is whole again, milliseconds.
    pub(crate) fn refill_ms(&self, rules: &UploadRules) -> Option<u64> {
        let used = self.budgets(rules).into_iter().flatten().filter(|(_, used, _)| *used > 0);
        // That of which the least is left, and of two the longer.
        used.min_by_key(|(budget, used, ms)| (budget.saturating_sub(*used), Reverse(*ms)))
            .map(|(.., ms)| ms)
    }

    /// Budget, bytes used, and milliseconds until it is whole again: of a day and of a month.
    fn budgets(&self, rules: &UploadRules) -> [Option<(u64, u64, u64)>; 2] {
        let of = |budget: Option<u64>, window: Window, length_ms| {
            let used = window.bytes(self.passed, length_ms);
            let ms = (window.began + length_ms).saturating_sub(self.passed);
            budget.map(|budget| (budget, used, ms))
        };
        [
            of(rules.cellular_bytes_per_day, self.day, DAY_MS),
            of(rules.cellular_bytes_per_month, self.month, MONTH_MS),
        ]
    }

    /// As it is kept on disk.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let [a, b, c, d] = self.wake_ups;
        let (day, month) = (self.day, self.month);
        let clock = [self.last_ms, self.highest_ms, self.passed, a, b, c, d, self.active];
        let windows = [day.began, day.bytes, month.began, month.bytes];
        clock.iter().chain(&windows).flat_map(|n| n.to_le_bytes()).collect()
    }

    /// Reads what [`Meter::to_bytes`] wrote; `None` where it is something else. Whether the radio is
    /// still connected, a later run does not know.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; LEN] = bytes.try_into().ok()?;
        let mut numbers = bytes.chunks_exact(8).map(|b| b.try_into().map(u64::from_le_bytes));
        let mut next = || numbers.next()?.ok();
        let mut meter = Self {
            last_ms: next()?,
            highest_ms: next()?,
            passed: next()?,
            wake_ups: [next()?, next()?, next()?, next()?],
            active: next()?,
            day: Window { began: next()?, bytes: next()? },
            month: Window { began: next()?, bytes: next()? },
        };
        let times = [meter.active, meter.day.began, meter.month.began];
        let past = times.iter().chain(&meter.wake_ups).all(|time| *time <= meter.passed);
        let sane = past && meter.passed >= MONTH_MS && meter.passed <= u64::MAX / 2;
        meter.active = meter.active.min(meter.passed.saturating_sub(RADIO_TAIL_MS));
        (sane && meter.last_ms <= meter.highest_ms && meter.wake_ups.is_sorted()).then_some(meter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const T0: u64 = 1_700_000_000_000;

    fn budget(bytes: u64) -> UploadRules {
        UploadRules { cellular_bytes_per_day: Some(bytes), ..UploadRules::LIVE }
    }

    fn at(now_ms: u64) -> Meter {
        let mut meter = Meter::NEW;
        meter.read_clock(now_ms);
        meter
    }

    #[test]
    fn four_wake_ups_an_hour_and_none_within_the_tail() {
        let mut meter = at(T0);
        let mut times = Vec::new();
        for second in 0..3 * 3600 {
            meter.read_clock(T0 + second * 1000);
            if meter.sleep_ms(0).is_none() {
                if !meter.is_awake() {
                    times.push(second);
                }
                meter.note_request(1);
            }
            // Once awake, the rest of the minute is asleep.
            meter.active = meter.active.min(meter.passed.saturating_sub(RADIO_TAIL_MS));
        }
        assert_eq!(times, [0, 1, 2, 3, 3600, 3601, 3602, 3603, 7200, 7201, 7202, 7203]);
        let mut meter = at(T0);
        meter.note_request(1);
        for second in (0..60).step_by(4) {
            meter.read_clock(T0 + second * 1000);
            assert_eq!(meter.sleep_ms(20 * 60_000), None, "within the tail of the last");
            meter.note_answer(1);
        }
        assert_eq!(meter.wake_ups, [0, 0, 0, MONTH_MS]);
        meter.read_clock(T0 + 61_000);
        assert_eq!(meter.sleep_ms(20 * 60_000), Some(20 * 60_000 - 61_000));
    }

    #[test]
    fn budgets_are_whole_again_when_their_window_is_over() {
        let mut meter = at(T0);
        let rules = UploadRules { cellular_bytes_per_month: Some(30_000), ..budget(10_000) };
        let left = |meter: &Meter| meter.room(&rules).bytes;
        assert_eq!(meter.room(&UploadRules::LIVE), Room::FREE);
        assert_eq!(meter.room(&rules), Room { bytes: 4_300, alone: u64::MAX });
        for day in 0..4 {
            meter.read_clock(T0 + day * DAY_MS);
            assert_eq!(left(&meter), if day < 3 { 4_300 } else { 0 });
            meter.note_request(4_300);
        }
        assert_eq!(meter.refill_ms(&rules), Some(28 * DAY_MS));
        meter.read_clock(T0 + 31 * DAY_MS);
        assert_eq!(left(&meter), 4_300);
        let tiny = meter.room(&budget(1));
        assert_eq!(tiny, Room { bytes: 0, alone: u64::MAX }, "no bar for ever");
    }

    #[test]
    fn a_clock_that_jumps_neither_blocks_for_ever_nor_refills_twice() {
        let mut meter = at(T0);
        let rules = budget(10_000);
        let spend = |meter: &mut Meter, now_ms| {
            meter.read_clock(now_ms);
            let mut spent = false;
            while meter.room(&rules).bytes > 0 {
                meter.note_request(1000);
                spent = true;
            }
            spent
        };
        let year_ms = 365 * DAY_MS;
        assert!(spend(&mut meter, T0));
        assert!(spend(&mut meter, T0 + year_ms), "nobody can know");
        for _ in 0..50 {
            assert!(!spend(&mut meter, T0 + 1000));
            assert!(!spend(&mut meter, T0 + year_ms + 1000), "but once");
        }
        let mut minutes = 0;
        while !spend(&mut meter, T0 + minutes * 60_000) {
            minutes += 1;
        }
        assert!(minutes <= 24 * 60, "a day of the clock that was set back: {minutes}");
        for now_ms in [u64::MAX, 0, 1, u64::MAX, 5] {
            meter.read_clock(now_ms);
            meter.note_request(1);
        }
        let kept = Meter::from_bytes(&meter.to_bytes()).unwrap();
        assert!(meter.is_awake() && !kept.is_awake());
        assert_eq!(Meter { active: meter.active, ..kept }, meter);
    }

    proptest! {
        #[test]
        fn any_clock_and_any_bytes_give_a_meter_or_none(
            readings in proptest::collection::vec(any::<u64>(), 0..40),
            mut bytes in proptest::collection::vec(any::<u8>(), LEN..=LEN),
            at in 0..LEN,
        ) {
            let mut meter = Meter::NEW;
            for now_ms in readings {
                meter.read_clock(now_ms);
                let _ = (meter.sleep_ms(1), meter.room(&budget(1)), meter.refill_ms(&budget(1)));
                meter.note_request(now_ms as usize);
            }
            let active = meter.active.min(meter.passed - RADIO_TAIL_MS);
            let asleep = Meter { active, ..meter };
            prop_assert_eq!(Meter::from_bytes(&meter.to_bytes()), Some(asleep));
            let mut damaged = meter.to_bytes();
            std::mem::swap(&mut damaged[at], &mut bytes[at]);
            for bytes in [damaged, bytes] {
                if let Some(mut meter) = Meter::from_bytes(&bytes) {
                    meter.read_clock(u64::MAX);
                    let _ = (meter.sleep_ms(1), meter.room(&budget(1)), meter.refill_ms(&budget(1)));
                    meter.note_request(1);
                }
            }
        }
    }
}
