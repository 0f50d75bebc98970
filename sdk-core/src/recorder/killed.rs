//! A process that is killed at any moment: what is on disk then, who can read it, and how the trip goes
//! on.

mod keys;
mod laws;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use hexmile_trace::{Fix, NetworkId, Position, RawFix, SignedTrace, Trace, sign::SoftwareSigner};

use super::{Effect, HeldLoss, Moment, Recorder, RecorderConfig};
use crate::{
    DropReason, Privacy, Recorded, SealLimits,
    journal::{Entry, JournalError},
    secrets::{MemorySecrets, Secret, SecretError, SecretStore},
};

const START_MS: u64 = 1_700_000_000_000;

fn at(second: u64) -> Moment {
    Moment { now_ms: START_MS + second * 1000, random: second.wrapping_mul(0x9e37_79b9_7f4a_7c15) }
}

/// A phone's folder, and its secret store.
struct Phone {
    dir: tempfile::TempDir,
    secrets: Arc<dyn SecretStore>,
    privacy: Privacy,
}

impl Phone {
    fn new() -> Self {
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        Self { dir, secrets: Arc::new(MemorySecrets::default()), privacy: Privacy::default() }
    }

    fn journal(&self) -> PathBuf {
        self.dir.path().join("journal")
    }

    fn recorder(&self) -> (Recorder, Vec<Effect>) {
        self.recorder_in(&self.journal())
    }

    fn recorder_in(&self, dir: &Path) -> (Recorder, Vec<Effect>) {
        self.recorder_with(dir, Arc::clone(&self.secrets))
    }

    fn recorder_with(&self, dir: &Path, secrets: Arc<dyn SecretStore>) -> (Recorder, Vec<Effect>) {
        let config = RecorderConfig {
            seal: SealLimits { max_age_ms: 20_000 },
            secrets,
            privacy: self.privacy.clone(),
            max_batch: 1000,
            learn_places: false,
            ..RecorderConfig::new(dir.to_owned(), NetworkId::of_name("test"))
        };
        let mut recorder = Recorder::new(config, Arc::new(SoftwareSigner::from_seed(&[5; 32])));
        let mut effects = Vec::new();
        recorder.grant_consent(&mut effects).unwrap();
        (recorder, effects)
    }

    /// A copy of the folder, as a killed process leaves it, opened again.
    fn after_kill(&self, recorder: &Recorder) -> (tempfile::TempDir, Recorder, Vec<Effect>) {
        self.after_kill_with(recorder, Arc::clone(&self.secrets))
    }

    fn after_kill_with(
        &self,
        recorder: &Recorder,
        secrets: Arc<dyn SecretStore>,
    ) -> (tempfile::TempDir, Recorder, Vec<Effect>) {
        recorder.journal.as_ref().unwrap().settle_down();
        let copy = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        for file in fs::read_dir(self.journal()).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
        let (recorder, effects) = self.recorder_with(copy.path(), secrets);
        (copy, recorder, effects)
    }

    fn held_files(&self) -> Vec<PathBuf> {
        files(&self.journal())
            .into_iter()
            .filter(|p| p.extension().is_some_and(|e| e == "held"))
            .collect()
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).unwrap().map(|file| file.unwrap().path()).collect()
}

/// Northwards at 15 m/s, and on the way a stop of a minute.
fn north_m(second: u64) -> f64 {
    15.0 * (second.min(120) + second.saturating_sub(180)) as f64
}

fn place(second: u64) -> Position {
    Fix::quantise(&fix(second)).unwrap().position()
}

fn fix(second: u64) -> RawFix {
    RawFix {
        time_ms: at(second).now_ms.cast_signed(),
        latitude_deg: 10.0 + north_m(second) / 111_195.0,
        longitude_deg: 20.0,
        accuracy_m: Some(4.0),
        ..RawFix::default()
    }
}

fn start(recorder: &mut Recorder) {
    recorder.start_trip(at(0), &mut Vec::new()).unwrap();
}

/// A drive during which the journal's thread keeps up, as it does where a second is one.
fn drive(recorder: &mut Recorder, seconds: std::ops::Range<u64>) {
    for second in seconds {
        recorder.record(&fix(second), at(second));
        recorder.journal.as_ref().unwrap().settle_down();
    }
}

