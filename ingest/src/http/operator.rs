//! Who may ask what only whoever runs the server may.

use actix_web::HttpRequest;

use super::{Problem, Server};

/// Refuses whoever does not hold the configured token.
pub(super) fn operator(server: &Server, request: &HttpRequest) -> Result<(), Problem> {
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
