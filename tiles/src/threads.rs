//! One piece of work for each of many things, on several threads.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Does `work` for each item on up to `threads` threads, the caller's included; in no order that says anything.
/// A panic of any goes on in the caller.
pub(crate) fn on_threads<T: Sync, R: Send>(
    threads: usize,
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    if threads < 2 {
        return items.iter().map(work).collect();
    }
    // Much and little work may lie together: each thread takes the next item when it is done with one.
    let next = AtomicUsize::new(0);
    let some = || {
        let item = || items.get(next.fetch_add(1, Ordering::Relaxed));
        core::iter::from_fn(item).map(&work).collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(some)).collect();
        let mut done = some();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    })
}
