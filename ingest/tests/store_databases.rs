//! Postgres databases that cannot be used, and nodes that open one at once.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "support/postgres.rs"]
mod database;

use database::Database;
use hexmile_ingest::{
    metrics::Transactions,
    store::{
        Account, Holder, Score, Store, StoreError,
        postgres::{MIGRATIONS, PostgresStore},
    },
};
use hexmile_trace::{
    AccountId, NetworkId,
    sign::{Signer, SoftwareSigner},
};
use tokio::{net::TcpListener, task::JoinSet};

fn network() -> NetworkId {
    NetworkId::of_name("here")
}

/// As messages show it: no user, no password.
fn shown(database: &Database) -> String {
    format!("postgres://{}:5432/{}", database.folder.display(), database.name)
}

async fn open(url: &str, network: NetworkId) -> Result<PostgresStore, StoreError> {
    PostgresStore::open(url, network, Transactions::default()).await
}

async fn refused(url: &str, network: NetworkId) -> String {
    let Err(error) = open(url, network).await else { panic!("the database was opened") };
    let said = format!("{error} {error:?}");
    assert!(!said.contains("not-to-be-told"), "the password was told: {said}");
    error.to_string()
}

/// What a schema holds, as far as opening could change it.
async fn contents(database: &Database) -> Vec<String> {
    let client = database.client().await;
    let rows = client.query("SELECT relname::text FROM pg_class ORDER BY 1", &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Opens a store again after `change`: refused with `want`, where `STORE` stands for its name.
async fn check(change: &str, opened_for: NetworkId, want: &str) {
    let Some(database) = Database::new().await else { return };
    drop(open(&database.url(), network()).await.unwrap());
    database.execute(change).await;
    let before = contents(&database).await;
    let said = refused(&database.url(), opened_for).await;
    assert_eq!(said, want.replace("STORE", &shown(&database)));
    assert_eq!(contents(&database).await, before);
}

#[tokio::test]
async fn a_newer_schema_is_told_from_an_older_release() {
    let known = MIGRATIONS.last().unwrap().0;
    let found = known + 41;
    check(
        &format!("INSERT INTO migration VALUES ({found}, '\\x00')"),
        network(),
        &format!(
            "the store STORE has schema version {found}, and this release knows {known}: \
             run the release that wrote it, or a newer one"
        ),
    )
    .await;
}

/// Scores had no places at first.
#[tokio::test]
async fn scores_of_an_older_schema_get_their_places() {
    let Some(database) = Database::new().await else { return };
    drop(open(&database.url(), network()).await.unwrap());
    database
        .execute(
            "DROP TABLE erasure;
     ALTER TABLE log_head DROP COLUMN erasures;
     ALTER TABLE network DROP COLUMN server_key;
     DROP TABLE score;
     CREATE TABLE score (epoch BIGINT NOT NULL REFERENCES epoch (number), account_id BYTEA NOT NULL,
                         score TEXT NOT NULL, pay BIGINT NOT NULL, PRIMARY KEY (epoch, account_id));
     CREATE INDEX score_by_account ON score (account_id);
     DELETE FROM migration WHERE version = 2;
     INSERT INTO epoch VALUES (0, 0, 0, 1, '\\x0000000000000000000000000000000000000000000000000000000000000000', 1, 1, 0, '1', '1', '\\x0000000000000000000000000000000000000000000000000000000000000000'),
                              (1, 0, 0, 2, '\\x0000000000000000000000000000000000000000000000000000000000000000', 1, 1, 0, '1', '1', '\\x0000000000000000000000000000000000000000000000000000000000000000');
     INSERT INTO score VALUES (0, '\\x80000000000000000000000000000000', '18446744073709551615', 7), (0, '\\x7f000000000000000000000000000000', '5', 6), (1, '\\x80000000000000000000000000000000', '4', 3)",
        )
        .await;
    let store = open(&database.url(), network()).await.unwrap();
    let of = |place, first: u8, score, pay| {
        let mut account = [0; 16];
        account[0] = first;
        Score { place, holder: Holder::Account(AccountId(account)), score, pay }
    };
    let want = [of(0, 0x7f, 5, 6), of(1, 0x80, u64::MAX, 7)];
    assert_eq!(store.scores(0, 0, 9).await.unwrap(), want);
    assert_eq!(store.scores(1, 0, 9).await.unwrap(), [of(0, 0x80, 4, 3)]);
    assert_eq!(store.log_head().await.unwrap().erasures, 0);
}

#[tokio::test]
async fn a_migration_that_changed_is_named() {
    check(
        "UPDATE migration SET sha256 = '\\x00' WHERE version = 1",
        network(),
        "migration 1 of the store STORE is not the one that was applied to it",
    )
    .await;
}

#[tokio::test]
async fn another_network_is_named() {
    let elsewhere = NetworkId::of_name("elsewhere");
    let want = format!(
        "the store STORE belongs to network {}, and this server serves {elsewhere}",
        network()
    );
    check("SELECT 1", elsewhere, &want).await;
}

#[tokio::test]
async fn a_database_of_another_program_is_left_alone() {
    let Some(database) = Database::new().await else { return };
    database.execute("CREATE TABLE migration (id int); CREATE TABLE network (id int)").await;
    let before = contents(&database).await;
    let said = refused(&database.url(), network()).await;
    let want = "the database holds tables of some other program";
    assert_eq!(said, format!("cannot open the store {}: {want}", shown(&database)));
    assert_eq!(contents(&database).await, before);
}

#[tokio::test]
async fn other_encodings_are_refused() {
    let Some(database) = Database::new().await else { return };
    let latin = format!("{}_latin1", database.name);
    let create = format!("CREATE DATABASE {latin} TEMPLATE template0 ENCODING 'LATIN1'");
    database.execute(&create).await;
    let said = refused(&database.url().replace(&database.name, &latin), network()).await;
    assert!(said.ends_with("the database's encoding is LATIN1, and must be UTF8"), "{said}");
}

#[tokio::test]
async fn databases_that_are_not_there_are_told_without_the_password() {
    let Some(database) = Database::new().await else { return };
    let missing = database.url().replace(&database.name, "missing");
    let said = refused(&missing, network()).await;
    assert!(said.ends_with(r#"database "missing" does not exist (3D000)"#), "{said}");
    let wrong = format!("{}?sslmode=require", database.url());
    let said = refused(&wrong, network()).await;
    assert!(said.contains("not encrypted by this release"), "{said}");
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("postgres://hexmile:not-to-be-told@{address}/traffic");
    // Connections are taken, and nobody ever answers.
    let said = refused(&url, network()).await;
    let named = format!("cannot open the store postgres://{address}/traffic: ");
    assert_eq!(said, format!("{named}the server does not answer"));
    drop(listener);
    let said = refused(&url, network()).await;
    assert!(said.starts_with(&named) && said.contains("refused"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_open_at_once_make_one_schema() {
    let Some(database) = Database::new().await else { return };
    let mut nodes = JoinSet::new();
    for _ in 0..8 {
        let url = database.url();
        nodes.spawn(async move { open(&url, network()).await.unwrap() });
    }
    let stores = nodes.join_all().await;
    for store in &stores {
        assert_eq!(store.log_head().await.unwrap().next_position, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_are_made_again() {
    let Some(database) = Database::new().await else { return };
    let store = open(&database.url(), network()).await.unwrap();
    let client = database.client().await;
    for _ in 0..5 {
        let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE application_name = 'hexmile' AND datname = current_database()";
        let cut: i64 = client.query_one(cut, &[]).await.unwrap().get(0);
        assert!(cut > 0, "no connection was there to cut");
        // Both a read and a write, whichever gets the dead connection.
        assert_eq!(store.log_head().await.unwrap().next_position, 0);
        assert!(store.lease(1, 1, 2).await.unwrap().is_empty());
    }
}

fn account() -> Account {
    let key = SoftwareSigner::from_seed(&[1; 32]).public_key();
    Account { id: AccountId::of_key(&key), key, opened_at_ms: 1 }
}

/// Opens a store in which every new account first runs `fault`, under the number of tries so far;
/// opens an account, and returns what came of it and the number of tries.
async fn tries(fault: &str) -> Option<(Result<Account, StoreError>, i64)> {
    let database = Database::new().await?;
    let store = open(&database.url(), network()).await.unwrap();
    let trigger = format!(
        "CREATE SEQUENCE tries;
         CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$
             DECLARE try bigint := nextval('tries');
             BEGIN {fault}; RETURN NEW; END $$;
         CREATE TRIGGER fault BEFORE INSERT ON account FOR EACH ROW EXECUTE FUNCTION fault()"
    );
    database.execute(&trigger).await;
    let opened = store.open_account(&account()).await;
    let row = database.client().await.query_one("SELECT last_value FROM tries", &[]).await;
    Some((opened, row.unwrap().get(0)))
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_not_for_ever() {
    const ENDS: &str = "PERFORM pg_terminate_backend(pg_backend_pid())";
    for (fault, tried, said) in [
        ("IF try < 3 THEN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END IF".to_owned(), 3, None),
        ("IF try < 4 THEN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END IF".to_owned(), 4, None),
        (format!("IF try < 3 THEN {ENDS}; END IF"), 3, None),
        ("RAISE EXCEPTION 'x' USING ERRCODE = '40001'".to_owned(), 4, Some("x (40001)")),
        ("RAISE EXCEPTION 'x' USING ERRCODE = '23514'".to_owned(), 1, Some("x (23514)")),
    ] {
        let Some((opened, tries)) = tries(&fault).await else { return };
        assert_eq!(tries, tried, "{fault}");
        match said {
            None => assert_eq!(opened.unwrap(), account(), "{fault}"),
            Some(said) => {
                let want = format!("open_account: {said}");
                assert_eq!(opened.unwrap_err().to_string(), want, "{fault}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_are_durable_even_where_the_server_would_not_wait() {
    let Some(database) = Database::new().await else { return };
    let alter = format!("ALTER DATABASE {} SET synchronous_commit = off", database.name);
    database.execute(&alter).await;
    drop(open(&database.url(), network()).await.unwrap());
    let settings = "CREATE TABLE seen (synced text);
        CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NEW; END $$;
        CREATE TRIGGER see BEFORE INSERT ON account FOR EACH ROW EXECUTE FUNCTION see()";
    database.execute(settings).await;
    let store = open(&database.url(), network()).await.unwrap();
    store.open_account(&account()).await.unwrap();
    let seen = database.client().await.query_one("SELECT synced FROM seen", &[]).await.unwrap();
    assert_eq!(seen.get::<_, &str>(0), "on");
}
