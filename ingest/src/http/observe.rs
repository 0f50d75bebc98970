//! What happens around every request: who may ask, how long it may take, and that it is counted.

use std::{
    borrow::Cow,
    cell::RefCell,
    collections::HashMap,
    time::{Duration, Instant},
};

use actix_web::{
    HttpRequest, ResponseError,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, header},
    middleware::Next,
    web,
};
use prometheus_client::metrics::histogram::Histogram;

use super::{Problem, Server};
use crate::metrics::Metrics;

/// How long an upload may take until it is answered: one that trickles in holds memory.
const PATIENCE: Duration = Duration::from_mins(1);

/// A worker's own way to the histograms of its requests, by status and by the name of the route's handler, no
/// two of which have the same: without the lock and the text that labels need.
#[derive(Default)]
pub(super) struct Counted(RefCell<HashMap<u16, HashMap<String, Histogram>>>);

impl Counted {
    fn observe(&self, metrics: &Metrics, request: &HttpRequest, status: u16, took: Duration) {
        let by_labels = || {
            let route = request.match_pattern().map_or("unmatched".into(), Cow::from);
            metrics.requests(route, status)
        };
        let Some(name) = request.match_name() else {
            return by_labels().observe(took.as_secs_f64());
        };
        let mut counted = self.0.borrow_mut();
        let of_status = counted.entry(status).or_default();
        if let Some(histogram) = of_status.get(name) {
            return histogram.observe(took.as_secs_f64());
        }
        of_status.entry(name.to_owned()).or_insert_with(by_labels).observe(took.as_secs_f64());
    }
}

pub(super) async fn observe(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let started = Instant::now();
    // RFC 9110, 9.3.2: what GET would answer; the body is left out where the answer is written.
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    let server = request.app_data::<web::Data<Server>>();
    let clients = server.and_then(|server| server.clients.as_ref());
    if let Some(Err(seconds)) = clients.map(|clients| clients.admit(&request)) {
        if let Some(server) = server {
            let limited = server.metrics.requests("limited".into(), 429);
            limited.observe(started.elapsed().as_secs_f64());
        }
        // A response and no error: headers for other pages' sake are added to it.
        let refused = Problem::too_many(seconds).error_response();
        return Ok(request.into_response(refused).map_into_right_body());
    }
    // Closing an epoch takes as long as it takes; whatever else has a body is small.
    let mut response = if request.method() == Method::POST && request.path() != "/v1/epochs" {
        let late = || {
            let detail = format!("not there whole after {} s", PATIENCE.as_secs());
            Problem { temporary: true, ..Problem::new(408, "request_timeout", detail) }
        };
        tokio::time::timeout(PATIENCE, next.call(request)).await.map_err(|_| late())??
    } else {
        next.call(request).await?
    };
    let (asked, status) = (response.request(), response.status().as_u16());
    let shared = asked.app_data::<web::Data<Server>>().zip(asked.app_data::<Counted>());
    if let Some((server, counted)) = shared {
        counted.observe(&server.metrics, asked, status, started.elapsed());
    }
    response.headers_mut().append(header::VARY, header::HeaderValue::from_static("Origin"));
    Ok(response.map_into_left_body())
}

#[cfg(test)]
mod tests {
    #[test]
    fn handlers_have_names_of_their_own() {
        let api = crate::http::openapi();
        let items = api.paths.paths.values();
        let operations = items.flat_map(|item| [&item.get, &item.post, &item.delete]).flatten();
        let described = operations.map(|operation| operation.operation_id.clone().unwrap());
        let pages = ["index", "asset"].map(str::to_owned);
        let mut names: Vec<String> = described.chain(pages).collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert!(all > 20 && names.len() == all, "{names:?}");
    }
}
