//! A driver takes everything away, and has everything erased; on both stores.

use base64::{Engine, engine::general_purpose::STANDARD};
use hexmile_tiles::TileId;
use hexmile_trace::SignedTrace;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::support::{
    driver::{Driver, Road, receipt, server_key, signed_request, upload},
    eventually,
    http::{Answer, Client},
    now_ms,
    postgres::Database,
    process::{Folder, Server, hexmile, run},
};

const TOKEN: &str = "a token of the operator";
const BUSY: Road = Road::number(0);
/// Driven by two until a third comes.
const QUIET: Road = Road::number(1);

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

const EXPORT: &str = "/v1/me/export";
const ME: &str = "/v1/me";

/// Runs a journey on each store there is.
fn on_both_stores(journey: impl Fn(&Folder, &dyn Fn() -> Server)) {
    let folder = Folder::new();
    journey(&folder, &|| Server::start(&folder, folder.serve().env("HEXMILE_ADMIN_TOKEN", TOKEN)));
    let Some(database) = Runtime::new().unwrap().block_on(Database::new()) else { return };
    let folder = Folder::new();
    journey(&folder, &|| {
        let mut command = hexmile();
        command.args(["serve", "--listen", "127.0.0.1:0", "--epoch-seconds", "0"]);
        command.arg("--key-file").arg(folder.path("network.keys"));
        command.env("HEXMILE_STORE", database.url()).env("HEXMILE_ADMIN_TOKEN", TOKEN);
        Server::start(&folder, &mut command)
    });
}

fn by_account(driver: &Driver, time_ms: u64, method: &str, path: &str) -> String {
    signed_request(&driver.account, driver.account_id().0, time_ms, method, path)
}

fn by_device(driver: &Driver, time_ms: u64, method: &str, path: &str) -> String {
    signed_request(&driver.device, driver.device_id().0, time_ms, method, path)
}

fn ask(client: &Client, method: &str, path: &str, authorization: &str) -> Answer {
    client.send_with(method, path, &[("Authorization", authorization)])
}

fn await_position(client: &Client, position: u64) {
    eventually("a node that has followed the log", || {
        (client.get("/v1/tiles/state.json").json()["position"] == position).then_some(())
    });
}

fn is_drawn(client: &Client, road: Road) -> bool {
    let tile = TileId::of_position(14, road.at(800.0)).unwrap();
    let answer = client.get(&format!("/v1/tiles/traffic/14/{}/{}", tile.x(), tile.y()));
    assert!([200, 204].contains(&answer.status));
    answer.status == 200
}

fn verify(client: &Client) -> String {
    let out = run(&["epoch", "verify", "0", "--server", client.base()]);
    let said = String::from_utf8([out.stdout, out.stderr].concat()).unwrap();
    assert!(out.status.success(), "{said}");
    said
}

/// Everything of `export` is what the driver knows from elsewhere.
fn check_export(client: &Client, driver: &Driver, trace: &SignedTrace, export: &Value) {
    let (account, device) = (driver.account_id().to_string(), driver.device_id().to_string());
    assert_eq!(export["format"], "hexmile-export/1");
    assert_eq!(export["account"]["id"], account);
    assert_eq!(export["account"]["alg"], "ed25519");
    let list = |name: &str| export[name].as_array().unwrap().clone();
    let [phone] = &list("devices")[..] else { panic!("{export}") };
    assert_eq!(phone["id"], device);

    let [own] = &list("traces")[..] else { panic!("{export}") };
    let receipt = receipt(&own["receipt"]);
    receipt.verify(&server_key(client)).unwrap();
    assert_eq!(receipt.body.trace, trace.id());
    let payload = STANDARD.decode(own["payload"].as_str().unwrap()).unwrap();
    assert!(payload == trace.payload());

    let [fold] = &list("log")[..] else { panic!("{export}") };
    assert_eq!(fold["position"], own["position"]);
    assert_eq!(fold["trace_id"], trace.id().to_string());
    let status = client.get(&format!("/v1/traces/{}", trace.id())).json();
    assert_eq!(fold["evidence"], status["evidence"]);
    assert!(fold["observations"].as_array().unwrap().len() > 10, "{fold}");
    assert!(!fold["contributions"].as_array().unwrap().is_empty(), "{fold}");

    let public = client.get(&format!("/v1/accounts/{account}")).json();
    assert_eq!(export["balance"], public["balance"]);
    let [score] = &list("scores")[..] else { panic!("{export}") };
    assert_eq!(score["score"], public["epochs"][0]["score"]);
    assert_eq!(score["account_id"], account);
    let [entry] = &list("ledger")[..] else { panic!("{export}") };
    assert_eq!(entry["credit"], format!("driver/{account}"));
    assert_eq!(entry["amount"], export["balance"]);
    assert!(!list("cells").is_empty());
}

