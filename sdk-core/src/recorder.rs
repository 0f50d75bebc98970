//! The recorder: what an app holds.

mod delivery;
mod effect;

use std::{collections::VecDeque, path::PathBuf, sync::Arc};

use hexmile_trace::{
    DeviceId, Fix, MAX_SEQUENCE, NetworkId, RawFix, SdkVersion, SignedTrace, Trace, TraceHeader,
    TripId, sign::Signer,
};

use crate::{
    capture::{Capture, DropReason, EndTrim, FilterLimits, Recorded, SealLimits, Step},
    journal::{Entry, Journal, OpenTrip},
    upload::UploadPolicy,
};

pub use effect::{Effect, RecorderError, Status, Upload};

/// The version that this crate puts into traces.
pub const SDK_VERSION: SdkVersion = SdkVersion::new(0, 1, 0);

/// What a recorder is set up with.
#[derive(Clone, Debug)]
pub struct RecorderConfig {
    /// A folder of the recorder's own.
    pub journal_dir: PathBuf,
    /// Bytes that the journal may take; 50 MB by default.
    pub journal_limit_bytes: u64,
    /// Which network the traces are for.
    pub network: NetworkId,
    /// Which fixes are taken.
    pub filter: FilterLimits,
    /// How soon fixes become a trace.
    pub seal: SealLimits,
    /// What is cut from a trip's ends.
    pub trim: EndTrim,
    /// Traces an upload, at most.
    pub max_batch: usize,
}

impl RecorderConfig {
    /// The defaults.
    pub fn new(journal_dir: PathBuf, network: NetworkId) -> Self {
        Self {
            journal_dir,
            journal_limit_bytes: 50_000_000,
            network,
            filter: FilterLimits::default(),
            seal: SealLimits::LIVE,
            trim: EndTrim::default(),
            max_batch: 16,
        }
    }
}

/// The time and a random number, passed into every call that needs them.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Unix milliseconds by the phone's clock.
    pub now_ms: u64,
    /// 64 bits that nobody can guess, new for every call.
    pub random: u64,
}

/// Records, seals, signs, keeps and hands out uploads.
pub struct Recorder {
    config: RecorderConfig,
    signer: Arc<dyn Signer>,
    device: DeviceId,
    capture: Capture,
    /// Open only under consent: without it no byte is written.
    journal: Option<Journal>,
    next_sequence: u64,
    policy: UploadPolicy,
    uploading: bool,
    steps: Vec<Step>,
    /// Runs that wait for the key store, oldest first.
    unsigned: VecDeque<Run>,
    status: Status,
}

/// A run of fixes to be signed.
struct Run {
    trip: TripId,
    context: bool,
    joined: bool,
    fixes: Vec<Fix>,
}

/// Runs that wait for a key store that fails; past it the oldest are dropped, and counted.
const MAX_UNSIGNED: usize = 64;

impl Recorder {
    /// Set up, without consent: nothing is read or written yet.
    pub fn new(config: RecorderConfig, signer: Arc<dyn Signer>) -> Self {
        let device = DeviceId::of_key(&signer.public_key());
        Self {
            capture: Capture::new(config.filter, config.seal, config.trim),
            policy: UploadPolicy::new(config.max_batch),
            config,
            signer,
            device,
            journal: None,
            next_sequence: 0,
            uploading: false,
            steps: Vec::new(),
            unsigned: VecDeque::new(),
            status: Status::default(),
        }
    }

    /// Which device this is.
    pub const fn device(&self) -> DeviceId {
        self.device
    }

    /// The driver agrees to recording. Opens the journal; what an earlier run left unfinished is
    /// sealed and waits to be uploaded.
    ///
    /// # Errors
    /// The journal or the key store.
    pub fn grant_consent(&mut self, effects: &mut Vec<Effect>) -> Result<(), RecorderError> {
        if self.journal.is_some() {
            return Ok(());
        }
        let (journal, recovered) =
            Journal::open(&self.config.journal_dir, self.device, self.config.journal_limit_bytes)?;
        self.journal = Some(journal);
        self.next_sequence = recovered.next_sequence;
        self.status.consent = true;
        if let Some(trip) = recovered.trip {
            if trip.fixes.len() > usize::from(trip.context) {
                let OpenTrip { id, context, fixes } = trip;
                self.begin_numbering(fixes[0].time_ms());
                let mut steps = std::mem::take(&mut self.steps);
                self.capture.reseal_open(id, context, &fixes, &mut steps);
                self.carry_out(steps, effects)?;
            }
            self.append(&Entry::TripEnded)?;
        }
        Ok(())
    }

    /// A device whose journal is new may have used numbers before, under the same key (the app's data
    /// was cleared): a number that rises with time is above them all.
    fn begin_numbering(&mut self, now_ms: u64) {
        if self.next_sequence == 0 {
            self.next_sequence = now_ms.min(MAX_SEQUENCE / 2);
        }
    }

    /// The driver withdraws: recording stops at once, the trip under way is forgotten, and nothing
    /// more is written or uploaded. What was sealed stays on disk until it is erased.
    pub fn withdraw_consent(&mut self) {
        self.capture.forget();
        self.unsigned.clear();
        self.journal = None;
        self.uploading = false;
        self.status.consent = false;
        self.status.recording = false;
    }

    /// A trip begins; one under way ends first.
    ///
    /// # Errors
    /// No consent, or the journal or the key store.
    pub fn start_trip(
        &mut self,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) -> Result<(), RecorderError> {
        if self.journal.is_none() {
            return Err(RecorderError::NoConsent);
        }
        if self.status.recording {
            self.stop_trip(effects)?;
        }
        self.begin_numbering(moment.now_ms);
        let id = TripId(moment.random.to_le_bytes());
        self.append(&Entry::TripStarted(id))?;
        self.capture.start(id, &mut self.steps);
        self.status.recording = true;
        Ok(())
    }

