//! Traces between admission and folding on the same node, so that folding need not decode again.
//!
//! Decoding is a pure function of the payload, so a trace that is not here any more, or was admitted
//! by another node, is decoded from the store with the same result.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use hexmile_trace::{Fix, Trace, TraceId};

/// Most bytes of fixes that are held.
const MAX_BYTES: usize = 32 * 1024 * 1024;
/// How long a trace is held at most, milliseconds: far longer than folding takes to come by, and
/// shorter than an erasure takes to be complete.
pub const HELD_MS: u64 = 5_000;

/// What was decoded lately and waits to be folded.
#[derive(Debug, Default)]
pub struct Decoded(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    traces: HashMap<TraceId, (u64, Trace)>,
    /// When each came, oldest first; those taken meanwhile are still in it.
    order: VecDeque<(u64, TraceId)>,
    bytes: usize,
}

impl Decoded {
    /// Holds a trace whose payload has this id. The oldest make room for it.
    pub fn hold(&self, id: TraceId, trace: Trace, now_ms: u64) {
        let mut held = self.held();
        held.bytes += bytes(&trace);
        held.order.push_back((now_ms, id));
        if let Some((_, same)) = held.traces.insert(id, (now_ms, trace)) {
            held.bytes -= bytes(&same);
        }
        held.drop_while(|held, _| held.bytes > MAX_BYTES);
    }

    /// Takes a trace out, if it is held.
    pub fn take(&self, id: TraceId) -> Option<Trace> {
        let mut held = self.held();
        let (_, trace) = held.traces.remove(&id)?;
        held.bytes -= bytes(&trace);
        Some(trace)
    }

    /// Lets go of what nobody came for within [`HELD_MS`].
    pub fn expire(&self, now_ms: u64) {
        self.held().drop_while(|_, since_ms| now_ms.saturating_sub(since_ms) > HELD_MS);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Lets go of the oldest for as long as one of this age must.
    fn drop_while(&mut self, must: impl Fn(&Self, u64) -> bool) {
        while let Some(&(since_ms, id)) = self.order.front() {
            let is_here = self.traces.get(&id).is_some_and(|(at, _)| *at == since_ms);
            if is_here && !must(self, since_ms) {
                return;
            }
            self.order.pop_front();
            if is_here && let Some((_, trace)) = self.traces.remove(&id) {
                self.bytes -= bytes(&trace);
            }
        }
    }
}

fn bytes(trace: &Trace) -> usize {
    size_of::<Trace>() + size_of_val::<[Fix]>(trace.fixes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hexmile_trace::{
        DeviceId, FixParts, NetworkId, SdkVersion, TraceHeader, TripId, sign::Alg,
    };

    fn trace(fixes: u64) -> Trace {
        let header = TraceHeader {
            alg: Alg::Ed25519,
            device: DeviceId([1; 16]),
            network: NetworkId::of_name("test"),
            sequence: 1,
            trip: TripId([2; 8]),
            sdk_version: SdkVersion::new(0, 1, 0),
            clock_offset_ms: None,
            context: false,
            checkpoint: None,
        };
        let fix = |i| {
            let parts = FixParts { time_ms: 1_800_000_000_000 + i * 1000, ..FixParts::default() };
            Fix::from_parts(&parts).unwrap()
        };
        Trace::new(header, (0..fixes).map(fix).collect()).unwrap()
    }

    fn id(n: u32) -> TraceId {
        TraceId::of_payload(&n.to_be_bytes())
    }

    #[test]
    fn a_trace_is_taken_once() {
        let decoded = Decoded::default();
        decoded.hold(id(1), trace(3), 0);
        assert_eq!(decoded.take(id(1)), Some(trace(3)));
        assert_eq!(decoded.take(id(1)), None);
        assert_eq!(decoded.held().bytes, 0);
    }

    #[test]
    fn the_oldest_make_room_and_bytes_add_up() {
        let decoded = Decoded::default();
        let each = bytes(&trace(300));
        let fit = MAX_BYTES / each;
        for n in 0..fit as u32 + 5 {
            decoded.hold(id(n), trace(300), u64::from(n));
            // A repeat counts once.
            decoded.hold(id(n), trace(300), u64::from(n));
        }
        assert_eq!(decoded.held().bytes, fit * each);
        assert_eq!(decoded.take(id(4)), None);
        assert_eq!(decoded.take(id(5)), Some(trace(300)));
    }

    #[test]
    fn what_nobody_comes_for_goes() {
        let decoded = Decoded::default();
        decoded.hold(id(1), trace(2), 1_000);
        decoded.hold(id(2), trace(2), 2_000);
        // Held anew: its first time does not count.
        decoded.hold(id(1), trace(2), 3_000);
        decoded.expire(2_000 + HELD_MS);
        assert_eq!(decoded.held().traces.len(), 2);
        decoded.expire(2_001 + HELD_MS);
        assert_eq!(decoded.take(id(2)), None);
        assert_eq!(decoded.take(id(1)), Some(trace(2)));
        decoded.expire(u64::MAX);
        assert!(decoded.held().order.is_empty());
    }
}
