//! Trips that begin and end by themselves, where the host hands on what the platform notices.

use super::{Effect, Moment, Recorder, RecorderError};
use crate::motion::{Hint, LocationRequest, Motion, MotionState};

/// The phone's motion, and what the host was last told of it.
pub(super) struct Follower {
    pub(super) motion: Motion,
    told: Option<LocationRequest>,
}

impl Follower {
    pub(super) const fn new() -> Self {
        Self { motion: Motion::new(), told: None }
    }
}

impl Recorder {
    /// The platform noticed something. Where the recorder follows motion
    /// ([`RecorderConfig::follow_motion`](crate::RecorderConfig::follow_motion)), a trip may begin or
    /// end, and other locations may be wanted; otherwise, and without consent, it changes nothing.
    ///
    /// # Errors
    /// The journal or the key store, as of [`start_trip`](Self::start_trip) and
    /// [`stop_trip`](Self::stop_trip).
    pub fn hint(
        &mut self,
        hint: Hint,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) -> Result<(), RecorderError> {
        if self.journal.is_none() {
            return Ok(());
        }
        if let Some(follower) = &mut self.follower {
            follower.motion.hint(hint, moment.now_ms);
        }
        self.follow(moment, effects)
    }

    /// Begins or ends the trip as the phone's motion says, and tells which locations to ask for.
    pub(super) fn follow(
        &mut self,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) -> Result<(), RecorderError> {
        let Some(follower) = &mut self.follower else { return Ok(()) };
        follower.motion.tick(moment.now_ms);
        let request = follower.motion.request();
        if follower.told != Some(request) {
            follower.told = Some(request);
            effects.push(Effect::Locate(request));
        }
        match (follower.motion.state() == MotionState::Driving, self.trip.is_some()) {
            (true, false) => self.start_trip(moment, effects),
            (false, true) => self.stop_trip(effects),
            _ => Ok(()),
        }
    }
}
