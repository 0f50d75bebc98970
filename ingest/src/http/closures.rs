//! Roads that the operator declares closed.

use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use geo::{LineString, Simplify};
use hexmile_tiles::{Closure, MAX_CLOSURE_POINTS};
use hexmile_trace::Position;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Problem, Server, body::whole, operator::operator};
use crate::store::ClosureRow;

/// Closures kept at most.
const MOST: u64 = 10_000;

/// Largest declaration, bytes.
const MAX_BODY: usize = 1 << 20;

/// Points of a path may lie so far off what is drawn, degrees: about a metre.
const TOLERANCE_DEG: f64 = 1e-5;

/// Longest time that a closure may last, milliseconds: two years.
const MAX_LASTING_MS: u64 = 2 * 366 * 24 * 3_600_000;

/// A closure, as it is declared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Declaration {
    /// The road, in its direction of travel: longitude and latitude of each point, degrees, as in GeoJSON.
    #[schema(min_items = 2, example = json!([[16.3700, 48.2100], [16.3725, 48.2104]]))]
    path: Vec<[f64; 2]>,
    /// Whether the other direction is closed, too; true if absent.
    both_ways: Option<bool>,
    /// Why, for whoever reads the map.
    #[schema(min_length = 1, max_length = 200, example = "bridge works")]
    reason: String,
    /// When it begins, Unix milliseconds; now if absent.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    from_ms: Option<u64>,
    /// When it ends, Unix milliseconds: at most two years later.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64, example = 1_900_000_000_000_u64)]
    until_ms: u64,
}

/// A closure.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClosureJson {
    /// Its name, 16 hexadecimal digits.
    id: String,
    /// Longitude and latitude of each point, degrees, in the direction of travel.
    path: Vec<[f64; 2]>,
    /// Whether the other direction is closed, too.
    both_ways: bool,
    /// Why.
    reason: String,
    /// When it begins, Unix milliseconds.
    from_ms: u64,
    /// When it ends, Unix milliseconds.
    until_ms: u64,
    /// When it was declared, Unix milliseconds.
    declared_at_ms: u64,
}

/// Closures.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClosureList {
    /// In order of beginning. Those that ended are in it for a week.
    closures: Vec<ClosureJson>,
}

/// What a store keeps of a closure as it is.
#[derive(Debug, Deserialize, Serialize)]
struct Body {
    path: Vec<[f64; 2]>,
    both_ways: bool,
    reason: String,
}

impl ClosureJson {
    fn of_row(row: &ClosureRow) -> Option<Self> {
        let Body { path, both_ways, reason } = serde_json::from_str(&row.body).ok()?;
        let ClosureRow { id, from_ms, until_ms, declared_at_ms, .. } = row;
        let (from_ms, until_ms, declared_at_ms) = (*from_ms, *until_ms, *declared_at_ms);
        Some(Self {
            id: hex::encode(id),
            path,
            both_ways,
            reason,
            from_ms,
            until_ms,
            declared_at_ms,
        })
    }
}

/// A closure as maps draw it; `None` where the row is none of ours.
pub(crate) fn drawn(row: &ClosureRow) -> Option<Closure> {
    let ClosureJson { id, path, both_ways, reason, from_ms, until_ms, .. } =
        ClosureJson::of_row(row)?;
    let path: Option<Vec<Position>> = path.iter().map(position).collect();
    Closure::new(id, reason, &path?, both_ways, from_ms, until_ms).ok()
}

fn position(&[longitude, latitude]: &[f64; 2]) -> Option<Position> {
    let e6 = |degrees: f64| {
        let e6 = (degrees * 1e6).round();
        (e6.abs() <= 1e9).then_some(e6 as i32)
    };
    Position::from_e6(e6(latitude)?, e6(longitude)?).ok()
}

fn invalid(what: impl Into<String>) -> Problem {
    Problem::new(400, "closure_invalid", what)
}

