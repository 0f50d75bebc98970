//! The recorder, callable from any thread.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hexmile_sdk_core::trace::{
    AccountId, DeviceId, NetworkId, RawFix,
    sign::{Alg, PublicKey, Signer},
};
use hexmile_sdk_core::{
    self as core, EndTrim,
    me::{self, Key},
};

use crate::{
    Conditions, Earnings, Effect, ExportFormat, Hint, HostSecrets, HostSigner, Inquiry, Place,
    QuietHours, RecorderError, SignedRequest, Status, TraceVerdict, Upload, UploadRules, Zone,
    crossing::Core,
    packed,
    privacy::{position, privacy},
    secrets::Store,
    signer::Bridge,
};

/// What a recorder is set up with.
#[derive(Clone, Debug, uniffi::Record)]
pub struct RecorderConfig {
    /// A folder of the recorder's own.
    pub journal_dir: String,
    /// Bytes that the journal may take.
    #[uniffi(default = 50_000_000)]
    pub journal_limit_bytes: u64,
    /// Which network the traces are for, by name.
    pub network: String,
    /// Whether traces leave within a minute, or large and together; `set_upload_rules` says more.
    #[uniffi(default = true)]
    pub live: bool,
    /// Whether trips begin and end by what the platform notices (`hint`); else the app says when.
    #[uniffi(default = false)]
    pub follow_motion: bool,
    /// The Ed25519 keys, 32 bytes each, with which the server signs receipts, as `/v1/policy` tells
    /// them. With any, a trace is done only when its receipt verifies.
    #[uniffi(default = [])]
    pub server_keys: Vec<Vec<u8>>,
    /// Ids of devices, hexadecimal, whose key this phone had before, and lost or changed: what they
    /// sealed is still sent.
    #[uniffi(default = [])]
    pub predecessors: Vec<String>,
    /// Whether places that the driver comes back to get a zone by themselves.
    #[uniffi(default = true)]
    pub learn_places: bool,
}

/// The time and a random number, passed into every call that needs them.
#[derive(Clone, Copy, Debug, uniffi::Record)]
pub struct Moment {
    /// Unix milliseconds by the phone's clock.
    pub now_ms: u64,
    /// 64 bits that nobody can guess, new for every call.
    pub random: u64,
}

impl From<Moment> for core::Moment {
    fn from(moment: Moment) -> Self {
        Self { now_ms: moment.now_ms, random: moment.random }
    }
}

/// Records, seals, signs, keeps and hands out uploads.
#[derive(uniffi::Object)]
pub struct Recorder {
    core: Mutex<Core>,
    device: Arc<Bridge>,
    network: NetworkId,
}

pub(crate) fn argument(error: impl std::fmt::Display) -> RecorderError {
    RecorderError::Argument { reason: error.to_string() }
}

impl Recorder {
    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) const fn network(&self) -> NetworkId {
        self.network
    }

    pub(crate) fn signer(&self) -> &Bridge {
        &self.device
    }

    pub(crate) fn device(&self) -> DeviceId {
        DeviceId::of_key(&self.device.public_key())
    }

    /// The account's key, or else this device's.
    pub(crate) fn key<'a>(&'a self, account: Option<&'a Bridge>) -> Key<'a> {
        account.map_or(Key::Device(self.signer()), |account| Key::Account(account))
    }
}

#[uniffi::export]
impl Recorder {
    /// Set up, without consent: nothing is read or written yet. `secrets` keeps the key of each trip, under
    /// which what is held back at its end waits on disk.
    #[uniffi::constructor]
    pub fn new(
        config: RecorderConfig,
        device: Arc<dyn HostSigner>,
        secrets: Arc<dyn HostSecrets>,
    ) -> Result<Arc<Self>, RecorderError> {
        let network = NetworkId::of_name(&config.network);
        let device = Arc::new(Bridge::new(device)?);
        let keys = config.server_keys.iter().map(|key| PublicKey::new(Alg::Ed25519, key));
        let preset =
            if config.live { core::RecorderConfig::live } else { core::RecorderConfig::economy };
        let predecessors = config.predecessors.iter().map(|id| id.parse());
        let settings = core::RecorderConfig {
            predecessors: predecessors.collect::<Result<_, _>>().map_err(argument)?,
            learn_places: config.learn_places,
            server_keys: keys.collect::<Result<_, _>>().map_err(argument)?,
            follow_motion: config.follow_motion,
            journal_limit_bytes: config.journal_limit_bytes,
            trim: EndTrim::default(),
            secrets: Arc::new(Store(secrets)),
            ..preset(PathBuf::from(config.journal_dir), network)
        };
        let recorder = core::Recorder::new(settings, device.clone());
        let core = Mutex::new(Core::new(recorder));
        Ok(Arc::new(Self { core, device, network }))
    }

