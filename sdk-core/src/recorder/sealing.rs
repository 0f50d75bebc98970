//! From runs of fixes to sealed traces in the journal.

use hexmile_trace::{
    Fix, MAX_SEQUENCE, SignedTrace, Trace, TraceHeader, TraceId, TripId, sign::Signer,
};

use super::{Effect, Recorder, RecorderError, SDK_VERSION};
use crate::{
    capture::{Run, Step},
    journal::Entry,
};

/// What waits for the key store.
pub(super) enum Pending {
    /// A run of fixes to be signed.
    Run(Run),
    /// A trip all of whose runs are before this.
    Ended(TripId),
}

impl Pending {
    fn fixes(&self) -> usize {
        if let Self::Run(run) = self { run.fixes.len() } else { 0 }
    }
}

/// Fixes that wait for a key store that fails; past it the oldest are dropped, and counted. Five
/// hours at 1 Hz.
const MAX_PENDING_FIXES: usize = 20_000;

impl Recorder {
    /// A journal that is new, or older than the last one under the same key (the app's data was
    /// cleared, or its folder restored), does not know all numbers that were used: one that rises
    /// with time is above them all.
    pub(super) fn begin_numbering(&mut self, now_ms: u64) {
        if !self.numbered && self.journal.is_some() {
            self.numbered = true;
            self.next_sequence = self.next_sequence.max(now_ms.min(MAX_SEQUENCE / 2));
        }
    }

    pub(super) fn carry_out(
        &mut self,
        mut steps: Vec<Step>,
        effects: &mut Vec<Effect>,
    ) -> Result<(), RecorderError> {
        let mut result = Ok(());
        for step in steps.drain(..) {
            match step {
                Step::Keep(fix) => self.keeping.push(fix),
                Step::Seal(run) => {
                    result = result.and(self.keep());
                    self.queue(run);
                    // Before the next fix is written: the journal changes files where none is open.
                    result = result.and(self.sign_pending(effects));
                }
            }
        }
        // The emptied list serves the next call, so that recording allocates nothing.
        self.steps = steps;
        result.and(self.keep()).and(self.sign_pending(effects))
    }

    /// Writes the fixes that joined the open run.
    fn keep(&mut self) -> Result<(), RecorderError> {
        self.status.fixes_kept += self.keeping.len() as u64;
        let written = match &mut self.journal {
            Some(journal) => journal.append_fixes(&self.keeping).map_err(RecorderError::from),
            None => Ok(()),
        };
        self.keeping.clear();
        written
    }

    /// Queues a run to be signed, at the cost of the oldest where too much waits.
    pub(super) fn queue(&mut self, run: Run) {
        let waiting: usize = self.pending.iter().map(Pending::fixes).sum();
        if waiting + run.fixes.len() > MAX_PENDING_FIXES
            && let Some(oldest) = self.pending.iter().position(|p| p.fixes() > 0)
            && let Some(Pending::Run(oldest)) = self.pending.remove(oldest)
        {
            self.discard(&oldest);
        }
        self.pending.push_back(Pending::Run(run));
    }

    /// A run will be no trace.
    fn discard(&mut self, run: &Run) {
        self.status.traces_dropped += 1;
        // Unwritten, a crash would find the run again, and it would be tried once more.
        let _ = self.append(&Entry::Discarded { joined: run.joined, own: run.own() });
    }

    /// Signs and journals what waits, oldest first, until the key store or the disk fails.
    pub(super) fn sign_pending(&mut self, effects: &mut Vec<Effect>) -> Result<(), RecorderError> {
        while let Some(next) = self.pending.pop_front() {
            let done = match &next {
                Pending::Run(run) => self.seal(run, effects),
                Pending::Ended(trip) => self.append(&Entry::TripEnded(*trip)),
            };
            if let Err(error) = done {
                self.pending.push_front(next);
                return Err(error);
            }
        }
        Ok(())
    }

    fn seal(&mut self, run: &Run, effects: &mut Vec<Effect>) -> Result<(), RecorderError> {
        let header = TraceHeader {
            alg: self.signer.public_key().alg(),
            device: self.device,
            network: self.config.network,
            sequence: self.next_sequence,
            trip: run.trip,
            sdk_version: SDK_VERSION,
            clock_offset_ms: self.clock_offset_ms(),
            context: run.context,
            checkpoint: None,
        };
        let Ok(trace) = Trace::new(header, run.fixes.clone()) else {
            // An open run keeps a trace's bounds; a damaged journal may not have.
            self.discard(run);
            return Ok(());
        };
        let id = self.sign(&trace, run.joined, run.own())?;
        effects.push(Effect::Sealed(id));
        Ok(())
    }

    /// Signs and journals a trace that takes `own` fixes off the open ones.
    fn sign(&mut self, trace: &Trace, joined: bool, own: u16) -> Result<TraceId, RecorderError> {
        let signed = SignedTrace::seal(trace, &*self.signer as &dyn Signer)?;
        let sequence = trace.header().sequence;
        self.append(&Entry::Sealed { sequence, joined, own, bytes: signed.to_bytes() })?;
        self.next_sequence = sequence + 1;
        Ok(signed.id())
    }

    fn clock_offset_ms(&self) -> Option<i32> {
        self.capture.clock().offset_ms().and_then(|ms| ms.try_into().ok())
    }

    /// Seals the fixes of a trace anew, under a fresh number and by this version. `tried` is how
    /// often that was done before: each time the numbers leap further ahead, past whatever the
    /// server has seen of them.
    pub(super) fn seal_anew(
        &mut self,
        trace: &Trace,
        tried: u32,
        now_ms: u64,
    ) -> Result<(u64, TraceId), RecorderError> {
        let leap = if tried == 0 { 0 } else { 1 << (19 + tried).min(40) };
        let sequence = self.next_sequence.max(now_ms.min(MAX_SEQUENCE / 2)) + leap;
        let header = TraceHeader {
            alg: self.signer.public_key().alg(),
            sequence,
            sdk_version: SDK_VERSION,
            ..*trace.header()
        };
        let fixes: Vec<Fix> = trace.fixes().to_vec();
        let anew = Trace::new(header, fixes).map_err(RecorderError::Number)?;
        // It takes nothing off the open fixes, and leaves their context as it is.
        Ok((sequence, self.sign(&anew, true, 0)?))
    }
}
