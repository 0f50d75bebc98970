//! What is collected, why, for how long and who sees it: generated from the configuration in force, and
//! from the limits that the jobs obey.

use actix_web::{HttpResponse, get, web};
use hexmile_tiles::Threshold;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Server, me};
use crate::{
    admission::CAPTURE_WINDOW_MS,
    config::Config,
    jobs::{
        compact::TYPICAL_LIFE_MS,
        expire::{ID_LIFE_MS, PAYLOAD_LIFE_MS},
    },
    keys::PSEUDONYM_LIFE_MS,
};

/// What this server does with what drivers send.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Transparency {
    /// The network's name.
    network: String,
    /// Who is credited on maps.
    attribution: String,
    /// The settings that the rest follows from.
    generated_from: Settings,
    /// Everything that is collected.
    collected: Vec<Collected>,
    /// What is not.
    never: Vec<String>,
    /// What whoever runs this server can find out about a driver.
    can_link: Vec<String>,
    /// What drivers can do.
    your_rights: Vec<Right>,
}

/// Settings in force.
#[derive(Debug, Serialize, ToSchema)]
struct Settings {
    /// Distinct drivers before a road shows.
    min_drivers: u32,
    /// Seconds from one epoch to the next; absent where an operator closes them.
    epoch_seconds: Option<u64>,
    /// What an epoch has to pay, 1e-6 token.
    epoch_pool: String,
    /// SHA-256 of the reward rules, hexadecimal, as epochs publish it.
    rules_hash: String,
    /// Oldest SDK taken.
    min_sdk: String,
    /// Oldest capture taken, hours.
    capture_window_hours: u64,
    /// Signed traces live at least so long, hours, and until their epoch is closed.
    trace_hours: u64,
    /// Ids of traces live so long, days.
    trace_id_days: u64,
    /// Drivers are counted under a pseudonym that changes after so long, days.
    pseudonym_days: u64,
    /// Seconds from one compaction into typical traffic to the next; absent where there is none.
    typical_seconds: Option<u64>,
    /// Distinct drivers before something typical shows.
    typical_min_drivers: u32,
    /// Typical traffic remembers so long, days.
    typical_days: u64,
}

/// Something that is collected.
#[derive(Debug, Serialize, ToSchema)]
struct Collected {
    what: String,
    why: String,
    /// For how long.
    kept: String,
    who_sees: String,
}

/// Something that a driver can do.
#[derive(Debug, Serialize, ToSchema)]
struct Right {
    what: String,
    how: String,
}

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// What is collected and why, for how long, who sees it, and what can be linked.
#[utoipa::path(tag = "map", responses((status = 200, body = Transparency)))]
#[get("/v1/transparency")]
pub(super) async fn show(server: web::Data<Server>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("Cache-Control", "public, max-age=60"))
        .json(Transparency::of(&server.config))
}

impl Transparency {
    fn of(config: &Config) -> Self {
        let settings = Settings {
            min_drivers: u32::from(config.threshold.drivers()),
            epoch_seconds: config.epoch_seconds,
            epoch_pool: config.epoch_pool.to_string(),
            rules_hash: hex::encode(config.reward_rules.hash()),
            min_sdk: config.min_sdk.to_string(),
            capture_window_hours: CAPTURE_WINDOW_MS / HOUR_MS,
            trace_hours: PAYLOAD_LIFE_MS / HOUR_MS,
            trace_id_days: ID_LIFE_MS / DAY_MS,
            pseudonym_days: PSEUDONYM_LIFE_MS / DAY_MS,
            typical_seconds: config.typical_seconds,
            typical_min_drivers: u32::from(config.threshold.max(Threshold::TYPICAL_MIN).drivers()),
            typical_days: TYPICAL_LIFE_MS / DAY_MS,
        };
        Self {
            network: config.network_name.clone(),
            attribution: config.attribution.clone(),
            collected: collected(&settings),
            never: never(),
            can_link: can_link(&settings),
            your_rights: rights(),
            generated_from: settings,
        }
    }
}

