//! What the server asks of phones: the policy, and SDKs that it no longer takes.

use super::*;

#[test]
fn a_server_that_takes_no_such_sdk_pauses_uploads_and_costs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = after_a_drive(dir.path(), 700);
    let mut effects = Vec::new();
    let upload = next_upload(&mut recorder, at(700)).unwrap();
    let body = refuse(&upload, |_| Some("sdk_too_old"), false);
    recorder.uploaded(&upload, 422, body.as_bytes(), None, at(701), &mut effects).unwrap();
    let status = recorder.status();
    assert_eq!((status.traces_waiting, status.uploads_paused.as_deref()), (3, Some("sdk_too_old")));
    let paused = |e: &Effect| matches!(e, Effect::Paused { code, .. } if code == "sdk_too_old");
    assert!(effects.iter().any(paused));
    assert_eq!(next_upload(&mut recorder, at(3600)), None);
    let again = next_upload(&mut recorder, at(8 * 3600)).unwrap();
    assert_eq!(again.traces, upload.traces);
    let body = accept(&again);
    recorder.uploaded(&again, 200, body.as_bytes(), None, at(8 * 3600), &mut effects).unwrap();
    let status = recorder.status();
    assert_eq!((status.traces_waiting, status.uploads_paused), (0, None));
}

fn policy(min_sdk: &str, max_batch: usize, max_upload_bytes: usize) -> String {
    let network = NetworkId::of_name("test");
    format!(
        r#"{{"network_id":"{network}","server_time_ms":{START_MS},"trace_versions":[1],
        "min_sdk":"{min_sdk}","max_batch":{max_batch},"max_upload_bytes":{max_upload_bytes}}}"#
    )
}

/// A tick, and whether it asks for the server's policy.
fn asks(recorder: &mut Recorder, second: u64) -> (bool, Option<Upload>) {
    let mut effects = Vec::new();
    recorder.flush().unwrap();
    recorder.tick(at(second), &mut effects).unwrap();
    let asked = effects.contains(&Effect::FetchPolicy { path: "/v1/policy" });
    (asked, uploads(&effects).pop())
}

#[test]
fn the_servers_policy_is_asked_for_and_obeyed() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = after_a_drive(dir.path(), 1000);
    let (asked, upload) = asks(&mut recorder, 1000);
    assert!(asked && upload.unwrap().traces.len() == 4);
    let mut effects = Vec::new();
    recorder.policy_answered(
        200,
        policy("9.0.0", 2, 1 << 20).as_bytes(),
        None,
        at(1001),
        &mut effects,
    );
    let paused = |e: &Effect| matches!(e, Effect::Paused { code, .. } if code == "sdk_too_old");
    assert!(effects.iter().any(paused), "{effects:?}");
    assert_eq!(recorder.status().uploads_paused.as_deref(), Some("sdk_too_old"));
    assert_eq!(recorder.status().server_policy.unwrap().min_sdk.to_string(), "9.0.0");
    recorder.upload_failed("no network", at(1002), &mut effects);
    assert_eq!(asks(&mut recorder, 10_000), (false, None), "it costs no further upload");
    let (asked, upload) = asks(&mut recorder, 1001 + 7 * 3600);
    assert!(asked && upload.is_none());
    let later = 1002 + 7 * 3600;
    effects.clear();
    recorder.policy_answered(
        200,
        policy("0.1.0", 2, 1 << 20).as_bytes(),
        None,
        at(later),
        &mut effects,
    );
    let upload = uploads(&effects).pop().unwrap();
    assert_eq!(upload.traces.len(), 2, "as many as the server takes at once");
    assert_eq!(recorder.status().uploads_paused, None);
    recorder.upload_failed("no network", at(later), &mut effects);
    let day = later + 26 * 3600;
    assert!(asks(&mut recorder, day).0, "once a day");
    effects.clear();
    recorder.upload_failed("no network", at(day), &mut effects);
    recorder.policy_answered(
        200,
        policy("0.1.0", 9, 1).as_bytes(),
        None,
        at(day + 1),
        &mut effects,
    );
    let (_, upload) = asks(&mut recorder, day + 3600);
    assert_eq!(upload.unwrap().traces.len(), 1, "a trace alone always goes");
}

#[test]
fn a_policy_that_is_none_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = after_a_drive(dir.path(), 1000);
    assert!(asks(&mut recorder, 1000).0);
    let mut effects = Vec::new();
    recorder.policy_answered(200, b"<html>sign in</html>", None, at(1001), &mut effects);
    assert_eq!((effects, recorder.status().server_policy), (vec![], None));
    recorder.withdraw_consent().unwrap();
    let body = policy("9.0.0", 1, 1);
    recorder.policy_answered(200, body.as_bytes(), None, at(1001), &mut Vec::new());
    assert_eq!(recorder.status().server_policy, None);
}

#[test]
fn a_refused_sdk_asks_what_the_server_takes() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = after_a_drive(dir.path(), 50);
    let (_, upload) = asks(&mut recorder, 50);
    let (upload, mut effects) = (upload.unwrap(), Vec::new());
    recorder.policy_answered(
        200,
        policy("0.1.0", 9, 1 << 20).as_bytes(),
        None,
        at(51),
        &mut effects,
    );
    let body = refuse(&upload, |_| Some("sdk_too_old"), false);
    effects.clear();
    recorder.uploaded(&upload, 422, body.as_bytes(), None, at(52), &mut effects).unwrap();
    assert!(effects.contains(&Effect::FetchPolicy { path: "/v1/policy" }), "{effects:?}");
    effects.clear();
    recorder.policy_answered(
        200,
        policy("0.1.0", 9, 1 << 20).as_bytes(),
        None,
        at(53),
        &mut effects,
    );
    assert_eq!(uploads(&effects), [], "the refusal stands until its pause is over");
}
