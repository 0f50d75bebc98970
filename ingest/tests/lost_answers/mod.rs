//! A connection that goes after the server has committed and before the store hears of it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use hexmile_ingest::{
    metrics::Transactions,
    store::{ClosureRow, Commit, CompactionCommit, EpochCommit, Store, postgres::PostgresStore},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
};

use crate::{
    database::Database,
    store_laws::{NETWORK, attempt, compactions::compaction, enrol, epochs::epoch, folds},
};

/// Cuts the next connection that commits.
#[derive(Clone, Default)]
struct Scissors(Arc<AtomicBool>);

impl Scissors {
    fn cut_next(&self) {
        assert!(!self.0.swap(true, SeqCst), "the last one was not cut");
    }

    async fn pass_on(self, mut client: TcpStream, mut server: UnixStream) -> std::io::Result<()> {
        let (mut asked, mut answered) = ([0; 8192], [0; 8192]);
        loop {
            tokio::select! {
                n = client.read(&mut asked) => match n? {
                    0 => return Ok(()),
                    n => {
                        server.write_all(&asked[..n]).await?;
                        let commits = asked[..n].windows(7).any(|bytes| bytes == b"COMMIT\0");
                        if commits && self.0.swap(false, SeqCst) {
                            // The answer, which says that it is done, goes no further.
                            return server.read(&mut answered).await.map(drop);
                        }
                    }
                },
                n = server.read(&mut answered) => match n? {
                    0 => return Ok(()),
                    n => client.write_all(&answered[..n]).await?,
                },
            }
        }
    }
}

/// Opens the database through scissors.
async fn open(database: &Database) -> (PostgresStore, Scissors) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let socket = database.folder.join(".s.PGSQL.5432");
    let scissors = Scissors::default();
    let passing = scissors.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = UnixStream::connect(&socket).await.unwrap();
            tokio::spawn(passing.clone().pass_on(client, server));
        }
    });
    let url = format!("postgres://postgres@{address}/{}", database.name);
    let store = PostgresStore::open(&url, NETWORK, Transactions::default()).await.unwrap();
    (store, scissors)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_committed_is_recognised() {
    let Some(database) = Database::new().await else { return };
    let (store, scissors) = open(&database).await;
    let device = enrol(&store, 1).await;
    let traces = [attempt(&device, 0, 0, 10, 1), attempt(&device, 1, 0, 10, 1)];
    // One was committed before: its repeat stays one.
    let before = attempt(&device, 1, 0, 5, 9);
    assert_eq!(store.commit_traces(std::slice::from_ref(&before)).await.unwrap(), [Commit::New]);
    scissors.cut_next();
    let outcomes = store.commit_traces(&traces).await.unwrap();
    assert_eq!(outcomes, [Commit::New, Commit::Repeat(before.receipt)]);
    assert_eq!(store.pending().await.unwrap(), 2);

    scissors.cut_next();
    assert_eq!(store.commit_folds(&folds(&traces, 20)).await.unwrap().head.next_position, 2);
    assert_eq!(store.read_log(0, 9).await.unwrap().len(), 2);

    scissors.cut_next();
    let closed = store.commit_epoch(&epoch(0, 0, 2)).await.unwrap();
    assert_eq!(closed, EpochCommit::Closed(store.log_head().await.unwrap()));
    assert_eq!(store.epochs(9, 9).await.unwrap().len(), 1);

    scissors.cut_next();
    let written = store.commit_compaction(&compaction(0, 0, 2)).await.unwrap();
    assert_eq!(written, CompactionCommit::Committed);
    assert_eq!(store.compactions().await.unwrap().len(), 1);

    let body = "{}".to_owned();
    let closure = ClosureRow { id: [1; 8], from_ms: 1, until_ms: 2, body, declared_at_ms: 1 };
    scissors.cut_next();
    assert!(store.declare_closure(&closure, 1).await.unwrap());
    scissors.cut_next();
    assert!(store.withdraw_closure(closure.id).await.unwrap());
    assert!(store.closures().await.unwrap().is_empty());
    assert!(!scissors.0.load(SeqCst), "nothing was cut");
}