fn collected(settings: &Settings) -> Vec<Collected> {
    let Settings { min_drivers, trace_hours, trace_id_days, typical_days, .. } = settings;
    let typical_drivers = settings.typical_min_drivers;
    let item = |what: &str, why: &str, kept: &str, who_sees: &str| Collected {
        what: what.to_owned(),
        why: why.to_owned(),
        kept: kept.to_owned(),
        who_sees: who_sees.to_owned(),
    };
    vec![
        item(
            "Signed traces: where and when a phone was during a drive, with speed, course, altitude and accuracy. Both ends of \
             each drive and a driver's private places are cut away on the phone, and never arrive.",
            "To check that a drive is real, and to measure traffic from it.",
            &format!(
                "At least {trace_hours} hours, and until the epoch that pays for them is closed; then they are deleted."
            ),
            "Who runs this server, and the driver.",
        ),
        item(
            "What was measured from a trace: for each small stretch of road the direction, distance and time spent, to five \
             minutes; and what became of the trace, with the reason.",
            "To show traffic, to pay for it, and to compute both again.",
            "Until the driver has it erased.",
            &format!(
                "Who runs this server, and the driver. Others see sums of at least {min_drivers} drivers alone."
            ),
        ),
        item(
            "Sums of what was measured, by road, day of the week and time of day, each of several drivers; they name nobody.",
            "To tell what traffic is usual at a time, and how fast a road is when it is free.",
            &format!(
                "{typical_days} days. They stay when a driver is erased: a sum of at least {typical_drivers} cannot be taken apart."
            ),
            "Everybody, as speeds.",
        ),
        item(
            "Keys of accounts and of their phones, when they joined, and an attestation of the phone where its app sends one.",
            "To know whose a trace is, so that each counts once and the right account is paid.",
            "Until the driver has the account erased.",
            "Who runs this server, and the driver.",
        ),
        item(
            "Ids of traces, receipts, and the highest number that each phone has used.",
            "To recognise what is sent twice, and to prove what was received.",
            &format!(
                "{trace_id_days} days for ids; the highest number until the account is erased."
            ),
            "Who runs this server; a trace's id, whoever is told it.",
        ),
        item(
            "Scores and pay of each account in each epoch.",
            "So that everybody can check every payout.",
            "For ever, by account; after an erasure, without it.",
            "Everybody.",
        ),
        item(
            "Salted fingerprints of receipts in a public log.",
            "So that nobody, not even who runs this server, can take back or add a receipt unnoticed.",
            "For ever; they say nothing without the salt, which an erasure destroys.",
            "Everybody.",
        ),
    ]
}

fn never() -> Vec<String> {
    [
        "Names, addresses, telephone numbers and advertising ids.",
        "Where a drive began and ended, and anything inside a private place.",
        "Anything while the driver has not agreed, or has withdrawn.",
        "What one driver alone measured, in anything public.",
        "Addresses of the network that requests come from are not stored; a proxy in front of this server may.",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn can_link(settings: &Settings) -> Vec<String> {
    vec![
        "All drives of an account to one another, as long as they are kept: an account is one key."
            .to_owned(),
        "The phones of an account, since the account signs them in.".to_owned(),
        format!(
            "On the map, drivers are counted under a pseudonym that changes every {} days; it is never published.",
            settings.pseudonym_days
        ),
        "An account to a person only by what is known from elsewhere, such as who is paid."
            .to_owned(),
    ]
}

fn rights() -> Vec<Right> {
    let right = |what: &str, how: String| Right { what: what.to_owned(), how };
    vec![
        right(
            "See what was received, what became of it, and what it earned.",
            "In the app.".to_owned(),
        ),
        right(
            "Take everything away, as one file.",
            "In the app, or GET /v1/me/export, signed by a key of the account.".to_owned(),
        ),
        right(
            "Have everything erased.",
            format!(
                "In the app, or DELETE /v1/me, signed by a key of the account; a request may be up to {} days old when it arrives.",
                me::ERASURE_LIFE_MS / DAY_MS
            ),
        ),
        right(
            "Sign out a lost phone.",
            "In the app of another phone, or with the recovery code.".to_owned(),
        ),
        right("Stop.", "In the app, at any moment; nothing is recorded from then on.".to_owned()),
    ]
}
