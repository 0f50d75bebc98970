//! From drives to receipts, verdicts, tiles, an epoch and pay; and all of it again after a restart.

use std::{collections::BTreeMap, io::Read};

use hexmile_tiles::{Tick, TileId};
use hexmile_trace::{SignedTrace, TraceId};
use serde_json::Value;

use crate::support::{
    driver::{Driver, Road, receipt, server_key, upload},
    eventually,
    http::{Answer, Client},
    now_ms,
    process::{Folder, Server, run},
};

const TOKEN: &str = "a token of the operator";
/// Fixes of a drive: two minutes, some 1.6 km.
const FIXES: u64 = 120;

/// Driven by three, and by two only.
const BUSY: Road = Road::number(0);
const QUIET: Road = Road::number(1);

fn start(folder: &Folder) -> Server {
    Server::start(folder, folder.serve().env("HEXMILE_ADMIN_TOKEN", TOKEN))
}

/// Path of the tile at zoom 14 where a road is half way.
fn tile_of(road: Road) -> String {
    let tile = TileId::of_position(14, road.at(800.0)).unwrap();
    format!("/v1/tiles/traffic/14/{}/{}", tile.x(), tile.y())
}

/// Waits for verdicts; all must be good.
fn await_accepted(client: &Client, traces: &[TraceId]) {
    for id in traces {
        let status = eventually("a verdict", || {
            let status = client.get(&format!("/v1/traces/{id}")).json();
            (status["status"] != "pending").then_some(status)
        });
        assert_eq!(status["status"], "accepted", "{status}");
        assert_eq!(status["evidence"]["fixes_kept"], FIXES, "{status}");
        assert!(status["position"].as_u64().unwrap() < 5);
    }
}

/// Three drive one road, two another; all are accepted.
fn drive(client: &Client) -> Vec<SignedTrace> {
    let end_ms = now_ms() - 3 * 60_000;
    let traces: Vec<SignedTrace> = (0..5)
        .map(|n| {
            let road = if n < 3 { BUSY } else { QUIET };
            Driver::enrolled(n, client).drive(0, road, FIXES, end_ms - u64::from(n) * 10_000)
        })
        .collect();
    let key = server_key(client);
    for trace in &traces {
        let answer = upload(client, std::slice::from_ref(trace)).json();
        let [result] = &answer["results"].as_array().unwrap()[..] else { panic!("{answer}") };
        assert_eq!(result["status"], "accepted", "{answer}");
        assert_eq!(result["trace_id"], trace.id().to_string());
        let receipt = receipt(&result["receipt"]);
        receipt.verify(&key).unwrap();
        assert_eq!(receipt.body.trace, trace.id());
        assert_eq!(receipt.body.device, trace.decode().unwrap().header().device);
        assert!(receipt.body.received_at_ms >= end_ms);
    }
    traces
}

/// Features of a tile's traffic, by an independent reader.
fn traffic(bytes: &[u8]) -> Vec<mvt_reader::feature::Feature> {
    let reader = mvt_reader::Reader::new(bytes.to_vec()).unwrap();
    let names = reader.get_layer_names().unwrap();
    assert_eq!(names, ["traffic"]);
    reader.get_features(0).unwrap()
}

fn check_tile(client: &Client, path: &str) {
    let tile = client.get(path);
    assert_eq!(tile.status, 200);
    assert_eq!(tile.header("Content-Type"), "application/vnd.mapbox-vector-tile");
    let vary: Vec<_> = tile.headers.get_all("Vary").iter().collect();
    assert_eq!(vary, ["Accept-Encoding", "Origin"]);
    assert!(tile.header("Cache-Control").starts_with("public, max-age="));
    assert_eq!(tile.header("Access-Control-Allow-Origin"), "");
    let crossed = client.get_with(path, &[("Origin", "https://map.example.org")]);
    assert_eq!(crossed.header("Access-Control-Allow-Origin"), "*");
    let features = traffic(&tile.body);
    assert!(features.len() > 10, "{} features", features.len());
    for feature in &features {
        let properties = feature.properties.as_ref().unwrap();
        let number = |name: &str| match properties[name] {
            mvt_reader::feature::Value::Int(n) | mvt_reader::feature::Value::SInt(n) => n,
            mvt_reader::feature::Value::UInt(n) => n as i64,
            ref other => panic!("{name}: {other:?}"),
        };
        assert!((42..=57).contains(&number("speed")), "{properties:?}");
        assert_eq!(number("n"), 3, "{properties:?}");
    }
}

