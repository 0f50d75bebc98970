//! What depends on the clock, under one that the test turns; and a store that is busy for a while.

use hexmile_ingest::config::Settings;
use serde_json::Value;

use crate::support::{
    driver::{Driver, Road, account_request, upload},
    eventually,
    in_process::InProcess,
    now_ms,
    process::Folder,
};

const ROAD: Road = Road::number(0);
const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;
/// Midnight, and some time into the day.
const START_MS: u64 = 20_000 * DAY_MS + 7 * MINUTE_MS;

#[test]
fn a_repeat_gets_its_first_receipt_whatever_its_age() {
    let folder = Folder::new();
    let server = InProcess::start(&folder, START_MS, Settings::default());
    let client = server.client();
    let driver = Driver::enrolled(1, client);
    let first = driver.drive(0, ROAD, 20, START_MS);
    let accepted = upload(client, std::slice::from_ref(&first)).json();
    assert_eq!(accepted["results"][0]["receipt"]["received_at_ms"], START_MS);

    server.advance(8 * DAY_MS);
    let repeat = upload(client, std::slice::from_ref(&first)).json();
    assert_eq!(repeat["results"][0]["status"], "duplicate");
    assert_eq!(repeat["results"][0]["receipt"], accepted["results"][0]["receipt"]);
    // What comes for the first time is another matter.
    let late = driver.drive(1, ROAD, 20, START_MS);
    upload(client, &[late]).problem(422, "captured_too_long_ago");
    let now = driver.drive(2, ROAD, 20, server.now_ms());
    assert_eq!(upload(client, &[now]).json()["results"][0]["status"], "accepted");
    server.stop();
}

#[test]
fn the_capture_window_is_exact() {
    let folder = Folder::new();
    let server = InProcess::start(&folder, START_MS, Settings::default());
    let client = server.client();
    let driver = Driver::enrolled(1, client);
    let policy = client.get("/v1/policy").json();
    assert_eq!(policy["server_time_ms"], START_MS);
    let window_ms = policy["capture_window_ms"].as_u64().unwrap();
    let tolerance_ms = policy["clock_tolerance_ms"].as_u64().unwrap();
    assert_eq!(window_ms, 7 * DAY_MS);
    let drive = |sequence, end_ms| driver.drive(sequence, ROAD, 20, end_ms);
    let ahead = START_MS + tolerance_ms;
    upload(client, &[drive(0, ahead + 1)]).problem(422, "captured_in_future");
    assert_eq!(upload(client, &[drive(0, ahead)]).status, 200);
    // The earliest fix counts, 19 s before the last.
    let oldest = START_MS - window_ms + 19_000;
    upload(client, &[drive(1, oldest - 1)]).problem(422, "captured_too_long_ago");
    assert_eq!(upload(client, &[drive(1, oldest)]).status, 200);
    server.stop();
}

#[test]
fn a_challenge_expires() {
    let folder = Folder::new();
    let server = InProcess::start(&folder, START_MS, Settings::default());
    let client = server.client();
    let driver = Driver::new(1);
    let opened = client.post_json("/v1/accounts", &account_request(&driver.account)).json();
    assert_eq!(opened["challenge_expires_at_ms"], START_MS + 10 * MINUTE_MS);
    let request = driver.device_request(&opened["challenge"]);
    server.advance(10 * MINUTE_MS + 1);
    client.post_json("/v1/devices", &request).problem(403, "challenge_invalid");
    let again = client.post_json("/v1/accounts", &account_request(&driver.account)).json();
    assert_eq!(again["opened_at_ms"], START_MS);
    server.advance(10 * MINUTE_MS);
    client.post_json("/v1/devices", &driver.device_request(&again["challenge"])).json();
    server.stop();
}

#[test]
fn epochs_close_by_the_clock() {
    let folder = Folder::new();
    let settings = Settings { epoch_seconds: Some(3600), ..Settings::default() };
    let server = InProcess::start(&folder, START_MS, settings);
    let client = server.client();
    let driver = Driver::enrolled(1, client);
    let trace = driver.drive(0, ROAD, 60, START_MS);
    assert_eq!(upload(client, std::slice::from_ref(&trace)).status, 200);
    eventually("a fold", || {
        let status = client.get(&format!("/v1/traces/{}", trace.id())).json();
        (status["status"] == "accepted").then_some(())
    });
    // Three hours end at once, as after a long stop: the first has the drive, the others nothing.
    server.advance(3 * 60 * MINUTE_MS);
    eventually("three epochs", || (client.get("/v1/epochs/2").status == 200).then_some(()));
    let list = client.get("/v1/epochs").json();
    let epochs = list["epochs"].as_array().unwrap();
    let ranges: Vec<_> = epochs
        .iter()
        .map(|e| {
            ["number", "first_position", "end_position", "closed_at_ms"]
                .map(|f| e[f].as_u64().unwrap())
        })
        .collect();
    let hour = |n: u64| 20_000 * DAY_MS + n * 60 * MINUTE_MS;
    assert_eq!(ranges, [[2, 1, 1, hour(3)], [1, 1, 1, hour(2)], [0, 0, 1, hour(1)]]);
    let balance = client.get(&format!("/v1/accounts/{}", driver.account_id())).json();
    assert_eq!(balance["balance"], epochs[2]["paid"]);
    assert_ne!(balance["balance"], "0");
    assert_eq!(epochs[1]["paid"], "0");
    server.stop();
}