    /// The driver agrees. A trip that was under way when the app died goes on (`TripResumed`); what else
    /// an earlier run left unfinished is sealed.
    pub fn grant_consent(&self) -> Result<Vec<Effect>, RecorderError> {
        let (mut core, mut out) = (self.core(), Vec::new());
        let done = core.recorder.grant_consent(&mut out);
        core.answer(out, done)
    }

    /// The driver withdraws: recording stops at once, whatever this returns; what was open is
    /// forgotten on disk, too. Without consent it is about what an earlier process left open: to be called
    /// at each start without the driver's consent.
    pub fn withdraw_consent(&self) -> Result<(), RecorderError> {
        let mut core = self.core();
        core.forget_late();
        Ok(core.recorder.withdraw_consent()?)
    }

    /// The driver wants everything gone: withdraws, signs and keeps a request that the server erase
    /// the account, and deletes every other file. `account` signs it, or this device's key where the
    /// account's own is not on this phone. After this the app may destroy the keys; it goes on calling
    /// `tick` until the server has answered.
    pub fn erase(
        &self,
        account: Option<Arc<dyn HostSigner>>,
        moment: Moment,
    ) -> Result<Vec<Effect>, RecorderError> {
        let account = account.map(Bridge::new).transpose()?;
        let account = account.as_ref().map(|account| account as &dyn Signer);
        let (mut core, mut out) = (self.core(), Vec::new());
        core.forget_late();
        let done = core.recorder.erase(account, moment.into(), &mut out);
        core.answer(out, done)
    }

    /// The server answered a request to erase the account.
    pub fn erasure_answered(
        &self,
        request: SignedRequest,
        status: u16,
        body: Vec<u8>,
        retry_after_s: Option<u32>,
        moment: Moment,
    ) -> Result<Vec<Effect>, RecorderError> {
        let (mut out, moment, request) = (Vec::new(), moment.into(), request.into());
        let core = &mut *self.core();
        let recorder = &mut core.recorder;
        let done =
            recorder.erasure_answered(&request, status, &body, retry_after_s, moment, &mut out);
        core.retried(out, done)
    }

    /// A request to erase the account got no answer.
    pub fn erasure_failed(
        &self,
        request: SignedRequest,
        why: String,
        moment: Moment,
    ) -> Result<Vec<Effect>, RecorderError> {
        let (mut core, mut out) = (self.core(), Vec::new());
        let done = core.recorder.erasure_failed(&request.into(), &why, moment.into(), &mut out);
        core.retried(out, done)
    }

    /// The request for everything that the server holds of the account, as JSON; signed by `account`, or
    /// by this device's key. It is good for five minutes.
    pub fn export_request(
        &self,
        account: Option<Arc<dyn HostSigner>>,
        now_ms: u64,
    ) -> Result<SignedRequest, RecorderError> {
        let account = account.map(Bridge::new).transpose()?;
        let key = self.key(account.as_ref());
        Ok(me::export(self.network, key, now_ms).map_err(core::RecorderError::from)?.into())
    }

    /// Sets the places and hours of which nothing leaves the phone, in place of those before; call it
    /// before the first trip, and when the driver or the phone's time zone changes them. `secret` is
    /// 32 random bytes that the app keeps in its secret store as long as it is installed; it decides
    /// where the zones around known places lie.
    pub fn set_privacy(
        &self,
        zones: Vec<Zone>,
        quiet_hours: Vec<QuietHours>,
        utc_offset_min: i16,
        secret: Vec<u8>,
    ) -> Result<(), RecorderError> {
        let privacy = privacy(&zones, &quiet_hours, utc_offset_min, &secret)?;
        Ok(self.core().recorder.set_privacy(privacy)?)
    }

    /// Places that the driver came back to, which have a zone by themselves.
    pub fn known_places(&self) -> Vec<Place> {
        self.core().recorder.known_places().into_iter().map(Place::from).collect()
    }

