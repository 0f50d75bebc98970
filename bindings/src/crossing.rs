//! Effects on their way across the border: a call that fails answers an error alone, although it may have
//! effects, which are not told twice.

use hexmile_sdk_core as core;

use crate::{Effect, RecorderError};

/// What a call of the core answers.
type Done = Result<(), core::RecorderError>;

/// The core, and what did not cross with its own call.
pub(crate) struct Core {
    pub(crate) recorder: core::Recorder,
    /// Effects of calls that failed, for the next that does not.
    late: Vec<core::Effect>,
    /// Why a call failed whose effects crossed in place of the error; the next tick tells.
    owed: Option<core::RecorderError>,
}

/// Whether there is nothing to do but to tick again.
fn is_idle(effects: &[core::Effect]) -> bool {
    effects.iter().all(|effect| matches!(effect, core::Effect::WakeAt(_)))
}

impl Core {
    pub(crate) const fn new(recorder: core::Recorder) -> Self {
        Self { recorder, late: Vec::new(), owed: None }
    }

    /// The effects of a call, after those that are late.
    pub(crate) fn effects(&mut self, mut out: Vec<core::Effect>) -> Vec<Effect> {
        self.late.append(&mut out);
        std::mem::take(&mut self.late).into_iter().map(Effect::from).collect()
    }

    /// The same of a call that may have failed: then its effects are late. Who hears of an error ticks
    /// again in any case.
    pub(crate) fn answer(
        &mut self,
        mut out: Vec<core::Effect>,
        done: Done,
    ) -> Result<Vec<Effect>, RecorderError> {
        if let Err(error) = done {
            if !is_idle(&out) {
                self.late.append(&mut out);
            }
            return Err(error.into());
        }
        Ok(self.effects(out))
    }

    /// The same of a call after which the recorder tries again by itself what failed. Its effects go first:
    /// behind a disk or a key store that fails every time they would never cross.
    pub(crate) fn retried(
        &mut self,
        out: Vec<core::Effect>,
        done: Done,
    ) -> Result<Vec<Effect>, RecorderError> {
        if self.late.is_empty() && is_idle(&out) {
            return self.answer(out, done);
        }
        self.owed = self.owed.take().or(done.err());
        Ok(self.effects(out))
    }

    /// The same of a tick: every second one at least tells of an error that lasts.
    pub(crate) fn ticked(
        &mut self,
        out: Vec<core::Effect>,
        done: Done,
    ) -> Result<Vec<Effect>, RecorderError> {
        match self.owed.take() {
            Some(owed) => self.answer(out, done.and(Err(owed))),
            None => self.retried(out, done),
        }
    }

    /// The driver withdraws: what has not crossed never will.
    pub(crate) fn forget_late(&mut self) {
        self.late.clear();
        self.owed = None;
    }
}
