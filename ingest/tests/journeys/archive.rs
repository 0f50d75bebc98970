//! Tiles in a file: what the server serves, no more and no less.

use std::{collections::BTreeSet, fs, path::Path};

use hexmile_tiles::TileId;
use pmtiles::{AsyncPmTilesReader, MmapBackend, TileCoord};
use serde_json::Value;

use super::typical::{DAY_MS, START_MS, compacted, drive, settings};
use crate::support::{
    driver::{Driver, Road, upload},
    eventually,
    http::Client,
    in_process::InProcess,
    now_ms,
    process::{Folder, run},
};

const BUSY: Road = Road::number(0);

/// Tiles at every zoom along a road, and beside it.
fn tiles_along(road: Road) -> BTreeSet<(u8, u32, u32)> {
    let mut tiles = BTreeSet::new();
    for zoom in 0..=14_u8 {
        let span = 1_u32 << zoom;
        for metres in (0..1800_i32).step_by(300) {
            let tile = TileId::of_position(zoom, road.at(f64::from(metres))).unwrap();
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (span - 1, 0), (0, span - 1)] {
                tiles.insert((zoom, (tile.x() + dx) % span, (tile.y() + dy) % span));
            }
        }
    }
    tiles
}

fn export(folder: &Folder, out: &Path, more: &[&str]) -> std::process::Output {
    let out = out.display().to_string();
    let store = folder.store();
    let mut args = vec!["export", "pmtiles", "--out", &out, "--store", &store];
    args.extend(more);
    run(&args)
}

#[test]
fn an_archive_holds_what_a_running_server_serves() {
    let folder = Folder::new();
    let server = folder.start();
    let client = server.client();
    let out = folder.path("traffic.pmtiles");
    fs::write(&out, "of yesterday").unwrap();

    let refused = export(&folder, &out, &[]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("nothing is published"), "{said}");
    assert_eq!(fs::read(&out).unwrap(), b"of yesterday");

    for n in 0..3 {
        let driver = Driver::enrolled(n, client);
        upload(client, &[driver.drive(0, BUSY, 120, now_ms() - u64::from(n) * 10_000)]);
    }
    let before = client.get("/v1/tiles/state.json").json();
    assert_eq!((&before["lines"], &before["freshest_min"]), (&0.into(), &Value::Null));
    let state = eventually("a map", || {
        let state = client.get("/v1/tiles/state.json").json();
        (state["lines"].as_u64() > Some(0)).then_some(state)
    });
    // Two minutes at some 14 m/s, in one direction.
    assert_eq!(state["kilometres"], 1, "{state}");
    assert!(state["freshest_min"].as_u64() <= Some(5), "{state}");
    assert!(state["changed_at_ms"].as_u64() > before["changed_at_ms"].as_u64(), "{state}");

    let written = export(&folder, &out, &[]);
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let said = String::from_utf8(written.stdout).unwrap();
    let names: Vec<_> =
        fs::read_dir(folder.path("")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().starts_with(".tmp")), "{names:?}");

    holds_what_is_served(client, "", &out, &said, "Live traffic,");
}

#[test]
fn an_archive_of_what_is_typical_holds_what_is_served_for_that_time() {
    let folder = Folder::new();
    let server = InProcess::start(&folder, START_MS, settings());
    let client = server.client();
    let out = folder.path("typical.pmtiles");
    let refused = export(&folder, &out, &["--at", "mon-01:05"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("nothing is typical yet"), "{said}");
    let refused = export(&folder, &out, &["--at", "monday"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("expected an instant like"), "{said}");

    for n in 1..=5 {
        drive(&server, &Driver::enrolled(n, client), 0);
    }
    server.advance(DAY_MS);
    compacted(&server, START_MS + DAY_MS);
    for (at, described) in [
        ("mon-01:05", "Traffic typical of mon-01:05, local time,"),
        ("2024-10-14T00:07:00Z", "Traffic typical of 2024-10-14T00:07:00Z,"),
    ] {
        let written = export(&folder, &out, &["--at", at]);
        assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
        let said = String::from_utf8(written.stdout).unwrap();
        holds_what_is_served(client, &format!("?t={at}"), &out, &said, described);
    }
    server.stop();
}

/// The tiles along the road are in the archive as they are served, and there are no others.
fn holds_what_is_served(client: &Client, query: &str, out: &Path, said: &str, described: &str) {
    let served: Vec<_> = tiles_along(BUSY)
        .into_iter()
        .map(|(z, x, y)| {
            let path = format!("/v1/tiles/traffic/{z}/{x}/{y}{query}");
            let answer = client.get_with(&path, &[("Accept-Encoding", "identity")]);
            ((z, x, y), if answer.status == 204 { None } else { Some(answer.body) })
        })
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let archive = MmapBackend::try_from(out).await.unwrap();
        let archive = AsyncPmTilesReader::try_from_source(archive).await.unwrap();
        let mut shown = 0;
        for ((z, x, y), tile) in served {
            let coordinates = TileCoord::new(z, x, y).unwrap();
            let archived = archive.get_tile_decompressed(coordinates).await.unwrap();
            assert_eq!(archived.as_deref(), tile.as_deref(), "{z}/{x}/{y}");
            shown += u64::from(tile.is_some());
        }
        // All of it lies along the road, so there is nothing else, either.
        assert!(said.contains(&format!("{shown} tiles")), "{shown} are served; {said}");
        assert!(shown >= 15, "{shown}: less than one a zoom");
        let metadata: Value = serde_json::from_str(&archive.get_metadata().await.unwrap()).unwrap();
        assert_eq!(metadata["vector_layers"][0]["id"], "traffic");
        assert!(metadata["description"].as_str().unwrap().starts_with(described), "{metadata}");
        assert_eq!(metadata["attribution"], "Hexmile contributors");
        let header = archive.get_header();
        let position = BUSY.at(250.0);
        assert!(header.min_longitude <= position.lon_deg());
        assert!(position.lon_deg() <= header.max_longitude);
        assert!(header.min_latitude <= position.lat_deg());
        assert!(position.lat_deg() <= header.max_latitude);
    });
}

#[test]
fn a_store_that_is_not_there_is_not_made() {
    let folder = Folder::new();
    let out = export(&folder, &folder.path("traffic.pmtiles"), &[]);
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(said.contains("store: there is no"), "{said}");
    assert_eq!(fs::read_dir(folder.path("")).unwrap().count(), 0);
}
