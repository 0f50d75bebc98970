//! Any interleaving of steps does what a model in a few maps does.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use hexmile_ingest::store::{
    Commit, Device, Epoch, EpochCommit, Erasure, Expired, Logged, NewTrace, Store,
};
use hexmile_rewards::merkle;
use hexmile_trace::{DeviceId, TraceId};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::{Place, attempt, enrol, epochs::epoch, fold, id};

#[derive(Clone, Debug)]
enum Step {
    /// Commit traces: (device, sequence, content).
    Commit(Vec<(usize, u64, u64)>),
    Lease {
        n: usize,
        for_ms: u64,
    },
    /// Fold traces by index among all that were ever tried; committed or not, folded or not.
    Fold(Vec<prop::sample::Index>),
    Close,
    /// Close, then forget every payload, and ids older than so long.
    Forget {
        keep_ms: u64,
    },
    /// Erase a device's account.
    Erase(usize),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let traces = prop::collection::vec((0..3usize, 0..6u64, 0..2u64), 1..6);
    prop_oneof![
        6 => traces.prop_map(Step::Commit),
        3 => (0..5usize, 1..40u64).prop_map(|(n, for_ms)| Step::Lease { n, for_ms }),
        5 => prop::collection::vec(any::<prop::sample::Index>(), 1..5).prop_map(Step::Fold),
        1 => Just(Step::Close),
        1 => (0..60u64).prop_map(|keep_ms| Step::Forget { keep_ms }),
        1 => (0..3usize).prop_map(Step::Erase),
        1 => Just(Step::Reopen),
    ]
}

struct Known {
    trace: NewTrace,
    leased_until_ms: u64,
    position: Option<u64>,
}

/// What a store should hold.
#[derive(Default)]
struct Model {
    known: BTreeMap<TraceId, Known>,
    watermarks: BTreeMap<DeviceId, u64>,
    gone: BTreeSet<DeviceId>,
    /// What each position holds; nothing where it was erased.
    log: Vec<Option<TraceId>>,
    owners: BTreeMap<TraceId, DeviceId>,
    leaves: Vec<[u8; 32]>,
    epochs: u64,
    closed: u64,
}

impl Model {
    fn commit(&mut self, trace: &NewTrace) -> Commit {
        let body = &trace.receipt.body;
        if let Some(known) = self.known.get(&id(trace)) {
            return Commit::Repeat(known.trace.receipt);
        }
        let same_number = |known: &&Known| {
            let other = &known.trace.receipt.body;
            (other.device, other.sequence) == (body.device, body.sequence)
        };
        if let Some(known) = self.known.values().find(same_number) {
            return Commit::SequenceTaken(id(&known.trace));
        }
        if self.gone.contains(&body.device) {
            return Commit::NoDevice;
        }
        match self.watermarks.get(&body.device) {
            Some(up_to) if body.sequence <= *up_to => return Commit::SequenceClosed(*up_to),
            _ => {}
        }
        let known = Known { trace: trace.clone(), leased_until_ms: 0, position: None };
        self.known.insert(id(trace), known);
        self.owners.insert(id(trace), body.device);
        Commit::New
    }

    fn lease(&mut self, n: usize, now_ms: u64, until_ms: u64) -> Vec<TraceId> {
        let mut free: Vec<&mut Known> = self
            .known
            .values_mut()
            .filter(|k| k.position.is_none() && k.leased_until_ms <= now_ms)
            .collect();
        free.sort_by_key(|k| (k.trace.receipt.body.received_at_ms, id(&k.trace)));
        free.truncate(n);
        for known in &mut free {
            known.leased_until_ms = until_ms;
        }
        free.iter().map(|k| id(&k.trace)).collect()
    }

    fn fold(&mut self, traces: &[NewTrace]) -> usize {
        let before = self.log.len();
        for trace in traces {
            if let Some(known) = self.known.get_mut(&id(trace)).filter(|k| k.position.is_none()) {
                known.position = Some(self.log.len() as u64);
                // The leaf is the caller's, made of whichever receipt it leased.
                self.leaves.push(fold(trace, 0).leaf);
                self.log.push(Some(id(trace)));
            }
        }
        self.log.len() - before
    }

    fn forget(&mut self, ids_before_ms: u64) -> u64 {
        let before = self.known.len();
        self.known.retain(|_, known| {
            let body = &known.trace.receipt.body;
            let stays = known.position.is_none() || body.received_at_ms >= ids_before_ms;
            if !stays {
                let watermark = self.watermarks.entry(body.device).or_default();
                *watermark = body.sequence.max(*watermark);
            }
            stays
        });
        (before - self.known.len()) as u64
    }

    /// Traces, then rows of the log, that went; `None` where the account had gone before.
    fn erase(&mut self, device: DeviceId) -> Option<(u64, u64)> {
        if !self.gone.insert(device) {
            return None;
        }
        let (traces, mut folds) = (self.known.len(), 0);
        self.known.retain(|_, known| known.trace.receipt.body.device != device);
        for row in &mut self.log {
            folds += u64::from(row.take_if(|trace| self.owners[trace] == device).is_some());
        }
        self.watermarks.remove(&device);
        self.log.push(None);
        Some(((traces - self.known.len()) as u64, folds))
    }

    fn pending(&self) -> u64 {
        self.known.values().filter(|k| k.position.is_none()).count() as u64
    }
}

