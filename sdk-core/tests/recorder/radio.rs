//! What uploads cost the phone: wake-ups of its radio, its data plan, and how soon traces leave.

mod phone;

use super::*;
use hexmile_sdk_core::{Conditions, Connection, UploadHold, UploadMode, UploadRules};
use phone::{Fate, Phone};
use proptest::prelude::*;
use std::collections::BTreeMap;

const CELLULAR: Conditions = conditions(Connection::Cellular);
const WIFI: Conditions = conditions(Connection::Wifi);
/// As the recorder counts: the radio stays connected for so long.
const TAIL_MS: u64 = 5_000;

const fn conditions(connection: Connection) -> Conditions {
    Conditions {
        connection,
        metered: false,
        roaming: false,
        battery_percent: Some(80),
        charging: false,
        low_power_mode: false,
        data_saver: false,
    }
}

fn economy(dir: &Path) -> RecorderConfig {
    RecorderConfig {
        trim: EndTrim::Off,
        ..RecorderConfig::economy(dir.join("journal"), NetworkId::of_name("test"))
    }
}

#[derive(Clone, Debug)]
enum Event {
    Start,
    Stop,
    Go(u64, f64),
    Set(Conditions),
    Restart,
}

fn event() -> impl Strategy<Value = Event> {
    let connection = prop_oneof![
        4 => Just(Connection::Cellular),
        1 => Just(Connection::Wifi),
        1 => Just(Connection::None),
        1 => Just(Connection::Unknown),
    ];
    let set =
        (connection, any::<[bool; 3]>(), 0..100_u8).prop_map(|(connection, flags, percent)| {
            let [metered, charging, data_saver] = flags;
            let battery_percent = Some(percent);
            Conditions { metered, charging, data_saver, battery_percent, ..conditions(connection) }
        });
    prop_oneof![
        2 => Just(Event::Start),
        2 => Just(Event::Stop),
        6 => (1..1500_u64, 0.0..35.0).prop_map(|(seconds, speed)| Event::Go(seconds, speed)),
        3 => set.prop_map(Event::Set),
        1 => Just(Event::Restart),
    ]
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Answered),
        1 => Just(Fate::Lost),
        1 => Just(Fate::Busy),
        1 => Just(Fate::Silence),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn economy_wakes_the_radio_four_times_an_hour_at_most(
        events in proptest::collection::vec(event(), 1..40),
        fates in proptest::collection::vec(fate(), 0..30),
    ) {
        let dir = quick_dir();
        let mut phone = Phone { fates, ..Phone::new(economy(dir.path())) };
        for event in events {
            match event {
                Event::Start => phone.start(),
                Event::Stop => phone.stop(),
                Event::Go(seconds, speed_mps) => phone.go(seconds, speed_mps),
                Event::Set(conditions) => phone.set(conditions),
                Event::Restart => phone.restart(),
            }
        }
        phone.stop();
        phone.fates.clear();
        phone.set(Conditions { charging: true, ..CELLULAR });
        phone.go(3 * 3600, 0.0);
        prop_assert_eq!(phone.recorder.status().traces_waiting, 0, "and nothing waits for ever");
        phone.assert_four_an_hour();
    }

    #[test]
    fn live_lets_every_fix_leave_within_a_minute(
        legs in proptest::collection::vec((5..150_u64, prop_oneof![1 => Just(0.0), 4 => 1.0..35.0]), 1..30),
        tick_s in 1..=10_u64,
        trimmed: bool,
    ) {
        let dir = quick_dir();
        let trim = if trimmed { EndTrim::default() } else { EndTrim::Off };
        let network = NetworkId::of_name("test");
        let config = RecorderConfig::live(dir.path().join("journal"), network);
        let mut phone = Phone { tick_s, ..Phone::new(RecorderConfig { trim, ..config }) };
        phone.start();
        for (seconds, speed_mps) in legs {
            phone.go(seconds, speed_mps);
        }
        phone.go(70, 0.0);
        prop_assert!(phone.latest_ms <= 60_000, "a fix left {} ms after it could", phone.latest_ms);
        let minute_ago = phone.now_ms - 60_000;
        for (fix, _) in phone.released.range(..).filter(|(_, at)| **at <= minute_ago) {
            prop_assert!(phone.sent.contains_key(fix), "a fix stayed behind");
        }
    }
}

