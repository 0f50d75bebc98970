//! The recorder, callable from any thread.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hexmile_sdk_core::trace::{
    DeviceId, NetworkId,
    sign::{Alg, PublicKey, Signer},
};
use hexmile_sdk_core::{
    self as core, EndTrim, SealLimits,
    me::{self, Key},
};

use crate::{
    Effect, Fix, Hint, HostSigner, QuietHours, Recorded, RecorderError, SignedRequest, Status,
    Upload, Zone, privacy::privacy, signer::Bridge,
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
    /// Whether traces are sealed within a minute, or as large as they may be.
    #[uniffi(default = true)]
    pub live: bool,
    /// Whether trips begin and end by what the platform notices (`hint`); else the app says when.
    #[uniffi(default = false)]
    pub follow_motion: bool,
    /// The Ed25519 keys, 32 bytes each, with which the server signs receipts, as `/v1/policy` tells
    /// them. With any, a trace is done only when its receipt verifies.
    #[uniffi(default = [])]
    pub server_keys: Vec<Vec<u8>>,
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
    core: Mutex<core::Recorder>,
    device: Arc<Bridge>,
    network: NetworkId,
}

fn effects(effects: Vec<core::Effect>) -> Vec<Effect> {
    effects.into_iter().map(Effect::from).collect()
}

pub(crate) fn argument(error: impl std::fmt::Display) -> RecorderError {
    RecorderError::Argument { message: error.to_string() }
}

impl Recorder {
    fn core(&self) -> MutexGuard<'_, core::Recorder> {
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
    /// Set up, without consent: nothing is read or written yet.
    #[uniffi::constructor]
    pub fn new(
        config: RecorderConfig,
        device: Arc<dyn HostSigner>,
    ) -> Result<Arc<Self>, RecorderError> {
        let network = NetworkId::of_name(&config.network);
        let device = Arc::new(Bridge::new(device)?);
        let keys = config.server_keys.iter().map(|key| PublicKey::new(Alg::Ed25519, key));
        let settings = core::RecorderConfig {
            server_keys: keys.collect::<Result<_, _>>().map_err(argument)?,
            follow_motion: config.follow_motion,
            journal_limit_bytes: config.journal_limit_bytes,
            seal: if config.live { SealLimits::LIVE } else { SealLimits::ECONOMY },
            trim: EndTrim::default(),
            ..core::RecorderConfig::new(PathBuf::from(config.journal_dir), network)
        };
        let core = Mutex::new(core::Recorder::new(settings, device.clone()));
        Ok(Arc::new(Self { core, device, network }))
    }

    /// The driver agrees; what an earlier run left unfinished is sealed.
    pub fn grant_consent(&self) -> Result<Vec<Effect>, RecorderError> {
        let mut out = Vec::new();
        self.core().grant_consent(&mut out)?;
        Ok(effects(out))
    }

    /// The driver withdraws: recording stops at once, whatever this returns; what was open is
    /// forgotten on disk, too.
    pub fn withdraw_consent(&self) -> Result<(), RecorderError> {
        Ok(self.core().withdraw_consent()?)
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
        let mut out = Vec::new();
        self.core().erase(account, moment.into(), &mut out)?;
        Ok(effects(out))
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
        let core = &mut self.core();
        core.erasure_answered(&request, status, &body, retry_after_s, moment, &mut out)?;
        Ok(effects(out))
    }

    /// A request to erase the account got no answer.
    pub fn erasure_failed(
        &self,
        request: SignedRequest,
        why: String,
        moment: Moment,
    ) -> Result<Vec<Effect>, RecorderError> {
        let mut out = Vec::new();
        self.core().erasure_failed(&request.into(), &why, moment.into(), &mut out)?;
        Ok(effects(out))
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
        self.core().set_privacy(privacy);
        Ok(())
    }

    /// A trip begins.
    pub fn start_trip(&self, moment: Moment) -> Result<Vec<Effect>, RecorderError> {
        let mut out = Vec::new();
        self.core().start_trip(moment.into(), &mut out)?;
        Ok(effects(out))
    }

    /// The trip ends.
    pub fn stop_trip(&self) -> Result<Vec<Effect>, RecorderError> {
        let mut out = Vec::new();
        self.core().stop_trip(&mut out)?;
        Ok(effects(out))
    }

    /// The platform noticed something: where the recorder follows motion, a trip may begin or end, and
    /// other locations may be wanted.
    pub fn hint(&self, hint: Hint, moment: Moment) -> Result<Vec<Effect>, RecorderError> {
        let mut out = Vec::new();
        self.core().hint(hint.into(), moment.into(), &mut out)?;
        Ok(effects(out))
    }

    /// Takes a fix. What is due to be sealed is, with the next `tick`.
    pub fn record(&self, fix: Fix, moment: Moment) -> Result<Recorded, RecorderError> {
        Ok(self.core().record(&fix.into(), moment.into())?.into())
    }

    /// Seals what is due, a bounded number of traces a call; `tick` does so, too.
    pub fn seal(&self, moment: Moment) -> Result<Vec<Effect>, RecorderError> {
        let mut out = Vec::new();
        self.core().seal(moment.into(), &mut out)?;
        Ok(effects(out))
    }

    /// Time passed: seals what has grown old, and hands out an upload if one is due.
    pub fn tick(&self, moment: Moment) -> Result<Vec<Effect>, RecorderError> {
        let mut out = Vec::new();
        self.core().tick(moment.into(), &mut out)?;
        Ok(effects(out))
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
        let mut out = Vec::new();
        let moment = moment.into();
        self.core().uploaded(&upload.0, status, &body, retry_after_s, moment, &mut out)?;
        Ok(effects(out))
    }

    /// An upload got no answer.
    pub fn upload_failed(&self, why: String, moment: Moment) -> Vec<Effect> {
        let mut out = Vec::new();
        self.core().upload_failed(&why, moment.into(), &mut out);
        effects(out)
    }

    /// The server answered the request for its policy.
    pub fn policy_answered(
        &self,
        status: u16,
        body: Vec<u8>,
        retry_after_s: Option<u32>,
        moment: Moment,
    ) -> Vec<Effect> {
        let mut out = Vec::new();
        self.core().policy_answered(status, &body, retry_after_s, moment.into(), &mut out);
        effects(out)
    }

    /// The request for the server's policy got no answer.
    pub fn policy_failed(&self, moment: Moment) {
        self.core().policy_failed(moment.into());
    }

    /// Waits until everything recorded is on disk.
    pub fn flush(&self) -> Result<(), RecorderError> {
        Ok(self.core().flush()?)
    }

    /// What a driver may want to see.
    pub fn status(&self) -> Status {
        self.core().status().into()
    }
}
