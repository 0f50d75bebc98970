//! Joining, a second phone, and the account's own overview.

use std::sync::Arc;

use hexmile_sdk_core::{
    enrol::{self as core, Opened},
    me,
    trace::sign::Signer,
};

use crate::{
    HostSigner, Recorder, Request, SignedRequest,
    signer::{Bridge, in_memory},
};

/// Why joining failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum EnrolError {
    /// A key store did not sign, or its key is unusable.
    #[error("{reason}")]
    KeyStore {
        /// In words.
        reason: String,
    },
    /// The server refused.
    #[error("{code}: {detail}")]
    Refused {
        /// Stable code.
        code: String,
        /// In words.
        detail: String,
    },
    /// The answer is none of a Hexmile server's.
    #[error("the answer with status {status} is not a Hexmile server's")]
    Unexpected {
        /// Status of the answer.
        status: u16,
    },
    /// What was typed or scanned cannot be used.
    #[error("{reason}")]
    Argument {
        /// In words.
        reason: String,
    },
}

impl From<core::EnrolError> for EnrolError {
    fn from(error: core::EnrolError) -> Self {
        match error {
            core::EnrolError::Sign(error) => Self::KeyStore { reason: error.to_string() },
            core::EnrolError::Refused { code, detail } => Self::Refused { code, detail },
            core::EnrolError::Unexpected(status) => Self::Unexpected { status },
            other => Self::Argument { reason: other.to_string() },
        }
    }
}

fn argument(error: impl std::fmt::Display) -> EnrolError {
    EnrolError::Argument { reason: error.to_string() }
}

fn key_store(error: impl std::fmt::Display) -> EnrolError {
    EnrolError::KeyStore { reason: error.to_string() }
}

fn bridge(account: Arc<dyn HostSigner>) -> Result<Bridge, EnrolError> {
    Bridge::new(account).map_err(key_store)
}

/// What a driver writes down, so that the account outlives every phone; the account's key follows
/// from it.
#[derive(uniffi::Object)]
pub struct RecoveryCode(core::RecoveryCode);

#[uniffi::export]
impl RecoveryCode {
    /// A new code, of 16 bytes that the platform's generator for secrets drew.
    #[uniffi::constructor]
    pub fn of_random(random: Vec<u8>) -> Result<Arc<Self>, EnrolError> {
        let random = random.try_into().map_err(|_| argument("random: expected 16 bytes"))?;
        Ok(Arc::new(Self(core::RecoveryCode::of_random(random))))
    }

    /// The code that a driver typed, in small letters or capitals, with spaces and hyphens or without.
    #[uniffi::constructor]
    pub fn read(text: String) -> Result<Arc<Self>, EnrolError> {
        Ok(Arc::new(Self(text.parse().map_err(argument)?)))
    }

    /// The code to be written down, in ten groups of four.
    pub fn groups(&self) -> Vec<String> {
        self.0.groups()
    }

    /// The code in one piece, 40 characters.
    pub fn text(&self) -> String {
        self.0.to_text()
    }

    /// The account's key.
    pub fn account_signer(&self) -> Arc<dyn HostSigner> {
        in_memory(self.0.account_key())
    }
}

/// What a platform says of the device's key.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Attestation {
    /// Name of its format, such as `apple-appattest` or `android-key`.
    pub format: String,
    /// Its bytes as the platform gave them, at most 8192.
    pub object: Vec<u8>,
}

impl From<Attestation> for core::Attestation {
    fn from(Attestation { format, object }: Attestation) -> Self {
        Self { format, object }
    }
}

/// Lets one more device join the account.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Invitation {
    /// What to show, as text or as a QR code.
    pub text: String,
    /// Until when it serves, Unix milliseconds by the server's clock.
    pub expires_at_ms: u64,
}

/// An account as the server knows it.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct AccountOverview {
    /// Which, hexadecimal.
    pub account_id: String,
    /// Unix milliseconds.
    pub opened_at_ms: u64,
    /// Those that were signed out included.
    pub devices: Vec<KnownDevice>,
}

/// A device of an account.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct KnownDevice {
    /// Which, hexadecimal.
    pub device_id: String,
    /// Unix milliseconds.
    pub added_at_ms: u64,
    /// When it was signed out, Unix milliseconds.
    pub revoked_at_ms: Option<u64>,
}

impl From<me::KnownDevice> for KnownDevice {
    fn from(device: me::KnownDevice) -> Self {
        let me::KnownDevice { id, added_at_ms, revoked_at_ms } = device;
        Self { device_id: id.to_string(), added_at_ms, revoked_at_ms }
    }
}

