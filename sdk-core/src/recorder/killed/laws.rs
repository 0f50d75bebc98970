//! What a kill never gives away.

use proptest::prelude::*;

use super::*;
use crate::Zone;

/// Metres east and north at 1 Hz, on any way.
fn path() -> impl Strategy<Value = Vec<(f64, f64)>> {
    proptest::collection::vec((0.0..40.0f64, -0.5..0.5f64), 60..300).prop_map(|moves| {
        let (mut at, mut heading) = ((0.0, 0.0), 0.0f64);
        let step = |(step, turn): (f64, f64)| {
            heading += turn;
            at = (at.0 + step * heading.sin(), at.1 + step * heading.cos());
            at
        };
        moves.into_iter().map(step).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever way a trip takes, wherever it is killed and however long the phone is gone: no sealed fix
    /// is in a zone or within a trimmed end, and no trace goes through a zone.
    #[test]
    fn a_kill_gives_no_end_and_no_zone_away(
        path in path(),
        zones in proptest::collection::vec((-1500.0..1500.0f64, -1500.0..1500.0f64, 50..300u32), 0..3),
        kills in proptest::collection::vec((1..80u64, 0..40u64), 1..4),
    ) {
        let position = |(east, north): (f64, f64)| {
            let e6 = |m: f64| (m / 111_195.0 * 1e6).round() as i32;
            Position::from_e6(e6(north), e6(east)).unwrap()
        };
        let circle = |&(east, north, radius_m): &(f64, f64, u32)| {
            Zone::Circle { centre: position((east, north)), radius_m }
        };
        let privacy = Privacy::new(zones.iter().map(circle).collect()).unwrap();
        let phone = Phone { privacy: privacy.clone(), ..Phone::new() };
        let places: Vec<Position> = path.into_iter().map(position).collect();
        let (mut recorder, _) = phone.recorder();
        start(&mut recorder);
        let (mut kills, mut next_kill, mut gone_until) = (kills.into_iter(), u64::MAX, 0);
        let mut gap = 0;
        if let Some((after, away)) = kills.next() {
            (next_kill, gap) = (after, away);
        }
        let mut seen = vec![false; places.len()];
        for (second, place) in places.iter().enumerate() {
            let now = second as u64;
            if now == next_kill {
                recorder.journal.take().unwrap().kill();
                recorder = phone.recorder().0;
                gone_until = now + gap;
                (next_kill, gap) = kills.next().map_or((u64::MAX, 0), |(after, away)| (gone_until + after, away));
            }
            if now < gone_until {
                continue;
            }
            let raw = RawFix {
                time_ms: at(now).now_ms.cast_signed(),
                latitude_deg: place.lat_deg(),
                longitude_deg: place.lon_deg(),
                accuracy_m: Some(5.0),
                ..RawFix::default()
            };
            let recorded = recorder.record(&raw, at(now));
            recorder.journal.as_ref().unwrap().settle_down();
            seen[second] = recorded != Recorded::Dropped(DropReason::NoTrip);
            if now.is_multiple_of(9) {
                recorder.tick(at(now), &mut Vec::new()).unwrap();
            }
        }
        recorder.stop_trip(&mut Vec::new()).unwrap();
        let runs = fixes(&mut recorder, places.len() as u64);
        // The path as the phone saw it.
        let seen: Vec<usize> = (0..places.len()).filter(|s| seen[*s]).collect();
        let Some(&last) = seen.last() else { return Ok(()) };
        for run in &runs {
            for second in run {
                let here = places[*second as usize];
                prop_assert!(!privacy.contains(here), "second {second} is in a zone");
                if !privacy.contains(places[last]) {
                    let end_m: f64 = seen.windows(2).filter(|w| w[0] >= *second as usize)
                        .map(|w| places[w[0]].distance_m(places[w[1]])).sum();
                    prop_assert!(end_m > 499.0, "second {second} is {end_m} m before the end");
                }
                if !privacy.contains(places[0]) {
                    let start_m: f64 = seen.windows(2).filter(|w| w[1] <= *second as usize)
                        .map(|w| places[w[0]].distance_m(places[w[1]])).sum();
                    prop_assert!(start_m > 499.0, "second {second} is {start_m} m after the start");
                }
            }
            for pair in run.windows(2) {
                let between = pair[0] as usize..pair[1] as usize;
                prop_assert!(!between.into_iter().any(|s| privacy.contains(places[s])), "through a zone: {pair:?}");
            }
        }
    }
}
