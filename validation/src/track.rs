//! Which fixes one vehicle can have visited in turn.

use core::cmp::Reverse;

use hexmile_trace::Fix;

use crate::{
    Reason, Rules,
    step::{self, Step},
};

/// Tracks followed at once. A jump opens one; the lightest makes room for the next.
const OPEN_TRACKS: usize = 4;
/// A fix must also be reachable from one this much older. There the allowance for position error is
/// made once, so that allowances at every fix cannot add up to an impossible drive.
const SUSTAINED_MS: u64 = 10_000;

/// Fixes each of which can be reached from the ones before.
#[derive(Clone, Copy)]
struct Track {
    number: u32,
    fixes: u32,
    last: usize,
    /// Index of a fix before the last: [`SUSTAINED_MS`] older or the track's first.
    anchor: usize,
    next_anchor: usize,
}

/// Sorts fixes into tracks in one pass.
///
/// A fix continues the heaviest open track that it can, otherwise it opens a track of its own. So the
/// drive goes on past an outlier as soon as it can be reached again, even where the outlier itself
/// could still be reached and what follows it could not.
pub(crate) struct Tracks<'a> {
    fixes: &'a [Fix],
    rules: &'a Rules,
    /// Heaviest first; of equals, the earliest opened.
    open: Vec<Track>,
    /// Per track, why its first fix could not continue the heaviest track. The first track's entry is
    /// that of the second: whichever of the two wins, the other lost by that jump.
    opened_by: Vec<Reason>,
    track_of: Vec<u32>,
}

impl<'a> Tracks<'a> {
    pub(crate) fn new(fixes: &'a [Fix], rules: &'a Rules) -> Self {
        let open = Vec::with_capacity(OPEN_TRACKS);
        Self { fixes, rules, open, opened_by: Vec::new(), track_of: vec![0; fixes.len()] }
    }

    /// Places the fix at index `i`; indices rise from call to call.
    pub(crate) fn push(&mut self, i: usize) {
        let mut refusal = None;
        for at in 0..self.open.len() {
            match self.refusal(&self.open[at], i) {
                None => return self.extend(at, i),
                Some(reason) => refusal = refusal.or(Some(reason)),
            }
        }
        self.open(i, refusal.unwrap_or(Reason::Speed));
    }

    /// Gives every fix outside the heaviest track its reason.
    pub(crate) fn drop_all_but_the_heaviest(&self, fates: &mut [Option<Reason>]) {
        let Some(heaviest) = self.open.first() else { return };
        for (fate, track) in fates.iter_mut().zip(&self.track_of) {
            if fate.is_none() && *track != heaviest.number {
                *fate = Some(self.opened_by[*track as usize]);
            }
        }
    }

    fn extend(&mut self, at: usize, i: usize) {
        let track = &mut self.open[at];
        track.fixes += 1;
        track.last = i;
        if self.fixes[i].time_ms() >= self.fixes[track.next_anchor].time_ms() + SUSTAINED_MS {
            track.anchor = track.next_anchor;
            track.next_anchor = i;
        }
        self.track_of[i] = track.number;
        if at > 0 {
            self.open.sort_by_key(|track| (Reverse(track.fixes), track.number));
        }
    }

    fn open(&mut self, i: usize, reason: Reason) {
        // The lightest makes room, and of equals the oldest: never the heaviest, which may be the drive.
        if self.open.len() == OPEN_TRACKS {
            let lightest = (1..OPEN_TRACKS)
                .min_by_key(|&at| (self.open[at].fixes, self.open[at].number))
                .unwrap_or(OPEN_TRACKS - 1);
            self.open.remove(lightest);
        }
        if self.opened_by.len() == 1 {
            self.opened_by[0] = reason;
        }
        let number = self.opened_by.len() as u32;
        self.opened_by.push(reason);
        self.open.push(Track { number, fixes: 1, last: i, anchor: i, next_anchor: i });
        self.track_of[i] = number;
    }

    /// Why the fix at `i` cannot continue `track`, or `None` where it can.
    fn refusal(&self, track: &Track, i: usize) -> Option<Reason> {
        self.unreachable(track.last, i).or_else(|| self.unreachable(track.anchor, i))
    }

    fn unreachable(&self, from: usize, to: usize) -> Option<Reason> {
        let (a, b) = (&self.fixes[from], &self.fixes[to]);
        let seconds = step::seconds(a, b);
        let error_m = 2.0 * (self.rules.position_error_m(a) + self.rules.position_error_m(b));
        let reach_m = |cmps: u32| f64::from(cmps) / 100.0 * seconds + error_m;
        let at_most = Step::at_most(a.position(), b.position());
        if at_most.east_m.abs() + at_most.north_m.abs() <= reach_m(self.rules.max_speed_cmps) {
            return None;
        }
        let distance_m = step::distance_m(a, b);
        let within = |cmps: u32| distance_m <= reach_m(cmps);
        if within(self.rules.max_speed_cmps) {
            None
        } else if within(self.rules.teleport_speed_cmps) {
            Some(Reason::Speed)
        } else {
            Some(Reason::Teleport)
        }
    }
}
