//! Places that the driver comes back to are hidden by themselves.

use std::sync::Mutex;

use hexmile_sdk_core::{
    Conditions, Connection,
    secrets::{FolderSecrets, MemorySecrets, Secret, SecretError, SecretStore},
};
use hexmile_trace::Position;

use super::*;

const DAY_S: u64 = 24 * 3600;

/// On a road northwards, so many metres from home.
fn on_the_road(metres: f64, second: u64) -> RawFix {
    RawFix { latitude_deg: 10.0 + metres / 111_195.0, ..fix(second) }
}

fn position(metres: f64) -> Position {
    Fix::quantise(&on_the_road(metres, 0)).unwrap().position()
}

/// Drives at 15 m/s, with a tick every five seconds; when the trip ended, and what happened.
fn trip(recorder: &mut Recorder, start: u64, from_m: f64, to_m: f64) -> (u64, Vec<Effect>) {
    let mut effects = Vec::new();
    let seconds = ((to_m - from_m).abs() / 15.0) as u64;
    recorder.start_trip(at(start), &mut effects).unwrap();
    for n in 0..=seconds {
        let metres = from_m + (to_m - from_m) * n as f64 / seconds as f64;
        recorder.record(&on_the_road(metres, start + n), at(start + n).now_ms);
        if n % 5 == 0 {
            recorder.tick(at(start + n), &mut effects).unwrap();
        }
    }
    let end = start + seconds + 1;
    recorder.stop_trip(&mut effects).unwrap();
    recorder.flush().unwrap();
    recorder.tick(at(end), &mut effects).unwrap();
    (end, effects)
}

fn learning(dir: &Path, secrets: Arc<dyn SecretStore>) -> Recorder {
    let config = RecorderConfig { trim: EndTrim::default(), secrets, ..config(dir) };
    let mut recorder = Recorder::new(config, signer());
    recorder.grant_consent(&mut Vec::new()).unwrap();
    recorder.set_conditions(over(Connection::None), at(0), &mut Vec::new());
    recorder
}

fn found(effects: &[Effect]) -> Vec<Position> {
    let found = |e: &Effect| if let Effect::PlaceFound(place) = e { Some(*place) } else { None };
    effects.iter().filter_map(found).collect()
}

/// Metres from home of what leaves over Wi-Fi now, of the trips since a time.
fn sealed(recorder: &mut Recorder, now: u64, since: u64) -> Vec<f64> {
    let (mut effects, mut fixes) = (Vec::new(), Vec::new());
    recorder.seal(at(now), &mut effects).unwrap();
    recorder.flush().unwrap();
    recorder.set_conditions(over(Connection::Wifi), at(now), &mut effects);
    while let Some(upload) = uploads(&std::mem::take(&mut effects)).pop() {
        let answer = accept(&upload);
        fixes.extend(own_fixes(std::slice::from_ref(&upload)));
        recorder.uploaded(&upload, 200, answer.as_bytes(), None, at(now), &mut effects).unwrap();
    }
    recorder.set_conditions(over(Connection::None), at(now), &mut effects);
    assert_eq!(recorder.status().traces_waiting, 0);
    fixes.retain(|fix| fix.time_ms() >= at(since).now_ms);
    fixes.iter().map(|fix| position(0.0).distance_m(fix.position())).collect()
}

fn over(connection: Connection) -> Conditions {
    Conditions { connection, ..Conditions::default() }
}

/// Out in the morning and home at night: both ends are known, and hidden, from then on.
fn a_day(recorder: &mut Recorder, start: u64) -> (u64, Vec<Effect>) {
    let (_, mut effects) = trip(recorder, start, 0.0, 9000.0);
    let (end, more) = trip(recorder, start + DAY_S / 3, 9000.0, 0.0);
    effects.extend(more);
    (end, effects)
}

