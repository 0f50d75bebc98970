//! Errors as RFC 9457 problem details.

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::signed::SCHEME;
use crate::{admission::Refusal, store::StoreError};

/// Problem details (RFC 9457), `application/problem+json`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// A URI that names the kind of problem: `urn:hexmile:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status again.
    pub status: u16,
    /// Stable code, for programs.
    pub code: &'static str,
    /// What is wrong this time, for people.
    pub detail: String,
    /// Whether the same request may succeed later.
    pub temporary: bool,
    /// After how many seconds, where that is known.
    #[serde(skip)]
    pub retry_after_s: Option<u64>,
}

impl Problem {
    /// A problem that will not pass by itself.
    pub fn new(status: u16, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:hexmile:problem:{code}"),
            title: title(status),
            status,
            code,
            detail: detail.into(),
            temporary: status == 503 || status == 429,
            retry_after_s: (status == 503 || status == 429).then_some(2),
        }
    }

    /// A client that asked too much, and when it may go on.
    pub(super) fn too_many(seconds: u64) -> Self {
        let detail = format!("this client has asked too much; go on in {seconds} s");
        Self { retry_after_s: Some(seconds), ..Self::new(429, "too_many_requests", detail) }
    }

    /// Something that is not there.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(404, "not_found", what)
    }

    /// A parameter that cannot be used.
    pub fn parameter(name: &str, what: &str) -> Self {
        Self::new(400, "parameter_invalid", format!("{name}: {what}"))
    }
}

fn title(status: u16) -> &'static str {
    StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or("Problem")
}

impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Self {
        Self {
            temporary: refusal.is_temporary(),
            ..Self::new(refusal.status(), refusal.code(), refusal.to_string())
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        Self::new(503, "store_unavailable", "the store is not available; try again")
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if let Some(seconds) = self.retry_after_s {
            response.insert_header(("Retry-After", seconds.to_string()));
        }
        if self.status == 401 {
            // RFC 9110, 11.6.1: a refusal says what would be taken.
            let scheme = if self.code == "operator_only" { "Bearer" } else { SCHEME };
            response.insert_header(("WWW-Authenticate", scheme));
        }
        response
            .insert_header(("Cache-Control", "no-store"))
            .content_type("application/problem+json")
            .body(serde_json::to_vec(self).unwrap_or_default())
    }
}