#[test]
fn a_driver_takes_everything_away_and_is_erased() {
    on_both_stores(|folder, start| {
        let server = start();
        let client = server.client();
        let end_ms = now_ms() - 3 * 60_000;
        let drivers: Vec<Driver> = (0..4).map(|n| Driver::enrolled(n, client)).collect();
        let traces: Vec<SignedTrace> =
            drivers.iter().map(|driver| driver.drive(0, BUSY, 120, end_ms)).collect();
        upload(client, &traces).json();
        await_position(client, 4);
        assert_eq!(client.close_epoch(TOKEN).status, 200);
        let (me, mine) = (&drivers[0], &traces[0]);

        let export = ask(client, "GET", EXPORT, &by_account(me, now_ms(), "GET", EXPORT));
        assert_eq!(export.header("Cache-Control"), "no-store");
        assert!(export.header("Content-Disposition").contains(&me.account_id().to_string()));
        check_export(client, me, mine, &export.json());
        let again = ask(client, "GET", EXPORT, &by_device(me, now_ms(), "GET", EXPORT)).json();
        check_export(client, me, mine, &again);
        let before = client.get("/v1/epochs/0/scores").json();
        let epoch = client.get("/v1/epochs/0").json();
        assert_eq!(epoch["epoch"]["drivers"], drivers.len());
        let checkpoint = |client: &Client| client.get("/v1/log/checkpoint").text().to_owned();
        let log = checkpoint(client);
        verify(client);

        // A request that a phone signed before it destroyed its keys, and sends three weeks later.
        let signed_at_ms = now_ms();
        let goodbye = by_device(me, signed_at_ms, "DELETE", ME);
        let erased = ask(client, "DELETE", ME, &goodbye).json();
        assert_eq!(erased["devices"], 1);
        assert_eq!((&erased["traces"], &erased["log_rows"]), (&1.into(), &1.into()));
        assert_eq!(erased["scores"], 1);
        let done_ms = erased["forgotten_at_ms"].as_u64().unwrap();
        assert!(done_ms >= signed_at_ms && done_ms < now_ms() + 60_000);

        for authorization in [&goodbye, &by_account(me, now_ms(), "DELETE", ME)] {
            ask(client, "DELETE", ME, authorization).problem(404, "not_found");
        }
        ask(client, "GET", EXPORT, &by_account(me, now_ms(), "GET", EXPORT))
            .problem(404, "not_found");
        client.get(&format!("/v1/accounts/{}", me.account_id())).problem(404, "not_found");
        client.get(&format!("/v1/traces/{}", mine.id())).problem(404, "not_found");
        upload(client, std::slice::from_ref(mine)).problem(403, "unknown_device");

        // What was published still adds up, without the name; the others have what they had.
        assert_eq!(client.get("/v1/epochs/0").json(), epoch, "an erased account is counted");
        let after = client.get("/v1/epochs/0/scores").json();
        let (before, after) = (&before["scores"], &after["scores"]);
        for (was, is) in before.as_array().unwrap().iter().zip(after.as_array().unwrap()) {
            assert_eq!((&was["score"], &was["pay"]), (&is["score"], &is["pay"]));
            let mine = was["account_id"] == me.account_id().to_string();
            assert_eq!(is["account_id"].is_null(), mine, "{is}");
            assert_eq!(is["leaf"].is_string(), mine, "{is}");
        }
        verify(client);
        assert_eq!(checkpoint(client), log, "an erasure adds nothing to the log of receipts");
        await_position(client, 5);
        assert!(is_drawn(client, BUSY), "sums of several drivers stay");
        let other = &drivers[1];
        let export = ask(client, "GET", EXPORT, &by_account(other, now_ms(), "GET", EXPORT));
        check_export(client, other, &traces[1], &export.json());
        server.stop();

        let file = folder.path("hexmile.sqlite");
        if file.exists() {
            let bytes = std::fs::read(file).unwrap();
            let holds = |what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
            assert!(holds(&drivers[1].account_id().0), "the search finds who is there");
            assert!(!holds(&me.account_id().0) && !holds(&me.device_id().0));
            assert!(!holds(&mine.id().0) && !holds(&mine.payload()[mine.payload().len() / 2..]));
        }
        // The next epoch follows, and a start reads a log with holes.
        let server = start();
        await_position(server.client(), 5);
        assert_eq!(server.client().close_epoch(TOKEN).status, 200);
        verify(server.client());
        server.stop();
    });
}