/// A store and its model, step by step.
struct Run<'a> {
    place: &'a dyn Place,
    store: Option<Arc<dyn Store>>,
    devices: Vec<Device>,
    model: Model,
    tried: Vec<NewTrace>,
    now_ms: u64,
}

impl Run<'_> {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(self.store.as_ref().unwrap())
    }

    async fn step(&mut self, step: &Step) {
        self.now_ms += 7;
        let now_ms = self.now_ms;
        match step {
            Step::Commit(wanted) => self.commit(wanted).await,
            Step::Lease { n, for_ms } => {
                let leased = self.store().lease(*n, now_ms, now_ms + for_ms).await.unwrap();
                let leased: Vec<_> = leased.iter().map(|p| p.receipt.body.trace).collect();
                assert_eq!(leased, self.model.lease(*n, now_ms, now_ms + for_ms));
            }
            Step::Fold(_) if self.tried.is_empty() => {}
            Step::Fold(which) => {
                let traces: Vec<NewTrace> =
                    which.iter().map(|index| index.get(&self.tried).clone()).collect();
                let folds: Vec<_> = traces.iter().map(|t| fold(t, now_ms)).collect();
                let done = self.store().commit_folds(&folds).await.unwrap();
                assert_eq!(done.appended, self.model.fold(&traces));
            }
            Step::Close => self.close().await,
            Step::Forget { keep_ms } => {
                self.close().await;
                let before_ms = now_ms.saturating_sub(*keep_ms);
                let Expired { ids, .. } = self.store().expire(now_ms + 1, before_ms).await.unwrap();
                assert_eq!(ids, self.model.forget(before_ms));
            }
            Step::Erase(device) => {
                let Device { id, account, .. } = self.devices[*device];
                let erasure = Erasure { account, at_ms: now_ms, forget: vec![now_ms] };
                let done = self.store().erase(&erasure).await.unwrap();
                let position = self.model.log.len() as u64;
                let want = self.model.erase(id);
                assert_eq!(done.map(|done| (done.traces, done.folds)), want);
                assert!(done.is_none_or(|done| (done.position, done.devices) == (position, 1)));
            }
            Step::Reopen => {
                self.store = None;
                self.store = Some(self.place.open().await);
            }
        }
        self.check().await;
    }

    async fn commit(&mut self, wanted: &[(usize, u64, u64)]) {
        let salt = self.now_ms as u8;
        let batch: Vec<NewTrace> = wanted
            .iter()
            .map(|(device, sequence, content)| {
                attempt(&self.devices[*device], *sequence, *content, self.now_ms, salt)
            })
            .collect();
        let outcomes = self.store().commit_traces(&batch).await.unwrap();
        let want: Vec<Commit> = batch.iter().map(|trace| self.model.commit(trace)).collect();
        assert_eq!(outcomes, want);
        self.tried.extend(batch);
    }

    async fn close(&mut self) {
        let end = self.model.log.len() as u64;
        let epoch = epoch(self.model.epochs, self.model.closed, end);
        let epoch = Epoch { erasures: self.model.gone.len() as u64, ..epoch };
        let done = self.store().commit_epoch(&epoch).await.unwrap();
        assert!(matches!(done, EpochCommit::Closed(_)));
        self.model.leaves.extend(epoch.leaves.iter().map(|(_, hash)| *hash));
        self.model.epochs += 1;
        self.model.closed = end;
    }

    async fn check(&self) {
        let (store, model) = (self.store(), &self.model);
        assert_eq!(store.pending().await.unwrap(), model.pending());
        let head = store.log_head().await.unwrap();
        assert_eq!(head.next_position, model.log.len() as u64);
        assert_eq!(head.tree_size, model.leaves.len() as u64);
        assert_eq!(head.root, merkle::root_of(&model.leaves));
        let rows = store.read_log(0, 1_000).await.unwrap();
        assert!(rows.iter().map(|row| row.position).eq(0..head.next_position));
        let traces = rows.iter().map(|row| match &row.what {
            Logged::Trace(trace) => Some(trace.trace),
            Logged::Erased { .. } => None,
        });
        assert!(traces.eq(model.log.iter().copied()));
    }

    async fn check_every_trace(&self) {
        let store = self.store();
        for trace in self.tried.iter().map(id).collect::<BTreeSet<TraceId>>() {
            let state = store.trace(trace).await.unwrap();
            let known = self.model.known.get(&trace);
            assert_eq!(
                state.map(|s| (s.receipt, s.folded.map(|(position, _)| position))),
                known.map(|k| (k.trace.receipt, k.position))
            );
        }
    }
}

/// One store serves all cases, each with devices of its own; the log and the clock go on.
pub(crate) async fn any_interleaving_is_that_of_the_model(place: &dyn Place) {
    let mut runner = TestRunner::deterministic();
    let mut run = Run {
        place,
        store: Some(place.open().await),
        devices: Vec::new(),
        model: Model::default(),
        tried: Vec::new(),
        now_ms: 1_000,
    };
    for case in 0..16 {
        let store = run.store();
        run.devices.clear();
        for n in 0..3 {
            run.devices.push(enrol(&*store, case * 3 + n).await);
        }
        drop(store);
        let steps = prop::collection::vec(step(), 1..40).new_tree(&mut runner).unwrap().current();
        for (i, step) in steps.iter().enumerate() {
            // Told by the harness where an assertion fails.
            eprintln!("case {case}, step {i}: {step:?}");
            run.step(step).await;
        }
        run.check_every_trace().await;
    }
}