/// Ends the trip; the seconds of what is sealed, of all trips.
fn sealed(recorder: &mut Recorder, second: u64) -> Vec<u64> {
    recorder.stop_trip(&mut Vec::new()).unwrap();
    traces(recorder, second).iter().flat_map(|trace| seconds(trace.own_fixes())).collect()
}

/// The seconds of what is sealed, trace by trace, with context.
fn fixes(recorder: &mut Recorder, second: u64) -> Vec<Vec<u64>> {
    traces(recorder, second).iter().map(|trace| seconds(trace.fixes())).collect()
}

fn seconds(fixes: &[Fix]) -> Vec<u64> {
    fixes.iter().map(|fix| (fix.time_ms() - START_MS) / 1000).collect()
}

fn traces(recorder: &mut Recorder, second: u64) -> Vec<Trace> {
    let mut effects = Vec::new();
    for _ in 0..8 {
        recorder.seal(at(second), &mut effects).unwrap();
    }
    recorder.tick(at(second), &mut effects).unwrap();
    recorder.flush().unwrap();
    // Whatever an upload holds that is under way.
    let mut traces = Vec::new();
    let journal = recorder.journal.as_ref().unwrap();
    let read = journal.for_each_entry(|entry| {
        if let Entry::Sealed { bytes, .. } = entry {
            traces.push(SignedTrace::from_bytes(&bytes).unwrap().decode().unwrap());
        }
        Ok::<_, JournalError>(())
    });
    read.unwrap();
    traces
}

fn resumed(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::TripResumed(_)))
}

/// What a drive of so many seconds leaves where nothing goes wrong: 500 m off each end.
fn undisturbed(seconds: u64) -> Vec<u64> {
    let phone = Phone::new();
    let (mut recorder, _) = phone.recorder();
    start(&mut recorder);
    drive(&mut recorder, 0..seconds);
    sealed(&mut recorder, seconds)
}

#[test]
fn killed_at_any_second_a_trip_loses_five_seconds_at_most_and_goes_on() {
    let whole = undisturbed(400);
    let phone = Phone::new();
    let (mut recorder, _) = phone.recorder();
    start(&mut recorder);
    for killed in 0..360 {
        drive(&mut recorder, killed..killed + 1);
        if killed % 7 == 0 {
            recorder.tick(at(killed), &mut Vec::new()).unwrap();
        }
        if killed < 5 || killed % 3 != 0 {
            continue;
        }
        // Its key is read, not destroyed: the next kill needs it.
        let keys = Arc::new(ReadOnly(Arc::clone(&phone.secrets)));
        let (_copy, mut second, effects) = phone.after_kill_with(&recorder, keys);
        assert!(resumed(&effects), "killed at {killed}: {effects:?}");
        assert!(second.status().recording);
        // The phone is back after ten seconds.
        drive(&mut second, killed + 10..400);
        let there = sealed(&mut second, 400);
        let lost: Vec<u64> = whole.iter().filter(|s| !there.contains(s)).copied().collect();
        let unseen = |s: &u64| (killed.saturating_sub(5)..killed + 10).contains(s);
        assert!(lost.iter().all(unseen), "killed at {killed}, lost {lost:?}");
        // What is new is never nearer to an end than without the kill.
        assert!(there.iter().all(|s| whole.contains(s)), "killed at {killed}");
        let in_order = there.windows(2).all(|pair| pair[0] < pair[1]);
        assert!(in_order, "killed at {killed}: each fix once: {there:?}");
    }
}

#[test]
fn a_trip_to_which_no_fix_comes_ends_where_it_was() {
    for late in [false, true] {
        let phone = Phone::new();
        let (mut recorder, _) = phone.recorder();
        start(&mut recorder);
        drive(&mut recorder, 0..100);
        let (copy, mut second, effects) = phone.after_kill(&recorder);
        assert!(resumed(&effects));
        if late {
            let recorded = second.record(&fix(460), at(460));
            assert_eq!(recorded, Recorded::Dropped(DropReason::NoTrip));
        }
        second.tick(at(390), &mut Vec::new()).unwrap();
        assert!(second.status().recording, "a few minutes are no end");
        second.tick(at(460), &mut Vec::new()).unwrap();
        assert!(!second.status().recording);
        // 500 m at 15 m/s are 33.3 s; up to 5 s more were lost.
        let there = sealed(&mut second, 460);
        assert_eq!(there[0], 34);
        assert!((61..=65).contains(there.last().unwrap()), "{there:?}");
        assert!(!files(copy.path()).iter().any(|p| p.extension().is_some_and(|e| e == "held")));
    }
}

