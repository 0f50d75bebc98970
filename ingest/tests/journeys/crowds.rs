//! Many clients at once.

use std::{collections::BTreeSet, thread};

use hexmile_trace::SignedTrace;
use serde_json::Value;

use crate::support::{
    driver::{Driver, Road, receipt, server_key, upload},
    http::Client,
    now_ms,
    process::Folder,
};

const CLIENTS: usize = 8;
const TRACES: u64 = 10;

/// A counter of `/metrics`.
fn counter(client: &Client, name: &str) -> u64 {
    let text = client.get("/metrics");
    let line = text.text().lines().find_map(|line| line.strip_prefix(name));
    line.map_or(0, |value| value.trim().parse().unwrap())
}

#[test]
fn one_batch_from_many_is_taken_once() {
    let folder = Folder::new();
    let server = folder.start();
    let client = server.client();
    let driver = Driver::enrolled(1, client);
    let traces: Vec<SignedTrace> =
        (0..TRACES).map(|n| driver.drive(n, Road::number(0), 30, now_ms() - n * 60_000)).collect();
    let answers: Vec<Value> = thread::scope(|scope| {
        let uploads: Vec<_> =
            (0..CLIENTS).map(|_| scope.spawn(|| upload(client, &traces).json())).collect();
        uploads.into_iter().map(|upload| upload.join().unwrap()).collect()
    });
    let key = server_key(client);
    for (n, trace) in traces.iter().enumerate() {
        let results: Vec<&Value> = answers.iter().map(|answer| &answer["results"][n]).collect();
        let accepted = results.iter().filter(|r| r["status"] == "accepted").count();
        let repeated = results.iter().filter(|r| r["status"] == "duplicate").count();
        assert_eq!((accepted, repeated), (1, CLIENTS - 1), "trace {n}");
        let receipts: BTreeSet<String> =
            results.iter().map(|result| result["receipt"].to_string()).collect();
        assert_eq!(receipts.len(), 1, "trace {n} has several receipts");
        let receipt = receipt(&results[0]["receipt"]);
        receipt.verify(&key).unwrap();
        assert_eq!(receipt.body.trace, trace.id());
    }
    assert_eq!(counter(client, "hexmile_traces_total{code=\"accepted\"}"), TRACES);
    let repeats = TRACES * (CLIENTS as u64 - 1);
    assert_eq!(counter(client, "hexmile_traces_total{code=\"duplicate\"}"), repeats);
}

#[test]
fn joining_many_times_at_once_opens_one_account() {
    let folder = Folder::new();
    let server = folder.start();
    let client = server.client();
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| Driver::enrolled(1, client));
        }
    });
    let driver = Driver::new(1);
    let shown = client.get(&format!("/v1/accounts/{}", driver.account_id())).json();
    assert_eq!(shown["account_id"], driver.account_id().to_string());
}
