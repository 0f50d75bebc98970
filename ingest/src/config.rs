//! Configuration: flags over environment over file over defaults, checked whole at start.

use std::{
    fmt,
    net::{SocketAddr, ToSocketAddrs},
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use actix_web::http::header::HeaderName;
use clap::{Args, builder::BoolishValueParser};
use hexmile_rewards::{Rules as RewardRules, ledger::AMOUNT_END};
use hexmile_tiles::Threshold;
use hexmile_trace::{NetworkId, SdkVersion};
use serde::Deserialize;

use crate::store::postgres;

/// Every setting, as given; what is absent falls back to the next layer.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where data is kept: `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`
    #[arg(long, env = "HEXMILE_STORE", hide_env_values = true)]
    pub store: Option<String>,
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, env = "HEXMILE_LISTEN")]
    pub listen: Option<String>,
    /// Name of the network that traces must be for [default: hexmile]
    #[arg(long, env = "HEXMILE_NETWORK")]
    pub network: Option<String>,
    /// File of the server's secrets, the same for all nodes of a network [default: beside the
    /// SQLite file, made at first start; with Postgres it must be named]
    #[arg(long, env = "HEXMILE_KEY_FILE")]
    pub key_file: Option<PathBuf>,
    /// Address that phones and browsers reach this server by, for absolute links
    /// [default: the address listened on]
    #[arg(long, env = "HEXMILE_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// Who is credited on maps [default: Hexmile contributors]
    #[arg(long, env = "HEXMILE_ATTRIBUTION")]
    pub attribution: Option<String>,
    /// Distinct drivers before a road shows, at least 3 [default: 3]
    #[arg(long, env = "HEXMILE_MIN_DRIVERS")]
    pub min_drivers: Option<u8>,
    /// Seconds between epochs, 0 to close them by hand alone [default: 86400]
    #[arg(long, env = "HEXMILE_EPOCH_SECONDS")]
    pub epoch_seconds: Option<u64>,
    /// Seconds between compactions of the log into typical traffic, 0 for none [default: 86400]
    #[arg(long, env = "HEXMILE_TYPICAL_SECONDS")]
    pub typical_seconds: Option<u64>,
    /// What an epoch has to pay, in 1e-6 token [default: 1000000000]
    #[arg(long, env = "HEXMILE_EPOCH_POOL")]
    pub epoch_pool: Option<u64>,
    /// Sum of scores from which an epoch's pool is paid whole; a first pass through a cell scores
    /// 1,100,000 [default: 1000000000]
    #[arg(long, env = "HEXMILE_EPOCH_TARGET_SCORE")]
    pub epoch_target_score: Option<u64>,
    /// File of reward rules [default: the rules of this release]
    #[arg(long, env = "HEXMILE_REWARD_RULES")]
    pub reward_rules: Option<PathBuf>,
    /// Bearer token for operators' requests, at least 16 characters; without one they are refused
    #[arg(long, env = "HEXMILE_ADMIN_TOKEN", hide_env_values = true)]
    pub admin_token: Option<String>,
    /// Oldest SDK version taken [default: 0.1.0]
    #[arg(long, env = "HEXMILE_MIN_SDK")]
    pub min_sdk: Option<String>,
    /// Worker threads for HTTP [default: one per core]
    #[arg(long, env = "HEXMILE_WORKERS")]
    pub workers: Option<usize>,
    /// Megabytes of rendered tiles to keep, and as many again of typical traffic's parts [default: 64]
    #[arg(long, env = "HEXMILE_TILE_CACHE_MB")]
    pub tile_cache_mb: Option<u64>,
    /// Requests a second that one client may make, ten seconds' worth at once; 0 for any number. This machine
    /// itself, and so a proxy on it that names nobody, is not limited [default: 100]
    #[arg(long, env = "HEXMILE_CLIENT_RATE")]
    pub client_rate: Option<u32>,
    /// Header in which the proxy in front of this server names the client, such as X-Forwarded-For; its last
    /// address counts. Set it only where there is such a proxy [default: none, the connection tells]
    #[arg(long, env = "HEXMILE_CLIENT_HEADER")]
    pub client_header: Option<String>,
    /// What is logged: a level (error, warn, info, debug, trace, off), or levels of modules after it,
    /// divided by commas: warn,hexmile=debug [default: info; of an export, warn]
    #[arg(long, env = "HEXMILE_LOG")]
    pub log: Option<String>,
    /// Log as JSON, a line an event
    #[arg(
        long,
        env = "HEXMILE_LOG_JSON",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_name = "true|false",
        value_parser = BoolishValueParser::new()
    )]
    pub log_json: Option<bool>,
}