/// What the phone saw last before a kill may not be on disk, and may have been a zone.
#[test]
fn nothing_joins_what_was_before_a_kill_to_what_comes_after() {
    let phone = Phone::new();
    let (mut recorder, _) = phone.recorder();
    start(&mut recorder);
    drive(&mut recorder, 0..80);
    let (_copy, mut second, effects) = phone.after_kill(&recorder);
    assert!(resumed(&effects));
    drive(&mut second, 81..180);
    second.stop_trip(&mut Vec::new()).unwrap();
    let runs = fixes(&mut second, 180);
    assert!(runs.iter().any(|run| run.contains(&76)) && runs.iter().any(|run| run.contains(&81)));
    assert!(!runs.iter().any(|run| run[0] < 80 && run[run.len() - 1] > 80), "{runs:?}");
}

/// All positions that the phone was at, as the journal would write them.
fn assert_unreadable(dir: &Path, seconds: std::ops::Range<u64>, why: &str) {
    let bytes: Vec<u8> = files(dir).iter().flat_map(|path| fs::read(path).unwrap()).collect();
    for second in seconds {
        let lat = place(second).lat_e6().to_le_bytes();
        assert!(!bytes.windows(4).any(|w| w == lat), "{why}: second {second} is on disk");
        let time = at(second).now_ms.to_le_bytes();
        assert!(
            !bytes.windows(8).any(|w| w == time),
            "{why}: the time of second {second} is on disk"
        );
    }
}

#[test]
fn nothing_of_what_is_held_back_can_be_read_without_its_key() {
    let phone = Phone::new();
    let (mut recorder, _) = phone.recorder();
    start(&mut recorder);
    drive(&mut recorder, 0..100);
    recorder.flush().unwrap();
    let [held] = &phone.held_files()[..] else { panic!("one file a trip") };
    assert!(fs::metadata(held).unwrap().len() > 34 * 40, "the stretch is in it");
    assert_unreadable(&phone.journal(), 0..34, "start");
    assert_unreadable(&phone.journal(), 67..100, "end");
    let copy = fs::read(held).unwrap();
    // The end of the trip destroys the key, and the file goes.
    recorder.stop_trip(&mut Vec::new()).unwrap();
    recorder.flush().unwrap();
    assert_eq!(phone.held_files(), Vec::<PathBuf>::new());
    assert_unreadable(&phone.journal(), 67..100, "after the trip");
    let key = |key: &Secret| {
        let path = phone.dir.path().join("copy");
        fs::write(&path, &copy).unwrap();
        let device = recorder.device();
        let trip = hexmile_trace::TripId(at(0).random.to_le_bytes());
        crate::journal::read_held_file(&path, &[device], trip, key)
    };
    let found = key(&Secret::new([0; 32])).unwrap();
    assert_eq!(found.held, None, "another key reads nothing");
    assert!(found.damaged_bytes > 0);
}

#[test]
fn the_key_goes_before_the_file_whatever_ends_the_trip() {
    let ends: [fn(&mut Recorder); 4] = [
        |r| r.stop_trip(&mut Vec::new()).unwrap(),
        |r| r.withdraw_consent().unwrap(),
        |r| r.erase(None, at(60), &mut Vec::new()).unwrap(),
        |r| r.start_trip(at(60), &mut Vec::new()).unwrap(),
    ];
    for (n, end) in ends.iter().enumerate() {
        let secrets = Arc::new(MemorySecrets::default());
        let phone = Phone { secrets: secrets.clone(), ..Phone::new() };
        let (mut recorder, _) = phone.recorder();
        start(&mut recorder);
        drive(&mut recorder, 0..60);
        recorder.flush().unwrap();
        let before = secrets.names();
        assert_eq!(before.len(), 1);
        assert_eq!(phone.held_files().len(), 1);
        end(&mut recorder);
        recorder.flush().unwrap();
        let after = secrets.names();
        assert!(!after.contains(&before[0]), "end {n}: {after:?}");
        assert_eq!(after.len(), usize::from(n == 3), "a new trip has a new key");
        assert_eq!(phone.held_files().len(), usize::from(n == 3), "end {n}");
    }
}

