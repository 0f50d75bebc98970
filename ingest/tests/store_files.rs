//! SQLite files that cannot be used: each has its own error, and none is changed by it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::{fs, path::Path};

use hexmile_ingest::{
    metrics::Transactions,
    store::{
        Holder, Score, Store, StoreError,
        sqlite::{MIGRATIONS, SqliteStore},
    },
};
use hexmile_trace::{AccountId, DeviceId, NetworkId};
use rusqlite::{Connection, params};

fn network() -> NetworkId {
    NetworkId::of_name("here")
}

fn refused(path: &Path, network: NetworkId) -> StoreError {
    match SqliteStore::open(path, network, Transactions::default()) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error,
    }
}

/// A store that was opened and closed, in a folder of its own.
fn closed_store() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hexmile.sqlite");
    drop(SqliteStore::open(&path, network(), Transactions::default()).unwrap());
    (folder, path)
}

/// Opens after `change`: refused with `want`, where `PATH` stands for the path; the file stays as it is.
fn check(change: &str, opened_for: NetworkId, want: &str) {
    let (_folder, path) = closed_store();
    let db = Connection::open(&path).unwrap();
    db.execute_batch(change).unwrap();
    db.close().unwrap();
    let before = fs::read(&path).unwrap();
    let error = refused(&path, opened_for).to_string();
    assert_eq!(error, want.replace("PATH", &path.display().to_string()));
    assert!(fs::read(&path).unwrap() == before, "{change}: the file was changed");
}

#[test]
fn a_newer_schema_is_told_from_an_older_release() {
    let known = MIGRATIONS.last().unwrap().0;
    let found = known + 41;
    check(
        &format!("INSERT INTO migration VALUES ({found}, x'00')"),
        network(),
        &format!(
            "the store sqlite:PATH has schema version {found}, and this release knows {known}: \
             run the release that wrote it, or a newer one"
        ),
    );
}

#[test]
fn a_migration_that_changed_is_named() {
    check(
        "UPDATE migration SET sha256 = x'00' WHERE version = 1",
        network(),
        "migration 1 of the store sqlite:PATH is not the one that was applied to it",
    );
}

/// Scores had no places at first.
#[tokio::test]
async fn scores_of_an_older_schema_get_their_places() {
    let (_folder, path) = closed_store();
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "DROP TABLE erasure;
     ALTER TABLE log_head DROP COLUMN erasures;
     ALTER TABLE network DROP COLUMN server_key;
     DROP TABLE score;
     CREATE TABLE score (epoch INTEGER NOT NULL REFERENCES epoch (number), account_id BLOB NOT NULL,
                         score TEXT NOT NULL, pay INTEGER NOT NULL, PRIMARY KEY (epoch, account_id));
     CREATE INDEX score_by_account ON score (account_id);
     DELETE FROM migration WHERE version = 2;
     INSERT INTO epoch VALUES (0, 0, 0, 1, x'0000000000000000000000000000000000000000000000000000000000000000', 1, 1, 0, '1', '1', x'0000000000000000000000000000000000000000000000000000000000000000'),
                              (1, 0, 0, 2, x'0000000000000000000000000000000000000000000000000000000000000000', 1, 1, 0, '1', '1', x'0000000000000000000000000000000000000000000000000000000000000000');
     INSERT INTO score VALUES (0, x'80000000000000000000000000000000', '18446744073709551615', 7), (0, x'7f000000000000000000000000000000', '5', 6), (1, x'80000000000000000000000000000000', '4', 3)",
    )
    .unwrap();
    db.close().unwrap();
    let store = SqliteStore::open(&path, network(), Transactions::default()).unwrap();
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

