//! From runs of fixes to sealed traces in the journal.

use std::collections::VecDeque;

use hexmile_trace::{
    Fix, MAX_SEQUENCE, SignedTrace, Trace, TraceHeader, TraceId, TripId, sign::Signer,
};

use super::{Effect, Moment, Recorder, RecorderError, SDK_VERSION};
use crate::{
    capture::{Run, Step},
    journal::{Entry, Journal},
};

/// What waits for the key store.
pub(super) enum Pending {
    /// A run of fixes to be signed.
    Run(Run),
    /// A run that will be no trace.
    Discarded {
        /// Whether its last fix goes on as context of the next.
        joined: bool,
        /// Fixes of its own.
        own: u16,
    },
    /// A trip all of whose runs are before this.
    Ended(TripId),
}

impl Pending {
    fn fixes(&self) -> usize {
        if let Self::Run(run) = self { run.fixes.len() } else { 0 }
    }
}

/// Fixes that wait for a key store that fails; past it the oldest are dropped, and counted. Almost three
/// hours at 1 Hz.
const MAX_PENDING_FIXES: usize = 10_000;
/// Most traces that one call seals.
const MAX_RUNS: usize = 16;

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

    /// Keeps the fixes that joined the open run, and queues the runs that are due.
    pub(super) fn carry_out(&mut self, mut steps: Vec<Step>) {
        for step in steps.drain(..) {
            match step {
                Step::Keep(kept) => {
                    self.status.fixes_kept += 1;
                    if let Some(journal) = &mut self.journal {
                        journal.keep(kept);
                    }
                }
                Step::Seal(run) => self.queue(run),
            }
        }
        // The emptied list serves the next call, so that recording allocates nothing.
        self.steps = steps;
    }

    /// Seals what is due, a bounded number of traces a call: encodes, signs and journals them.
    /// [`tick`](Self::tick) does so, too; this is for a host that has a better thread or time for it.
    ///
    /// # Errors
    /// The journal or the key store; what could not be sealed is, with a later call.
    pub fn seal(&mut self, moment: Moment, effects: &mut Vec<Effect>) -> Result<(), RecorderError> {
        self.begin_numbering(moment.now_ms);
        self.sign_pending(effects)?;
        if self.pending.is_empty() && self.journal.as_ref().is_some_and(Journal::is_segment_full) {
            // The journal goes on in a new segment when no fix is open.
            let mut steps = std::mem::take(&mut self.steps);
            self.capture.seal_open(&mut steps);
            self.carry_out(steps);
            self.sign_pending(effects)?;
        }
        Ok(())
    }

    /// Queues a run to be signed, at the cost of the oldest where too much waits.
    pub(super) fn queue(&mut self, run: Run) {
        let waiting: usize = self.pending.iter().map(Pending::fixes).sum();
        if waiting + run.fixes.len() > MAX_PENDING_FIXES
            && let Some(oldest) = self.pending.iter_mut().find(|p| p.fixes() > 0)
            && let Pending::Run(run) = oldest
        {
            self.status.traces_dropped += 1;
            *oldest = Pending::Discarded { joined: run.joined, own: run.own() };
        }
        self.pending.push_back(Pending::Run(run));
    }

    /// Forgets what lies in a zone or in quiet hours that were set since it was queued. Returns how many
    /// fixes did.
    pub(super) fn hide_pending(&mut self) -> usize {
        let own = |pending: &VecDeque<Pending>| -> usize {
            pending
                .iter()
                .map(|p| if let Pending::Run(run) = p { run.own().into() } else { 0 })
                .sum()
        };
        let before = own(&self.pending);
        for next in std::mem::take(&mut self.pending) {
            match next {
                Pending::Run(run) if run.fixes.iter().any(|fix| self.capture.hides(fix)) => {
                    let left = run.without(|fix| self.capture.hides(fix));
                    self.pending.extend(left.into_iter().map(Pending::Run));
                }
                next => self.pending.push_back(next),
            }
        }
        before - own(&self.pending)
    }

    /// Says in the journal what zones and quiet hours that were set hide of the open fixes.
    pub(super) fn hide_in_journal(&mut self) -> Result<(), RecorderError> {
        if self.hide_open
            && let Some(journal) = &mut self.journal
        {
            let capture = &self.capture;
            journal.hide(&|fix| capture.hides(fix))?;
            self.hide_open = false;
        }
        Ok(())
    }

    /// Signs and journals what waits, oldest first, until the key store or the disk fails, or enough
    /// was done for one call.
    pub(super) fn sign_pending(&mut self, effects: &mut Vec<Effect>) -> Result<(), RecorderError> {
        self.hide_in_journal()?;
        let mut runs = 0;
        while let Some(next) = self.pending.pop_front() {
            if let Pending::Run(_) = next {
                runs += 1;
            }
            let done = match &next {
                Pending::Run(_) if runs > MAX_RUNS => {
                    self.pending.push_front(next);
                    return Ok(());
                }
                Pending::Run(run) => self.seal_run(run, effects),
                Pending::Discarded { joined, own } => {
                    self.append(&Entry::Discarded { joined: *joined, own: *own })
                }
                Pending::Ended(trip) => self.append(&Entry::TripEnded(*trip)),
            };
            match (done, next) {
                (Err(error), next) => {
                    self.pending.push_front(next);
                    return Err(error);
                }
                (Ok(()), Pending::Run(run)) => self.capture.reuse(run),
                (Ok(()), Pending::Discarded { .. } | Pending::Ended(_)) => {}
            }
        }
        Ok(())
    }

    fn seal_run(&mut self, run: &Run, effects: &mut Vec<Effect>) -> Result<(), RecorderError> {
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
            self.status.traces_dropped += 1;
            return self.append(&Entry::Discarded { joined: run.joined, own: run.own() });
        };
        let id = self.sign(&trace, run.joined, run.own(), None)?;
        effects.push(Effect::Sealed(id));
        Ok(())
    }

    /// Signs and journals a trace that takes `own` fixes off the open ones, or the place of another trace.
    fn sign(
        &mut self,
        trace: &Trace,
        joined: bool,
        own: u16,
        was: Option<(u64, TraceId)>,
    ) -> Result<TraceId, RecorderError> {
        let signed = SignedTrace::seal(trace, &*self.signer as &dyn Signer)?;
        let sequence = trace.header().sequence;
        let sealed = Entry::Sealed { sequence, joined, own, bytes: signed.to_bytes() };
        let settled =
            was.map(|(sequence, trace)| Entry::Settled { sequence, trace, receipt: None });
        // At no moment may both wait: the server would get the same fixes twice.
        let journal = self.journal.as_mut().ok_or(RecorderError::NoConsent)?;
        match &settled {
            Some(settled) => journal.append_together(&[&sealed, settled])?,
            None => journal.append(&sealed)?,
        }
        self.next_sequence = sequence + 1;
        Ok(signed.id())
    }

    fn clock_offset_ms(&self) -> Option<i32> {
        self.capture.clock().offset_ms().and_then(|ms| ms.try_into().ok())
    }

    /// Seals the fixes of the trace `was` anew, in its place, under a fresh number, by this version and this
    /// key. `tried` is how often that was done before: each time the numbers leap further ahead, past
    /// whatever the server has seen of them.
    pub(super) fn seal_anew(
        &mut self,
        was: (u64, TraceId),
        trace: &Trace,
        tried: u32,
        now_ms: u64,
    ) -> Result<(u64, TraceId), RecorderError> {
        let leap = if tried == 0 { 0 } else { 1 << (19 + tried).min(40) };
        let sequence = self.next_sequence.max(now_ms.min(MAX_SEQUENCE / 2)) + leap;
        let header = TraceHeader {
            alg: self.signer.public_key().alg(),
            device: self.device,
            sequence,
            sdk_version: SDK_VERSION,
            ..*trace.header()
        };
        let fixes: Vec<Fix> = trace.fixes().to_vec();
        let anew = Trace::new(header, fixes).map_err(RecorderError::Number)?;
        // It takes nothing off the open fixes, and leaves their context as it is.
        Ok((sequence, self.sign(&anew, true, 0, Some(was))?))
    }
}
