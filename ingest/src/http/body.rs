//! Bodies of requests, read whole.

use actix_web::web::Bytes;

use super::Problem;

/// A body that was received whole and has at most so many bytes.
pub(super) fn whole(body: Result<Bytes, actix_web::Error>, most: usize) -> Result<Bytes, Problem> {
    let large = || Problem::new(413, "body_too_large", format!("expected at most {most} bytes"));
    let body = body.map_err(|error| match error.as_response_error().status_code().as_u16() {
        413 => large(),
        // Broken off on the way: the same bytes may come through whole.
        _ => Problem { temporary: true, ..Problem::new(400, "body_unreadable", error.to_string()) },
    })?;
    if body.len() > most { Err(large()) } else { Ok(body) }
}
