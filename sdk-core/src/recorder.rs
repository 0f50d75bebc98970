//! The recorder: what an app holds.

mod delivery;
#[cfg(test)]
mod disk_faults;
mod effect;
mod erasure;
mod following;
mod holding;
#[cfg(test)]
mod killed;
mod obedience;
#[cfg(test)]
mod power_loss;
mod sealing;

use std::{collections::VecDeque, path::PathBuf, sync::Arc};

use hexmile_trace::{
    DeviceId, NetworkId, RawFix, Receipt, SdkVersion, TripId,
    sign::{PublicKey, Signer},
};

use crate::{
    capture::{Capture, DropReason, EndTrim, FilterLimits, Privacy, Recorded, SealLimits, Step},
    journal::{Entry, Journal},
    secrets::{MemorySecrets, SecretStore},
    upload::{PolicyWatch, UploadPolicy},
};
use delivery::InFlight;
use erasure::PendingErasure;
use following::Follower;
use holding::Holding;
use sealing::Pending;

pub use effect::{Effect, HeldLoss, RecorderError, Status, Upload};

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
    /// Where the key of each trip is kept, under which the stretch that is held back at its end waits on
    /// disk; the platform's own store. By default keys are in memory, and what is held back is lost when
    /// the process dies.
    pub secrets: Arc<dyn SecretStore>,
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
            secrets: Arc::new(MemorySecrets::default()),
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
    /// What waits for the key store, oldest first.
    pending: VecDeque<Pending>,
    /// Follows the phone's motion, where the host wants it.
    follower: Option<Follower>,
    /// The trip under way.
    trip: Option<TripId>,
    /// Where what it holds back lies.
    holding: Holding,
    /// Whether the journal still has open fixes that zones or hours that were set hide.
    hide_open: bool,
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
            pending: VecDeque::new(),
            trip: None,
            holding: Holding::default(),
            hide_open: false,
            forget_open: false,
            erasures: None,
            status: Status::default(),
        }
    }

    /// Which device this is.
    pub const fn device(&self) -> DeviceId {
        self.device
    }

    /// The driver agrees to recording. Opens the journal. A trip that was under way when the app died goes
    /// on ([`Effect::TripResumed`]), where what it held back can be read; what else an earlier run left
    /// unfinished is sealed with the next ticks, and waits to be uploaded.
    ///
    /// # Errors
    /// The journal.
    pub fn grant_consent(&mut self, effects: &mut Vec<Effect>) -> Result<(), RecorderError> {
        if self.journal.is_some() {
            return Ok(());
        }
        let (mut journal, recovered) =
            Journal::open(&self.config.journal_dir, self.device, self.config.journal_limit_bytes)?;
        if self.forget_open {
            journal.withdraw()?;
            self.forget_open = false;
        }
        journal.hide(|fix| self.capture.hides(fix))?;
        self.journal = Some(journal);
        self.next_sequence = recovered.next_sequence;
        self.numbered = false;
        self.status.consent = true;
        self.status.damaged_bytes += recovered.damaged_bytes;
        if recovered.set_aside > 0 {
            self.status.segments_set_aside += recovered.set_aside;
            effects.push(Effect::SetAside { segments: recovered.set_aside });
        }
        self.recover(effects);
        Ok(())
    }

    /// The driver withdraws: recording stops at once, and nothing more is written or uploaded. The
    /// trip under way is forgotten, and what of it was not sealed never will be; the journal says so
    /// on disk before this returns. What was sealed stays on disk until it is erased.
    ///
    /// # Errors
    /// The journal, and then what was open is forgotten at the next opening, as long as this recorder
    /// lives; or the secret store. Consent is withdrawn nonetheless.
    pub fn withdraw_consent(&mut self) -> Result<(), RecorderError> {
        self.capture.forget();
        self.pending.clear();
        self.hide_open = false;
        let destroyed = self.end_holding();
        self.in_flight = None;
        self.trip = None;
        self.follower = self.follower.take().map(|_| Follower::new());
        self.status.consent = false;
        let Some(mut journal) = self.journal.take() else { return destroyed };
        self.status.traces_dropped += journal.dropped_traces();
        let withdrawn = journal.withdraw();
        self.forget_open = withdrawn.is_err();
        withdrawn?;
        destroyed
    }

    /// A trip begins; one under way ends first.
    ///
    /// # Errors
    /// No consent, or the journal; or the key store or the secret store at the end of the trip before, and
    /// then the trip has begun nonetheless. Where the secret store makes no key for the new trip, that is
    /// an effect ([`Effect::HeldInMemory`]) and no error.
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
        self.begin_holding(id, effects);
        stopped
    }

    /// The trip ends: its held-back end is forgotten and its key destroyed, the rest is sealed.
    ///
    /// # Errors
    /// The journal or the key store, and what could not be sealed is, with a later call; or the secret
    /// store.
    pub fn stop_trip(&mut self, effects: &mut Vec<Effect>) -> Result<(), RecorderError> {
        let Some(id) = self.trip.take() else { return Ok(()) };
        let mut steps = std::mem::take(&mut self.steps);
        let forgotten = self.capture.stop(&mut steps);
        self.count_dropped(DropReason::TripEnd, forgotten as u64);
        self.carry_out(steps);
        // What left at the last moment must be in the journal before its key goes.
        let kept = self.journal.as_mut().map_or(Ok(()), Journal::write);
        let destroyed = self.end_holding();
        self.pending.push_back(Pending::Ended(id));
        kept?;
        self.sign_pending(effects).and(destroyed)
    }

    /// Sets other zones and quiet hours. They hold from now on, and for all fixes that are not sealed: what
    /// is held back, what has joined the trace to be, and what waits to be signed. What was sealed before
    /// stays.
    ///
    /// # Errors
    /// The journal: the zones hold nonetheless, and until it can be written nothing more is sealed.
    pub fn set_privacy(&mut self, privacy: Privacy) -> Result<(), RecorderError> {
        let mut steps = std::mem::take(&mut self.steps);
        let forgotten = self.capture.set_privacy(privacy, &mut steps);
        self.carry_out(steps);
        let kept = (forgotten.kept + self.hide_pending()) as u64;
        self.status.fixes_kept = self.status.fixes_kept.saturating_sub(kept);
        self.count_dropped(DropReason::Zone, forgotten.held as u64 + kept);
        if let Some(journal) = &mut self.journal {
            self.hide_open = true;
            journal.hold_anew();
            self.hand_over(None);
        }
        self.hide_in_journal()
    }

    /// Takes a fix from the platform's location callback. Neither writes, signs nor seals: every few
    /// seconds it hands what came over to a thread that writes it, and what is due to be sealed is, with
    /// the next [`tick`](Self::tick), which also tells what went wrong.
    pub fn record(&mut self, raw: &RawFix, moment: Moment) -> Recorded {
        let Some(journal) = &self.journal else { return self.drop_fix(DropReason::NoConsent) };
        let is_overfull = journal.is_overfull();
        if let Some(follower) = &mut self.follower {
            follower.motion.observe(raw, moment.now_ms);
        }
        self.begin_numbering(moment.now_ms);
        let fix_ms = raw.time_ms.max(0) as u64;
        if self.is_too_late(fix_ms) {
            return self.drop_fix(DropReason::NoTrip);
        }
        if is_overfull && self.trip.is_some() {
            self.capture.miss();
            self.hand_over_if_due(fix_ms);
            return self.drop_fix(DropReason::NoRoom);
        }
        let mut steps = std::mem::take(&mut self.steps);
        let recorded = self.capture.record(raw, moment.now_ms, &mut steps);
        let displaced = self.capture.take_displaced();
        self.count_dropped(DropReason::HeldTooLong, displaced);
        self.carry_out(steps);
        if recorded.is_of_the_trip() {
            self.goes_on();
            self.hand_over_if_due(fix_ms);
        }
        if let Recorded::Dropped(reason) = recorded {
            self.count_dropped(reason, 1);
        }
        recorded
    }

    fn drop_fix(&mut self, reason: DropReason) -> Recorded {
        self.count_dropped(reason, 1);
        Recorded::Dropped(reason)
    }

    /// Time passed: seals what has grown old, and hands out an upload if one is due. Without consent, it
    /// only hands out the requests to erase an account that [`erase`](Self::erase) left.
    ///
    /// # Errors
    /// The journal, the key store or the secret store. The rest of what is due is done all the same, and
    /// what failed is tried again by the next tick.
    pub fn tick(&mut self, moment: Moment, effects: &mut Vec<Effect>) -> Result<(), RecorderError> {
        let erasures = self.next_erasures(moment, effects).and(self.destroy_doomed());
        if self.journal.is_none() {
            return erasures;
        }
        self.begin_numbering(moment.now_ms);
        let now_ms = self.capture.clock().capture_now_ms(moment.now_ms);
        let ended = if self.is_too_late(now_ms) { self.stop_trip(effects) } else { Ok(()) };
        let followed = self.follow(moment, effects);
        let mut steps = std::mem::take(&mut self.steps);
        self.capture.tick(moment.now_ms, &mut steps);
        self.carry_out(steps);
        let kept = self.write();
        let held = self.tend_holding(moment, effects);
        let sealed = self.seal(moment, effects);
        if sealed.is_ok() && !self.pending.is_empty() {
            effects.push(Effect::WakeAt(moment.now_ms));
        }
        self.next_upload(moment, effects);
        kept.and(ended).and(followed).and(held).and(sealed).and(erasures)
    }

    /// Writes what was kept so far, and tells what the journal's thread could not.
    fn write(&mut self) -> Result<(), RecorderError> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        let checked = journal.check();
        journal.write()?;
        Ok(checked?)
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

    /// Waits until everything recorded is on disk, what is held back included; for a host that is about to
    /// be suspended.
    ///
    /// # Errors
    /// The journal.
    pub fn flush(&mut self) -> Result<(), RecorderError> {
        if self.holding.unsaved {
            self.hand_over(None);
        }
        self.journal.as_mut().map_or(Ok(()), |j| Ok(j.flush()?))
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
            uploads_paused: (self.erasures_waiting() > 0)
                .then_some("erasure_pending")
                .or(self.obstacle())
                .or(self.policy.paused())
                .map(str::to_owned),
            traces_unsealed: self.pending.iter().filter(|p| matches!(p, Pending::Run(_))).count(),
            traces_waiting: journal.map_or(0, Journal::unsettled_len),
            traces_dropped: self.status.traces_dropped + journal.map_or(0, Journal::dropped_traces),
            erasures_waiting: self.erasures_waiting(),
            journal_bytes: journal.map_or(0, Journal::bytes),
            ..self.status.clone()
        }
    }
}
