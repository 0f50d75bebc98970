//! The recorder: what an app holds.

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::Arc,
};

use hexmile_trace::{
    DeviceId, Fix, MAX_SEQUENCE, MEDIA_TYPE, NetworkId, RawFix, SdkVersion, SignedTrace, Trace,
    TraceHeader, TraceId, TripId,
    sign::{SignError, Signer},
};

use crate::{
    capture::{Capture, DropReason, EndTrim, FilterLimits, Recorded, SealLimits, Step},
    enrol::Request,
    journal::{Entry, Journal, JournalError, OpenTrip},
    upload::{Decision, Reply, TraceResult, UploadPolicy, Verdict},
};

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

/// Why a call failed; what could be kept was kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecorderError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The key store. What could not be signed is kept, and tried again at the next call.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The driver has not agreed to recording.
    #[error("the driver has not agreed to recording")]
    NoConsent,
}

/// What the host must do or show, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send this, and hand the answer to [`Recorder::uploaded`] or [`Recorder::upload_failed`].
    Upload(Upload),
    /// Call [`Recorder::tick`] at this time, Unix milliseconds, or soon after.
    WakeAt(u64),
    /// A trace was sealed and waits to be uploaded.
    Sealed(TraceId),
    /// The server has it.
    Received {
        /// Which trace.
        trace: TraceId,
        /// When, by the server's clock, Unix milliseconds.
        received_at_ms: u64,
    },
    /// The server will never take it, and it was given up.
    Refused {
        /// Which trace.
        trace: TraceId,
        /// Stable code.
        code: String,
    },
    /// An upload failed and will be tried again.
    Delayed(String),
}

/// An upload in the hands of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// What to send.
    pub request: Request,
    /// Which traces it holds, with their sequence numbers.
    pub traces: Vec<(u64, TraceId)>,
}

/// What a driver may want to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether the driver has agreed to recording.
    pub consent: bool,
    /// Whether a trip is under way.
    pub recording: bool,
    /// Fixes that joined a trace, or wait to.
    pub fixes_kept: u64,
    /// Fixes dropped, by reason.
    pub fixes_dropped: BTreeMap<DropReason, u64>,
    /// Traces that wait for a receipt.
    pub traces_waiting: usize,
    /// Traces with a receipt.
    pub traces_received: u64,
    /// Traces that the server refused for good, by code.
    pub traces_refused: BTreeMap<String, u64>,
    /// Traces dropped because the journal was full or damaged.
    pub traces_dropped: u64,
    /// Bytes handed to the host for upload, repeats included.
    pub bytes_uploaded: u64,
    /// Bytes on disk.
    pub journal_bytes: u64,
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
    clock_offset_ms: Option<i32>,
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
            clock_offset_ms: None,
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
                self.unsigned.push_back(Run { trip: id, context, joined: false, fixes });
                self.sign_runs(effects)?;
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

    /// Hands out the next upload, or says when to ask again. One is under way at a time.
    fn next_upload(&mut self, moment: Moment, effects: &mut Vec<Effect>) {
        let Some(journal) = &self.journal else { return };
        if self.uploading {
            return;
        }
        let n = match self.policy.decide(journal.unsettled_len(), moment.now_ms) {
            Decision::Idle => return,
            Decision::Wait(until_ms) => return effects.push(Effect::WakeAt(until_ms)),
            Decision::Upload(n) => n,
        };
        let mut body = Vec::new();
        let mut traces = Vec::with_capacity(n);
        let mut damaged = Vec::new();
        for (sequence, trace, _) in journal.unsettled().take(n) {
            match journal.sealed(sequence) {
                Some(bytes) => {
                    body.extend_from_slice(&bytes);
                    traces.push((sequence, trace));
                }
                None => damaged.push((sequence, trace)),
            }
        }
        for (sequence, trace) in damaged {
            self.status.traces_dropped += 1;
            // The next opening will find the damage again if this cannot be written.
            let _ = self.append(&Entry::Settled { sequence, trace });
        }
        if !traces.is_empty() {
            self.uploading = true;
            self.status.bytes_uploaded += body.len() as u64;
            let request = Request { path: "/v1/traces", content_type: MEDIA_TYPE, body };
            effects.push(Effect::Upload(Upload { request, traces }));
        }
    }

    /// The server answered an upload.
    ///
    /// # Errors
    /// The journal.
    pub fn uploaded(
        &mut self,
        upload: &Upload,
        status: u16,
        body: &[u8],
        retry_after_s: Option<u32>,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) -> Result<(), RecorderError> {
        self.uploading = false;
        match Reply::read(status, body) {
            Reply::Later(code) => self.delay(code, retry_after_s, moment, effects),
            Reply::Refused(_) if upload.traces.len() > 1 => {
                self.policy.refused_whole(upload.traces.len());
            }
            Reply::Refused(code) => {
                let refused = |(_, trace): &(u64, TraceId)| TraceResult {
                    trace: *trace,
                    verdict: Verdict::Refused(code.clone()),
                };
                let results: Vec<_> = upload.traces.iter().map(refused).collect();
                self.settle(upload, &results, retry_after_s, moment, effects)?;
            }
            Reply::Results(results) => {
                self.settle(upload, &results, retry_after_s, moment, effects)?;
            }
        }
        self.next_upload(moment, effects);
        Ok(())
    }

    /// An upload got no answer.
    pub fn upload_failed(&mut self, why: &str, moment: Moment, effects: &mut Vec<Effect>) {
        self.uploading = false;
        self.delay(why.to_owned(), None, moment, effects);
        self.next_upload(moment, effects);
    }

    fn delay(
        &mut self,
        why: String,
        retry_after_s: Option<u32>,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) {
        self.policy.failed(moment.now_ms, retry_after_s, moment.random);
        effects.push(Effect::Delayed(why));
    }

    fn settle(
        &mut self,
        upload: &Upload,
        results: &[TraceResult],
        retry_after_s: Option<u32>,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) -> Result<(), RecorderError> {
        let mut later = None;
        for &(sequence, trace) in &upload.traces {
            let result = results.iter().find(|r| r.trace == trace);
            match result.map(|r| &r.verdict) {
                Some(Verdict::Received(received_at_ms)) => {
                    self.append(&Entry::Settled { sequence, trace })?;
                    self.status.traces_received += 1;
                    self.note_server_time(*received_at_ms, moment.now_ms);
                    effects.push(Effect::Received { trace, received_at_ms: *received_at_ms });
                }
                Some(Verdict::Refused(code)) => {
                    self.append(&Entry::Settled { sequence, trace })?;
                    *self.status.traces_refused.entry(code.clone()).or_default() += 1;
                    effects.push(Effect::Refused { trace, code: code.clone() });
                }
                Some(Verdict::Later(code)) => later = Some(code.clone()),
                None => later = Some("no_result".to_owned()),
            }
        }
        match later {
            Some(why) => self.delay(why, retry_after_s, moment, effects),
            None => self.policy.succeeded(),
        }
        Ok(())
    }

    /// The offset is that of a fresh receipt: good to the time an upload takes.
    fn note_server_time(&mut self, received_at_ms: u64, now_ms: u64) {
        let offset = received_at_ms.cast_signed().wrapping_sub(now_ms.cast_signed());
        // A repeat's first receipt may be days old, and says nothing of the clock.
        self.clock_offset_ms =
            i32::try_from(offset).ok().filter(|o| o.abs() < 3_600_000).or(self.clock_offset_ms);
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
            clock_offset_ms: self.clock_offset_ms,
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
