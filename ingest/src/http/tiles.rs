//! Traffic tiles and what a map needs to use them.

use std::{io::Write, sync::Arc};

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder, get,
    http::header::{self, HeaderValue},
    web,
};
use flate2::{Compression, write::GzEncoder};
use hexmile_tiles::{MAX_ZOOM, Snapshot, Tick, TileId, TileIdError, encode};
use quick_cache::{Weighter, sync::Cache};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Bytes, Query};

use super::{
    Problem, Server,
    codec::Binary,
    style::{self, Theme},
    when::At,
};
use crate::{
    jobs::follow::Published,
    map,
    metrics::Metrics,
    week::{InForce, Reading},
};

/// A tile's content in one encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    tile: TileId,
    /// Of its content.
    tag: u64,
    gzip: bool,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Bytes> for ByBytes {
    fn weight(&self, _: &Key, bytes: &Bytes) -> u64 {
        (bytes.len() + 128) as u64
    }
}

/// Tiles as they go out, each encoding made once, when it is first asked for, and bounded by bytes. A tag that
/// is no longer asked for ages out by itself: nothing stale can be served.
pub(crate) struct TileCache {
    cache: Cache<Key, Bytes, ByBytes>,
}

impl TileCache {
    pub(crate) fn new(bytes: u64) -> Self {
        Self { cache: Cache::with_weighter(4096, bytes, ByBytes) }
    }

    /// The tile, made at most once however many ask at the same time; empty where nothing is published.
    /// `encoded` gives it without compression.
    async fn get(
        &self,
        key: Key,
        metrics: &Metrics,
        encoded: impl Future<Output = Option<Vec<u8>>>,
    ) -> Result<Bytes, Problem> {
        if let Some(bytes) = self.cache.get(&key) {
            metrics.tiles_cached.inc();
            return Ok(bytes);
        }
        let failed = || Problem::new(500, "tile_failed", "the tile could not be rendered");
        let make = async {
            let plain = if let Some(plain) = self.cache.get(&Key { gzip: false, ..key }) {
                plain
            } else {
                metrics.tiles_rendered.inc();
                Bytes::from(encoded.await.ok_or_else(failed)?)
            };
            if !key.gzip || plain.is_empty() {
                return Ok(plain);
            }
            tokio::task::spawn_blocking(move || gzip(&plain)).await.map_err(|_| failed())
        };
        self.cache.get_or_insert_async(&key, make).await
    }
}

/// Bytes compressed, at a level that is still quick.
pub(super) fn gzip(bytes: &[u8]) -> Bytes {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::new(6));
    // Writing to memory does not fail.
    let _ = gzip.write_all(bytes);
    gzip.finish().unwrap_or_default().into()
}

/// What a tile is made from.
enum Source {
    Live(Arc<Snapshot>),
    Typical(Reading),
}

impl Source {
    fn tag(&self, tile: TileId) -> u64 {
        match self {
            Self::Live(snapshot) => snapshot.tile_tag(tile),
            Self::Typical(reading) => reading.tile_tag(tile),
        }
    }

    /// How long a tile may be kept unasked, as `Cache-Control` says it. What is live, to the end of the tick,
    /// when it may age, but two seconds at most, since new data may come at any moment and must show within
    /// seconds; what is typical changes once a day, and closures at any moment.
    fn cache_control(&self, now_ms: u64) -> HeaderValue {
        let to_tick_ms = || Tick::of_unix_ms(now_ms).ends_at_ms().saturating_sub(now_ms);
        HeaderValue::from_static(match self {
            Self::Live(_) if to_tick_ms() < 2000 => "public, max-age=1",
            Self::Live(_) => "public, max-age=2",
            Self::Typical(_) => "public, max-age=60",
        })
    }
}

/// Names a tile's content in one encoding, quoted as it stands in headers.
fn etag(tag: u64, gzip: bool) -> Vec<u8> {
    let mut digits = [0; 16];
    // Two digits for each of eight bytes: it does not fail.
    let _ = hex::encode_to_slice(tag.to_be_bytes(), &mut digits);
    let encoding: &[u8] = if gzip { b"-gzip\"" } else { b"-id\"" };
    [b"\"", &digits[..], encoding].concat()
}

