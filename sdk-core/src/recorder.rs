//! The recorder: what an app holds.

mod delivery;
#[cfg(test)]
mod disk_faults;
mod effect;
mod erasure;
mod following;
mod obedience;
#[cfg(test)]
mod power_loss;
mod sealing;

use std::{collections::VecDeque, path::PathBuf, sync::Arc};

use hexmile_trace::{
    DeviceId, Fix, NetworkId, RawFix, Receipt, SdkVersion, TripId,
    sign::{PublicKey, Signer},
};

use crate::{
    capture::{Capture, DropReason, EndTrim, FilterLimits, Privacy, Recorded, SealLimits, Step},
    journal::{Entry, Journal, OpenTrip},
    upload::{PolicyWatch, UploadPolicy},
};
use delivery::InFlight;
use erasure::PendingErasure;
use following::Follower;
use sealing::Pending;

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
    /// Places and hours of which nothing leaves the phone.
    pub privacy: Privacy,
    /// Whether trips begin and end by what the platform notices ([`Recorder::hint`]); else the host
    /// says when.
    pub follow_motion: bool,
    /// Traces an upload, at most.
    pub max_batch: usize,
    /// The keys with which the server signs receipts, the old one beside the new while it changes
    /// them. With any, a trace is done only when its receipt verifies; with none, receipts are
    /// believed as they come over the host's connection.
    pub server_keys: Vec<PublicKey>,
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
            privacy: Privacy::default(),
            follow_motion: false,
            max_batch: 16,
            server_keys: Vec::new(),
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
    /// Whether `next_sequence` was brought up to the clock since the journal was opened.
    numbered: bool,
    policy: UploadPolicy,
    server: PolicyWatch,
    in_flight: Option<InFlight>,
    steps: Vec<Step>,
    /// Kept fixes on their way into the journal.
    keeping: Vec<Fix>,
    /// What waits for the key store, oldest first.
    pending: VecDeque<Pending>,
    /// Follows the phone's motion, where the host wants it.
    follower: Option<Follower>,
    /// The trip under way.
    trip: Option<TripId>,
    /// A withdrawal that could not be written: the next opening forgets what is open.
    forget_open: bool,
    /// Requests to erase an account, once they were looked for.
    erasures: Option<Vec<PendingErasure>>,
    status: Status,
}

impl Recorder {
    /// Set up, without consent: nothing is read or written yet.
    pub fn new(config: RecorderConfig, signer: Arc<dyn Signer>) -> Self {
        let device = DeviceId::of_key(&signer.public_key());
        Self {
            capture: Capture::new(config.filter, config.seal, config.trim, config.privacy.clone()),
            policy: UploadPolicy::new(config.max_batch),
            server: PolicyWatch::default(),
            follower: config.follow_motion.then(Follower::new),
            config,
            signer,
            device,
            journal: None,
            next_sequence: 0,
            numbered: false,
            in_flight: None,
            steps: Vec::new(),
            keeping: Vec::new(),
            pending: VecDeque::new(),
            trip: None,
            forget_open: false,
            erasures: None,
            status: Status::default(),
        }
    }

    /// Which device this is.
    pub const fn device(&self) -> DeviceId {
        self.device
    }

    /// The driver agrees to recording. Opens the journal; what an earlier run left unfinished is
    /// sealed with the next ticks, and waits to be uploaded.
    ///
    /// # Errors
    /// The journal.
    pub fn grant_consent(&mut self, effects: &mut Vec<Effect>) -> Result<(), RecorderError> {
        if self.journal.is_some() {
            return Ok(());
        }
        let (mut journal, mut recovered) =
            Journal::open(&self.config.journal_dir, self.device, self.config.journal_limit_bytes)?;
        if self.forget_open {
            journal.withdraw()?;
            recovered.trips.clear();
            self.forget_open = false;
        }
        self.journal = Some(journal);
        self.next_sequence = recovered.next_sequence;
        self.numbered = false;
        self.status.consent = true;
        self.status.damaged_bytes += recovered.damaged_bytes;
        if recovered.set_aside > 0 {
            self.status.segments_set_aside += recovered.set_aside;
            effects.push(Effect::SetAside { segments: recovered.set_aside });
        }
        for trip in recovered.trips {
            self.recover(&trip);
        }
        Ok(())
    }

    /// Cuts what a crash left open into runs, and queues them.
    fn recover(&mut self, trip: &OpenTrip) {
        let mut steps = std::mem::take(&mut self.steps);
        self.capture.reseal_open(trip.id, trip.context, &trip.fixes, &mut steps);
        for step in steps.drain(..) {
            if let Step::Seal(run) = step {
                self.queue(run);
            }
        }
        self.steps = steps;
        self.pending.push_back(Pending::Ended(trip.id));
    }

    /// The driver withdraws: recording stops at once, and nothing more is written or uploaded. The
    /// trip under way is forgotten, and what of it was not sealed never will be; the journal says so
    /// on disk before this returns. What was sealed stays on disk until it is erased.
    ///
    /// # Errors
    /// The journal. Consent is withdrawn nonetheless, and what was open is forgotten at the next
    /// opening, as long as this recorder lives.
    pub fn withdraw_consent(&mut self) -> Result<(), RecorderError> {
        self.capture.forget();
        self.keeping.clear();
        self.pending.clear();
        self.in_flight = None;
        self.trip = None;
        self.follower = self.follower.take().map(|_| Follower::new());
        self.status.consent = false;
        let Some(mut journal) = self.journal.take() else { return Ok(()) };
        self.status.traces_dropped += journal.dropped_traces();
        let withdrawn = journal.withdraw();
        self.forget_open = withdrawn.is_err();
        Ok(withdrawn?)
    }