/// Settings that were checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where data is kept.
    pub store: StoreAddress,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Which network.
    pub network_name: String,
    /// Its id.
    pub network: NetworkId,
    /// The server's secrets.
    pub key_file: PathBuf,
    /// Without a slash at its end; `None` stands for the address listened on.
    pub public_url: Option<String>,
    /// For maps.
    pub attribution: String,
    /// Distinct drivers before a road shows.
    pub threshold: Threshold,
    /// Seconds between epochs; `None`: by hand alone.
    pub epoch_seconds: Option<u64>,
    /// Seconds between compactions into typical traffic; `None`: none.
    pub typical_seconds: Option<u64>,
    /// Observations of the log that a compaction holds at once, some 75 bytes each: where there are more, it is
    /// done in parts. No setting.
    pub compaction_observations: usize,
    /// What an epoch has to pay, 1e-6 token.
    pub epoch_pool: u64,
    /// Sum of scores from which it is paid whole.
    pub epoch_target_score: u64,
    /// In force.
    pub reward_rules: RewardRules,
    /// For operators' requests.
    pub admin_token: Option<String>,
    /// Oldest SDK taken.
    pub min_sdk: SdkVersion,
    /// Threads for HTTP.
    pub workers: usize,
    /// Bytes of tiles to keep.
    pub tile_cache_bytes: u64,
    /// Requests a second that a client may make; `None`: any number.
    pub client_rate: Option<NonZeroU32>,
    /// In which a proxy names the client.
    pub client_header: Option<HeaderName>,
    /// What is logged, where it is said; a program that embeds the server logs as it likes.
    pub log: Option<String>,
    /// Whether as JSON.
    pub log_json: bool,
}

/// Which store, and where.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreAddress {
    /// One file.
    Sqlite(PathBuf),
    /// A database's address, with its password.
    Postgres(String),
}

impl fmt::Debug for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Postgres(_) => f.write_str("Postgres(secret)"),
        }
    }
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("config: cannot read {}: {cause}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The file is no TOML, or names a key that does not exist.
    #[error("config: {}: {cause}", path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Line, column and key, in the parser's words.
        cause: String,
    },
    /// A value is wrong.
    #[error("{key}: {what}")]
    Value {
        /// Which key.
        key: &'static str,
        /// What was found, and what is expected.
        what: String,
    },
}

fn wrong(key: &'static str, what: impl Into<String>) -> ConfigError {
    ConfigError::Value { key, what: what.into() }
}

impl Settings {
    /// Reads a TOML file of settings.
    ///
    /// # Errors
    /// [`ConfigError::File`] or [`ConfigError::Syntax`].
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|cause| ConfigError::File { path: path.into(), cause })?;
        toml::from_str(&text).map_err(|e| ConfigError::Syntax {
            path: path.into(),
            cause: e.to_string().trim_end().to_owned(),
        })
    }

    /// These settings, and what they lack from `below`.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        Self {
            store: self.store.or(below.store),
            listen: self.listen.or(below.listen),
            network: self.network.or(below.network),
            key_file: self.key_file.or(below.key_file),
            public_url: self.public_url.or(below.public_url),
            attribution: self.attribution.or(below.attribution),
            min_drivers: self.min_drivers.or(below.min_drivers),
            epoch_seconds: self.epoch_seconds.or(below.epoch_seconds),
            typical_seconds: self.typical_seconds.or(below.typical_seconds),
            epoch_pool: self.epoch_pool.or(below.epoch_pool),
            epoch_target_score: self.epoch_target_score.or(below.epoch_target_score),
            reward_rules: self.reward_rules.or(below.reward_rules),
            admin_token: self.admin_token.or(below.admin_token),
            min_sdk: self.min_sdk.or(below.min_sdk),
            workers: self.workers.or(below.workers),
            tile_cache_mb: self.tile_cache_mb.or(below.tile_cache_mb),
            client_rate: self.client_rate.or(below.client_rate),
            client_header: self.client_header.or(below.client_header),
            log: self.log.or(below.log),
            log_json: self.log_json.or(below.log_json),
        }
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// The first [`ConfigError`], which names its key.
    pub fn check(self) -> Result<Config, ConfigError> {
        let store = parse_store(self.store.as_deref())?;
        let key_file = match (self.key_file, &store) {
            (Some(file), _) => file,
            (None, StoreAddress::Sqlite(file)) => with_suffix(file, ".keys"),
            (None, StoreAddress::Postgres(_)) => {
                return Err(wrong(
                    "key_file",
                    "missing; with Postgres, name a file that all nodes have the same copy of",
                ));
            }
        };
        let listen = parse_listen(self.listen.as_deref().unwrap_or("127.0.0.1:8080"))?;
        let network_name = self.network.unwrap_or_else(|| "hexmile".to_owned());
        if network_name.is_empty() || network_name.len() > 64 {
            return Err(wrong("network", "expected a name of 1 to 64 bytes"));
        }
        let threshold = Threshold::new(self.min_drivers.unwrap_or(3))
            .map_err(|e| wrong("min_drivers", e.to_string()))?;
        let workers = self.workers.unwrap_or_else(|| {
            std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
        });
        if !(1..=256).contains(&workers) {
            return Err(wrong("workers", format!("{workers}, and expected 1 to 256")));
        }
        let tile_cache_mb = self.tile_cache_mb.unwrap_or(64);
        if !(1..=65_536).contains(&tile_cache_mb) {
            return Err(wrong(
                "tile_cache_mb",
                format!("{tile_cache_mb}, and expected 1 to 65536"),
            ));
        }
        let client_rate = self.client_rate.unwrap_or(100);
        if client_rate > 1_000_000 {
            return Err(wrong(
                "client_rate",
                format!("{client_rate}, and expected at most 1000000"),
            ));
        }
        let epoch_seconds = self.epoch_seconds.unwrap_or(86_400);
        if (1..10).contains(&epoch_seconds) {
            return Err(wrong("epoch_seconds", "expected 0, or 10 and more"));
        }
        let typical_seconds = self.typical_seconds.unwrap_or(86_400);
        if (1..10).contains(&typical_seconds) {
            return Err(wrong("typical_seconds", "expected 0, or 10 and more"));
        }
        let epoch_pool = self.epoch_pool.unwrap_or(1_000_000_000);
        if epoch_pool >= AMOUNT_END {
            return Err(wrong("epoch_pool", "expected less than 2^63"));
        }
        if self.admin_token.as_ref().is_some_and(|t| t.len() < 16) {
            return Err(wrong("admin_token", "expected at least 16 characters"));
        }
        Ok(Config {
            store,
            listen,
            network: NetworkId::of_name(&network_name),
            network_name,
            key_file,
            public_url: self.public_url.as_deref().map(parse_url).transpose()?,
            attribution: self.attribution.unwrap_or_else(|| "Hexmile contributors".to_owned()),
            threshold,
            epoch_seconds: Some(epoch_seconds).filter(|s| *s > 0),
            typical_seconds: Some(typical_seconds).filter(|s| *s > 0),
            compaction_observations: 4_000_000,
            epoch_pool,
            epoch_target_score: self.epoch_target_score.unwrap_or(1_000_000_000),
            reward_rules: parse_rules(self.reward_rules.as_deref())?,
            admin_token: self.admin_token,
            min_sdk: parse_version(self.min_sdk.as_deref().unwrap_or("0.1.0"))?,
            workers,
            tile_cache_bytes: tile_cache_mb << 20,
            client_rate: NonZeroU32::new(client_rate),
            client_header: self.client_header.as_deref().map(parse_header).transpose()?,
            log: self.log,
            log_json: self.log_json.unwrap_or(false),
        })
    }
}

