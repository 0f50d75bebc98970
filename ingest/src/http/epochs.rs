//! Closed epochs and their scores.
#![expect(unused_qualifications, reason = "utoipa's macros write paths out")]

use actix_web::{
    HttpRequest, HttpResponse, get, post,
    web::{self, Query},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Problem, Server, enrol::parse_account};
use crate::{
    epoch::CloseError,
    store::{EpochRecord, LedgerRow, Score},
};

/// A closed epoch. Amounts and scores are decimal strings, since they may pass 2^53.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct EpochJson {
    /// From 0, without gaps.
    pub number: u64,
    /// First position of its range of the log.
    pub first_position: u64,
    /// End of the range, exclusive.
    pub end_position: u64,
    /// Unix milliseconds.
    pub closed_at_ms: u64,
    /// SHA-256 of the rules in force, hexadecimal.
    pub rules_hash: String,
    /// What there was to pay, 1e-6 token.
    pub pool: String,
    /// What was paid.
    pub paid: String,
    /// What returned to the reserve.
    pub unallocated: String,
    /// The score at which the pool is paid whole.
    pub target_score: String,
    /// Sum of all scores.
    pub total_score: String,
    /// RFC 9162 root over the scores in order of account, hexadecimal.
    pub scores_root: String,
}

impl From<&EpochRecord> for EpochJson {
    fn from(r: &EpochRecord) -> Self {
        Self {
            number: r.number,
            first_position: r.first_position,
            end_position: r.end_position,
            closed_at_ms: r.closed_at_ms,
            rules_hash: hex::encode(r.rules_hash),
            pool: r.pool.to_string(),
            paid: r.paid.to_string(),
            unallocated: r.unallocated.to_string(),
            target_score: r.target_score.to_string(),
            total_score: r.total_score.to_string(),
            scores_root: hex::encode(r.scores_root),
        }
    }
}

/// Closed epochs.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct EpochList {
    /// Newest first.
    pub epochs: Vec<EpochJson>,
    /// Ask again with `before` set to this for older ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_before: Option<u64>,
}

/// Which page of epochs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EpochPage {
    /// Only epochs below this number.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    before: Option<u64>,
    /// At most this many, 1 to 1000; 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// Largest number that every JSON reader keeps exact.
const MAX_NUMBER: u64 = (1 << 53) - 1;

fn limit(asked: Option<usize>) -> Result<usize, Problem> {
    match asked.unwrap_or(100) {
        n @ 1..=1000 => Ok(n),
        _ => Err(Problem::parameter("limit", "expected 1 to 1000")),
    }
}

fn number(value: u64) -> Result<u64, Problem> {
    if value > MAX_NUMBER {
        return Err(Problem::not_found("no such epoch"));
    }
    Ok(value)
}

/// Closed epochs, newest first.
#[utoipa::path(
    tag = "rewards",
    params(EpochPage),
    responses(
        (status = 200, body = EpochList),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/epochs")]
pub(super) async fn list_epochs(
    server: web::Data<Server>,
    page: Query<EpochPage>,
) -> Result<HttpResponse, Problem> {
    let limit = limit(page.limit)?;
    let before = number(page.before.unwrap_or(MAX_NUMBER))?;
    let found = server.store.epochs(before, limit).await?;
    let next_before =
        (found.len() == limit).then(|| found.last().map(|e| e.number)).flatten().filter(|n| *n > 0);
    Ok(HttpResponse::Ok()
        .insert_header(("Cache-Control", "public, max-age=10"))
        .json(EpochList { epochs: found.iter().map(EpochJson::from).collect(), next_before }))
}

/// A ledger entry; amounts in 1e-6 token.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct LedgerEntryJson {
    /// Who gives: `reserve`, `pool/EPOCH/REGION` or `driver/ACCOUNT`.
    pub debit: String,
    /// Who receives.
    pub credit: String,
    /// Decimal.
    pub amount: String,
}

impl From<&LedgerRow> for LedgerEntryJson {
    fn from(row: &LedgerRow) -> Self {
        Self {
            debit: row.debit.clone(),
            credit: row.credit.clone(),
            amount: row.amount.to_string(),
        }
    }
}

/// A closed epoch with its ledger entries.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct EpochDetail {
    /// The record.
    pub epoch: EpochJson,
    /// Double entry, in order.
    pub ledger: Vec<LedgerEntryJson>,
    /// The rules in force, as they were hashed; absent where this server no longer has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<String>,
}

