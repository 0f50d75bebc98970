//! What a driver writes down, so that the account outlives every phone.

use core::{fmt, str::FromStr};

use bech32::{Bech32m, Hrp, primitives::decode::CheckedHrpstring};
use hexmile_trace::sign::SoftwareSigner;
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

/// What the seed of the account's key is hashed from, before the code's own bytes.
const SEED_TAG: &[u8] = b"hexmile/recovery/v1\0";
/// What a code begins with.
const PREFIX: Hrp = Hrp::parse_unchecked("hexmile");
/// Bytes of secret.
const LEN: usize = 16;
/// Characters of a code without its separators.
const CHARACTERS: usize = 40;

/// 128 random bits that an account's key follows from, as text of 40 characters: `hexmile1...`, Bech32m
/// (BIP 350), whose checksum finds any four wrong characters.
///
/// The seed of the Ed25519 key is SHA-256(`"hexmile/recovery/v1\0"` || bits). Whoever reads the code
/// has the account: show it once, keep it out of logs and screenshots. The bits are wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode([u8; LEN]);

/// Text that is no recovery code, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecoveryCodeError {
    /// It begins with something else.
    #[error("a recovery code begins with hexmile1")]
    Prefix,
    /// It has too few or too many characters.
    #[error("a recovery code has {CHARACTERS} characters, and this has {found}")]
    Length {
        /// Characters found, spaces and hyphens apart.
        found: usize,
    },
    /// A character that no code has.
    #[error("'{}' at place {place} is not in any recovery code", .character.escape_debug())]
    Character {
        /// Place of the character in the text as it was typed, from 1.
        place: usize,
        /// The character.
        character: char,
    },
    /// A character is wrong, or two changed places.
    #[error("a character of the recovery code is wrong, or two changed places")]
    Checksum,
}

impl RecoveryCode {
    /// A new code, of 16 bytes that the platform's generator for secrets drew.
    pub const fn of_random(random: [u8; LEN]) -> Self {
        Self(random)
    }

    /// The key of the account.
    pub fn account_key(&self) -> SoftwareSigner {
        let hash = Sha256::new().chain_update(SEED_TAG).chain_update(self.0).finalize();
        let mut seed: [u8; 32] = hash.into();
        let key = SoftwareSigner::from_seed(&seed);
        seed.zeroize();
        key
    }

    /// The code to be written down, in ten groups of four.
    pub fn groups(&self) -> Vec<String> {
        let text: Vec<char> = self.to_text().chars().collect();
        text.chunks(4).map(|group| group.iter().collect()).collect()
    }

    /// The code in one piece.
    pub fn to_text(&self) -> String {
        // 16 bytes are far below what the format holds.
        bech32::encode_lower::<Bech32m>(PREFIX, &self.0).unwrap_or_default()
    }
}

impl FromStr for RecoveryCode {
    type Err = RecoveryCodeError;

    /// Takes capitals, too, and passes over spaces and hyphens.
    fn from_str(text: &str) -> Result<Self, RecoveryCodeError> {
        let typed = || text.chars().enumerate().filter(|(_, c)| !c.is_whitespace() && *c != '-');
        let strange = typed().find(|(_, c)| !c.is_ascii_alphanumeric());
        if let Some((at, character)) = strange {
            return Err(RecoveryCodeError::Character { place: at + 1, character });
        }
        let code: String = typed().map(|(_, c)| c.to_ascii_lowercase()).collect();
        if !code.starts_with("hexmile1") {
            return Err(RecoveryCodeError::Prefix);
        }
        // Bech32's alphabet: no 1, b, i or o after the separator.
        let absent = typed().skip(8).find(|(_, c)| "1bio".contains(c.to_ascii_lowercase()));
        if let Some((at, character)) = absent {
            return Err(RecoveryCodeError::Character { place: at + 1, character });
        }
        if code.len() != CHARACTERS {
            return Err(RecoveryCodeError::Length { found: code.len() });
        }
        let checked = CheckedHrpstring::new::<Bech32m>(&code);
        let bytes: Vec<u8> =
            checked.map_err(|_| RecoveryCodeError::Checksum)?.byte_iter().collect();
        let code = bytes.try_into().map(Self).map_err(|_| RecoveryCodeError::Checksum)?;
        // Padding that is not zero would be a second name of the same bits.
        let is_one_form = code.to_text().chars().eq(typed().map(|(_, c)| c.to_ascii_lowercase()));
        if is_one_form { Ok(code) } else { Err(RecoveryCodeError::Checksum) }
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(..)")
    }
}

impl Drop for RecoveryCode {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
