//! Group commit: uploads that arrive while one commit is on its way to disk share the next.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, mpsc, oneshot},
    task::JoinHandle,
};

use crate::{
    metrics::Metrics,
    store::{Commit, NewTrace, Store, StoreError},
};

/// Traces that may wait for a commit; past it uploads are told to come back.
const QUEUE: usize = 4096;
/// Traces in one commit.
const BATCH: usize = 256;
/// How long a commit waits at most for as many traces as came before it: less than what it takes to
/// reach the disk. One phone on its own never waits.
const GATHER: Duration = Duration::from_millis(2);

/// The queue is full.
#[derive(Clone, Copy, Debug)]
pub struct QueueFull;

type Reply = oneshot::Sender<Result<Commit, StoreError>>;

/// Hands traces to the committing task.
#[derive(Clone)]
pub struct Committer {
    queue: mpsc::Sender<(NewTrace, Reply)>,
    gathering: Arc<Gathering>,
}

/// What the committing task waits for, so that it is woken once for many traces.
#[derive(Debug)]
struct Gathering {
    /// How many traces in the queue are enough; `usize::MAX` while nobody waits.
    enough: AtomicUsize,
    reached: Notify,
}

/// Resolves when a submitted trace is durable or refused.
pub struct Done(oneshot::Receiver<Result<Commit, StoreError>>);

impl IntoFuture for Done {
    type Output = Result<Commit, StoreError>;
    type IntoFuture = std::pin::Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.0.await.unwrap_or_else(|_| Err(stopped())) })
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable { operation: "commit_traces", cause: "the server is stopping".into() }
}

impl Committer {
    /// Starts the committing task. It ends, all done, when the last committer is dropped;
    /// `folding` is told of every commit.
    pub fn start(
        store: Arc<dyn Store>,
        metrics: Arc<Metrics>,
        folding: Arc<Notify>,
    ) -> (Self, JoinHandle<()>) {
        let (queue, incoming) = mpsc::channel(QUEUE);
        let gathering =
            Arc::new(Gathering { enough: AtomicUsize::new(usize::MAX), reached: Notify::new() });
        let task = run(store, metrics, folding, incoming, Arc::clone(&gathering));
        (Self { queue, gathering }, tokio::spawn(task))
    }

    /// Queues a trace; it lands in the next commit that has room.
    ///
    /// # Errors
    /// The queue is full.
    pub fn submit(&self, trace: NewTrace) -> Result<Done, QueueFull> {
        let (reply, done) = oneshot::channel();
        self.queue.try_send((trace, reply)).map_err(|_| QueueFull)?;
        let queued = self.queue.max_capacity() - self.queue.capacity();
        if queued >= self.gathering.enough.load(Ordering::SeqCst) {
            self.gathering.reached.notify_one();
        }
        Ok(Done(done))
    }
}

/// Moves what is in the queue into the batch, as far as it has room.
fn take_queued(
    incoming: &mut mpsc::Receiver<(NewTrace, Reply)>,
    batch: &mut Vec<(NewTrace, Reply)>,
) {
    while batch.len() < BATCH
        && let Ok(more) = incoming.try_recv()
    {
        batch.push(more);
    }
}

impl Gathering {
    /// Waits until `n` traces are in the queue, or for [`GATHER`].
    async fn wait_for(&self, n: usize, incoming: &mpsc::Receiver<(NewTrace, Reply)>) {
        self.enough.store(n, Ordering::SeqCst);
        // Those who came before that did not see it.
        if incoming.len() < n {
            let _ = tokio::time::timeout(GATHER, self.reached.notified()).await;
        }
        self.enough.store(usize::MAX, Ordering::SeqCst);
    }
}

async fn run(
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    folding: Arc<Notify>,
    mut incoming: mpsc::Receiver<(NewTrace, Reply)>,
    gathering: Arc<Gathering>,
) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut before = 0;
    loop {
        take_queued(&mut incoming, &mut batch);
        // Whoever waits for receipts sends again when it has them: those of the last commit, and
        // those who came while it was on its way, make up the next.
        let expected = (before + batch.len()).min(BATCH);
        if batch.is_empty() && incoming.recv_many(&mut batch, BATCH).await == 0 {
            return;
        }
        if batch.len() < expected {
            gathering.wait_for(expected - batch.len(), &incoming).await;
            take_queued(&mut incoming, &mut batch);
        }
        before = batch.len();
        let (traces, replies): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
        metrics.commit_batch.observe(traces.len() as f64);
        match store.commit_traces(&traces).await {
            Ok(outcomes) => {
                for (reply, outcome) in replies.into_iter().zip(outcomes) {
                    let _ = reply.send(Ok(outcome));
                }
                folding.notify_one();
            }
            Err(error) => {
                tracing::error!(%error, traces = traces.len(), "commit failed");
                for reply in replies {
                    let cause = error.to_string();
                    let operation = "commit_traces";
                    let _ = reply.send(Err(StoreError::Unavailable { operation, cause }));
                }
            }
        }
    }
}