/// Checks a declaration, and brings its path to as many points as are drawn.
fn row(declaration: Declaration, id: [u8; 8], now_ms: u64) -> Result<ClosureRow, Problem> {
    let Declaration { path, both_ways, reason, from_ms, until_ms } = declaration;
    let (both_ways, from_ms) = (both_ways.unwrap_or(true), from_ms.unwrap_or(now_ms));
    if let Some(at) = path.iter().position(|point| position(point).is_none()) {
        return Err(invalid(format!("path: point {at} is no longitude and latitude in degrees")));
    }
    if until_ms <= now_ms {
        return Err(invalid(format!("until_ms: {until_ms} is past")));
    }
    if until_ms.saturating_sub(from_ms) > MAX_LASTING_MS {
        return Err(invalid("until_ms: more than two years after its beginning"));
    }
    let line: LineString = path.iter().map(|&[x, y]| (x, y)).collect();
    let line = if path.len() > 2 { line.simplify(TOLERANCE_DEG) } else { line };
    let path: Vec<[f64; 2]> = line.coords().map(|at| [at.x, at.y]).collect();
    if path.len() > MAX_CLOSURE_POINTS {
        return Err(invalid(format!(
            "path: {} points, to the metre; it must have {MAX_CLOSURE_POINTS} at most",
            path.len()
        )));
    }
    let positions: Vec<Position> = path.iter().filter_map(position).collect();
    Closure::new(hex::encode(id), reason.clone(), &positions, both_ways, from_ms, until_ms)
        .map_err(|error| invalid(error.to_string()))?;
    let body = serde_json::to_string(&Body { path, both_ways, reason })
        .map_err(|error| invalid(error.to_string()))?;
    Ok(ClosureRow { id, from_ms, until_ms, body, declared_at_ms: now_ms })
}

/// Roads that are closed, were lately, or will be.
#[utoipa::path(
    tag = "map",
    responses(
        (status = 200, body = ClosureList),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    ),
)]
#[get("/v1/closures")]
pub(super) async fn list_closures(server: web::Data<Server>) -> Result<HttpResponse, Problem> {
    let rows = server.store.closures().await?;
    let closures = rows.iter().filter_map(ClosureJson::of_row).collect();
    Ok(HttpResponse::Ok()
        .insert_header(("Cache-Control", "public, max-age=2"))
        .json(ClosureList { closures }))
}

/// Declares a road closed. For operators: needs the configured token as bearer.
#[utoipa::path(
    tag = "operators",
    security(("operator" = [])),
    request_body = Declaration,
    responses(
        (status = 201, body = ClosureJson),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 413, body = Problem, content_type = "application/problem+json"),
        (status = 415, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    ),
)]
#[post("/v1/closures")]
pub(super) async fn declare_closure(
    server: web::Data<Server>,
    request: HttpRequest,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    operator(&server, &request)?;
    let body = whole(body, MAX_BODY)?;
    if actix_web::HttpMessage::content_type(&request) != "application/json" {
        return Err(Problem::new(
            415,
            "media_type_unknown",
            "Content-Type: expected application/json",
        ));
    }
    let declaration: Declaration = serde_json::from_slice(&body)
        .map_err(|error| Problem::new(400, "json_invalid", error.to_string()))?;
    let mut id = [0; 8];
    server.environment.fill_random(&mut id);
    let row = row(declaration, id, server.environment.now_ms())?;
    if !server.store.declare_closure(&row, MOST).await? {
        return Err(Problem::new(
            409,
            "closures_full",
            format!("{MOST} closures are kept; withdraw some first"),
        ));
    }
    server.closed.notify_one();
    tracing::info!(id = hex::encode(id), "declared a road closed");
    let json = ClosureJson::of_row(&row);
    Ok(HttpResponse::Created().insert_header(("Cache-Control", "no-store")).json(json))
}

/// Withdraws a closure. For operators: needs the configured token as bearer.
#[utoipa::path(
    tag = "operators",
    security(("operator" = [])),
    params(("id" = String, Path, description = "Its name", pattern = "^[0-9a-f]{16}$")),
    responses(
        (status = 204, description = "Withdrawn"),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    ),
)]
#[delete("/v1/closures/{id}")]
pub(super) async fn withdraw_closure(
    server: web::Data<Server>,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    operator(&server, &request)?;
    let mut bytes = [0; 8];
    hex::decode_to_slice(id.as_str(), &mut bytes)
        .map_err(|_| Problem::parameter("id", "expected 16 hexadecimal digits"))?;
    if !server.store.withdraw_closure(bytes).await? {
        return Err(Problem::not_found("no such closure"));
    }
    server.closed.notify_one();
    tracing::info!(id = id.as_str(), "withdrew a closure");
    Ok(HttpResponse::NoContent().finish())
}
