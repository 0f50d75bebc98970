//! Given the same clock, keys, randomness and order, every store leads to the same bytes.

use hexmile_ingest::{
    config::Settings,
    metrics::Transactions,
    store::{Erasure, Logged, Store, postgres::PostgresStore, sqlite::SqliteStore},
};
use hexmile_rewards::unpack;
use hexmile_tiles::TileId;
use hexmile_trace::{AccountId, SignedTrace};
use tokio::runtime::Runtime;

use crate::support::{
    driver::{Driver, Road, network, upload},
    eventually,
    http::Client,
    in_process::InProcess,
    postgres::Database,
    process::Folder,
};

const TOKEN: &str = "a token of the operator";
const ROAD: Road = Road::number(0);
const START_MS: u64 = 20_000 * 24 * 3_600_000;

/// What was asked, and the answer's bytes.
type Transcript = Vec<(String, Vec<u8>)>;

/// Uploads one trace, and waits for its verdict, so that the log's order is that of uploads.
fn send(client: &Client, transcript: &mut Transcript, trace: SignedTrace) {
    let path = format!("/v1/traces/{}", trace.id());
    transcript.push(("upload".to_owned(), upload(client, std::slice::from_ref(&trace)).body));
    let verdict = eventually("a verdict", || {
        let answer = client.get(&path);
        (answer.json()["status"] != "pending").then_some(answer.body)
    });
    transcript.push((path, verdict));
    transcript.push(("repeat".to_owned(), upload(client, &[trace]).body));
}

/// Drives, refusals, traffic and an epoch, each as the server tells it.
fn journey(server: &InProcess) -> (Transcript, Vec<AccountId>) {
    let client = server.client();
    let mut transcript = Transcript::new();
    let mut accounts = Vec::new();
    for n in 0..5 {
        let driver = Driver::enrolled(n, client);
        accounts.push(driver.account_id());
        let end_ms = START_MS - 600_000;
        send(client, &mut transcript, driver.drive(0, ROAD, 120, end_ms));
        let other = driver.drive(0, ROAD, 60, end_ms);
        transcript.push(("sequence taken".to_owned(), upload(client, &[other]).body));
        // Rejected: one position tells no stretch of road.
        send(client, &mut transcript, driver.drive(1, ROAD, 1, end_ms));
    }
    let state = eventually("traffic that has followed the log", || {
        let state = client.get("/v1/tiles/state.json");
        (state.json()["position"] == 10).then_some(state.body)
    });
    transcript.push(("state".to_owned(), state));
    transcript.push(("close".to_owned(), client.close_epoch(TOKEN).body));
    let at = ROAD.at(800.0);
    let mut paths = vec![
        "/v1/epochs".to_owned(),
        "/v1/epochs/0".to_owned(),
        "/v1/epochs/0/scores?limit=1000".to_owned(),
        "/v1/log/checkpoint".to_owned(),
        "/v1/policy".to_owned(),
        "/v1/transparency".to_owned(),
    ];
    for zoom in [5, 10, 12, 14] {
        let tile = TileId::of_position(zoom, at).unwrap();
        paths.push(format!("/v1/tiles/traffic/{zoom}/{}/{}", tile.x(), tile.y()));
    }
    paths.extend(accounts.iter().map(|account| format!("/v1/accounts/{account}")));
    let ask = |path: String, transcript: &mut Transcript| {
        let answer = client.get(&path);
        assert_eq!(answer.status, 200, "{path}");
        transcript.push((format!("{path} {}", answer.header("ETag")), answer.body));
    };
    for path in paths {
        ask(path, &mut transcript);
    }
    // Last, as the clock goes on by a day: the first compaction is due.
    server.advance(24 * 3_600_000);
    let state = eventually("what is typical", || {
        let state = client.get("/v1/tiles/state.json").json();
        state["typical"].is_object().then(|| state["typical"].to_string())
    });
    transcript.push(("typical".to_owned(), state.into_bytes()));
    let tile = TileId::of_position(14, at).unwrap();
    let path = format!("/v1/tiles/traffic/14/{}/{}?t=mon-08:00", tile.x(), tile.y());
    ask(path, &mut transcript);
    (transcript, accounts)
}

