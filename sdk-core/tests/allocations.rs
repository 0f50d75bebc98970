//! What recording costs a caller in steady state, counted and not timed.

use std::sync::Arc;

use hexmile_sdk_core::{Moment, Privacy, Recorder, RecorderConfig, SealLimits, Zone};
use hexmile_trace::{NetworkId, Position, Provider, RawFix, sign::SoftwareSigner};

#[test]
fn recording_allocates_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let zones = (0..1000).map(|n| Zone::Circle {
        centre: Position::from_e6(50_000_000, n * 10_000).unwrap(),
        radius_m: 500,
    });
    let config = RecorderConfig {
        seal: SealLimits::ECONOMY,
        privacy: Privacy::new(zones.collect()).unwrap(),
        ..RecorderConfig::new(dir.path().join("journal"), NetworkId::of_name("test"))
    };
    let mut recorder = Recorder::new(config, Arc::new(SoftwareSigner::from_seed(&[5; 32])));
    let mut effects = Vec::with_capacity(64);
    let at = |second: u64| Moment { now_ms: 1_700_000_000_000 + second * 1000, random: second };
    recorder.grant_consent(&mut effects).unwrap();
    recorder.start_trip(at(0), &mut effects).unwrap();
    let mut sealed = 0;
    for second in 0..4000 {
        let raw = RawFix {
            time_ms: at(second).now_ms as i64,
            latitude_deg: 49.9 + second as f64 * 15.0 / 111_195.0,
            longitude_deg: 2.0,
            accuracy_m: Some(4.0),
            provider: Provider::Gnss,
            ..RawFix::default()
        };
        effects.clear();
        // This counts the calling thread's alone.
        let count = allocation_counter::measure(|| {
            recorder.record(&raw, at(second));
        });
        if second >= 1000 {
            assert_eq!(count.count_total, 0, "second {second}");
        }
        recorder.seal(at(second), &mut effects).unwrap();
        sealed += effects.len();
    }
    assert!(sealed > 5, "{sealed}");
}