    /// A trip begins; one under way ends first.
    ///
    /// # Errors
    /// No consent, or the journal; or the key store, and then the trip has begun nonetheless.
    pub fn start_trip(
        &mut self,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) -> Result<(), RecorderError> {
        if self.journal.is_none() {
            return Err(RecorderError::NoConsent);
        }
        self.begin_numbering(moment.now_ms);
        let stopped = self.stop_trip(effects);
        let id = TripId(moment.random.to_le_bytes());
        self.append(&Entry::TripStarted(id))?;
        self.capture.start(id, &mut self.steps);
        self.trip = Some(id);
        stopped
    }

    /// The trip ends: its held-back end is forgotten, the rest is sealed.
    ///
    /// # Errors
    /// The journal or the key store; what could not be sealed is, with a later call.
    pub fn stop_trip(&mut self, effects: &mut Vec<Effect>) -> Result<(), RecorderError> {
        let Some(id) = self.trip.take() else { return Ok(()) };
        let mut steps = std::mem::take(&mut self.steps);
        let forgotten = self.capture.stop(&mut steps);
        self.count_dropped(DropReason::TripEnd, forgotten as u64);
        let sealed = self.carry_out(steps);
        self.pending.push_back(Pending::Ended(id));
        sealed.and_then(|()| self.sign_pending(effects))
    }

    /// Sets other zones and quiet hours. They hold from now on, and for the fixes that are still held
    /// back; what joined a trace before stays in it.
    pub fn set_privacy(&mut self, privacy: Privacy) {
        let forgotten = self.capture.set_privacy(privacy);
        self.count_dropped(DropReason::Zone, forgotten as u64);
    }

    /// Takes a fix from the platform's location callback. Never waits for the disk, signs or seals:
    /// what is due to be sealed is, with the next [`tick`](Self::tick).
    ///
    /// # Errors
    /// The journal, and then the fix is written with a later call; the fix itself is never an error,
    /// but dropped and counted.
    pub fn record(&mut self, raw: &RawFix, moment: Moment) -> Result<Recorded, RecorderError> {
        if self.journal.is_none() {
            self.count_dropped(DropReason::NoConsent, 1);
            return Ok(Recorded::Dropped(DropReason::NoConsent));
        }
        if let Some(follower) = &mut self.follower {
            follower.motion.observe(raw, moment.now_ms);
        }
        self.begin_numbering(moment.now_ms);
        let mut steps = std::mem::take(&mut self.steps);
        let recorded = self.capture.record(raw, moment.now_ms, &mut steps);
        if let Recorded::Dropped(reason) = recorded {
            self.count_dropped(reason, 1);
        }
        let displaced = self.capture.take_displaced();
        self.count_dropped(DropReason::HeldTooLong, displaced);
        self.carry_out(steps)?;
        Ok(recorded)
    }

    /// Time passed: seals what has grown old, and hands out an upload if one is due. Without consent, it
    /// only hands out the requests to erase an account that [`erase`](Self::erase) left.
    ///
    /// # Errors
    /// The journal or the key store.
    pub fn tick(&mut self, moment: Moment, effects: &mut Vec<Effect>) -> Result<(), RecorderError> {
        let erasures = self.next_erasures(moment, effects);
        if self.journal.is_none() {
            return erasures;
        }
        self.begin_numbering(moment.now_ms);
        let followed = self.follow(moment, effects);
        let mut steps = std::mem::take(&mut self.steps);
        self.capture.tick(moment.now_ms, &mut steps);
        let kept = self.carry_out(steps);
        let sealed = self.seal(moment, effects);
        if sealed.is_ok() && !self.pending.is_empty() {
            effects.push(Effect::WakeAt(moment.now_ms));
        }
        self.next_upload(moment, effects);
        followed.and(kept).and(sealed).and(erasures)
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

    /// The receipts that are still on disk, oldest first; the oldest go when there is little room.
    ///
    /// # Errors
    /// No consent, or the journal.
    pub fn receipts(&self) -> Result<Vec<Receipt>, RecorderError> {
        Ok(self.journal.as_ref().ok_or(RecorderError::NoConsent)?.receipts()?)
    }

    /// What a driver may want to see.
    pub fn status(&self) -> Status {
        let journal = self.journal.as_ref();
        Status {
            recording: self.trip.is_some(),
            motion: self.follower.as_ref().map(|follower| follower.motion.state()),
            server_policy: self.server.known(),
            uploads_paused: self.obstacle().or(self.policy.paused()).map(str::to_owned),
            traces_unsealed: self.pending.iter().filter(|p| matches!(p, Pending::Run(_))).count(),
            traces_waiting: journal.map_or(0, Journal::unsettled_len),
            traces_dropped: self.status.traces_dropped + journal.map_or(0, Journal::dropped_traces),
            erasures_waiting: self.erasures_waiting(),
            journal_bytes: journal.map_or(0, Journal::bytes),
            ..self.status.clone()
        }
    }
}