#[test]
fn home_and_work_are_hidden_after_the_first_day_and_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let secrets = || Arc::new(FolderSecrets::new(dir.path().join("keys")));
    let mut recorder = learning(dir.path(), secrets());
    let (_, effects) = a_day(&mut recorder, 0);
    assert_eq!(found(&effects).len(), 2, "eight hours at work, and twice at home");
    let places = recorder.known_places();
    let near = |metres: f64| places.iter().any(|p| p.distance_m(position(metres)) < 50.0);
    assert!(near(0.0) && near(9000.0), "{places:?}");
    drop(recorder);

    let mut recorder = learning(dir.path(), secrets());
    assert_eq!(recorder.known_places(), places);
    let mut edges = Vec::new();
    for day in 1..4 {
        let (end, effects) = trip(&mut recorder, day * DAY_S, 0.0, 9000.0);
        assert_eq!(found(&effects), []);
        let kept = sealed(&mut recorder, end, day * DAY_S);
        let (first, last) = (kept[0], kept[kept.len() - 1]);
        assert!(first > 599.0 && last < 9000.0 - 599.0, "{first} {last}");
        edges.push((first, last));
        trip(&mut recorder, day * DAY_S + DAY_S / 3, 9000.0, 0.0);
    }
    edges.dedup();
    assert_eq!(edges.len(), 1, "every trip is cut at the same edge");
    assert!(recorder.status().fixes_dropped[&DropReason::Zone] > 200);

    // Nothing on disk says where it is.
    let home = position(0.0);
    for file in fs::read_dir(dir.path().join("journal")).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        for e6 in [home.lat_e6(), home.lat_e6() - 1, home.lat_e6() + 1] {
            assert!(!bytes.windows(4).any(|w| w == e6.to_le_bytes()));
        }
    }
}

#[test]
fn the_end_of_the_trip_that_makes_a_place_known_is_cut_by_its_zone_already() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = learning(dir.path(), Arc::new(MemorySecrets::default()));
    let (end, _) = a_day(&mut recorder, 0);
    let kept = sealed(&mut recorder, end, DAY_S / 3);
    let last = kept[kept.len() - 1];
    assert!(last > 500.0, "{last}");
}

#[test]
fn a_place_that_the_driver_hid_gets_no_second_zone() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = learning(dir.path(), Arc::new(MemorySecrets::default()));
    let zone = Zone::around(position(0.0), &[3; 32]);
    recorder.set_privacy(Privacy::new(vec![zone.clone()]).unwrap()).unwrap();
    a_day(&mut recorder, 0);
    let (end, _) = trip(&mut recorder, DAY_S, 0.0, 9000.0);
    let first = sealed(&mut recorder, end, DAY_S)[0];
    let edge = (0..2000).map(f64::from).find(|m| !zone.contains(position(*m))).unwrap();
    assert!((first - edge).abs() < 16.0, "{first} {edge}");
    // Without the driver's own zone, the one of the known place takes its part.
    recorder.set_privacy(Privacy::default()).unwrap();
    let (end, _) = trip(&mut recorder, 2 * DAY_S, 0.0, 9000.0);
    assert!(sealed(&mut recorder, end, 2 * DAY_S)[0] > 599.0);
}

#[test]
fn a_place_is_forgotten_on_demand_and_all_are_when_the_driver_is_erased() {
    let dir = tempfile::tempdir().unwrap();
    let secrets = Arc::new(MemorySecrets::default());
    let mut recorder = learning(dir.path(), secrets.clone());
    let (end, _) = a_day(&mut recorder, 0);
    recorder.forget_place(position(30.0)).unwrap();
    assert_eq!(recorder.known_places().len(), 1, "work");
    drop(recorder);
    let mut recorder = learning(dir.path(), secrets.clone());
    assert_eq!(recorder.known_places().len(), 1);
    assert!(secrets.read("known-places").unwrap().is_some());
    recorder.withdraw_consent().unwrap();
    assert_eq!(recorder.known_places(), []);
    recorder.erase(None, at(end + 10), &mut Vec::new()).unwrap();
    assert!(secrets.read("known-places").unwrap().is_none());
    assert!(!dir.path().join("journal/places.hxu").exists());
    let error = recorder.forget_place(position(0.0)).unwrap_err();
    assert!(matches!(error, RecorderError::NoConsent));
}

#[test]
fn a_recording_that_is_public_learns_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(config(dir.path()), signer());
    recorder.grant_consent(&mut Vec::new()).unwrap();
    let (_, effects) = a_day(&mut recorder, 0);
    assert!(found(&effects).is_empty() && recorder.known_places().is_empty());
}

#[test]
fn a_trip_that_goes_on_after_a_crash_began_once() {
    let dir = tempfile::tempdir().unwrap();
    let secrets = || Arc::new(FolderSecrets::new(dir.path().join("keys")));
    let mut effects = Vec::new();
    let mut recorder = learning(dir.path(), secrets());
    recorder.start_trip(at(0), &mut effects).unwrap();
    for crash in 1..5 {
        for second in (crash - 1) * 100..crash * 100 {
            recorder.record(&on_the_road(15.0 * second as f64, second), at(second).now_ms);
            recorder.tick(at(second), &mut effects).unwrap();
        }
        recorder.flush().unwrap();
        drop(recorder);
        recorder = learning(dir.path(), secrets());
        assert!(recorder.status().recording, "the trip goes on");
    }
    recorder.stop_trip(&mut effects).unwrap();
    assert_eq!(recorder.known_places(), []);
}