/// Asks until both answers fall into one tick, between which nothing ages.
fn in_one_tick(ask: impl Fn() -> (Answer, Answer)) -> (Answer, Answer) {
    eventually("two answers in one tick", || {
        let before = Tick::of_unix_ms(now_ms());
        let answers = ask();
        (before == Tick::of_unix_ms(now_ms())).then_some(answers)
    })
}

fn check_encodings(client: &Client, path: &str) {
    let (plain, gzip) = in_one_tick(|| {
        (client.get(path), client.get_with(path, &[("Accept-Encoding", "br, gzip")]))
    });
    assert_eq!(plain.header("Content-Encoding"), "");
    assert_eq!(gzip.header("Content-Encoding"), "gzip");
    assert_ne!(plain.header("ETag"), gzip.header("ETag"));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&gzip.body[..]).read_to_end(&mut unpacked).unwrap();
    assert!(unpacked == plain.body);
    let refused = client.get_with(path, &[("Accept-Encoding", "gzip;q=0, identity")]);
    assert_eq!(refused.header("Content-Encoding"), "");

    for form in ["TAG", "W/TAG", "\"other\", TAG", "*"] {
        let (first, second) = in_one_tick(|| {
            let first = client.get(path);
            let header = form.replace("TAG", first.header("ETag"));
            let second = client.get_with(path, &[("If-None-Match", &header)]);
            (first, second)
        });
        assert_eq!((second.status, second.body.len()), (304, 0), "{form}");
        assert_eq!(second.header("ETag"), first.header("ETag"));
        assert_eq!(second.header("Cache-Control").split('=').next(), Some("public, max-age"));
    }
    let other = client.get_with(path, &[("If-None-Match", "\"other\"")]);
    assert_eq!(other.status, 200);
    let crossed = client
        .get_with(path, &[("If-None-Match", plain.header("ETag")), ("Accept-Encoding", "gzip")]);
    assert_eq!(crossed.status, 200, "one encoding's tag is not the other's");
}

fn check_cells(client: &Client) {
    let at = |road: Road, resolution| {
        let place = road.at(800.0);
        let place = h3o::LatLng::new(place.lat_deg(), place.lon_deg()).unwrap();
        client.get(&format!("/v1/cells/{}", place.to_cell(resolution)))
    };
    for resolution in [h3o::Resolution::Eleven, h3o::Resolution::Seven] {
        let cell = at(BUSY, resolution).json();
        assert_eq!(cell["resolution"], u8::from(resolution));
        let [eastwards] = &cell["directions"].as_array().unwrap()[..] else { panic!("{cell}") };
        assert!((85..=95).contains(&eastwards["heading_deg"].as_u64().unwrap()), "{cell}");
        at(QUIET, resolution).problem(404, "not_found");
    }
}

/// `hexmile epoch ...` against a server.
#[track_caller]
fn epoch(client: &Client, args: &[&str], succeeds: bool) -> String {
    let out = run(&[&["epoch"], args, &["--server", client.base()]].concat());
    let said = String::from_utf8([out.stdout, out.stderr].concat()).unwrap();
    assert_eq!(out.status.success(), succeeds, "{said}");
    said
}

