//! What runs beside the requests: folding, following the log, compacting it, closing epochs, forgetting.
//!
//! Each job is a loop that ends when the server stops, and starts over from the store's state:
//! none keeps anything that a restart would miss.

pub(crate) mod closures;
pub(crate) mod compact;
pub(crate) mod epochs;
pub(crate) mod erasures;
pub(crate) mod expire;
pub(crate) mod fold;
pub(crate) mod follow;
pub(crate) mod typical;

use std::time::Duration;

use tokio::sync::watch;

/// Tells jobs that the server stops.
pub(crate) type Stop = watch::Receiver<bool>;

/// Waits for `wake`, for `at_most`, or for the stop; false on stop.
pub(crate) async fn rest(
    stop: &mut Stop,
    at_most: Duration,
    wake: impl Future<Output = ()>,
) -> bool {
    if *stop.borrow() {
        return false;
    }
    tokio::select! {
        _ = stop.wait_for(|stopping| *stopping) => false,
        () = wake => true,
        () = tokio::time::sleep(at_most) => true,
    }
}