/// A store that can be locked.
#[derive(Debug, Default)]
struct Lockable(MemorySecrets, Mutex<bool>);

impl Lockable {
    fn open(&self) -> Result<&MemorySecrets, SecretError> {
        if *self.1.lock().unwrap() { Err(SecretError::Locked) } else { Ok(&self.0) }
    }
}

impl SecretStore for Lockable {
    fn create(&self, name: &str) -> Result<Secret, SecretError> {
        self.open()?.create(name)
    }
    fn read(&self, name: &str) -> Result<Option<Secret>, SecretError> {
        self.open()?.read(name)
    }
    fn destroy(&self, name: &str) -> Result<(), SecretError> {
        self.open()?.destroy(name)
    }
}

#[test]
fn while_places_cannot_be_read_nothing_leaves() {
    let dir = tempfile::tempdir().unwrap();
    let secrets = Arc::new(Lockable::default());
    let mut recorder = learning(dir.path(), secrets.clone());
    a_day(&mut recorder, 0);
    drop(recorder);
    *secrets.1.lock().unwrap() = true;
    let mut recorder = learning(dir.path(), secrets.clone());
    let mut effects = Vec::new();
    recorder.start_trip(at(DAY_S), &mut effects).unwrap();
    for n in 0..600 {
        let (second, metres) = (DAY_S + n, 15.0 * n as f64);
        *secrets.1.lock().unwrap() = n < 300;
        let recorded = recorder.record(&on_the_road(metres, second), at(second).now_ms);
        if n < 300 {
            assert_eq!(recorded, Recorded::Dropped(DropReason::Zone));
        }
        let ticked = recorder.tick(at(second), &mut effects);
        assert_eq!(ticked.is_err(), n < 300);
        assert_eq!(recorder.status().places_locked, n < 300);
    }
    recorder.stop_trip(&mut effects).unwrap();
    assert_eq!(recorder.known_places().len(), 2);
    let kept = sealed(&mut recorder, DAY_S + 601, DAY_S);
    assert!(!kept.is_empty() && kept[0] >= 300.0 * 15.0);
}

#[test]
fn places_whose_key_is_gone_are_told_and_learned_anew() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = learning(dir.path(), Arc::new(MemorySecrets::default()));
    a_day(&mut recorder, 0);
    drop(recorder);
    let secrets = Arc::new(MemorySecrets::default());
    let config = RecorderConfig { trim: EndTrim::default(), secrets, ..config(dir.path()) };
    let mut recorder = Recorder::new(config, signer());
    let mut effects = Vec::new();
    recorder.grant_consent(&mut effects).unwrap();
    assert!(effects.contains(&Effect::PlacesLost), "{effects:?}");
    assert_eq!(recorder.known_places(), []);
    let (_, effects) = a_day(&mut recorder, DAY_S);
    assert_eq!(found(&effects).len(), 2);
}

/// A disk that fails for a while must not show a home, nor make the phone forget it.
#[test]
fn places_that_cannot_be_read_are_hidden_until_they_can_and_those_that_are_lost_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let secrets = || Arc::new(FolderSecrets::new(dir.path().join("keys")));
    let mut recorder = learning(dir.path(), secrets());
    a_day(&mut recorder, 0);
    let places = recorder.known_places();
    drop(recorder);
    let (file, aside) = (dir.path().join("journal/places.hxu"), dir.path().join("aside"));
    fs::rename(&file, &aside).unwrap();
    fs::create_dir(&file).unwrap();
    let mut recorder = learning(dir.path(), secrets());
    assert!(recorder.status().places_locked);
    recorder.start_trip(at(DAY_S), &mut Vec::new()).unwrap();
    let recorded = recorder.record(&on_the_road(0.0, DAY_S), at(DAY_S).now_ms);
    assert_eq!(recorded, Recorded::Dropped(DropReason::Zone));
    let error = recorder.tick(at(DAY_S), &mut Vec::new()).unwrap_err();
    assert!(matches!(error, RecorderError::Journal(_)), "{error}");
    fs::remove_dir(&file).unwrap();
    fs::rename(&aside, &file).unwrap();
    recorder.tick(at(DAY_S + 1), &mut Vec::new()).unwrap();
    assert_eq!(recorder.known_places(), places);
    assert!(!recorder.status().places_locked);
    drop(recorder);
    // As the power may leave it.
    fs::write(&file, "").unwrap();
    let mut effects = Vec::new();
    let config =
        RecorderConfig { trim: EndTrim::default(), secrets: secrets(), ..config(dir.path()) };
    Recorder::new(config, signer()).grant_consent(&mut effects).unwrap();
    assert!(effects.contains(&Effect::PlacesLost), "{effects:?}");
}
