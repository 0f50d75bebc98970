//! What the public sees of an account.

use actix_web::{HttpResponse, get, web};
use hexmile_rewards::ledger::LedgerAccount;
use hexmile_trace::AccountId;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Problem, Server};

/// An account as the public sees it: pay and scores.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PublicAccount {
    /// Hash of the key, hexadecimal.
    account_id: String,
    /// What the ledger holds for it, 1e-6 token.
    balance: String,
    /// Newest epochs in which it scored, newest first, at most 100.
    epochs: Vec<AccountEpoch>,
}

/// What an account got in one epoch.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AccountEpoch {
    /// Which.
    epoch: u64,
    /// Points, decimal.
    score: String,
    /// 1e-6 token, decimal.
    pay: String,
}

/// What an account has earned.
#[utoipa::path(
    tag = "rewards",
    params(("account_id" = String, Path, description = "32 hexadecimal digits",
            pattern = "^[0-9a-f]{32}$")),
    responses(
        (status = 200, body = PublicAccount),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/accounts/{account_id}")]
pub(super) async fn show_account(
    server: web::Data<Server>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = parse_account(&path)?;
    if server.store.account(id).await?.is_none() {
        return Err(Problem::not_found("no such account"));
    }
    let balance = server.store.balance(&LedgerAccount::Driver(id).to_string()).await?;
    let epochs = server.store.account_scores(id, u64::MAX >> 1, 100).await?;
    Ok(HttpResponse::Ok().json(PublicAccount {
        account_id: id.to_string(),
        balance: balance.to_string(),
        epochs: epochs
            .iter()
            .map(|(epoch, score)| AccountEpoch {
                epoch: *epoch,
                score: score.score.to_string(),
                pay: score.pay.to_string(),
            })
            .collect(),
    }))
}

pub(super) fn parse_account(text: &str) -> Result<AccountId, Problem> {
    text.parse().map_err(|e| Problem::parameter("account_id", &format!("{e}")))
}