/// Traces and payloads stood in order of id at first.
#[tokio::test]
async fn traces_of_an_older_schema_keep_their_receipts_and_payloads() {
    let (_folder, path) = closed_store();
    let db = Connection::open(&path).unwrap();
    let spine = MIGRATIONS[0].1;
    let (from, to) = ("-- One row a trace", "-- The log of folded traces");
    let tables = &spine[spine.find(from).unwrap()..spine.find(to).unwrap()];
    db.execute_batch(&format!(
        "DROP TABLE trace; DROP TABLE payload; {tables}
         DROP TABLE attestation; DROP INDEX device_by_invitation;
         DROP TABLE compaction_part; DROP TABLE compaction; DROP TABLE waiting;
         DROP TABLE closure; DROP TABLE closure_version;
         ALTER TABLE device DROP COLUMN invitation; ALTER TABLE device DROP COLUMN revoked_at_ms;
         DELETE FROM migration WHERE version >= 3;
         INSERT INTO account VALUES (zeroblob(16), 1, zeroblob(32), 1);
         INSERT INTO device VALUES (zeroblob(16), zeroblob(16), 1, zeroblob(32), 1, NULL);"
    ))
    .unwrap();
    // Folded with its payload, folded without one, pending; ids against the order of time.
    for (n, at, state, position) in
        [(9_u8, 100, 1, Some(0)), (8, 200, 1, Some(1)), (7, 300, 0, None)]
    {
        db.execute(
            "INSERT INTO trace VALUES (?, zeroblob(16), zeroblob(16), ?, ?, ?, x'0000000000000000', ?, ?, 0, ?)",
            params![[n; 32], n, at, [n; 16], [n; 64], state, position],
        )
        .unwrap();
        if n != 8 {
            db.execute("INSERT INTO payload VALUES (?, ?, ?)", params![[n; 32], at, [n; 3]])
                .unwrap();
        }
    }
    db.close().unwrap();
    let store = SqliteStore::open(&path, network(), Transactions::default()).unwrap();
    let own = store.own_traces(DeviceId([0; 16]), None, 9).await.unwrap();
    let rows: Vec<_> = own
        .iter()
        .map(|t| {
            (
                t.receipt.body.trace.0[0],
                (t.receipt.body.salt, t.receipt.signature),
                t.position,
                t.payload.clone(),
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            (7, ([7; 16], [7; 64]), None, Some(vec![7; 3])),
            (8, ([8; 16], [8; 64]), Some(1), None),
            (9, ([9; 16], [9; 64]), Some(0), Some(vec![9; 3])),
        ]
    );
    let leased = store.lease(9, 1_000, 2_000).await.unwrap();
    assert_eq!(
        leased.iter().map(|p| (p.receipt.body.sequence, &p.payload[..])).collect::<Vec<_>>(),
        [(7, &[7; 3][..])]
    );
}

#[test]
fn another_network_is_named() {
    let elsewhere = NetworkId::of_name("elsewhere");
    let want = format!(
        "the store sqlite:PATH belongs to network {}, and this server serves {elsewhere}",
        network()
    );
    check("SELECT 1", elsewhere, &want);
}

#[test]
fn what_was_refused_opens_again_for_its_own_network() {
    let (_folder, path) = closed_store();
    refused(&path, NetworkId::of_name("elsewhere"));
    drop(SqliteStore::open(&path, network(), Transactions::default()).unwrap());
}

#[test]
fn a_database_of_another_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bookmarks.sqlite");
    let db = Connection::open(&path).unwrap();
    db.execute_batch("CREATE TABLE bookmark (url TEXT); INSERT INTO bookmark VALUES ('a')")
        .unwrap();
    db.close().unwrap();
    let before = fs::read(&path).unwrap();
    let error = refused(&path, network());
    assert_eq!(
        error.to_string(),
        format!(
            "cannot open the store sqlite:{}: the file is a database of some other program",
            path.display()
        )
    );
    assert!(matches!(error, StoreError::Open { .. }));
    assert!(fs::read(&path).unwrap() == before, "the other program's file was changed");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "files were left beside it");
}

#[test]
fn places_where_no_file_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    fs::write(&text, "no database, but long enough to have a header of one\n".repeat(20)).unwrap();
    // Where nobody may write, not even the superuser.
    let unwritable = Path::new("/proc/hexmile.sqlite");
    for (path, want) in [
        (folder.path().to_path_buf(), "unable to open database file"),
        (folder.path().join("missing/hexmile.sqlite"), "unable to open database file"),
        (text.join("hexmile.sqlite"), "unable to open database file"),
        (text.clone(), "file is not a database"),
        (unwritable.to_path_buf(), "unable to open database file"),
    ] {
        let error = refused(&path, network()).to_string();
        let named = format!("cannot open the store sqlite:{}: ", path.display());
        assert!(error.starts_with(&named) && error.contains(want), "{error}");
    }
    assert!(fs::read_to_string(&text).unwrap().starts_with("no database"));
}
