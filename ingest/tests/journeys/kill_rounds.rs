//! The server is killed again and again under load: every receipt that a client holds is honoured,
//! everything counts once, and what the server shows is what its rows say.
//!
//! `HEXMILE_KILL_ROUNDS` sets how often on each store, `HEXMILE_SEED` from which seed.

use std::{
    collections::{BTreeMap, HashSet},
    env,
    os::unix::process::CommandExt,
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use hexmile_ingest::{
    epoch,
    metrics::Transactions,
    store::{Logged, Store, postgres::PostgresStore, sqlite::SqliteStore},
};
use hexmile_rewards::merkle;
use hexmile_tiles::{Row, Tick, TileId, TrafficConfig, TrafficState, encode, unpack};
use hexmile_trace::{SignedTrace, TraceId, sign::PublicKey};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::support::{
    driver::{Driver, Road, batch, network, receipt, server_key, signed_request},
    eventually,
    http::Client,
    now_ms,
    postgres::Database,
    process::{Folder, Server, hexmile, run},
};

const TOKEN: &str = "a token of the operator";
/// In `cargo xtask test`; `cargo xtask soak` asks for more.
const ROUNDS: u64 = 8;
const DRIVERS: u8 = 6;
const ROADS: i32 = 2;
const FIXES: u64 = 30;

fn setting(name: &str) -> Option<u64> {
    env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name}: {value:?}")))
}

/// `SplitMix64`: enough to choose by, and the same again from the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.roll() % n
    }
}

/// What one phone holds: its traces, and the receipts it was given for them.
struct Phone {
    driver: Driver,
    road: Road,
    dice: Dice,
    traces: Vec<SignedTrace>,
    receipts: BTreeMap<TraceId, Value>,
}

impl Phone {
    fn seal(&mut self) -> SignedTrace {
        let sequence = self.traces.len() as u64;
        let trace = self.driver.drive(sequence, self.road, FIXES, now_ms() - 60_000);
        self.traces.push(trace.clone());
        trace
    }

    /// A few traces, new ones and ones sent before, with or without a receipt, some of them twice.
    fn choose(&mut self) -> Vec<SignedTrace> {
        let n = 1 + self.dice.below(3);
        let mut chosen: Vec<SignedTrace> = (0..n)
            .map(|_| {
                if self.traces.is_empty() || self.dice.below(3) > 0 {
                    return self.seal();
                }
                let before = self.dice.below(self.traces.len() as u64) as usize;
                self.traces[before].clone()
            })
            .collect();
        if self.dice.below(4) == 0 {
            chosen.push(chosen[0].clone());
        }
        chosen
    }

    /// Sends traces; false where the connection broke, which is not to say that nothing was taken.
    fn send(&mut self, client: &Client, traces: &[SignedTrace], key: &PublicKey) -> bool {
        let media_type = hexmile_trace::MEDIA_TYPE;
        let Ok(answer) = client.try_post("/v1/traces", media_type, &batch(traces)) else {
            return false;
        };
        if answer.status == 503 {
            return true;
        }
        let answer = answer.json();
        let results = answer["results"].as_array().unwrap();
        assert_eq!(results.len(), traces.len());
        for (trace, result) in traces.iter().zip(results) {
            if result["status"] == "refused" {
                // Nothing but a store that did not keep up is a reason here.
                assert_eq!(result["problem"]["status"], 503, "{result}");
                continue;
            }
            let given = receipt(&result["receipt"]);
            assert_eq!(given.body.trace, trace.id());
            given.verify(key).unwrap();
            match self.receipts.get(&trace.id()) {
                Some(held) => {
                    assert_eq!(held, &result["receipt"], "another receipt for the same trace");
                    assert_eq!(result["status"], "duplicate");
                }
                None => {
                    self.receipts.insert(trace.id(), result["receipt"].clone());
                }
            }
        }
        true
    }

