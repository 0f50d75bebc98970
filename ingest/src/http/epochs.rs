//! Closed epochs and their scores.
#![expect(unused_qualifications, reason = "utoipa's macros write paths out")]

use actix_web::{
    HttpRequest, HttpResponse, get, post,
    web::{self, Query},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Problem, Server, operator::operator};
use crate::{
    epoch::CloseError,
    store::{EpochRecord, Holder, LedgerRow, Score},
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
    /// How many accounts have a score in it, erased ones included.
    pub drivers: u64,
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
            drivers: r.drivers,
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

fn in_range(name: &str, value: u64) -> Result<u64, Problem> {
    if value > MAX_NUMBER {
        return Err(Problem::parameter(name, "expected at most 2^53 - 1"));
    }
    Ok(value)
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
    let before = in_range("before", page.before.unwrap_or(MAX_NUMBER))?;
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
    /// From 0 within the epoch.
    pub entry: u64,
    /// Who gives: `reserve`, `pool/EPOCH/REGION`, `driver/ACCOUNT` or, in place of an account that
    /// was erased, `erased/EPOCH/PLACE`, where `PLACE` is that of its score.
    pub debit: String,
    /// Who receives.
    pub credit: String,
    /// Decimal.
    pub amount: String,
}

impl From<&LedgerRow> for LedgerEntryJson {
    fn from(row: &LedgerRow) -> Self {
        Self {
            entry: row.entry,
            debit: row.debit.clone(),
            credit: row.credit.clone(),
            amount: row.amount.to_string(),
        }
    }
}

/// A closed epoch with its rules.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct EpochDetail {
    /// The record.
    pub epoch: EpochJson,
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
    let rules = &server.config.reward_rules;
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "public, max-age=60")).json(
        EpochDetail {
            epoch: (&record).into(),
            rules: (rules.hash() == record.rules_hash).then(|| rules.canonical()),
        },
    ))
}

/// Ledger entries of an epoch: double entry.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct LedgerList {
    /// In order.
    pub entries: Vec<LedgerEntryJson>,
    /// Ask again with `from` set to this for more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_from: Option<u64>,
}

/// Which page of an epoch's rows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RowPage {
    /// From this row on; from the first if absent.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    from: Option<u64>,
    /// At most this many, 1 to 1000; 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

impl RowPage {
    /// A closed epoch's number, the first row that is wanted, and at most how many.
    async fn of_epoch(&self, server: &Server, epoch: u64) -> Result<(u64, u64, usize), Problem> {
        let number = number(epoch)?;
        let (from, limit) = (in_range("from", self.from.unwrap_or(0))?, limit(self.limit)?);
        match server.store.epoch(number).await? {
            Some(_) => Ok((number, from, limit)),
            None => Err(Problem::not_found("no such epoch")),
        }
    }
}

/// Where the next page begins, unless this was the last one.
fn next_from(last: Option<u64>, found: usize, limit: usize) -> Option<u64> {
    last.filter(|_| found == limit).map(|last| last + 1)
}

/// What an epoch moved from whom to whom.
#[utoipa::path(
    tag = "rewards",
    params(("number" = u64, Path, description = "From 0"), RowPage),
    responses(
        (status = 200, body = LedgerList),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/epochs/{number}/ledger")]
pub(super) async fn list_ledger(
    server: web::Data<Server>,
    path: web::Path<u64>,
    page: Query<RowPage>,
) -> Result<HttpResponse, Problem> {
    let (number, from, limit) = page.of_epoch(&server, *path).await?;
    let found = server.store.ledger(number, from, limit).await?;
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "public, max-age=60")).json(LedgerList {
        entries: found.iter().map(LedgerEntryJson::from).collect(),
        next_from: next_from(found.last().map(|row| row.entry), found.len(), limit),
    }))
}

/// An account's score and pay in an epoch.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct ScoreJson {
    /// From 0 among the epoch's scores.
    pub place: u64,
    /// Hexadecimal; absent where the account was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// Hash of the leaf that the score is in the epoch's root, hexadecimal; there where the account
    /// was erased, so that nobody can make the leaf any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaf: Option<String>,
    /// Points, decimal.
    pub score: String,
    /// 1e-6 token, decimal.
    pub pay: String,
}

impl From<&Score> for ScoreJson {
    fn from(s: &Score) -> Self {
        let (account_id, leaf) = match &s.holder {
            Holder::Account(account) => (Some(account.to_string()), None),
            Holder::Erased(leaf) => (None, Some(hex::encode(leaf))),
        };
        Self {
            place: s.place,
            account_id,
            leaf,
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
    /// Ask again with `from` set to this for more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_from: Option<u64>,
}

/// Every account's score and pay in an epoch, in order of account.
#[utoipa::path(
    tag = "rewards",
    params(("number" = u64, Path, description = "From 0"), RowPage),
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
    page: Query<RowPage>,
) -> Result<HttpResponse, Problem> {
    let (number, from, limit) = page.of_epoch(&server, *path).await?;
    let found = server.store.scores(number, from, limit).await?;
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "public, max-age=60")).json(ScoreList {
        scores: found.iter().map(ScoreJson::from).collect(),
        next_from: next_from(found.last().map(|score| score.place), found.len(), limit),
    }))
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