#[test]
fn a_clock_that_was_set_back_pays_nothing_twice() {
    let folder = Folder::new();
    let settings = Settings {
        epoch_seconds: Some(3600),
        admin_token: Some("a token of the operator".to_owned()),
        ..Settings::default()
    };
    let server = InProcess::start(&folder, START_MS, settings);
    let client = server.client();
    let driver = Driver::enrolled(1, client);
    server.advance(60 * MINUTE_MS);
    let closed = |n: u64| (client.get(&format!("/v1/epochs/{n}")).status == 200).then_some(());
    eventually("epoch 0", || closed(0));
    let trace = driver.drive(0, ROAD, 60, server.now_ms());
    assert_eq!(upload(client, std::slice::from_ref(&trace)).status, 200);
    eventually("a fold", || {
        let status = client.get(&format!("/v1/traces/{}", trace.id())).json();
        (status["status"] == "accepted").then_some(())
    });
    // The row is paid at a time before it was folded; then the hour ends once more.
    server.set_back(20 * MINUTE_MS);
    client.close_epoch("a token of the operator").json();
    let balance =
        || client.get(&format!("/v1/accounts/{}", driver.account_id())).json()["balance"].clone();
    let paid = balance();
    assert_ne!(paid, "0");
    server.advance(2 * 60 * MINUTE_MS);
    eventually("epoch 3", || closed(3));
    let list = client.get("/v1/epochs").json();
    let ranges = list["epochs"].as_array().unwrap().iter();
    let ranges = ranges.map(|e| [&e["first_position"], &e["end_position"]].map(Value::as_u64));
    let want = [[1, 1], [1, 1], [0, 1], [0, 0]].map(|range| range.map(Some));
    assert!(ranges.eq(want), "{list}");
    assert_eq!(balance(), paid);
    server.stop();
}

#[test]
fn a_driver_whose_pseudonym_changes_is_no_company_for_themselves() {
    let folder = Folder::new();
    let change_ms = 715 * 28 * DAY_MS;
    let server = InProcess::start(&folder, change_ms - MINUTE_MS, Settings::default());
    let client = server.client();
    let days = client.get("/v1/transparency").json()["generated_from"]["pseudonym_days"].clone();
    assert_eq!(days, 28);
    let drivers: Vec<Driver> = (1..=3).map(|n| Driver::enrolled(n, client)).collect();
    let lines_after = |rows: u64| {
        eventually("a map", || {
            let state = client.get("/v1/tiles/state.json").json();
            (state["position"] == rows).then(|| state["lines"].as_u64().unwrap())
        })
    };
    let drive = |driver: &Driver, sequence| {
        upload(client, &[driver.drive(sequence, ROAD, 40, server.now_ms())]).json();
    };
    drivers[..2].iter().for_each(|driver| drive(driver, 0));
    assert_eq!(lines_after(2), 0);
    server.advance(MINUTE_MS);
    drivers[..2].iter().for_each(|driver| drive(driver, 1));
    assert_eq!(lines_after(4), 0, "two drivers under four names");
    drive(&drivers[2], 0);
    assert!(lines_after(5) > 0);
    server.stop();
}

#[test]
fn a_store_that_is_busy_refuses_for_a_time() {
    let folder = Folder::new();
    let server = InProcess::start(&folder, now_ms(), Settings::default());
    let client = server.client();
    let driver = Driver::enrolled(1, client);
    let trace = driver.drive(0, ROAD, 20, server.now_ms());
    // Another program holds the file for longer than the server waits.
    let held = rusqlite::Connection::open(folder.path("hexmile.sqlite")).unwrap();
    held.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = upload(client, std::slice::from_ref(&trace));
    let problem = refused.problem(503, "store_unavailable");
    assert_eq!(problem["temporary"], true);
    assert!(!refused.header("Retry-After").is_empty());
    client.get(&format!("/v1/traces/{}", trace.id())).problem(404, "not_found");
    held.execute_batch("ROLLBACK").unwrap();
    let taken = upload(client, std::slice::from_ref(&trace)).json();
    assert_eq!(taken["results"][0]["status"], "accepted");
    server.stop();
}