#[test]
fn an_hour_in_economy_is_three_wake_ups_and_the_end_of_the_trip_goes_at_once() {
    let dir = quick_dir();
    let mut phone = Phone::new(economy(dir.path()));
    phone.start();
    phone.go(3000, 15.0);
    let uploads: Vec<u64> = phone.uploads.iter().map(|(ms, _)| (ms - START_MS) / 1000).collect();
    assert_eq!(uploads, [305, 1505, 2705], "the first full trace, then every twenty minutes");
    assert_eq!(phone.wait().unwrap().0, UploadHold::RadioBudget);
    assert!(phone.recorder.status().bytes_queued > 0);
    phone.stop();
    phone.go(10, 0.0);
    let status = phone.recorder.status();
    assert_eq!((status.traces_waiting, status.bytes_queued, status.uploads_wait), (0, 0, None));
    assert_eq!(phone.wake_ups.len(), 4);
    let bytes: usize = phone.uploads.iter().map(|(_, bytes)| bytes).sum();
    assert!(bytes <= 16_000 * 3000 / 3600, "{bytes} bytes");
}

#[test]
fn what_waits_leaves_when_its_reason_is_gone() {
    let dir = quick_dir();
    let rules = UploadRules { wifi_only: true, ..UploadRules::LIVE };
    let mut phone = Phone::new(RecorderConfig { upload: rules, ..economy(dir.path()) });
    let check = |phone: &mut Phone, conditions: Conditions, want: Option<&str>| {
        phone.set(conditions);
        phone.go(10, 15.0);
        assert_eq!(phone.wait().map(|(why, _)| why.code()), want, "{conditions:?}");
        assert_eq!(phone.sent.is_empty(), want.is_some(), "{conditions:?}");
    };
    phone.start();
    phone.go(310, 15.0);
    check(&mut phone, conditions(Connection::None), Some("offline"));
    check(&mut phone, CELLULAR, Some("waiting_for_wifi"));
    check(&mut phone, Conditions { metered: true, ..WIFI }, Some("waiting_for_wifi"));
    let rules = UploadRules { wifi_only: false, ..rules };
    let roaming = Conditions { roaming: true, ..CELLULAR };
    phone.set(roaming);
    let (mut effects, moment) = (Vec::new(), phone.moment());
    phone.recorder.set_upload_rules(rules, moment, &mut effects);
    assert_eq!(uploads(&effects), []);
    check(&mut phone, roaming, Some("roaming"));
    check(&mut phone, Conditions { battery_percent: Some(3), ..CELLULAR }, Some("battery_low"));
    check(&mut phone, WIFI, None);
}

#[test]
fn another_mode_changes_the_size_of_traces_too() {
    let dir = quick_dir();
    let mut phone = Phone::new(economy(dir.path()));
    phone.start();
    phone.go(200, 15.0);
    assert!(phone.sent.is_empty());
    let (mut effects, moment) = (Vec::new(), phone.moment());
    phone.recorder.set_upload_rules(UploadRules::LIVE, moment, &mut effects);
    phone.carry_out(effects);
    phone.go(100, 15.0);
    assert!(phone.sent.len() > 230, "{}", phone.sent.len());
    let economy = UploadRules { mode: UploadMode::Economy, ..UploadRules::LIVE };
    let moment = phone.moment();
    phone.recorder.set_upload_rules(economy, moment, &mut Vec::new());
    let sent = phone.sent.len();
    phone.go(200, 15.0);
    assert_eq!(phone.sent.len(), sent);
}

