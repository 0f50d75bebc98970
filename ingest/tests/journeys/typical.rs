//! What is typical of the week: compacted from the log, and asked for by `?t=`.

use h3o::{LatLng, Resolution};
use hexmile_ingest::{
    config::{Config, Settings},
    metrics::Transactions,
    store::{Store as _, sqlite::SqliteStore},
};
use hexmile_tiles::TileId;
use serde_json::Value;

use crate::support::{
    driver::{Driver, Road, network, signed_request, upload},
    eventually,
    http::Client,
    in_process::InProcess,
    process::Folder,
};

const ROAD: Road = Road::number(0);
const HOUR_MS: u64 = 3_600_000;
pub(super) const DAY_MS: u64 = 24 * HOUR_MS;
/// A Monday, 00:07 UTC; on the road, in Chad, it is an hour later.
pub(super) const START_MS: u64 = 20_003 * DAY_MS + 7 * 60_000;

pub(super) fn settings() -> Settings {
    Settings { typical_seconds: Some(86_400), epoch_seconds: Some(0), ..Settings::default() }
}

/// Drives the road at the server's time, and waits until that is folded.
pub(super) fn drive(server: &InProcess, driver: &Driver, sequence: u64) {
    let trace = driver.drive(sequence, ROAD, 40, server.now_ms());
    assert_eq!(upload(server.client(), std::slice::from_ref(&trace)).status, 200);
    eventually("a fold", || {
        let status = server.client().get(&format!("/v1/traces/{}", trace.id())).json();
        (status["status"] == "accepted").then_some(())
    });
}

/// When what is in force was compacted, once that is at or after a time.
pub(super) fn compacted(server: &InProcess, at_ms: u64) -> Value {
    eventually("a compaction", || {
        let state = server.client().get("/v1/tiles/state.json").json();
        let at = state["typical"]["compacted_at_ms"].as_u64();
        at.is_some_and(|at| at >= at_ms).then_some(state["typical"].clone())
    })
}

/// Waits for the compaction of this moment, which publishes nothing, and so cannot be seen but in the metrics.
fn compactions(client: &Client) -> u64 {
    let text = client.get("/metrics").text().to_owned();
    let count = text.lines().find_map(|line| line.strip_prefix("hexmile_compactions_total "));
    count.and_then(|n| n.parse().ok()).unwrap_or(0)
}

fn tile() -> String {
    let tile = TileId::of_position(14, ROAD.at(250.0)).unwrap();
    format!("/v1/tiles/traffic/14/{}/{}", tile.x(), tile.y())
}

fn cell() -> String {
    let at = ROAD.at(250.0);
    let cell = LatLng::from_radians(at.lat_rad(), at.lon_rad()).unwrap().to_cell(Resolution::Nine);
    format!("/v1/cells/{cell}")
}

#[test]
fn a_week_is_learned_from_the_log_and_shown_by_local_time() {
    let folder = Folder::new();
    let server = InProcess::start(&folder, START_MS, settings());
    let client = server.client();
    let drivers: Vec<Driver> = (1..=5).map(|n| Driver::enrolled(n, client)).collect();
    for driver in &drivers {
        drive(&server, driver, 0);
    }
    assert_eq!(client.get("/v1/tiles/state.json").json()["typical"], Value::Null);
    assert_eq!(client.get(&format!("{}?t=mon-01:05", tile())).status, 204);
    server.advance(DAY_MS);
    let typical = compacted(&server, START_MS + DAY_MS);
    assert!(typical["lines"].as_u64().unwrap() > 5, "{typical}");

    // Live is over; what is typical stays, at any time, with more or less to go by.
    assert_eq!(client.get(&tile()).status, 204);
    let at = |t: &str| client.get(&format!("{}?t={t}", cell())).json()["directions"][0].clone();
    let (then, other) = (at("mon-01:05"), at("tue-14:00"));
    let speed = then["speed_kmh"].as_f64().unwrap();
    assert!((45.0..56.0).contains(&speed), "{then}");
    assert_eq!(
        (&then["drivers"], &then["age_min"], &other["confidence"]),
        (&5.into(), &0.into(), &1.into())
    );
    assert!(then["confidence"].as_u64().unwrap() > 1, "{then}");
    // An instant is told by the clocks of the place: UTC and an hour.
    assert_eq!(at("2024-10-14T00:07:00Z"), then);
    assert_eq!(at("2024-10-14T02:07:00%2B02:00"), then);

    let shown = client.get(&format!("{}?t=mon-01:05", tile()));
    assert_eq!(shown.status, 200);
    let etag = shown.header("ETag").to_owned();
    let again = client.get_with(&format!("{}?t=mon-01:07", tile()), &[("If-None-Match", &etag)]);
    assert_eq!((again.status, again.header("ETag")), (304, &etag[..]));
    let night = client.get(&format!("{}?t=tue-14:00", tile()));
    assert_ne!(night.header("ETag"), etag);
    for path in
        [tile(), cell(), "/v1/tiles/traffic.json".to_owned(), "/v1/styles/traffic.json".to_owned()]
    {
        client.get(&format!("{path}?t=yesterday")).problem(400, "parameter_invalid");
    }
    // A map that is given the description or the style for a time asks for tiles of that time.
    let json = client.get("/v1/tiles/traffic.json?t=mon-01:05").json();
    assert!(json["tiles"][0].as_str().unwrap().ends_with("/{z}/{x}/{y}?t=mon-01:05"), "{json}");
    let style = client.get("/v1/styles/traffic.json?t=mon-01:05").json();
    assert!(
        style["sources"]["hexmile"]["url"].as_str().unwrap().ends_with("traffic.json?t=mon-01:05")
    );
    server.stop();

    // It outlasts the server.
    let server = InProcess::start(&folder, START_MS + DAY_MS, settings());
    assert_eq!(compacted(&server, START_MS + DAY_MS), typical);
    assert_eq!(server.client().get(&format!("{}?t=mon-01:05", tile())).header("ETag"), etag);
    server.stop();
}