    fn drive_until(&mut self, stop: &AtomicBool, client: &Client, key: &PublicKey) {
        while !stop.load(Relaxed) {
            let traces = self.choose();
            if !self.send(client, &traces, key) {
                return;
            }
        }
    }
}

/// One store, and how to start a server on it and to look into it.
struct Place<'a> {
    folder: &'a Folder,
    command: &'a dyn Fn() -> Command,
    open: &'a dyn Fn() -> Box<dyn Store>,
}

impl Place<'_> {
    /// In a process group of its own, which is killed whole.
    fn command(&self) -> Command {
        let mut command = (self.command)();
        command.args(["--key-file"]).arg(self.folder.path("network.keys"));
        command.args(["--listen", "127.0.0.1:0", "--epoch-seconds", "0"]);
        command.env("HEXMILE_ADMIN_TOKEN", TOKEN).process_group(0);
        command
    }

    fn start(&self) -> Server {
        Server::start(self.folder, &mut self.command())
    }

    /// Starts a server and kills it before it may have come up.
    fn stillborn(&self, after: Duration) {
        let mut child = self.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// An account that comes, drives once and asks to be erased; it asks again until it is answered.
struct Passer {
    driver: Driver,
    is_gone: bool,
}

impl Passer {
    fn erase(&mut self, client: &Client) {
        let path = "/v1/me";
        let signed = |signer, id| signed_request(signer, id, now_ms(), "DELETE", path);
        let authorization = signed(&self.driver.account, self.driver.account_id().0);
        let answer = client.try_send_with("DELETE", path, &[("Authorization", &authorization)]);
        if let Ok(answer) = answer {
            assert!([200, 404, 503].contains(&answer.status), "{}", answer.text());
            self.is_gone = answer.status != 503;
        }
    }
}

struct Rounds<'a> {
    place: Place<'a>,
    dice: Dice,
    phones: Vec<Phone>,
    passers: Vec<Passer>,
    key: PublicKey,
}

impl<'a> Rounds<'a> {
    fn begin(place: Place<'a>, seed: u64) -> Self {
        let server = place.start();
        let phone = |n: u8| Phone {
            driver: Driver::enrolled(n, server.client()),
            road: Road::number(i32::from(n) % ROADS),
            dice: Dice(seed ^ u64::from(n)),
            traces: Vec::new(),
            receipts: BTreeMap::new(),
        };
        let phones = (0..DRIVERS).map(phone).collect();
        let key = server_key(server.client());
        server.kill();
        Self { place, dice: Dice(seed), phones, passers: Vec::new(), key }
    }

    /// Phones drive, an operator closes an epoch now and then, and the server is killed.
    fn round(&mut self, number: u64) {
        if self.dice.below(4) == 0 {
            self.place.stillborn(Duration::from_millis(self.dice.below(80)));
        }
        let server = self.place.start();
        let client = server.client().clone();
        if number.is_multiple_of(3) {
            let n = 100 + self.passers.len() as u8;
            let driver = Driver::enrolled(n, &client);
            let trace = driver.drive(0, Road::number(0), FIXES, now_ms() - 60_000);
            client.post("/v1/traces", hexmile_trace::MEDIA_TYPE, &batch(&[trace])).json();
            self.passers.push(Passer { driver, is_gone: false });
        }
        let stop = AtomicBool::new(false);
        let closes = self.dice.below(3) == 0;
        let kill_after = Duration::from_millis(30 + self.dice.below(600));
        let passers = Mutex::new(&mut self.passers);
        thread::scope(|scope| {
            for phone in &mut self.phones {
                let (stop, client, key) = (&stop, &client, &self.key);
                scope.spawn(move || phone.drive_until(stop, client, key));
            }
            scope.spawn(|| {
                for passer in passers.lock().unwrap().iter_mut().filter(|p| !p.is_gone) {
                    passer.erase(&client);
                }
                if closes {
                    // May be answered, refused or broken off: what it leaves is looked at later.
                    let _ = client.try_close_epoch(TOKEN);
                }
            });
            thread::sleep(kill_after);
            server.kill_group();
            stop.store(true, Relaxed);
        });
    }