/// A closed epoch.
#[utoipa::path(
    tag = "rewards",
    params(("number" = u64, Path, description = "From 0")),
    responses(
        (status = 200, body = EpochDetail),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/epochs/{number}")]
pub(super) async fn show_epoch(
    server: web::Data<Server>,
    path: web::Path<u64>,
) -> Result<HttpResponse, Problem> {
    let number = number(*path)?;
    let record = server.store.epoch(number).await?;
    let record = record.ok_or_else(|| Problem::not_found("no such epoch"))?;
    let ledger = server.store.ledger(number).await?;
    let rules = &server.config.reward_rules;
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "public, max-age=60")).json(
        EpochDetail {
            epoch: (&record).into(),
            ledger: ledger.iter().map(LedgerEntryJson::from).collect(),
            rules: (rules.hash() == record.rules_hash).then(|| rules.canonical()),
        },
    ))
}

/// An account's score and pay in an epoch.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct ScoreJson {
    /// Hexadecimal.
    pub account_id: String,
    /// Points, decimal.
    pub score: String,
    /// 1e-6 token, decimal.
    pub pay: String,
}

impl From<&Score> for ScoreJson {
    fn from(s: &Score) -> Self {
        Self {
            account_id: s.account.to_string(),
            score: s.score.to_string(),
            pay: s.pay.to_string(),
        }
    }
}

/// Scores of an epoch.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct ScoreList {
    /// In order of account.
    pub scores: Vec<ScoreJson>,
    /// Ask again with `after` set to this for more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_after: Option<String>,
}

/// Which page of scores.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ScorePage {
    /// Only accounts after this one, 32 hexadecimal digits.
    after: Option<String>,
    /// At most this many, 1 to 1000; 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// Every account's score and pay in an epoch, in order of account.
#[utoipa::path(
    tag = "rewards",
    params(("number" = u64, Path, description = "From 0"), ScorePage),
    responses(
        (status = 200, body = ScoreList),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/epochs/{number}/scores")]
pub(super) async fn list_scores(
    server: web::Data<Server>,
    path: web::Path<u64>,
    page: Query<ScorePage>,
) -> Result<HttpResponse, Problem> {
    let number = number(*path)?;
    let limit = limit(page.limit)?;
    let after = page.after.as_deref().map(parse_account).transpose()?;
    if server.store.epoch(number).await?.is_none() {
        return Err(Problem::not_found("no such epoch"));
    }
    let found = server.store.scores(number, after, limit).await?;
    let next_after =
        (found.len() == limit).then(|| found.last().map(|s| s.account.to_string())).flatten();
    Ok(HttpResponse::Ok()
        .insert_header(("Cache-Control", "public, max-age=60"))
        .json(ScoreList { scores: found.iter().map(ScoreJson::from).collect(), next_after }))
}

/// Closes the running epoch now. For operators: needs the configured token as bearer.
#[utoipa::path(
    tag = "operators",
    security(("operator" = [])),
    responses(
        (status = 200, body = EpochJson),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/epochs")]
pub(super) async fn close_epoch(
    server: web::Data<Server>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    operator(&server, &request)?;
    match server.epochs.close_now().await {
        Ok(record) => Ok(HttpResponse::Ok()
            .insert_header(("Cache-Control", "no-store"))
            .json(EpochJson::from(&record))),
        Err(CloseError::Store(error)) => Err(error.into()),
        Err(error) => Err(Problem::new(409, "epoch_not_closed", error.to_string())),
    }
}

fn operator(server: &Server, request: &HttpRequest) -> Result<(), Problem> {
    let refused = |why: &str| Err(Problem::new(401, "operator_only", why));
    let Some(token) = &server.config.admin_token else {
        return refused("this server has no admin_token configured");
    };
    let given = request.headers().get("Authorization").and_then(|v| v.to_str().ok());
    let given = given.and_then(|v| v.strip_prefix("Bearer ")).unwrap_or_default();
    // Hashes of one length are compared whole, so that timing tells nothing of the token.
    let digest = |text: &str| <sha2::Sha256 as sha2::Digest>::digest(text.as_bytes());
    let differs = digest(given).iter().zip(digest(token).iter()).fold(0, |d, (a, b)| d | (a ^ b));
    if differs == 0 {
        Ok(())
    } else {
        refused("Authorization: expected the operator's bearer token")
    }
}