#[test]
fn four_wait_for_a_fifth_and_who_is_erased_waits_no_more() {
    let folder = Folder::new();
    let server = InProcess::start(&folder, START_MS, settings());
    let client = server.client();
    let drivers: Vec<Driver> = (1..=6).map(|n| Driver::enrolled(n, client)).collect();
    for driver in &drivers[..4] {
        drive(&server, driver, 0);
    }
    let next = |want: u64| {
        server.advance(DAY_MS);
        eventually("a compaction", || (compactions(client) == want).then_some(()));
    };
    next(1);
    assert_eq!(client.get("/v1/tiles/state.json").json()["typical"], Value::Null);

    // One of the four leaves: the fifth driver is one of four, and nothing shows.
    let gone = &drivers[0];
    let authorization =
        signed_request(&gone.device, gone.device_id().0, server.now_ms(), "DELETE", "/v1/me");
    let erased = client.send_with("DELETE", "/v1/me", &[("Authorization", &authorization)]);
    assert_eq!(erased.status, 200);
    drive(&server, &drivers[4], 0);
    next(2);
    assert_eq!(client.get("/v1/tiles/state.json").json()["typical"], Value::Null);

    // The sixth is the fifth of those who are left.
    drive(&server, &drivers[5], 0);
    next(3);
    let typical = compacted(&server, START_MS + 3 * DAY_MS);
    assert!(typical["lines"].as_u64().unwrap() > 5, "{typical}");
    server.stop();
}

/// Whether every row of the log is compacted, and how many compactions that took.
fn how_far(folder: &Folder) -> (bool, u64) {
    let path = folder.store();
    let path = std::path::Path::new(path.strip_prefix("sqlite:").unwrap());
    let store = SqliteStore::open(path, network(), Transactions::default());
    let store = store.unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let last = store.last_compaction().await.unwrap();
        let end = store.log_head().await.unwrap().next_position;
        last.map_or((false, 0), |last| (last.end_position == end, last.number + 1))
    })
}

#[test]
fn what_a_stop_leaves_of_a_compaction_is_due_at_once() {
    let folder = Folder::new();
    let without = Settings { typical_seconds: Some(0), ..settings() };
    let server = InProcess::start(&folder, START_MS, without);
    let client = server.client();
    let mut last = None;
    for n in 1..=8 {
        let driver = Driver::enrolled(n, client);
        let drive = |i: u64| driver.drive(i, ROAD, 40, START_MS - (12 - i) * 60_000);
        let traces: Vec<_> = (0..12).map(drive).collect();
        assert_eq!(upload(client, &traces).status, 200);
        last = traces.last().map(hexmile_trace::SignedTrace::id);
    }
    let status = format!("/v1/traces/{}", last.unwrap());
    eventually("a fold", || (client.get(&status).json()["status"] == "accepted").then_some(()));
    server.stop();
    assert_eq!(how_far(&folder), (false, 0));

    // A day later, by a clock that stands still, one row at a time: a part at least is done by each start.
    let one_row = |config: &mut Config| config.compaction_observations = 1;
    let mut starts = 0;
    let parts = loop {
        InProcess::start_configured(&folder, START_MS + DAY_MS, settings(), one_row).stop();
        starts += 1;
        match how_far(&folder) {
            (true, parts) => break parts,
            (false, parts) => assert!(parts >= starts, "after {starts} starts: {parts} parts"),
        }
    };
    assert_eq!(parts, 96, "a row each");

    // Those who waited from part to part have found each other.
    let server = InProcess::start(&folder, START_MS + DAY_MS, settings());
    let typical = compacted(&server, START_MS + DAY_MS);
    assert!(typical["lines"].as_u64().unwrap() > 5, "{typical}");
    assert_eq!(server.client().get(&format!("{}?t=mon-01:05", tile())).status, 200);
    server.stop();
}
