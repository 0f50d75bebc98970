//! Receipts: the server's signed word that a trace is durable.

use crate::{
    DeviceId, NetworkId, TraceId,
    ids::tagged_hash,
    sign::{Domain, PublicKey, SIGNATURE_LEN, SignError, SignatureError, Signer},
};

/// Names a server key: the first 8 bytes of a hash of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(pub [u8; 8]);

impl KeyId {
    /// The id of a key.
    pub fn of_key(key: &PublicKey) -> Self {
        Self(tagged_hash("hexmile/server-key-id/v1", &[&[key.alg() as u8], key.as_bytes()]))
    }
}

/// What a receipt states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptBody {
    /// Which network took it.
    pub network: NetworkId,
    /// Which trace.
    pub trace: TraceId,
    /// From which device.
    pub device: DeviceId,
    /// Under which sequence number.
    pub sequence: u64,
    /// When the server took it, Unix milliseconds, by its own clock.
    pub received_at_ms: u64,
    /// Random bytes that blind the commitment in the server's log.
    pub salt: [u8; 16],
    /// Which server key signs.
    pub key: KeyId,
}

/// A signed receipt. The first one for a trace is kept and given out for ever after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What it states.
    pub body: ReceiptBody,
    /// The server's signature over [`ReceiptBody::to_bytes`].
    pub signature: [u8; SIGNATURE_LEN],
}

/// Length of [`ReceiptBody::to_bytes`].
pub const RECEIPT_BODY_LEN: usize = 8 + 32 + 16 + 8 + 8 + 16 + 8;

impl ReceiptBody {
    /// The signed bytes: the fields in order of declaration, numbers big endian.
    pub fn to_bytes(&self) -> [u8; RECEIPT_BODY_LEN] {
        let mut out = [0; RECEIPT_BODY_LEN];
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            out[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        put(&self.network.0);
        put(&self.trace.0);
        put(&self.device.0);
        put(&self.sequence.to_be_bytes());
        put(&self.received_at_ms.to_be_bytes());
        put(&self.salt);
        put(&self.key.0);
        out
    }

    /// The commitment that stands in the server's log: a hash of the whole body, which tells
    /// nothing to who does not hold the salt.
    pub fn commitment(&self) -> [u8; 32] {
        tagged_hash("hexmile/receipt-commitment/v1", &[&self.to_bytes()])
    }
}

impl Receipt {
    /// Signs a receipt.
    ///
    /// # Errors
    /// The key store did not sign.
    pub fn sign(body: ReceiptBody, signer: &dyn Signer) -> Result<Self, SignError> {
        let signature = signer.sign(Domain::Receipt, &body.to_bytes())?;
        Ok(Self { body, signature })
    }

    /// Verifies it under the server's key.
    ///
    /// # Errors
    /// [`SignatureError`], also where the key is not the one named.
    pub fn verify(&self, key: &PublicKey) -> Result<(), SignatureError> {
        if self.body.key != KeyId::of_key(key) {
            return Err(SignatureError);
        }
        key.verify(Domain::Receipt, &self.body.to_bytes(), &self.signature)
    }
}