    /// What was promised is kept, by a server that nobody disturbs.
    fn check(mut self) {
        let server = self.place.start();
        let client = server.client();
        let mut receipts = 0;
        for phone in &mut self.phones {
            let traces = std::mem::take(&mut phone.traces);
            for chunk in traces.chunks(16) {
                while !phone.send(client, chunk, &self.key) {}
            }
            receipts += phone.receipts.len();
            assert_eq!(phone.receipts.len(), traces.len());
        }
        for passer in &mut self.passers {
            eventually("an erasure that is answered", || {
                passer.erase(client);
                passer.is_gone.then_some(())
            });
        }
        eventually_folded(client);
        assert_eq!(client.close_epoch(TOKEN).status, 200);
        let epochs = client.get("/v1/epochs").json()["epochs"].as_array().unwrap().len();
        for number in 0..epochs {
            let number = number.to_string();
            let out = run(&["epoch", "verify", &number, "--server", client.base()]);
            let said = String::from_utf8([out.stdout, out.stderr].concat()).unwrap();
            assert!(out.status.success(), "{said}");
        }
        server.stop();
        // Of those erased just now, the server that erased them may have shown sums: the next one
        // has the rows alone.
        let server = self.place.start();
        let shown = tiles(server.client());
        server.stop();
        let drivers: Vec<&Driver> = self.phones.iter().map(|phone| &phone.driver).collect();
        let gone: Vec<&Driver> = self.passers.iter().map(|passer| &passer.driver).collect();
        let store = (self.place.open)();
        let checked = check_rows(&*store, receipts, &drivers, &gone, &shown);
        Runtime::new().unwrap().block_on(checked);
        eprintln!("{receipts} receipts honoured, {epochs} epochs, {} erased", gone.len());
    }
}

/// A killed server's leases run out first.
fn eventually_folded(client: &Client) {
    eventually("everything folded", || {
        let metrics = client.get("/metrics");
        let pending = metrics.text().lines().find_map(|l| l.strip_prefix("hexmile_pending "));
        (pending.map(str::trim) == Some("0")).then_some(())
    });
    let state = || client.get("/v1/tiles/state.json").json();
    let mut last = state();
    let mut since = Instant::now();
    eventually("a log that is followed to its end", || {
        let now = state();
        if now["position"] != last["position"] {
            (last, since) = (now, Instant::now());
        }
        (since.elapsed() > Duration::from_secs(2)).then_some(())
    });
}

fn tile_ids() -> Vec<TileId> {
    let places = (0..ROADS).flat_map(|n| [50.0, 200.0].map(|m| Road::number(n).at(m)));
    let mut tiles: Vec<TileId> =
        places.flat_map(|at| [9, 12, 14].map(|z| TileId::of_position(z, at).unwrap())).collect();
    tiles.sort_by_key(|tile| (tile.z(), tile.x(), tile.y()));
    tiles.dedup();
    tiles
}

/// What the server shows, all at one tick.
fn tiles(client: &Client) -> (Tick, Vec<Vec<u8>>) {
    eventually("tiles of one tick", || {
        let tick = Tick::of_unix_ms(now_ms());
        let tiles = tile_ids().into_iter().map(|tile| {
            client.get(&format!("/v1/tiles/traffic/{}/{}/{}", tile.z(), tile.x(), tile.y())).body
        });
        let tiles = tiles.collect();
        (tick == Tick::of_unix_ms(now_ms())).then_some((tick, tiles))
    })
}

