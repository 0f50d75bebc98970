//! Every receipt that a client got is honoured, however the server ended.

use std::{
    process::ExitStatus,
    sync::mpsc::{Sender, channel},
    thread,
};

use serde_json::Value;

use crate::support::{
    driver::{Driver, Road, receipt, server_key, upload},
    eventually,
    http::Client,
    now_ms,
    process::{Folder, Server},
};

use hexmile_trace::{MEDIA_TYPE, SignedTrace};

const UPLOADERS: u8 = 4;
/// Traces in a batch, and fixes in a trace.
const BATCH: u64 = 3;
const FIXES: u64 = 30;

/// Uploads batch after batch until the server is gone; tells of every receipt.
fn keep_uploading(client: &Client, driver: &Driver, first: u64, receipts: &Sender<Value>) {
    for n in 0.. {
        let traces: Vec<SignedTrace> = (0..BATCH)
            .map(|i| driver.drive(first + n * BATCH + i, Road::number(0), FIXES, now_ms()))
            .collect();
        let body = crate::support::driver::batch(&traces);
        let Ok(answer) = client.try_post("/v1/traces", MEDIA_TYPE, &body) else { return };
        if answer.status == 503 {
            answer.problem(503, "store_unavailable");
            return;
        }
        for result in answer.json()["results"].as_array().unwrap() {
            assert_eq!(result["status"], "accepted", "{result}");
            receipts.send(result["receipt"].clone()).unwrap();
        }
    }
}

/// Uploads from several threads, ends the server amid them by `end`, and returns the receipts.
fn receipts_until(
    server: Server,
    drivers: &[Driver],
    first: u64,
    end: impl FnOnce(Server) -> Option<ExitStatus>,
) -> Vec<Value> {
    let (sender, told) = channel();
    thread::scope(|scope| {
        for driver in drivers {
            let (sender, client) = (sender.clone(), server.client().clone());
            scope.spawn(move || keep_uploading(&client, driver, first, &sender));
        }
        drop(sender);
        let mut receipts: Vec<Value> = told.iter().take(60).collect();
        let status = end(server);
        assert!(status.is_none_or(|status| status.code() == Some(0)), "{status:?}");
        receipts.extend(told.iter());
        receipts
    })
}

/// Every receipt is the server's, and known to it in every byte.
fn check_honoured(client: &Client, receipts: &[Value]) {
    let key = server_key(client);
    for json in receipts {
        receipt(json).verify(&key).unwrap();
        assert_eq!(status(client, json)["receipt"], *json);
    }
}

fn status(client: &Client, receipt: &Value) -> Value {
    client.get(&format!("/v1/traces/{}", receipt["trace_id"].as_str().unwrap())).json()
}

fn enrol(server: &Server) -> Vec<Driver> {
    (0..UPLOADERS).map(|n| Driver::enrolled(n, server.client())).collect()
}

#[test]
fn stopping_amid_uploads_loses_nothing() {
    let folder = Folder::new();
    let server = folder.start();
    let drivers = enrol(&server);
    let receipts = receipts_until(server, &drivers, 0, |server| {
        server.terminate();
        Some(server.wait())
    });
    assert!(receipts.len() >= 60);
    // Everything went into the file itself, so that a copy of it is whole.
    let left = std::fs::metadata(folder.path("hexmile.sqlite-wal")).map_or(0, |wal| wal.len());
    assert_eq!(left, 0, "bytes are left in the write-ahead log");
    let server = folder.start();
    check_honoured(server.client(), &receipts);
    // What had not been folded yet is folded now: a server that stops keeps no lease.
    for receipt in &receipts {
        eventually("a fold", || {
            (status(server.client(), receipt)["status"] == "accepted").then_some(())
        });
    }
    server.stop();
}

/// What a killed server had leased is folded when its lease has run out, which is not waited for.
#[test]
fn crashing_amid_uploads_loses_nothing() {
    let folder = Folder::new();
    let mut server = folder.start();
    let drivers = enrol(&server);
    let mut receipts = Vec::new();
    for round in 0..3 {
        let got = receipts_until(server, &drivers, round * 100_000, |server| {
            server.kill();
            None
        });
        receipts.extend(got);
        server = folder.start();
    }
    check_honoured(server.client(), &receipts);
    // The numbers go on where they stood.
    let again =
        upload(server.client(), &[drivers[0].drive(900_000, Road::number(0), 20, now_ms())]);
    assert_eq!(again.json()["results"][0]["status"], "accepted");
}

#[test]
fn a_connection_that_idles_does_not_hold_a_stop_up() {
    let folder = Folder::new();
    let server = folder.start();
    let address = server.client().base().strip_prefix("http://").unwrap().to_owned();
    let mut idle = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(&mut idle, b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
    let mut answer = [0; 12];
    std::io::Read::read_exact(&mut idle, &mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    server.stop();
}