    /// The trip ends: its held-back end is forgotten, the rest is sealed.
    ///
    /// # Errors
    /// The journal or the key store.
    pub fn stop_trip(&mut self, effects: &mut Vec<Effect>) -> Result<(), RecorderError> {
        if !self.status.recording {
            return Ok(());
        }
        let mut steps = std::mem::take(&mut self.steps);
        let forgotten = self.capture.stop(&mut steps);
        self.count_dropped(DropReason::TripEnd, forgotten as u64);
        self.status.recording = false;
        let result = self.carry_out(steps, effects);
        self.append(&Entry::TripEnded)?;
        result
    }

    /// Takes a fix from the platform's location callback.
    ///
    /// # Errors
    /// The journal or the key store; the fix itself is never an error, but dropped and counted.
    pub fn record(
        &mut self,
        raw: &RawFix,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) -> Result<Recorded, RecorderError> {
        if self.journal.is_none() {
            self.count_dropped(DropReason::NoConsent, 1);
            return Ok(Recorded::Dropped(DropReason::NoConsent));
        }
        let mut steps = std::mem::take(&mut self.steps);
        let recorded = self.capture.record(raw, moment.now_ms, &mut steps);
        if let Recorded::Dropped(reason) = recorded {
            self.count_dropped(reason, 1);
        }
        let displaced = self.capture.take_displaced();
        self.count_dropped(DropReason::HeldTooLong, displaced);
        self.carry_out(steps, effects)?;
        Ok(recorded)
    }

    /// Time passed: seals what has grown old, and hands out an upload if one is due.
    ///
    /// # Errors
    /// The journal or the key store.
    pub fn tick(&mut self, moment: Moment, effects: &mut Vec<Effect>) -> Result<(), RecorderError> {
        let mut steps = std::mem::take(&mut self.steps);
        self.capture.tick(moment.now_ms, &mut steps);
        let result = self.carry_out(steps, effects);
        self.next_upload(moment, effects);
        result
    }

    fn carry_out(
        &mut self,
        mut steps: Vec<Step>,
        effects: &mut Vec<Effect>,
    ) -> Result<(), RecorderError> {
        let mut result = Ok(());
        for step in steps.drain(..) {
            let done = match step {
                Step::Keep(fix) => {
                    self.status.fixes_kept += 1;
                    self.append(&Entry::Kept(fix))
                }
                Step::Seal { trip, context, joined, fixes } => {
                    if self.unsigned.len() == MAX_UNSIGNED {
                        self.unsigned.pop_front();
                        self.status.traces_dropped += 1;
                    }
                    self.unsigned.push_back(Run { trip, context, joined, fixes });
                    self.sign_runs(effects)
                }
            };
            result = result.and(done);
        }
        // The emptied list serves the next call, so that recording allocates nothing.
        self.steps = steps;
        result.and(self.sign_runs(effects))
    }

    /// Signs and journals what waits, oldest first, until the key store or the disk fails.
    fn sign_runs(&mut self, effects: &mut Vec<Effect>) -> Result<(), RecorderError> {
        while let Some(run) = self.unsigned.pop_front() {
            if let Err(error) = self.seal(&run, effects) {
                self.unsigned.push_front(run);
                return Err(error);
            }
        }
        Ok(())
    }

    fn seal(&mut self, run: &Run, effects: &mut Vec<Effect>) -> Result<(), RecorderError> {
        let sequence = self.next_sequence;
        let header = TraceHeader {
            alg: self.signer.public_key().alg(),
            device: self.device,
            network: self.config.network,
            sequence,
            trip: run.trip,
            sdk_version: SDK_VERSION,
            clock_offset_ms: self.capture.clock().offset_ms().and_then(|ms| ms.try_into().ok()),
            context: run.context,
            checkpoint: None,
        };
        let Ok(trace) = Trace::new(header, run.fixes.clone()) else {
            // An open run keeps a trace's bounds; a damaged journal may not have.
            self.status.traces_dropped += 1;
            return Ok(());
        };
        let signed = SignedTrace::seal(&trace, &*self.signer)?;
        let own = trace.own_fixes().len() as u16;
        let bytes = signed.to_bytes();
        let entry = Entry::Sealed { sequence, joined: run.joined, own, bytes };
        self.append(&entry)?;
        self.next_sequence += 1;
        effects.push(Effect::Sealed(signed.id()));
        Ok(())
    }

    fn append(&mut self, entry: &Entry) -> Result<(), RecorderError> {
        match &mut self.journal {
            Some(journal) => Ok(journal.append(entry)?),
            None => Err(RecorderError::NoConsent),
        }
    }

    fn count_dropped(&mut self, reason: DropReason, by: u64) {
        if by > 0 {
            *self.status.fixes_dropped.entry(reason).or_default() += by;
        }
    }

    /// Waits until everything recorded is on disk; for a host that is about to be suspended.
    ///
    /// # Errors
    /// The journal.
    pub fn flush(&self) -> Result<(), RecorderError> {
        self.journal.as_ref().map_or(Ok(()), |j| Ok(j.flush()?))
    }

    /// What a driver may want to see.
    pub fn status(&self) -> Status {
        let journal = self.journal.as_ref();
        Status {
            traces_waiting: journal.map_or(0, Journal::unsettled_len),
            traces_dropped: self.status.traces_dropped + journal.map_or(0, Journal::dropped_traces),
            journal_bytes: journal.map_or(0, Journal::bytes),
            ..self.status.clone()
        }
    }
}
