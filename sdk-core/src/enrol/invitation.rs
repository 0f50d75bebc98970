//! How a second phone joins: by a code that the first one shows.

use core::{fmt, str::FromStr};

use bech32::{Bech32m, Hrp, primitives::decode::CheckedHrpstring};
use hexmile_trace::{
    AccountId, NetworkId,
    enrol::{CHALLENGE_LEN, device_message, invitation_message},
    sign::{Domain, PublicKey, SIGNATURE_LEN, Signer},
};

use super::{Attestation, EnrolError, Opened, Request, attestation_challenge, device_request};

/// What an invitation's text begins with.
const PREFIX: Hrp = Hrp::parse_unchecked("hexjoin");

/// Lets one device join an account, for the ten minutes that the server's challenge is good.
///
/// As text it has some 220 characters in capitals (Bech32m): a QR code of modest size, or something
/// to send from phone to phone. Whoever reads it may join, once; the account's overview then shows the
/// device, and its key can sign it out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Invitation {
    network: NetworkId,
    account: AccountId,
    challenge: [u8; CHALLENGE_LEN],
    signature: [u8; SIGNATURE_LEN],
}

/// Text that is no invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvitationError {
    /// It begins with something else.
    #[error("an invitation begins with HEXJOIN1")]
    Prefix,
    /// It is cut, or characters of it are wrong.
    #[error("the invitation is cut, or characters of it are wrong")]
    Damaged,
    /// For another network than this app's.
    #[error("the invitation is for network {found}, and this app is set up for {wanted}")]
    Network {
        /// In the invitation.
        found: NetworkId,
        /// The app's.
        wanted: NetworkId,
    },
}

impl Opened {
    /// Invites a device that is not known yet.
    ///
    /// # Errors
    /// [`EnrolError::Sign`].
    pub fn invite(&self, account: &dyn Signer) -> Result<Invitation, EnrolError> {
        let Self { network, account: id, challenge, .. } = *self;
        let message = invitation_message(network, id, &challenge);
        let signature = account.sign(Domain::Invitation, &message)?;
        Ok(Invitation { network, account: id, challenge, signature })
    }
}

impl Invitation {
    /// Reads what the first phone shows, in small letters or capitals, broken by spaces or not.
    ///
    /// # Errors
    /// [`InvitationError`].
    pub fn read(text: &str, network: NetworkId) -> Result<Self, InvitationError> {
        let invitation: Self = text.parse()?;
        if invitation.network == network {
            return Ok(invitation);
        }
        Err(InvitationError::Network { found: invitation.network, wanted: network })
    }

    /// Whose account.
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// What the platform has to attest the device's key over.
    pub fn attestation_challenge(&self, device: &PublicKey) -> [u8; 32] {
        attestation_challenge(self.network, self.account, &self.challenge, device)
    }

    /// The request that adds the device; read its answer with
    /// [`device_added`](super::device_added).
    ///
    /// # Errors
    /// [`EnrolError::Sign`].
    pub fn join(
        &self,
        device: &dyn Signer,
        attestation: Option<&Attestation>,
    ) -> Result<Request, EnrolError> {
        let key = device.public_key();
        let message = device_message(self.network, self.account, &self.challenge, &key);
        let permission = ("invitation_signature", &self.signature[..]);
        device_request(self.account, &self.challenge, permission, &message, device, attestation)
    }
}

impl fmt::Display for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes =
            [&self.network.0[..], &self.account.0, &self.challenge, &self.signature].concat();
        bech32::encode_upper_to_fmt::<Bech32m, _>(f, PREFIX, &bytes).map_err(|_| fmt::Error)
    }
}

impl FromStr for Invitation {
    type Err = InvitationError;

    fn from_str(text: &str) -> Result<Self, InvitationError> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        if !text.to_ascii_lowercase().starts_with("hexjoin1") {
            return Err(InvitationError::Prefix);
        }
        let damaged = |_| InvitationError::Damaged;
        let checked = CheckedHrpstring::new::<Bech32m>(&text).map_err(damaged)?;
        let bytes: Vec<u8> = checked.byte_iter().collect();
        let (network, rest) = bytes.split_first_chunk().ok_or(InvitationError::Damaged)?;
        let (account, rest) = rest.split_first_chunk().ok_or(InvitationError::Damaged)?;
        let (challenge, rest) = rest.split_first_chunk().ok_or(InvitationError::Damaged)?;
        let signature = rest.try_into().map_err(|_| InvitationError::Damaged)?;
        Ok(Self {
            network: NetworkId(*network),
            account: AccountId(*account),
            challenge: *challenge,
            signature,
        })
    }
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invitation({}, ..)", self.account)
    }
}