/// Cuts and flips the file everywhere: whatever is read of it is what was held, in order.
#[test]
fn a_held_file_cut_or_flipped_anywhere_costs_what_was_hit() {
    let phone = Phone::new();
    let (mut recorder, _) = phone.recorder();
    start(&mut recorder);
    drive(&mut recorder, 0..70);
    let path = phone.held_files().remove(0);
    let whole = fs::read(&path).unwrap();
    let cut = (0..=whole.len()).map(|len| whole[..len].to_vec());
    let flipped = (0..whole.len()).map(|n| {
        let mut bytes = whole.clone();
        bytes[n] ^= 1 << (n % 8);
        bytes
    });
    for (n, bytes) in cut.chain(flipped).enumerate().step_by(3) {
        let copy = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        for file in files(&phone.journal()) {
            fs::copy(&file, copy.path().join(file.file_name().unwrap())).unwrap();
        }
        fs::write(copy.path().join(path.file_name().unwrap()), &bytes).unwrap();
        // Its key is read, not destroyed: the next case needs it.
        let keys = Arc::new(ReadOnly(Arc::clone(&phone.secrets)));
        let (mut second, effects) = phone.recorder_with(copy.path(), keys);
        let lost = effects.iter().any(|e| matches!(e, Effect::HeldLost(HeldLoss::Damaged)));
        assert!(resumed(&effects) || lost, "case {n}: {effects:?}");
        drive(&mut second, 75..150);
        let there = sealed(&mut second, 150);
        assert!(there.is_sorted() && there.windows(2).all(|w| w[0] != w[1]), "case {n}: {there:?}");
        // 500 m off the start and the end, whatever was lost.
        assert!(there.iter().all(|s| (34..=116).contains(s)), "case {n}: {there:?}");
    }
}

/// Lets no key be destroyed.
#[derive(Debug)]
struct ReadOnly(Arc<dyn SecretStore>);

impl SecretStore for ReadOnly {
    fn create(&self, _: &str) -> Result<Secret, SecretError> {
        Secret::random()
    }
    fn read(&self, name: &str) -> Result<Option<Secret>, SecretError> {
        self.0.read(name)
    }
    fn destroy(&self, _: &str) -> Result<(), SecretError> {
        Ok(())
    }
}

#[test]
fn a_full_disk_costs_the_held_stretch_nothing_that_outlasts_it() {
    let phone = Phone::new();
    let (mut recorder, _) = phone.recorder();
    start(&mut recorder);
    drive(&mut recorder, 0..60);
    recorder.journal.as_mut().unwrap().break_writes();
    drive(&mut recorder, 60..90);
    let mut effects = Vec::new();
    assert!(recorder.tick(at(90), &mut effects).is_err(), "the host is told");
    recorder.journal.as_ref().unwrap().settle_down();
    let _ = recorder.tick(at(91), &mut effects);
    assert!(recorder.status().held_in_memory.is_some());
    recorder.journal.as_mut().unwrap().mend_writes();
    drive(&mut recorder, 90..100);
    recorder.tick(at(100), &mut effects).unwrap();
    let (_copy, mut second, effects) = phone.after_kill(&recorder);
    assert!(resumed(&effects));
    drive(&mut second, 100..200);
    let there = sealed(&mut second, 200);
    let whole = undisturbed(200);
    assert_eq!(there, whole);
}

/// A phone that crawls for hours holds much back; its file stays in bounds.
#[test]
fn the_file_is_bounded() {
    let phone = Phone::new();
    let (mut recorder, _) = phone.recorder();
    start(&mut recorder);
    let mut most = 0;
    for second in 0..12_000 {
        drive(&mut recorder, second..second + 1);
        if second % 100 == 0 {
            let len = phone.held_files().first().map_or(0, |p| fs::metadata(p).unwrap().len());
            most = most.max(len);
        }
    }
    assert!((10_000..70_000).contains(&most), "{most}");
}
