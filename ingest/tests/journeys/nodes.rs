//! Two nodes on one Postgres.

use std::{process::Command, thread};

use hexmile_tiles::TileId;
use hexmile_trace::SignedTrace;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::support::{
    driver::{Driver, Road, upload},
    eventually,
    http::{Answer, Client},
    now_ms,
    postgres::Database,
    process::{Folder, Server, hexmile, refusal},
};

const TOKEN: &str = "a token of the operator";
const ROAD: Road = Road::number(0);

fn database() -> Option<Database> {
    Runtime::new().unwrap().block_on(Database::new())
}

/// A node of the network whose keys are in `folder`.
fn node(folder: &Folder, database: &Database) -> Command {
    let mut command = hexmile();
    command.args(["serve", "--listen", "127.0.0.1:0", "--epoch-seconds", "0", "--workers", "2"]);
    command.arg("--key-file").arg(folder.path("network.keys"));
    command.env("HEXMILE_STORE", database.url()).env("HEXMILE_ADMIN_TOKEN", TOKEN);
    command
}

fn receipts(answer: &Answer) -> Vec<Value> {
    let answer = answer.json();
    answer["results"].as_array().unwrap().iter().map(|r| r["receipt"].clone()).collect()
}

fn await_position(client: &Client, position: u64) {
    eventually("a node that has followed the log", || {
        (client.get("/v1/tiles/state.json").json()["position"] == position).then_some(())
    });
}

#[test]
fn nodes_share_traces_traffic_and_epochs() {
    let Some(database) = database() else { return };
    let folder = Folder::new();
    let start = || Server::start(&folder, &mut node(&folder, &database));
    let nodes = [start(), start()];
    let [one, two] = [nodes[0].client(), nodes[1].client()];
    let key = |client: &Client| client.get("/v1/policy").json()["server_key"].clone();
    assert_eq!(key(one), key(two));

    // Who joined at one is known at the other; a trace that comes to both at once counts once.
    let end_ms = now_ms() - 3 * 60_000;
    let traces: Vec<SignedTrace> =
        (0..3).map(|n| Driver::enrolled(n, one).drive(0, ROAD, 120, end_ms)).collect();
    let both = thread::scope(|scope| {
        [one, two].map(|client| scope.spawn(|| upload(client, &traces))).map(|t| t.join().unwrap())
    });
    let first = receipts(&both[0]);
    assert_eq!(first.len(), 3);
    assert_eq!(first, receipts(&both[1]));

    let tile = TileId::of_position(14, ROAD.at(800.0)).unwrap();
    let tile = format!("/v1/tiles/traffic/14/{}/{}", tile.x(), tile.y());
    for client in [one, two] {
        await_position(client, 3);
        assert_eq!(client.get(&tile).status, 200);
    }
    // One node's fold shows at the other, whichever folds it.
    let fourth = Driver::enrolled(3, two).drive(0, ROAD, 120, end_ms);
    upload(one, &[fourth]).json();
    await_position(one, 4);
    await_position(two, 4);

    // Two operators close at once: one epoch, or one after the other, and never the same range.
    let closed = thread::scope(|scope| {
        [one, two].map(|c| scope.spawn(|| c.close_epoch(TOKEN))).map(|t| t.join().unwrap())
    });
    assert!(closed.iter().any(|answer| answer.status == 200));
    let epochs = one.get("/v1/epochs").json();
    assert_eq!(epochs, two.get("/v1/epochs").json());
    let epochs = epochs["epochs"].as_array().unwrap();
    let paid = |epoch: &Value| epoch["paid"].as_str().unwrap().parse::<u64>().unwrap();
    let (first, rest) = epochs.split_last().unwrap();
    assert_eq!((&first["number"], &first["end_position"]), (&0.into(), &4.into()));
    assert!(paid(first) > 0 && rest.iter().all(|epoch| paid(epoch) == 0), "{epochs:?}");
    let checkpoint = |client: &Client| client.get("/v1/log/checkpoint").body;
    assert!(checkpoint(one) == checkpoint(two));

    let log = std::fs::read_to_string(folder.path("server.log")).unwrap();
    assert!(!log.contains("not-to-be-told"), "the password is in the log");
    for node in nodes {
        node.stop();
    }
    // What two nodes wrote, a third finds whole.
    let third = start();
    await_position(third.client(), 4);
    assert_eq!(receipts(&upload(third.client(), &traces)), receipts(&both[0]));
    third.stop();
}

#[test]
fn a_database_that_is_not_there_is_told_at_start() {
    let folder = Folder::new();
    let mut command = hexmile();
    command.args(["serve", "--listen", "127.0.0.1:0", "--store"]);
    command.arg("postgres://hexmile:not-to-be-told@127.0.0.1:1/traffic");
    command.arg("--key-file").arg(folder.path("network.keys"));
    let said = refusal(&mut command);
    assert!(said.contains("cannot open the store postgres://127.0.0.1:1/traffic: "), "{said}");
    assert!(!said.contains("not-to-be-told"), "{said}");
    assert!(!folder.path("network.keys").exists());
}