#[test]
fn who_is_erased_counts_in_no_company_that_is_not_public_yet() {
    on_both_stores(|_, start| {
        let server = start();
        let client = server.client();
        let end_ms = now_ms() - 3 * 60_000;
        let drive = |n: u8| {
            let driver = Driver::enrolled(n, client);
            upload(client, &[driver.drive(0, QUIET, 120, end_ms)]).json();
            driver
        };
        let (me, _other) = (drive(0), drive(1));
        await_position(client, 2);
        ask(client, "DELETE", ME, &by_account(&me, now_ms(), "DELETE", ME)).json();
        await_position(client, 3);
        drive(2);
        await_position(client, 4);
        assert!(!is_drawn(client, QUIET), "two drivers were published");
        drive(3);
        await_position(client, 5);
        assert!(is_drawn(client, QUIET), "three drivers are not");
        server.stop();
    });
}

#[test]
fn only_a_key_of_the_account_is_heard() {
    let folder = Folder::new();
    let server = folder.start();
    let client = server.client();
    let (me, other) = (Driver::enrolled(0, client), Driver::enrolled(1, client));
    let now = now_ms();
    let good = by_account(&me, now, "GET", EXPORT);

    let none = client.send("GET", EXPORT);
    none.problem(401, "authorization_missing");
    assert_eq!(none.header("WWW-Authenticate"), "Hexmile");
    for malformed in [
        "Bearer abc".to_owned(),
        "Hexmile".to_owned(),
        "Hexmile ".to_owned(),
        good.replace("key=", "kez="),
        good.replace("time=", "time=x"),
        good.replace("signature=", "signature=*"),
        good.replacen("key=", "key=0", 1),
        good.split(", signature").next().unwrap().to_owned(),
        format!("{good}, time={now}"),
        format!("{good}, more=1"),
    ] {
        let refused = ask(client, "GET", EXPORT, &malformed);
        refused.problem(401, "authorization_malformed");
        assert_eq!(refused.header("WWW-Authenticate"), "Hexmile", "{malformed}");
    }
    for (what, authorization) in [
        ("another method", by_account(&me, now, "DELETE", EXPORT)),
        ("another path", by_account(&me, now, "GET", ME)),
        ("another's key", signed_request(&other.account, me.account_id().0, now, "GET", EXPORT)),
        ("another time", good.replace(&now.to_string(), &(now + 1).to_string())),
        ("its device's key", signed_request(&me.device, me.account_id().0, now, "GET", EXPORT)),
    ] {
        eprintln!("{what}");
        ask(client, "GET", EXPORT, &authorization).problem(403, "signature_invalid");
    }
    for time in [0, now - 6 * MINUTE, now + 6 * MINUTE, u64::MAX] {
        ask(client, "GET", EXPORT, &by_account(&me, time, "GET", EXPORT))
            .problem(401, "request_expired");
    }
    ask(client, "GET", EXPORT, &by_account(&me, now - 4 * MINUTE, "GET", EXPORT)).json();
    // Older than the account: it was for one that was erased before.
    for time in [now - 31 * DAY, now - DAY, now + 6 * MINUTE] {
        ask(client, "DELETE", ME, &by_account(&me, time, "DELETE", ME))
            .problem(401, "request_expired");
    }
    let stranger = Driver::new(9);
    ask(client, "GET", EXPORT, &by_account(&stranger, now, "GET", EXPORT))
        .problem(404, "not_found");
    client.send("POST", ME).problem(405, "method_not_allowed");
    assert_eq!(client.send("POST", ME).header("Allow"), "GET, HEAD, DELETE");
    // Nothing of all this has erased anybody.
    ask(client, "GET", EXPORT, &good).json();
    server.stop();
}