async fn check_rows(
    store: &dyn Store,
    receipts: usize,
    drivers: &[&Driver],
    gone: &[&Driver],
    (tick, shown): &(Tick, Vec<Vec<u8>>),
) {
    let head = store.log_head().await.unwrap();
    let rows = store.read_log(0, 1 << 20).await.unwrap();
    assert!(rows.iter().map(|row| row.position).eq(0..head.next_position), "positions are dense");
    let mut seen = HashSet::new();
    let mut traffic = TrafficState::new(TrafficConfig::default());
    for row in &rows {
        let (position, folded_at_ms) = (row.position, row.folded_at_ms);
        let Logged::Trace(trace) = &row.what else {
            traffic.apply(Row { position, folded_at_ms, ..Row::default() }).unwrap();
            continue;
        };
        assert!(seen.insert(trace.trace), "{} counts twice", trace.trace);
        assert!(trace.accepted);
        assert!(store.receipt(trace.trace).await.unwrap().is_some());
        let driver = drivers.iter().position(|d| d.account_id() == trace.account).unwrap();
        let observations = unpack(&trace.observations).unwrap();
        let driver = driver as u64;
        traffic
            .apply(Row { position, folded_at_ms, driver, observations, ..Row::default() })
            .unwrap();
    }
    assert_eq!(seen.len(), receipts, "every receipt is a row, and every row has its receipt");
    assert_eq!(store.pending().await.unwrap(), 0);

    // The Merkle log is that of its leaves, and holds a leaf a fold, erased or not.
    let leaves = store.log_leaves(0, head.tree_size).await.unwrap();
    assert_eq!(merkle::root_of(&leaves), head.root);
    let epochs = store.epochs(i64::MAX as u64, 9_999).await.unwrap();
    assert_eq!(leaves.len() as u64 + head.erasures, head.next_position + epochs.len() as u64 + 1);
    for record in &epochs {
        assert!(leaves.contains(&merkle::leaf_hash(&epoch::leaf(record))));
    }
    assert_eq!(head.erasures, gone.len() as u64);
    for driver in gone {
        assert_eq!(store.account(driver.account_id()).await.unwrap(), None);
    }

    // What was shown is what the rows say, by a state that has never seen a crash.
    let snapshot = traffic.publish(*tick);
    let want: Vec<Vec<u8>> = tile_ids().iter().map(|tile| encode(&snapshot, *tile)).collect();
    assert!(want.iter().any(|tile| !tile.is_empty()), "nothing is drawn");
    for ((tile, want), shown) in tile_ids().iter().zip(&want).zip(shown) {
        assert!(want == shown, "{tile:?} is not what the rows say");
    }
}

fn rounds(place: Place<'_>) {
    let seed = setting("HEXMILE_SEED").unwrap_or_else(now_ms);
    let n = setting("HEXMILE_KILL_ROUNDS").unwrap_or(ROUNDS);
    eprintln!("HEXMILE_SEED={seed} HEXMILE_KILL_ROUNDS={n}");
    let mut rounds = Rounds::begin(place, seed);
    for number in 0..n {
        rounds.round(number);
    }
    rounds.check();
}

#[test]
fn nothing_acknowledged_is_lost_or_doubled_on_sqlite() {
    let folder = Folder::new();
    let path = folder.path("hexmile.sqlite");
    rounds(Place {
        folder: &folder,
        command: &|| {
            let mut command = hexmile();
            command.args(["serve", "--store", &folder.store()]);
            command
        },
        open: &|| Box::new(SqliteStore::open(&path, network(), Transactions::default()).unwrap()),
    });
}

#[test]
fn nothing_acknowledged_is_lost_or_doubled_on_postgres() {
    let runtime = Runtime::new().unwrap();
    let Some(database) = runtime.block_on(Database::new()) else { return };
    let folder = Folder::new();
    let url = database.url();
    rounds(Place {
        folder: &folder,
        command: &|| {
            let mut command = hexmile();
            command.arg("serve").env("HEXMILE_STORE", &url);
            command
        },
        open: &|| {
            let open = PostgresStore::open(&url, network(), Transactions::default());
            Box::new(runtime.block_on(open).unwrap())
        },
    });
}