/// Everything that a store tells of itself, in text.
async fn contents(store: &dyn Store, accounts: &[AccountId]) -> Vec<String> {
    let head = store.log_head().await.unwrap();
    let mut told = vec![format!("{head:?}")];
    let log = store.read_log(0, 99).await.unwrap();
    let mut cells = Vec::new();
    for row in &log {
        told.push(format!("{row:?}"));
        let Logged::Trace(trace) = &row.what else { continue };
        told.push(format!("{:?}", store.trace(trace.trace).await.unwrap()));
        if trace.accepted {
            let contributions = unpack(trace.trace, &trace.contributions).unwrap();
            cells.extend(contributions.iter().map(|c| u64::from(c.cell)));
        }
    }
    cells.sort_unstable();
    let buckets = store.buckets(&cells).await.unwrap();
    assert!(!buckets.is_empty());
    told.push(format!("{buckets:?}"));
    told.push(format!("{:?}", store.log_leaves(0, head.tree_size).await.unwrap()));
    told.push(format!("{:?}", store.last_epoch().await.unwrap()));
    told.push(format!("{:?}", store.scores(0, 0, 99).await.unwrap()));
    told.push(format!("{:?}", store.ledger(0, 0, 99).await.unwrap()));
    for account in accounts {
        told.push(format!("{:?}", store.account(*account).await.unwrap()));
    }
    told
}

#[test]
fn sqlite_and_postgres_agree_to_the_byte() {
    let runtime = Runtime::new().unwrap();
    let Some(database) = runtime.block_on(Database::new()) else { return };
    let folders = [Folder::new(), Folder::new()];
    let run = |folder: &Folder, store: String| {
        let settings = Settings {
            store: Some(store),
            key_file: Some(folder.path("network.keys")),
            epoch_seconds: Some(0),
            admin_token: Some(TOKEN.to_owned()),
            public_url: Some("https://traffic.example.org".to_owned()),
            ..Settings::default()
        };
        let server = InProcess::start_repeatable(folder, START_MS, settings);
        let (transcript, accounts) = journey(&server);
        server.stop();
        (transcript, accounts)
    };
    let (sqlite, accounts) = run(&folders[0], folders[0].store());
    let (postgres, _) = run(&folders[1], database.url());
    assert_eq!(sqlite.len(), postgres.len());
    let said = |text: &str| sqlite.iter().any(|(_, b)| String::from_utf8_lossy(b).contains(text));
    assert!(said("\"accepted\"") && said("too_few_fixes") && said("\"duplicate\""));
    for ((asked, one), (_, other)) in sqlite.iter().zip(&postgres) {
        let texts = [one, other].map(|bytes| String::from_utf8_lossy(bytes));
        assert!(one == other, "{asked}:\n{}\n{}", texts[0], texts[1]);
    }
    let [sqlite, postgres, gone] = runtime.block_on(async {
        let path = folders[0].path("hexmile.sqlite");
        let transactions = Transactions::default();
        let sqlite = SqliteStore::open(&path, network(), transactions.clone()).unwrap();
        let postgres = PostgresStore::open(&database.url(), network(), transactions).await.unwrap();
        let contents =
            async || [contents(&sqlite, &accounts).await, contents(&postgres, &accounts).await];
        let [one, other] = contents().await;
        let forget = vec![1, 2];
        let erasure = Erasure { account: accounts[0], at_ms: START_MS, forget };
        let erased = [sqlite.erase(&erasure).await, postgres.erase(&erasure).await];
        let [one_erased, other_erased] = erased.map(|erased| erased.unwrap().unwrap());
        assert_eq!(one_erased, other_erased);
        let [gone, too] = contents().await;
        assert_eq!(gone, too);
        [one, other, gone]
    });
    assert_eq!(sqlite, postgres);
    assert_ne!(sqlite, gone);
    assert!(sqlite.len() > 10 + accounts.len());
}
