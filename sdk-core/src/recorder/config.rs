//! What a recorder is set up with, and what it is told with every call.

use std::{path::PathBuf, sync::Arc};

use hexmile_trace::{DeviceId, NetworkId, sign::PublicKey};

use crate::{
    capture::{EndTrim, FilterLimits, Privacy, SealLimits},
    secrets::{MemorySecrets, SecretStore},
    upload::UploadRules,
};

/// What a recorder is set up with.
#[derive(Clone, Debug)]
pub struct RecorderConfig {
    /// A folder of the recorder's own.
    pub journal_dir: PathBuf,
    /// Bytes that the journal may take; 50 MB by default.
    pub journal_limit_bytes: u64,
    /// Which network the traces are for.
    pub network: NetworkId,
    /// Devices of the same account whose key this phone had before: it was lost or changed. What they
    /// sealed is still sent, or sealed anew where the server takes nothing of theirs any more, and what
    /// they left open is sealed under the new key.
    pub predecessors: Vec<DeviceId>,
    /// Which fixes are taken.
    pub filter: FilterLimits,
    /// How soon fixes become a trace.
    pub seal: SealLimits,
    /// What is cut from a trip's ends.
    pub trim: EndTrim,
    /// Places and hours of which nothing leaves the phone.
    pub privacy: Privacy,
    /// Whether places that the driver comes back to, or stays at for hours, get a zone by themselves;
    /// never with [`EndTrim::Off`].
    pub learn_places: bool,
    /// Where the key of each trip is kept, under which the stretch that is held back at its end waits on
    /// disk; the platform's own store. By default keys are in memory, and what is held back is lost when
    /// the process dies.
    pub secrets: Arc<dyn SecretStore>,
    /// Whether trips begin and end by what the platform notices ([`Recorder::hint`](crate::Recorder::hint)); else the host
    /// says when.
    pub follow_motion: bool,
    /// When uploads may leave.
    pub upload: UploadRules,
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
            predecessors: Vec::new(),
            filter: FilterLimits::default(),
            seal: SealLimits::LIVE,
            trim: EndTrim::default(),
            privacy: Privacy::default(),
            learn_places: true,
            secrets: Arc::new(MemorySecrets::default()),
            follow_motion: false,
            upload: UploadRules::LIVE,
            max_batch: 16,
            server_keys: Vec::new(),
        }
    }

    /// The device and those before it.
    pub(super) fn devices(&self, device: DeviceId) -> impl Iterator<Item = DeviceId> {
        std::iter::once(device).chain(self.predecessors.iter().copied())
    }

    /// The defaults: what a driver contributes shows while they drive.
    pub fn live(journal_dir: PathBuf, network: NetworkId) -> Self {
        Self::new(journal_dir, network)
    }

    /// Large traces that leave together: at most four wake-ups of the cellular radio an hour.
    pub fn economy(journal_dir: PathBuf, network: NetworkId) -> Self {
        Self {
            seal: SealLimits::ECONOMY,
            upload: UploadRules::ECONOMY,
            max_batch: 64,
            ..Self::new(journal_dir, network)
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
