//! What the phone holds, shown and taken along.

use super::*;
use hexmile_sdk_core::ExportFormat;
use quick_xml::events::Event;
use serde_json::Value;

fn export(recorder: &Recorder, format: ExportFormat) -> String {
    let mut out = Vec::new();
    recorder.export(format, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// A drive of three traces, of which one has arrived, and of a beginning that is no trace yet.
fn held(dir: &Path) -> (Recorder, Vec<Fix>) {
    let mut recorder = on_a_trip(RecorderConfig { max_batch: 1, ..config(dir) }, signer());
    let mut effects = Vec::new();
    drive(&mut recorder, 0..650, &mut effects);
    recorder.stop_trip(&mut effects).unwrap();
    let upload = next_upload(&mut recorder, at(650)).unwrap();
    let body = accept(&upload);
    recorder.uploaded(&upload, 200, body.as_bytes(), None, at(651), &mut Vec::new()).unwrap();
    recorder.start_trip(at(700), &mut effects).unwrap();
    drive(&mut recorder, 700..740, &mut effects);
    let recorded = (0..650).chain(700..740);
    (recorder, recorded.map(|second| Fix::quantise(&fix(second)).unwrap()).collect())
}

#[test]
fn a_gpx_file_holds_every_fix_once_in_a_track_a_trip() {
    let dir = tempfile::tempdir().unwrap();
    let (recorder, fixes) = held(dir.path());
    let gpx = export(&recorder, ExportFormat::Gpx);
    let mut reader = quick_xml::Reader::from_str(&gpx);
    let (mut points, mut tracks, mut segments) = (Vec::new(), 0, 0);
    let (mut times, mut in_time) = (Vec::new(), false);
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => break,
            Event::Start(tag) => match tag.name().as_ref() {
                "trk" => tracks += 1,
                "trkseg" => segments += 1,
                "time" => in_time = true,
                "trkpt" => {
                    let degrees = tag
                        .attributes()
                        .map(|attribute| attribute.unwrap().value.parse::<f64>().unwrap());
                    points.push(degrees.map(|d| (d * 1e6).round() as i32).collect::<Vec<_>>());
                }
                _ => {}
            },
            Event::Text(text) if in_time => {
                in_time = false;
                times.push(text.to_string());
            }
            _ => {}
        }
    }
    let want: Vec<_> =
        fixes.iter().map(|fix| vec![fix.parts().lat_e6, fix.parts().lon_e6]).collect();
    assert_eq!((points, tracks, segments), (want, 2, 2));
    assert_eq!(times[0], "2023-11-14T22:13:20.000Z");
    assert_eq!(times.len(), fixes.len());
}

#[test]
fn a_json_file_holds_what_was_recorded_sent_and_received() {
    let dir = tempfile::tempdir().unwrap();
    let (mut recorder, fixes) = held(dir.path());
    let json: Value = serde_json::from_str(&export(&recorder, ExportFormat::Json)).unwrap();
    let traces = json["traces"].as_array().unwrap();
    let waits: Vec<bool> = traces.iter().map(|t| t["waits"].as_bool().unwrap()).collect();
    assert_eq!(waits, [false, true, true]);
    let open = json["open"].as_array().unwrap();
    let all = traces.iter().chain(open).flat_map(|run| run["fixes"].as_array().unwrap());
    let raw = all.map(|fix| RawFix {
        time_ms: fix["time_ms"].as_i64().unwrap(),
        latitude_deg: fix["latitude_deg"].as_f64().unwrap(),
        longitude_deg: fix["longitude_deg"].as_f64().unwrap(),
        accuracy_m: fix["accuracy_m"].as_f64(),
        speed_mps: fix["speed_mps"].as_f64(),
        course_deg: fix["course_deg"].as_f64(),
        altitude_m: fix["altitude_m"].as_f64(),
        mock: fix["mock"].as_bool().unwrap(),
        provider: Provider::Gnss,
    });
    assert_eq!(raw.map(|raw| Fix::quantise(&raw).unwrap()).collect::<Vec<_>>(), fixes);
    recorder.withdraw_consent().unwrap();
    let refused = recorder.export(ExportFormat::Json, &mut Vec::new());
    assert!(matches!(refused, Err(RecorderError::NoConsent)));
}

#[test]
fn nothing_held_is_an_empty_file_and_a_writer_that_fails_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(config(dir.path()), signer());
    recorder.grant_consent(&mut Vec::new()).unwrap();
    let json: Value = serde_json::from_str(&export(&recorder, ExportFormat::Json)).unwrap();
    for array in ["traces", "open", "receipts"] {
        assert_eq!(json[array], Value::Array(Vec::new()));
    }
    assert!(export(&recorder, ExportFormat::Gpx).ends_with("</gpx>\n"));
    let (mut full, format) = ([0_u8; 30], ExportFormat::Gpx);
    assert!(matches!(recorder.export(format, &mut &mut full[..]), Err(RecorderError::Export(_))));
}

#[test]
fn the_trip_under_way_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let trim = EndTrim::default();
    let mut recorder = Recorder::new(RecorderConfig { trim, ..config(dir.path()) }, signer());
    let mut effects = Vec::new();
    recorder.grant_consent(&mut effects).unwrap();
    assert_eq!(recorder.status().trip, None);
    recorder.start_trip(at(0), &mut effects).unwrap();
    drive(&mut recorder, 0..201, &mut effects);
    let trip = recorder.status().trip.unwrap();
    assert_eq!(trip.started_ms, Some(START_MS));
    assert!((2990..=3010).contains(&trip.distance_m), "{trip:?}");
    assert!((30..=40).contains(&trip.fixes_held), "500 m at 15 m/s: {trip:?}");
    recorder.stop_trip(&mut effects).unwrap();
    assert_eq!(recorder.status().trip, None);
}

#[test]
fn a_first_driver_sees_the_cells_that_they_drove_through() {
    let dir = tempfile::tempdir().unwrap();
    let (mut recorder, _) = held(dir.path());
    // 690 s at 15 m/s, and a gap of 50 s.
    let (coarse, fine) = (recorder.own_cells(10).unwrap(), recorder.own_cells(11).unwrap());
    assert!((70..=110).contains(&coarse.len()), "{}", coarse.len());
    assert!((200..=290).contains(&fine.len()), "{}", fine.len());
    assert!(matches!(recorder.own_cells(9), Err(RecorderError::Resolution(9))));
    recorder.withdraw_consent().unwrap();
    assert!(matches!(recorder.own_cells(10), Err(RecorderError::NoConsent)));
}