    /// Forgets such a place, and its zone with it; it may become known again.
    pub fn forget_place(&self, place: Place) -> Result<(), RecorderError> {
        let position = position(place)?;
        Ok(self.core().recorder.forget_place(position)?)
    }

    /// The phone's connection, battery or settings are now these; call it when one of them changes, and
    /// when the app comes to life. What waited for them leaves.
    pub fn set_conditions(&self, conditions: Conditions, moment: Moment) -> Vec<Effect> {
        let (mut core, mut out) = (self.core(), Vec::new());
        core.recorder.set_conditions(conditions.into(), moment.into(), &mut out);
        core.effects(out)
    }

    /// The driver wants uploads by other rules from now on.
    pub fn set_upload_rules(&self, rules: UploadRules, moment: Moment) -> Vec<Effect> {
        let (mut core, mut out) = (self.core(), Vec::new());
        core.recorder.set_upload_rules(rules.into(), moment.into(), &mut out);
        core.effects(out)
    }

    /// A trip begins.
    pub fn start_trip(&self, moment: Moment) -> Result<Vec<Effect>, RecorderError> {
        let (mut core, mut out) = (self.core(), Vec::new());
        let done = core.recorder.start_trip(moment.into(), &mut out);
        core.answer(out, done)
    }

    /// The trip ends.
    pub fn stop_trip(&self) -> Result<Vec<Effect>, RecorderError> {
        let (mut core, mut out) = (self.core(), Vec::new());
        let done = core.recorder.stop_trip(&mut out);
        core.answer(out, done)
    }

    /// The platform noticed something: where the recorder follows motion, a trip may begin or end, and
    /// other locations may be wanted.
    pub fn hint(&self, hint: Hint, moment: Moment) -> Result<Vec<Effect>, RecorderError> {
        let (mut core, mut out) = (self.core(), Vec::new());
        let done = core.recorder.hint(hint.into(), moment.into(), &mut out);
        core.retried(out, done)
    }

    /// Takes fixes that came together, in the order of capture, packed in 64 bytes each:
    /// time (i64, Unix milliseconds), latitude, longitude, accuracy, speed, course and altitude (f64, NaN
    /// where it is not known), little endian; a byte that is 1 for a mock; a byte for the provider, 0
    /// unknown, 1 satellites, 2 fused, 3 network; six zeros. Answers three counts of 21 bits, the lowest
    /// first: of fixes that joined a trace to be, that wait until enough of the trip lies behind them, and that
    /// are gone; `status` says why.
    pub fn record_packed(&self, fixes: &[u8], now_ms: u64) -> Result<u64, RecorderError> {
        let fixes = packed::fixes(fixes).ok_or_else(|| argument(packed::EXPECTED))?;
        let mut core = self.core();
        Ok(packed::counts(fixes.map(|fix| core.recorder.record(&fix, now_ms))))
    }

    /// Takes a fix, as numbers alone, since those cross the border cheapest: Unix milliseconds, degrees
    /// (WGS 84; the course clockwise from true north), metres and metres per second, NaN where it is not
    /// known; whether it is a mock; the provider, 0 unknown, 1 satellites, 2 fused, 3 network; the time of
    /// a [`Moment`]. Answers 0 where it joined a trace to be, 1 where it waits until
    /// enough of the trip lies behind it, and 2 plus the place of the reason in `drop_reasons` where it is
    /// gone. What is due to be sealed is, with the next `tick`, which also tells what went wrong.
    #[expect(clippy::too_many_arguments, reason = "records would cost five crossings more")]
    pub fn record(
        &self,
        time_ms: i64,
        latitude_deg: f64,
        longitude_deg: f64,
        accuracy_m: f64,
        speed_mps: f64,
        course_deg: f64,
        altitude_m: f64,
        mock: bool,
        provider: u8,
        now_ms: u64,
    ) -> u8 {
        let fix = RawFix {
            time_ms,
            latitude_deg,
            longitude_deg,
            accuracy_m: packed::known(accuracy_m),
            speed_mps: packed::known(speed_mps),
            course_deg: packed::known(course_deg),
            altitude_m: packed::known(altitude_m),
            mock,
            provider: packed::provider(provider),
        };
        packed::recorded(self.core().recorder.record(&fix, now_ms))
    }

