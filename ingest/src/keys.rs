//! The server's secrets: the key that signs receipts and checkpoints, and one for challenges
//! and pseudonyms.

use std::{
    fmt, fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use hexmile_trace::{
    AccountId, KeyId,
    enrol::CHALLENGE_LEN,
    sign::{PublicKey, Signer, SoftwareSigner},
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::environment::Environment;

/// Why the key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// It cannot be read or made.
    #[error("key file {}: {cause}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// It is not a key file.
    #[error("key file {}, line {line}: {what}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// It is not there, and the store's receipts were signed with it.
    #[error(
        "key file {}: not there, and the store's receipts are signed with its key, {known}: put it \
         back, or say where it is with --key-file",
        path.display()
    )]
    Missing {
        /// Which file.
        path: PathBuf,
        /// Names the key, hexadecimal.
        known: String,
    },
    /// It holds another key than the one that the store's receipts were signed with.
    #[error(
        "key file {}: holds key {found}, and the store's receipts are signed with {known}: nodes \
         of one network share one key file",
        path.display()
    )]
    Other {
        /// Which file.
        path: PathBuf,
        /// Names its key, hexadecimal.
        found: String,
        /// Names the store's key, hexadecimal.
        known: String,
    },
    /// Others can read it.
    #[error("key file {0} can be read by others: chmod 600 {0}", path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
    },
}

/// The secrets, in memory.
#[derive(Clone)]
pub struct ServerKeys {
    signer: Arc<SoftwareSigner>,
    id: KeyId,
    secret: [u8; 32],
}

impl fmt::Debug for ServerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerKeys({})", hex::encode(self.id.0))
    }
}

/// How long a challenge may be answered, milliseconds.
pub const CHALLENGE_LIFE_MS: u64 = 10 * 60 * 1000;
/// How long an account keeps one pseudonym in traffic state, milliseconds.
pub const PSEUDONYM_LIFE_MS: u64 = 28 * 24 * 3600 * 1000;

impl ServerKeys {
    /// The keys of two secret seeds.
    pub fn from_seeds(signing: &[u8; 32], secret: [u8; 32]) -> Self {
        let signer = SoftwareSigner::from_seed(signing);
        let id = KeyId::of_key(&signer.public_key());
        Self { signer: Arc::new(signer), id, secret }
    }