fn parse_store(text: Option<&str>) -> Result<StoreAddress, ConfigError> {
    const EXPECTED: &str = "expected sqlite:PATH or postgres://HOST/DATABASE";
    let text = text.ok_or_else(|| wrong("store", format!("missing; {EXPECTED}")))?;
    match text.split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => Ok(StoreAddress::Sqlite(path.into())),
        Some(("postgres" | "postgresql", _)) => {
            postgres::parse(text).map_err(|what| wrong("store", what))?;
            Ok(StoreAddress::Postgres(text.to_owned()))
        }
        // It may hold a password.
        _ if text.contains('@') => Err(wrong("store", EXPECTED)),
        _ => Err(wrong("store", format!("{text:?}, and {EXPECTED}"))),
    }
}

fn parse_listen(text: &str) -> Result<SocketAddr, ConfigError> {
    text.to_socket_addrs().ok().and_then(|mut found| found.next()).ok_or_else(|| {
        wrong("listen", format!("{text:?}, and expected an address and port like 127.0.0.1:8080"))
    })
}

fn parse_url(text: &str) -> Result<String, ConfigError> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.contains(['?', '#', ' ']) => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err(wrong(
            "public_url",
            format!("{text:?}, and expected an address like https://traffic.example.org"),
        )),
    }
}

fn parse_header(text: &str) -> Result<HeaderName, ConfigError> {
    text.parse().map_err(|_| {
        wrong(
            "client_header",
            format!("{text:?}, and expected a header's name like X-Forwarded-For"),
        )
    })
}

fn parse_version(text: &str) -> Result<SdkVersion, ConfigError> {
    let parts: Vec<Option<u32>> = text.split('.').map(|p| p.parse().ok()).collect();
    match parts[..] {
        [Some(major @ 0..4096), Some(minor @ 0..1024), Some(patch @ 0..1024)] => {
            Ok(SdkVersion::new(major, minor, patch))
        }
        _ => Err(wrong("min_sdk", format!("{text:?}, and expected a version like 1.2.3"))),
    }
}

fn parse_rules(path: Option<&Path>) -> Result<RewardRules, ConfigError> {
    let Some(path) = path else { return Ok(RewardRules::default()) };
    let text = std::fs::read_to_string(path)
        .map_err(|e| wrong("reward_rules", format!("cannot read {}: {e}", path.display())))?;
    RewardRules::parse(&text).map_err(|e| wrong("reward_rules", format!("{}: {e}", path.display())))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