    /// Seals what is due, a bounded number of traces a call; `tick` does so, too.
    pub fn seal(&self, moment: Moment) -> Result<Vec<Effect>, RecorderError> {
        let (mut core, mut out) = (self.core(), Vec::new());
        let done = core.recorder.seal(moment.into(), &mut out);
        core.answer(out, done)
    }

    /// Time passed: seals what has grown old, and hands out an upload if one is due.
    pub fn tick(&self, moment: Moment) -> Result<Vec<Effect>, RecorderError> {
        let (mut core, mut out) = (self.core(), Vec::new());
        let done = core.recorder.tick(moment.into(), &mut out);
        core.ticked(out, done)
    }

    /// The server answered an upload.
    pub fn uploaded(
        &self,
        upload: Arc<Upload>,
        status: u16,
        body: Vec<u8>,
        retry_after_s: Option<u32>,
        moment: Moment,
    ) -> Result<Vec<Effect>, RecorderError> {
        let (mut out, moment) = (Vec::new(), moment.into());
        let core = &mut *self.core();
        let recorder = &mut core.recorder;
        let done = recorder.uploaded(&upload.0, status, &body, retry_after_s, moment, &mut out);
        core.retried(out, done)
    }

    /// An upload got no answer.
    pub fn upload_failed(&self, why: String, moment: Moment) -> Vec<Effect> {
        let (mut core, mut out) = (self.core(), Vec::new());
        core.recorder.upload_failed(&why, moment.into(), &mut out);
        core.effects(out)
    }

    /// The server answered the request for its policy.
    pub fn policy_answered(
        &self,
        status: u16,
        body: Vec<u8>,
        retry_after_s: Option<u32>,
        moment: Moment,
    ) -> Vec<Effect> {
        let (mut core, mut out) = (self.core(), Vec::new());
        core.recorder.policy_answered(status, &body, retry_after_s, moment.into(), &mut out);
        core.effects(out)
    }

    /// The request for the server's policy got no answer.
    pub fn policy_failed(&self, moment: Moment) {
        self.core().recorder.policy_failed(moment.into());
    }

    /// Whose earnings the driver wants to see, by its key; nobody's until this is called.
    pub fn set_account(&self, account: Option<Arc<dyn HostSigner>>) -> Result<(), RecorderError> {
        let account = account.map(Bridge::new).transpose()?;
        let account = account.map(|account| AccountId::of_key(&account.public_key()));
        self.core().recorder.set_account(account);
        Ok(())
    }

    /// The server answered a question.
    pub fn inquiry_answered(
        &self,
        inquiry: Arc<Inquiry>,
        status: u16,
        body: Vec<u8>,
        retry_after_s: Option<u32>,
        moment: Moment,
    ) -> Vec<Effect> {
        let (mut out, moment) = (Vec::new(), moment.into());
        let core = &mut *self.core();
        let recorder = &mut core.recorder;
        recorder.inquiry_answered(&inquiry.0, status, &body, retry_after_s, moment, &mut out);
        core.effects(out)
    }

    /// A question got no answer.
    pub fn inquiry_failed(&self, inquiry: Arc<Inquiry>, moment: Moment) {
        self.core().recorder.inquiry_failed(&inquiry.0, moment.into());
    }

    /// What became of the traces that arrived, oldest first.
    pub fn verdicts(&self) -> Vec<TraceVerdict> {
        self.core().recorder.verdicts().into_iter().map(TraceVerdict::from).collect()
    }

    /// What the account has earned, as the server last told in this run.
    pub fn earnings(&self) -> Option<Earnings> {
        self.core().recorder.earnings().map(Earnings::from)
    }

    /// The H3 cells, at resolution 10 or 11, that the driver's own traces on this phone pass.
    pub fn own_cells(&self, resolution: u8) -> Result<Vec<u64>, RecorderError> {
        Ok(self.core().recorder.own_cells(resolution)?)
    }

    /// Writes everything of the driver's that is on this phone into a file, in place of what is there.
    pub fn export(&self, format: ExportFormat, path: String) -> Result<(), RecorderError> {
        let mut file = BufWriter::new(File::create(path).map_err(argument)?);
        self.core().recorder.export(format.into(), &mut file)?;
        file.flush().map_err(argument)
    }

    /// Waits until everything recorded is on disk.
    pub fn flush(&self) -> Result<(), RecorderError> {
        Ok(self.core().recorder.flush()?)
    }

    /// What a driver may want to see.
    pub fn status(&self) -> Status {
        self.core().recorder.status().into()
    }
}