pub(super) fn accepts_gzip(request: &HttpRequest) -> bool {
    let header = request.headers().get(header::ACCEPT_ENCODING).and_then(|v| v.to_str().ok());
    header.unwrap_or_default().split(',').any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let coding = parts.next().unwrap_or_default();
        let refused = parts.any(|p| {
            p.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).is_some_and(|q| q <= 0.0)
        });
        (coding.eq_ignore_ascii_case("gzip") || coding == "*") && !refused
    })
}

/// Whether the client holds what `etag` names (RFC 9110, 13.1.2: weak comparison).
pub(super) fn not_modified(request: &HttpRequest, etag: &[u8]) -> bool {
    request.headers().get_all(header::IF_NONE_MATCH).any(|value| {
        let mut held = value.as_bytes().split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
        held.any(|held| held == b"*" || held.strip_prefix(b"W/").unwrap_or(held) == etag)
    })
}

/// A traffic tile, MVT 2.1: layers `traffic` (lines) and, up to zoom 10, `traffic_hex` (polygons).
#[utoipa::path(
    tag = "map",
    params(
        ("z" = u32, Path, description = "Zoom", maximum = 14),
        ("x" = u32, Path, description = "Column, from the antimeridian eastwards", maximum = 16383),
        ("y" = u32, Path, description = "Row, from the north southwards", maximum = 16383),
        At,
    ),
    responses(
        (status = 200, body = Binary, content_type = "application/vnd.mapbox-vector-tile"),
        (status = 204, description = "Nothing is published there"),
        (status = 304, description = "The client has it"),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 500, body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/tiles/traffic/{z}/{x}/{y}")]
pub(super) async fn show_tile(
    server: web::Data<Server>,
    request: HttpRequest,
    path: web::Path<(u32, u32, u32)>,
    at: Query<At>,
) -> Result<HttpResponse, Problem> {
    let (z, x, y) = path.into_inner();
    let z =
        u8::try_from(z).map_err(|_| Problem::not_found(format!("zoom {z} is above {MAX_ZOOM}")))?;
    let tile = TileId::new(z, x, y).map_err(|e: TileIdError| Problem::not_found(e.to_string()))?;
    let source = match at.when()? {
        None => Source::Live(Arc::clone(&server.published.borrow().snapshot)),
        Some(when) => Source::Typical(server.week.of_tile(tile, when)),
    };
    let tag = source.tag(tile);
    let cache_control = source.cache_control(server.environment.now_ms());
    let gzip = accepts_gzip(&request);
    let etag = etag(tag, gzip);
    let not_modified = not_modified(&request, &etag);
    let headers = |mut response: HttpResponseBuilder| {
        response
            .insert_header((header::ETAG, etag))
            .insert_header((header::VARY, HeaderValue::from_static("Accept-Encoding")))
            .insert_header((header::CACHE_CONTROL, cache_control));
        response
    };
    if not_modified {
        return Ok(headers(HttpResponse::NotModified()).finish());
    }
    let encoded = async {
        match source {
            Source::Live(snapshot) => {
                tokio::task::spawn_blocking(move || encode(&snapshot, tile)).await.ok()
            }
            Source::Typical(reading) => {
                server.week.with_snapshot(reading, move |snapshot| encode(snapshot, tile)).await
            }
        }
    };
    let key = Key { tile, tag, gzip };
    let bytes = server.tile_cache.get(key, &server.metrics, encoded).await?;
    if bytes.is_empty() {
        return Ok(headers(HttpResponse::NoContent()).finish());
    }
    let mut response = headers(HttpResponse::Ok());
    response.content_type(HeaderValue::from_static("application/vnd.mapbox-vector-tile"));
    if gzip {
        response.insert_header((header::CONTENT_ENCODING, HeaderValue::from_static("gzip")));
    }
    Ok(response.body(bytes))
}

/// The traffic tiles' `TileJSON`.
#[utoipa::path(
    tag = "map",
    params(
        At,
    ),
    responses(
        (status = 200, description = "TileJSON 3.0.0", body = Object),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    ),
)]
#[get("/v1/tiles/traffic.json")]
pub(super) async fn tile_json(
    server: web::Data<Server>,
    at: Query<At>,
) -> Result<HttpResponse, Problem> {
    let suffix = at.suffix()?;
    let url = format!("{}/v1/tiles/traffic/{{z}}/{{x}}/{{y}}{suffix}", server.public_url);
    let document = map::description(&server.config, vec![url], at.when()?);
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "public, max-age=60")).json(document))
}

