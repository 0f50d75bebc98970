//! Typical traffic as requests read it: of one tile or cell, at one time.

use std::sync::Arc;

use h3o::CellIndex;
use hexmile_tiles::{Closures, Section, Snapshot, TileId, Typical, WeekSlot};
use quick_cache::{Weighter, sync::Cache};
use tokio::sync::{Semaphore, watch};

use crate::{local_time::LocalTime, when::When};

/// How many requests build sections at once: each takes a core.
const BUILDERS: usize = 2;

/// Bytes that a line of a section takes, with its share of the sums of coarser cells.
const LINE_BYTES: usize = 200;

/// Typical traffic in force.
#[derive(Clone, Default)]
pub(crate) struct InForce {
    pub(crate) typical: Arc<Typical>,
    /// When the newest of what it is made of was compacted, Unix milliseconds.
    pub(crate) compacted_at_ms: Option<u64>,
}

#[derive(Clone)]
struct ByLines;

type SectionKey = (u64, CellIndex, WeekSlot);

impl Weighter<SectionKey, Option<Section>> for ByLines {
    fn weight(&self, _: &SectionKey, section: &Option<Section>) -> u64 {
        (section.as_ref().map_or(0, Section::line_count) * LINE_BYTES + 256) as u64
    }
}

/// What a request reads, before anything is built.
pub(crate) struct Reading {
    typical: Arc<Typical>,
    sections: Vec<(CellIndex, WeekSlot)>,
    closures: Closures,
}

impl Reading {
    pub(crate) fn tile_tag(&self, tile: TileId) -> u64 {
        self.typical.tile_tag(tile, &self.sections, &self.closures)
    }
}

/// Typical traffic of the week, and the sections of it that were asked for lately.
pub(crate) struct Week {
    pub(crate) in_force: watch::Receiver<InForce>,
    pub(crate) closures: watch::Receiver<Closures>,
    pub(crate) local: Arc<LocalTime>,
    sections: Cache<SectionKey, Option<Section>, ByLines>,
    building: Arc<Semaphore>,
}

impl Week {
    /// Keeps sections of `bytes` together.
    pub(crate) fn new(
        in_force: watch::Receiver<InForce>,
        closures: watch::Receiver<Closures>,
        local: Arc<LocalTime>,
        bytes: u64,
    ) -> Self {
        let sections = Cache::with_weighter(1024, bytes, ByLines);
        Self { in_force, closures, local, sections, building: Arc::new(Semaphore::new(BUILDERS)) }
    }

    /// What a tile shows at a time.
    pub(crate) fn of_tile(&self, tile: TileId, when: When) -> Reading {
        self.reading(when, |typical| typical.near(tile))
    }

    /// What a cell shows at a time.
    pub(crate) fn of_cell(&self, cell: CellIndex, when: When) -> Reading {
        self.reading(when, |typical| typical.within(cell))
    }

    /// What all places show at a time, in one; it takes as much memory as live traffic of so many roads.
    pub(crate) fn of_all(&self, when: When) -> Snapshot {
        self.snapshot(self.reading(when, |typical| typical.cells().collect()))
    }

    fn reading(&self, when: When, places: impl Fn(&Typical) -> Vec<CellIndex>) -> Reading {
        let typical = Arc::clone(&self.in_force.borrow().typical);
        let slot = |cell| match when {
            When::Instant(unix_ms) => self.local.week_slot(cell, unix_ms),
            When::Week(slot) => slot,
        };
        let sections = places(&typical).into_iter().map(|cell| (cell, slot(cell))).collect();
        let closures = match when {
            When::Instant(unix_ms) => self.closures.borrow().at(unix_ms),
            When::Week(_) => Closures::default(),
        };
        Reading { typical, sections, closures }
    }

    /// Runs `work` over the snapshot of a reading, on a thread that may take its time; `None` where that fell
    /// over.
    pub(crate) async fn with_snapshot<T: Send + 'static>(
        self: &Arc<Self>,
        reading: Reading,
        work: impl FnOnce(&Snapshot) -> T + Send + 'static,
    ) -> Option<T> {
        let turn = Arc::clone(&self.building).acquire_owned().await.ok()?;
        let this = Arc::clone(self);
        let work = move || {
            // Held by the work itself, which goes on when whoever asked has gone.
            let _turn = turn;
            work(&this.snapshot(reading))
        };
        tokio::task::spawn_blocking(work).await.ok()
    }

    fn snapshot(&self, reading: Reading) -> Snapshot {
        let Reading { typical, sections, closures } = reading;
        let section = |(cell, at): (CellIndex, WeekSlot)| {
            let key = (typical.version(), cell, at);
            let build = || Ok::<_, std::convert::Infallible>(typical.section(cell, at));
            let Ok(section) = self.sections.get_or_insert_with(&key, build);
            section
        };
        Snapshot::of_sections(sections.into_iter().filter_map(section).collect(), closures)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn who_hangs_up_frees_no_builder_before_its_work_is_done() {
        let (_, in_force) = watch::channel(InForce::default());
        let (_, closures) = watch::channel(Closures::default());
        let week = Arc::new(Week::new(in_force, closures, Arc::new(LocalTime::new()), 0));
        let tile = TileId::new(0, 0, 0).unwrap();
        let (begin, begun) = tokio::sync::oneshot::channel();
        let (release, released) = mpsc::channel::<()>();
        let asker = tokio::spawn({
            let (week, reading) =
                (Arc::clone(&week), week.of_tile(tile, When::Week(WeekSlot::default())));
            let work = move |_: &Snapshot| {
                let _ = begin.send(());
                let _ = released.recv();
            };
            async move { week.with_snapshot(reading, work).await }
        });
        begun.await.unwrap();
        asker.abort();
        assert!(asker.await.unwrap_err().is_cancelled());
        assert_eq!(week.building.available_permits(), BUILDERS - 1);
        release.send(()).unwrap();
        let all = week.building.acquire_many(u32::try_from(BUILDERS).unwrap()).await;
        assert!(all.is_ok());
    }
}