impl Recorder {
    fn opened(&self, account: &Bridge, status: u16, answer: &[u8]) -> Result<Opened, EnrolError> {
        Ok(Opened::read(self.network(), &account.public_key(), status, answer)?)
    }

    fn invitation(&self, text: &str) -> Result<core::Invitation, EnrolError> {
        core::Invitation::read(text, self.network()).map_err(argument)
    }
}

#[uniffi::export]
impl Recorder {
    /// Which device this is, hexadecimal.
    pub fn device_id(&self) -> String {
        self.device().to_string()
    }

    /// The request that opens the account of a key, or finds it.
    pub fn open_account(&self, account: Arc<dyn HostSigner>) -> Result<Request, EnrolError> {
        Ok(core::open_account(self.network(), &bridge(account)?)?.into())
    }

    /// What the platform has to attest this device's key over, made of the answer to `open_account`.
    /// 32 bytes.
    pub fn attestation_challenge(
        &self,
        account: Arc<dyn HostSigner>,
        status: u16,
        answer: Vec<u8>,
    ) -> Result<Vec<u8>, EnrolError> {
        let opened = self.opened(&bridge(account)?, status, &answer)?;
        Ok(opened.attestation_challenge(&self.signer().public_key()).to_vec())
    }

    /// The request that adds this device, made of the answer to `open_account`.
    pub fn add_device(
        &self,
        account: Arc<dyn HostSigner>,
        status: u16,
        answer: Vec<u8>,
        attestation: Option<Attestation>,
    ) -> Result<Request, EnrolError> {
        let account = bridge(account)?;
        let opened = self.opened(&account, status, &answer)?;
        let attestation = attestation.map(Into::into);
        Ok(opened.add_device(&account, self.signer(), attestation.as_ref())?.into())
    }

    /// Reads the answer to `add_device` or `join`.
    pub fn device_added(&self, status: u16, answer: Vec<u8>) -> Result<(), EnrolError> {
        Ok(core::device_added(status, &answer)?)
    }

    /// Invites another device, by the answer to `open_account`.
    pub fn invite(
        &self,
        account: Arc<dyn HostSigner>,
        status: u16,
        answer: Vec<u8>,
    ) -> Result<Invitation, EnrolError> {
        let account = bridge(account)?;
        let opened = self.opened(&account, status, &answer)?;
        let text = opened.invite(&account)?.to_string();
        Ok(Invitation { text, expires_at_ms: opened.expires_at_ms() })
    }

    /// What the platform has to attest this device's key over, to join by an invitation. 32 bytes.
    pub fn invited_attestation_challenge(&self, invitation: String) -> Result<Vec<u8>, EnrolError> {
        let invitation = self.invitation(&invitation)?;
        Ok(invitation.attestation_challenge(&self.signer().public_key()).to_vec())
    }

    /// The request by which this device joins by an invitation.
    pub fn join(
        &self,
        invitation: String,
        attestation: Option<Attestation>,
    ) -> Result<Request, EnrolError> {
        let attestation = attestation.map(Into::into);
        Ok(self.invitation(&invitation)?.join(self.signer(), attestation.as_ref())?.into())
    }

    /// Asks for the account's devices; signed by the account's key, or else by this device's.
    pub fn overview_request(
        &self,
        account: Option<Arc<dyn HostSigner>>,
        now_ms: u64,
    ) -> Result<SignedRequest, EnrolError> {
        let account = account.map(bridge).transpose()?;
        let key = self.key(account.as_ref());
        Ok(me::overview(self.network(), key, now_ms).map_err(key_store)?.into())
    }

    /// Reads the answer to `overview_request`.
    pub fn overview(&self, status: u16, answer: Vec<u8>) -> Result<AccountOverview, EnrolError> {
        let me::Overview { account, opened_at_ms, devices } = me::Overview::read(status, &answer)?;
        let devices = devices.into_iter().map(KnownDevice::from).collect();
        Ok(AccountOverview { account_id: account.to_string(), opened_at_ms, devices })
    }

    /// Asks for a device to be signed out for ever. The account's key signs any out, this device's
    /// only itself.
    pub fn sign_out_request(
        &self,
        account: Option<Arc<dyn HostSigner>>,
        device_id: String,
        now_ms: u64,
    ) -> Result<SignedRequest, EnrolError> {
        let account = account.map(bridge).transpose()?;
        let device = device_id.parse().map_err(argument)?;
        let key = self.key(account.as_ref());
        Ok(me::sign_out(self.network(), key, device, now_ms).map_err(key_store)?.into())
    }

    /// Reads the answer to `sign_out_request`.
    pub fn signed_out(&self, status: u16, answer: Vec<u8>) -> Result<KnownDevice, EnrolError> {
        Ok(me::signed_out(status, &answer)?.into())
    }
}