/// A `MapLibre` style that shows the traffic, with no other source: `traffic`, `traffic-dark`, and in colours that
/// are apart for colour-blind readers, too, `traffic-safe` and `traffic-safe-dark`.
#[utoipa::path(
    tag = "map",
    params(
        ("name" = String, Path, description = "Which style", example = "traffic"),
        At,
    ),
    responses(
        (status = 200, description = "MapLibre style, version 8", body = Object),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    ),
)]
#[get("/v1/styles/{name}.json")]
pub(super) async fn style_json(
    server: web::Data<Server>,
    name: web::Path<String>,
    at: Query<At>,
) -> Result<HttpResponse, Problem> {
    let theme = Theme::named(&name).ok_or_else(|| {
        Problem::not_found(format!("no such style; there are {}", Theme::names()))
    })?;
    Ok(HttpResponse::Ok()
        .insert_header(("Cache-Control", "public, max-age=60"))
        .json(style::traffic(theme, &server.public_url, &at.suffix()?)))
}

/// The published snapshot.
#[derive(Debug, Serialize, ToSchema)]
struct StateJson {
    /// Changes when anything that is published does, hexadecimal.
    version: String,
    /// Position in the log up to which it knows.
    position: u64,
    /// When this node last published something else, Unix milliseconds.
    changed_at_ms: u64,
    /// Directions of cells that it shows.
    lines: usize,
    /// Their length together, kilometres; each direction counts on its own.
    kilometres: u64,
    /// Age of the newest of them, minutes, in steps of five; absent where it shows nothing.
    freshest_min: Option<u8>,
    /// West, south, east and north of all that it shows, degrees; absent where it shows nothing.
    bounds: Option<[f64; 4]>,
    /// What is typical of the week, for `?t=`; absent where nothing is known yet.
    typical: Option<TypicalJson>,
}

/// Typical traffic in force.
#[derive(Debug, Serialize, ToSchema)]
struct TypicalJson {
    /// Changes when anything of it does, hexadecimal.
    version: String,
    /// Directions of cells that it knows.
    lines: usize,
    /// When the newest of what it is made of was compacted, Unix milliseconds.
    compacted_at_ms: Option<u64>,
    /// West, south, east and north of all that it shows, degrees.
    bounds: Option<[f64; 4]>,
}

/// Where the map is: the published snapshot, for pages that follow it.
#[utoipa::path(
    tag = "map",
    responses((status = 200, body = StateJson)),
)]
#[get("/v1/tiles/state.json")]
pub(super) async fn state_json(server: web::Data<Server>) -> HttpResponse {
    let Published { snapshot, changed_at_ms } = server.published.borrow().clone();
    let summary = snapshot.summary();
    let InForce { typical, compacted_at_ms } = server.week.in_force.borrow().clone();
    let typical = (!typical.is_empty()).then(|| TypicalJson {
        version: format!("{:016x}", typical.version()),
        lines: typical.key_count(),
        compacted_at_ms,
        bounds: typical.bounds_deg(),
    });
    HttpResponse::Ok().insert_header(("Cache-Control", "no-cache")).json(StateJson {
        changed_at_ms,
        kilometres: summary.metres / 1000,
        freshest_min: summary.freshest_min,
        version: format!("{:016x}", snapshot.version()),
        position: snapshot.position(),
        lines: summary.lines,
        bounds: snapshot.bounds_deg(),
        typical,
    })
}

#[cfg(test)]
mod tests {
    use hexmile_tiles::Closures;

    use super::*;

    #[test]
    fn tags_are_quoted_and_tell_encodings_apart() {
        assert_eq!(etag(0x1f, false), b"\"000000000000001f-id\"");
        assert_eq!(etag(u64::MAX, true), b"\"ffffffffffffffff-gzip\"");
    }

    #[test]
    fn what_is_live_is_kept_to_the_end_of_its_tick_and_two_seconds_at_most() {
        let live = Source::Live(Arc::new(Snapshot::of_sections(Vec::new(), Closures::default())));
        let tick = Tick::of_unix_ms(1_800_000_000_000);
        for (now_ms, kept) in [
            (tick.begins_at_ms(), "public, max-age=2"),
            (tick.ends_at_ms() - 2000, "public, max-age=2"),
            (tick.ends_at_ms() - 1999, "public, max-age=1"),
            (tick.ends_at_ms() - 1, "public, max-age=1"),
        ] {
            assert_eq!(live.cache_control(now_ms), kept, "{now_ms}");
        }
    }
}