    /// Reads the key file, or makes one, readable by its owner alone. `known` is the key that the
    /// store's receipts were signed with: it is never replaced by a new one.
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub fn open(
        path: &Path,
        known: Option<KeyId>,
        environment: &dyn Environment,
    ) -> Result<Self, KeyFileError> {
        let keys = match (fs::read_to_string(path), known) {
            (Ok(text), _) => Self::parse(path, &text)?,
            (Err(e), None) if e.kind() == std::io::ErrorKind::NotFound => {
                Self::create(path, environment)?
            }
            (Err(e), Some(known)) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(KeyFileError::Missing {
                    path: path.into(),
                    known: hex::encode(known.0),
                });
            }
            (Err(cause), _) => return Err(KeyFileError::Io { path: path.into(), cause }),
        };
        if let Some(known) = known {
            keys.check(path, known)?;
        }
        Ok(keys)
    }

    /// Refuses a key that is not the one known.
    ///
    /// # Errors
    /// [`KeyFileError::Other`].
    pub fn check(&self, path: &Path, known: KeyId) -> Result<(), KeyFileError> {
        if self.id == known {
            return Ok(());
        }
        Err(KeyFileError::Other {
            path: path.into(),
            found: hex::encode(self.id.0),
            known: hex::encode(known.0),
        })
    }

    fn parse(path: &Path, text: &str) -> Result<Self, KeyFileError> {
        let io = |cause| KeyFileError::Io { path: path.into(), cause };
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            if fs::metadata(path).map_err(io)?.permissions().mode() & 0o077 != 0 {
                return Err(KeyFileError::Exposed { path: path.into() });
            }
        }
        let malformed = |line, what| KeyFileError::Malformed { path: path.into(), line, what };
        let mut seeds = [None, None];
        for (line, text) in text.lines().enumerate() {
            let line = line + 1;
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let (name, value) =
                text.split_once('=').ok_or_else(|| malformed(line, "expected name = value"))?;
            let slot = match name.trim() {
                "signing_seed" => &mut seeds[0],
                "secret" => &mut seeds[1],
                _ => return Err(malformed(line, "expected signing_seed or secret")),
            };
            let mut seed = [0; 32];
            hex::decode_to_slice(value.trim(), &mut seed)
                .map_err(|_| malformed(line, "expected 64 hexadecimal digits"))?;
            *slot = Some(seed);
        }
        let end = text.lines().count();
        let [signing, secret] = seeds;
        let signing = signing.ok_or_else(|| malformed(end, "signing_seed is missing"))?;
        let secret = secret.ok_or_else(|| malformed(end, "secret is missing"))?;
        Ok(Self::from_seeds(&signing, secret))
    }

    fn create(path: &Path, environment: &dyn Environment) -> Result<Self, KeyFileError> {
        let io = |cause| KeyFileError::Io { path: path.into(), cause };
        let (mut signing, mut secret) = ([0; 32], [0; 32]);
        environment.fill_random(&mut signing);
        environment.fill_random(&mut secret);
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        // Under its name only when it is whole: a half-written key file would stop the next start.
        let mut draft = path.as_os_str().to_owned();
        draft.push(".new");
        let draft = PathBuf::from(draft);
        let _ = fs::remove_file(&draft);
        let mut file = options.open(&draft).map_err(io)?;
        writeln!(
            file,
            "# Secrets of a Hexmile server. Whoever holds them can sign receipts: keep them safe,\n\
             # and keep them, since phones know the server by this key.\n\
             signing_seed = {}\nsecret = {}",
            hex::encode(signing),
            hex::encode(secret)
        )
        .and_then(|()| file.sync_all())
        // Linking never replaces a file that another server was quicker to make.
        .and_then(|()| fs::hard_link(&draft, path))
        .and_then(|()| fs::remove_file(&draft))
        .map_err(io)?;
        Ok(Self::from_seeds(&signing, secret))
    }

    /// Signs receipts and checkpoints.
    pub fn signer(&self) -> &dyn Signer {
        &*self.signer
    }

    /// Names the signing key in receipts.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The public half of the signing key.
    pub fn public_key(&self) -> PublicKey {
        self.signer.public_key()
    }

    fn mac(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        // HMAC takes keys of any length, so this cannot fail.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.secret) else { return [0; 32] };
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// A challenge that this server, and every node with its keys, will know again until it
    /// expires: expiry (u64, big endian) and a code over it and the account.
    pub fn challenge(&self, account: AccountId, now_ms: u64) -> [u8; CHALLENGE_LEN] {
        self.challenge_until(account, now_ms + CHALLENGE_LIFE_MS)
    }

    fn challenge_until(&self, account: AccountId, until_ms: u64) -> [u8; CHALLENGE_LEN] {
        let until = until_ms.to_be_bytes();
        let mut out = [0; CHALLENGE_LEN];
        out[..8].copy_from_slice(&until);
        out[8..].copy_from_slice(&self.mac("challenge", &[&until, &account.0]));
        out
    }

    /// When a challenge expires, Unix milliseconds.
    pub fn challenge_expiry(challenge: &[u8; CHALLENGE_LEN]) -> u64 {
        challenge.first_chunk().map_or(0, |c| u64::from_be_bytes(*c))
    }

    /// Whether this server gave the challenge to this account, and it has not expired.
    pub fn knows_challenge(
        &self,
        account: AccountId,
        challenge: &[u8; CHALLENGE_LEN],
        now_ms: u64,
    ) -> bool {
        let until_ms = Self::challenge_expiry(challenge);

        // Compared whole, so that timing tells a forger nothing.
        let expected = self.challenge_until(account, until_ms);
        let differs = expected.iter().zip(challenge).fold(0, |d, (a, b)| d | (a ^ b));
        differs == 0 && now_ms <= until_ms
    }

    /// How often pseudonyms had changed by a time.
    pub const fn rotation(at_ms: u64) -> u64 {
        at_ms / PSEUDONYM_LIFE_MS
    }

    /// The account's name in traffic state at a time: the same for [`PSEUDONYM_LIFE_MS`], in one
    /// [rotation](Self::rotation), then another that nobody without the secret can connect.
    pub fn pseudonym(&self, account: AccountId, at_ms: u64) -> u64 {
        let period = Self::rotation(at_ms).to_be_bytes();
        let mac = self.mac("pseudonym", &[&period, &account.0]);
        mac.first_chunk().map_or(0, |c| u64::from_be_bytes(*c))
    }
}