/// Closes epoch 0 by the command line, checks it by both, and returns pay by account.
fn check_epoch(client: &Client) -> BTreeMap<String, u64> {
    let refused = epoch(client, &["close", "--admin-token", "not the token at all"], false);
    assert!(refused.contains("operator_only"), "{refused}");
    assert_eq!(client.get("/v1/epochs").json()["epochs"], Value::Array(Vec::new()));
    let missing = epoch(client, &["show", "0"], false);
    assert!(missing.contains("not_found"), "{missing}");

    let closed = epoch(client, &["close", "--admin-token", TOKEN], true);
    assert!(closed.starts_with("epoch 0\n  log        0 to 5\n"), "{closed}");
    assert_eq!(epoch(client, &["show", "0"], true), closed);
    let verified = epoch(client, &["verify", "0"], true);
    assert!(verified.starts_with("epoch 0 verifies: 5 scores, "), "{verified}");

    let record = &client.get("/v1/epochs/0").json()["epoch"];
    let scores = client.get("/v1/epochs/0/scores?limit=1000").json();
    let number = |value: &Value| value.as_str().unwrap().parse::<u64>().unwrap();
    let pay: BTreeMap<String, u64> = scores["scores"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s["account_id"].as_str().unwrap().to_owned(), number(&s["pay"])))
        .collect();
    assert!(pay.values().all(|pay| *pay > 0), "{scores}");
    assert_eq!(record["drivers"], pay.len());
    assert_eq!(client.get("/v1/epochs").json()["epochs"][0], *record);
    assert_eq!(pay.values().sum::<u64>(), number(&record["paid"]));
    assert_eq!(number(&record["paid"]) + number(&record["unallocated"]), number(&record["pool"]));
    for (account, pay) in &pay {
        let account = client.get(&format!("/v1/accounts/{account}")).json();
        assert_eq!(number(&account["balance"]), *pay, "{account}");
        assert_eq!(account["epochs"][0]["epoch"], 0);
        assert_eq!(number(&account["epochs"][0]["pay"]), *pay);
    }
    pay
}

#[test]
fn drives_become_traffic_and_pay_and_stay_so() {
    let folder = Folder::new();
    let mut server = start(&folder);
    let client = server.client().clone();
    assert_eq!(client.get(&tile_of(BUSY)).status, 204);
    let traces = drive(&client);
    let ids: Vec<TraceId> = traces.iter().map(SignedTrace::id).collect();
    await_accepted(&client, &ids);
    eventually("traffic that has followed the log", || {
        (client.get("/v1/tiles/state.json").json()["position"] == 5).then_some(())
    });
    check_tile(&client, &tile_of(BUSY));
    let quiet = client.get(&tile_of(QUIET));
    assert_eq!((quiet.status, quiet.body.len()), (204, 0), "two drivers are too few to show");
    check_encodings(&client, &tile_of(BUSY));
    check_cells(&client);
    let pay = check_epoch(&client);
    assert_eq!(pay.len(), 5);
    let checkpoint = client.get("/v1/log/checkpoint");
    // Five receipts, the rules, the epoch.
    assert!(checkpoint.text().starts_with("hexmile/hexmile\n7\n"), "{}", checkpoint.text());

    let repeat = upload(&client, &traces);
    let results = repeat.json();
    assert!(results["results"].as_array().unwrap().iter().all(|r| r["status"] == "duplicate"));
    let detail = client.get("/v1/epochs/0").body;
    eventually("a restart within one tick", || {
        let before = (Tick::of_unix_ms(now_ms()), server.client().get(&tile_of(BUSY)));
        server.terminate();
        let stopped = std::mem::replace(&mut server, start(&folder));
        assert_eq!(stopped.wait().code(), Some(0));
        let after = (server.client().get(&tile_of(BUSY)), Tick::of_unix_ms(now_ms()));
        if before.0 != after.1 {
            return None;
        }
        assert!(before.1.body == after.0.body, "the restart changed the tile");
        assert_eq!(before.1.header("ETag"), after.0.header("ETag"));
        Some(())
    });
    let client = server.client();
    assert!(upload(client, &traces).body == repeat.body, "the restart changed a receipt");
    assert!(client.get("/v1/epochs/0").body == detail);
    assert_eq!(client.get("/v1/log/checkpoint").text(), checkpoint.text());
    epoch(client, &["verify", "0"], true);
    assert_eq!(client.get(&tile_of(QUIET)).status, 204);
    for (account, pay) in pay {
        let account = client.get(&format!("/v1/accounts/{account}")).json();
        assert_eq!(account["balance"], pay.to_string());
    }
    server.stop();
}