#[test]
fn a_data_budget_holds_over_restarts_and_is_whole_again_the_next_day() {
    const BUDGET: u64 = 60_000;
    let dir = quick_dir();
    let rules = UploadRules { cellular_bytes_per_day: Some(BUDGET), ..UploadRules::LIVE };
    let config = RecorderConfig { seal: SealLimits::LIVE, upload: rules, ..economy(dir.path()) };
    let mut phone = Phone::new(config);
    for _ in 0..8 {
        phone.start();
        phone.go(900, 15.0);
        phone.stop();
        phone.restart();
        phone.go(30, 0.0);
    }
    let (why, until_ms) = phone.wait().unwrap();
    assert_eq!(why, UploadHold::DataBudgetSpent);
    let first_ms = phone.uploads[0].0;
    assert_eq!(until_ms, Some(first_ms + 24 * 3_600_000));
    let spent = |phone: &Phone| {
        let bodies: usize = phone.uploads.iter().map(|(_, bytes)| bytes).sum();
        (bodies + 700 * phone.uploads.len() + 5000 * phone.wake_ups.len()) as u64
    };
    let first_day = spent(&phone);
    assert!((BUDGET - 8_000..=BUDGET).contains(&first_day), "{first_day}");
    let queued = phone.recorder.status().traces_waiting;
    assert!(queued > 0);
    phone.set(WIFI);
    assert_eq!(phone.recorder.status().traces_waiting, 0, "Wi-Fi has no budget");
    phone.set(CELLULAR);
    phone.start();
    phone.go(300, 15.0);
    assert_eq!(phone.wait().unwrap().0, UploadHold::DataBudgetSpent);
    phone.go((first_ms + 24 * 3_600_000 - phone.now_ms) / 1000 + 10, 0.0);
    assert!(spent(&phone) > first_day);
}

#[test]
fn a_clock_that_jumps_neither_stops_uploads_for_ever_nor_frees_them_twice() {
    let dir = quick_dir();
    let mut phone = Phone::new(economy(dir.path()));
    let year_ms = 365 * 24 * 3_600_000;
    let trip = |phone: &mut Phone| {
        phone.start();
        phone.go(30, 15.0);
        phone.stop();
        phone.go(30, 0.0);
    };
    for _ in 0..6 {
        trip(&mut phone);
    }
    assert_eq!(phone.uploads.len(), 4);
    for _ in 0..6 {
        phone.now_ms += year_ms;
        trip(&mut phone);
        phone.now_ms -= year_ms;
        phone.restart();
        trip(&mut phone);
    }
    assert_eq!(phone.wake_ups.len(), 8, "what may go in a new hour, and but once");
    assert!(phone.recorder.status().traces_waiting > 0);
    phone.go(3600, 0.0);
    assert_eq!(phone.recorder.status().traces_waiting, 0, "an hour by the clock as it is");
}

#[test]
fn the_policy_and_an_erasure_are_wake_ups_too() {
    let dir = quick_dir();
    let mut phone = Phone::new(economy(dir.path()));
    for _ in 0..4 {
        phone.start();
        phone.go(30, 15.0);
        phone.stop();
        phone.go(30, 0.0);
    }
    assert_eq!((phone.wake_ups.len(), phone.uploads.len()), (4, 4), "the policy went with a trace");
    let (mut effects, moment) = (Vec::new(), phone.moment());
    phone.recorder.erase(None, moment, &mut effects).unwrap();
    let asks = |effects: &[Effect]| effects.iter().any(|e| matches!(e, Effect::Erase(_)));
    assert!(!asks(&effects));
    let Some(Effect::WakeAt(until_ms)) = effects.last() else { panic!("{effects:?}") };
    assert_eq!(*until_ms, phone.wake_ups[0] + 3_600_000);
    let mut wifi = || {
        let mut effects = Vec::new();
        let moment = Moment { now_ms: until_ms - 1, random: 1 };
        phone.recorder.set_conditions(WIFI, moment, &mut effects);
        effects
    };
    assert!(asks(&wifi()), "Wi-Fi wakes no radio up");
}

/// What the trim holds back is old when it is let go, the more so the slower the drive.
#[test]
fn a_slow_drive_is_not_cut_into_more_traces_than_a_fast_one() {
    for speed_mps in [5.0, 8.0, 15.0, 25.0] {
        let dir = quick_dir();
        let network = NetworkId::of_name("test");
        let mut phone = Phone::new(RecorderConfig::live(dir.path().join("journal"), network));
        phone.start();
        phone.go(3600, speed_mps);
        let uploads = phone.uploads.len();
        assert!((70..=80).contains(&uploads), "{uploads} uploads an hour at {speed_mps} m/s");
    }
}
