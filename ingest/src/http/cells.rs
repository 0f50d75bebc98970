//! Traffic of one cell, in numbers.

use actix_web::{HttpResponse, get, web};
use h3o::CellIndex;
use hexmile_tiles::{Closure, DirectionTraffic, Snapshot};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Problem, Server, when::At};

/// Traffic of an H3 cell.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CellJson {
    /// H3 index, hexadecimal.
    h3: String,
    /// H3 resolution.
    resolution: u8,
    /// One a direction of travel.
    directions: Vec<DirectionJson>,
    /// Roads through it that are closed.
    closures: Vec<CellClosureJson>,
}

/// A closed road.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CellClosureJson {
    /// Its name in the list of closures.
    id: String,
    /// Why, in the operator's words.
    reason: String,
    /// When it ends, Unix milliseconds.
    until_ms: u64,
}

impl From<&Closure> for CellClosureJson {
    fn from(closure: &Closure) -> Self {
        let (id, reason) = (closure.id().to_owned(), closure.reason().to_owned());
        Self { id, reason, until_ms: closure.until_ms() }
    }
}

/// Traffic of a cell in one direction.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DirectionJson {
    /// Mean heading, degrees clockwise from north.
    heading_deg: u16,
    /// `low`, `moderate`, `heavy` or `severe`.
    #[schema(example = "low")]
    congestion: &'static str,
    /// Speed, km/h: to 0.2 below 10, to 1 up to 20, to 2 up to 60, to 5 above.
    speed_kmh: f64,
    /// Free-flow speed, km/h.
    free_flow_kmh: u8,
    /// Ten times the share of free flow that is lost, 0 to 10.
    jam: u8,
    /// Confidence, 1 to 3.
    confidence: u8,
    /// Minutes since the newest data, in steps of five.
    age_min: u8,
    /// Drivers, rounded down to 3, 5, 10, 20, 50 or 100.
    drivers: u8,
}

impl From<&DirectionTraffic> for DirectionJson {
    fn from(d: &DirectionTraffic) -> Self {
        Self {
            heading_deg: d.heading_deg,
            congestion: d.level.congestion.name(),
            speed_kmh: f64::from(d.level.speed_dkmh) / 10.0,
            free_flow_kmh: d.level.free_flow_kmh,
            jam: d.level.jam,
            confidence: d.level.confidence,
            age_min: d.level.age_min,
            drivers: d.level.drivers,
        }
    }
}

/// Traffic of an H3 cell, resolution 1 to 11.
#[utoipa::path(
    tag = "map",
    params(
        ("h3" = String, Path, description = "H3 index, hexadecimal",
         pattern = "^8[1-9abAB][0-9a-fA-F]{13}$"),
        At,
    ),
    responses(
        (status = 200, body = CellJson),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 500, body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/cells/{h3}")]
pub(super) async fn show_cell(
    server: web::Data<Server>,
    path: web::Path<String>,
    at: web::Query<At>,
) -> Result<HttpResponse, Problem> {
    let cell: CellIndex = path
        .parse()
        .map_err(|_| Problem::parameter("h3", "expected an H3 cell index in hexadecimal"))?;
    let resolution = u8::from(cell.resolution());
    if !(1..=11).contains(&resolution) {
        return Err(Problem::parameter("h3", "expected a cell of resolution 1 to 11"));
    }
    let shown = match at.when()? {
        None => show(&server.published.borrow().snapshot, cell),
        Some(when) => {
            let reading = server.week.of_cell(cell, when);
            let failed = || Problem::new(500, "cell_failed", "the cell could not be read");
            let shown = server.week.with_snapshot(reading, move |snapshot| show(snapshot, cell));
            shown.await.ok_or_else(failed)?
        }
    };
    let shown = shown.ok_or_else(|| Problem::not_found("nothing is published for this cell"))?;
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "public, max-age=2")).json(shown))
}

/// What a snapshot says of a cell; `None` where it says nothing.
fn show(snapshot: &Snapshot, cell: CellIndex) -> Option<CellJson> {
    let traffic = snapshot.cell(cell).map(|traffic| traffic.directions).unwrap_or_default();
    let closures: Vec<_> = snapshot.closures().through(cell).map(CellClosureJson::from).collect();
    (!traffic.is_empty() || !closures.is_empty()).then(|| CellJson {
        h3: cell.to_string(),
        resolution: u8::from(cell.resolution()),
        directions: traffic.iter().map(DirectionJson::from).collect(),
        closures,
    })
}
