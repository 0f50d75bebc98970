//! The web page, built from `explorer/` and carried in the binary; compressed once, when first asked for.

use std::{collections::BTreeMap, sync::LazyLock};

use actix_web::{
    HttpRequest, HttpResponse, get,
    web::{self, Bytes},
};
use rust_embed::RustEmbed;

use super::{
    Problem,
    tiles::{accepts_gzip, gzip, not_modified},
};

#[derive(RustEmbed)]
#[folder = "explorer/dist"]
#[allow_missing = true]
struct Page;

const LEFT_OUT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Hexmile</title>\
<p>This server was built without its explorer page (Node.js was not there). \
The traffic is at <a href=\"/v1/tiles/traffic.json\">/v1/tiles/traffic.json</a>, \
the API at <a href=\"/openapi.json\">/openapi.json</a>.</p></html>";

/// Every file that gzip makes smaller, compressed.
static COMPRESSED: LazyLock<BTreeMap<String, Bytes>> = LazyLock::new(|| {
    let compressed = Page::iter().filter_map(|path| {
        let file = Page::get(&path)?;
        let small = gzip(&file.data);
        (small.len() < file.data.len()).then(|| (path.into_owned(), small))
    });
    compressed.collect()
});

fn serve(request: &HttpRequest, path: &str) -> Option<HttpResponse> {
    let file = Page::get(path)?;
    let compressed = COMPRESSED.get(path).filter(|_| accepts_gzip(request));
    let coding = if compressed.is_some() { "gzip" } else { "id" };
    let etag = format!("\"{}-{coding}\"", hex::encode(&file.metadata.sha256_hash()[..8]));
    let fresh = not_modified(request, etag.as_bytes());
    // Names under assets/ carry a hash of their content.
    let cache = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let mut response = if fresh { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header(("ETag", etag))
        .insert_header(("Vary", "Accept-Encoding"))
        .insert_header(("Cache-Control", cache));
    if fresh {
        return Some(response.finish());
    }
    response.content_type(media_type(path));
    Some(match compressed {
        Some(small) => response.insert_header(("Content-Encoding", "gzip")).body(small.clone()),
        None => response.body(file.data.into_owned()),
    })
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[get("/")]
pub(super) async fn index(request: HttpRequest) -> HttpResponse {
    serve(&request, "index.html").unwrap_or_else(|| {
        HttpResponse::Ok().content_type("text/html; charset=utf-8").body(LEFT_OUT)
    })
}

#[get("/assets/{file}")]
pub(super) async fn asset(
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    serve(&request, &format!("assets/{path}")).ok_or_else(|| Problem::not_found("no such file"))
}
