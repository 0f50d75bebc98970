//! The recorder: what an app holds.

mod config;
mod consent;
mod delivery;
mod departure;
#[cfg(test)]
mod disk_faults;
mod effect;
mod erasure;
mod following;
mod holding;
mod inquiring;
#[cfg(test)]
mod killed;
mod obedience;
mod own_data;
mod places;
#[cfg(test)]
mod power_loss;
mod radio;
mod sealing;

use std::{collections::VecDeque, sync::Arc};

use hexmile_trace::{DeviceId, RawFix, Receipt, SdkVersion, TripId, sign::Signer};

use crate::{
    capture::{Capture, DropReason, Privacy, Recorded, Step},
    journal::{Entry, Journal},
    upload::{Conditions, Inquiries, Meter, PolicyWatch, UploadPolicy, UploadWait},
};
use consent::OpenTripFate;
use departure::InFlight;
use erasure::PendingErasure;
use following::Follower;
use holding::Holding;
use places::Known;
use sealing::Pending;

pub use config::{Moment, RecorderConfig};
pub use effect::{Effect, HeldLoss, RecorderError, Status, TripStatus, Upload};

/// The version that this crate puts into traces.
pub const SDK_VERSION: SdkVersion = SdkVersion::new(0, 1, 0);

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
    /// What the host told of the phone.
    conditions: Conditions,
    /// What requests have cost the phone.
    meter: Meter,
    /// What the server is asked for the driver, and what it said.
    inquiries: Inquiries,
    /// Why uploads wait, by the last look.
    upload_wait: Option<UploadWait>,
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
    /// What becomes of a trip that is open on disk.
    open_trip: OpenTripFate,
    /// Places that the driver comes back to.
    known: Known,
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
            conditions: Conditions::default(),
            meter: Meter::NEW,
            inquiries: Inquiries::default(),
            upload_wait: None,
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
            open_trip: OpenTripFate::GoesOn,
            known: Known::default(),
            erasures: None,
            status: Status::default(),
        }
    }

    /// Which device this is.
    pub const fn device(&self) -> DeviceId {
        self.device
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
        let Some(id) = self.trip else { return Ok(()) };
        let noted = self.note_end(effects);
        self.trip = None;
        let mut steps = std::mem::take(&mut self.steps);
        let forgotten = self.capture.stop(&mut steps);
        self.count_dropped(DropReason::TripEnd, forgotten as u64);
        self.carry_out(steps);
        // What left at the last moment must be in the journal before its key goes.
        let kept = self.journal.as_mut().map_or(Ok(()), Journal::write);
        let destroyed = self.end_holding();
        self.pending.push_back(Pending::Ended(id));
        kept?;
        self.sign_pending(effects).and(destroyed).and(noted)
    }

    /// Sets other zones and quiet hours. They hold from now on, and for all fixes that are not sealed: what
    /// is held back, what has joined the trace to be, and what waits to be signed. What was sealed before
    /// stays.
    ///
    /// # Errors
    /// The journal: the zones hold nonetheless, and until it can be written nothing more is sealed.
    pub fn set_privacy(&mut self, privacy: Privacy) -> Result<(), RecorderError> {
        self.set_own_privacy(privacy)
    }

    /// From now on these zones and hours hold, those of known places among them.
    fn hide(&mut self, privacy: Privacy) -> Result<(), RecorderError> {
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
    /// the next [`tick`](Self::tick), which also tells what went wrong. `now_ms` is the time of a [`Moment`].
    pub fn record(&mut self, raw: &RawFix, now_ms: u64) -> Recorded {
        let Some(journal) = &self.journal else { return self.drop_fix(DropReason::NoConsent) };
        let is_overfull = journal.is_overfull();
        if let Some(follower) = &mut self.follower {
            follower.motion.observe(raw, now_ms);
        }
        self.begin_numbering(now_ms);
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
        let recorded = self.capture.record(raw, now_ms, &mut steps);
        let displaced = self.capture.take_displaced();
        self.count_dropped(DropReason::HeldTooLong, displaced);
        self.carry_out(steps);
        if recorded.is_of_the_trip() {
            self.note_start();
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
        let places = self.load_places(effects).and(self.keep_places(effects));
        let sealed = self.seal(moment, effects);
        if sealed.is_ok() && !self.pending.is_empty() {
            effects.push(Effect::WakeAt(moment.now_ms));
        }
        self.next_upload(moment, effects);
        kept.and(ended).and(followed).and(held).and(places).and(sealed).and(erasures)
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
            trip: self.trip_status(),
            motion: self.follower.as_ref().map(|follower| follower.motion.state()),
            server_policy: self.server.known(),
            uploads_wait: self
                .upload_wait
                .filter(|_| journal.is_some_and(|j| j.unsettled_len() > 0)),
            bytes_queued: journal.map_or(0, Journal::unsettled_bytes),
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
