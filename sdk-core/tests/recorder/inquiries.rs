//! What the driver hears of traces that arrived, and of what they earned.

use super::*;
use hexmile_sdk_core::{Conditions, Connection, Inquiry, Subject};
use hexmile_trace::AccountId;

const ACCOUNT: AccountId = AccountId([8; 16]);

fn set(recorder: &mut Recorder, connection: Connection, second: u64) -> Vec<Effect> {
    let conditions = Conditions { connection, ..Conditions::default() };
    let mut effects = Vec::new();
    recorder.set_conditions(conditions, at(second), &mut effects);
    effects
}

fn inquiries(effects: &[Effect]) -> Vec<Inquiry> {
    let inquiry = |e: &Effect| if let Effect::Inquire(i) = e { Some(i.clone()) } else { None };
    effects.iter().filter_map(inquiry).collect()
}

/// A drive of three traces on a cellular network, all of them received.
fn received(dir: &Path) -> (Recorder, Vec<TraceId>) {
    let mut recorder = after_a_drive(dir, 700);
    set(&mut recorder, Connection::Cellular, 700);
    let mut effects = Vec::new();
    let upload = next_upload(&mut recorder, at(700)).unwrap();
    let body = accept(&upload);
    recorder.uploaded(&upload, 200, body.as_bytes(), None, at(701), &mut effects).unwrap();
    assert_eq!(inquiries(&effects), [], "the rules take their time");
    (recorder, upload.traces.iter().map(|(_, trace)| *trace).collect())
}

/// Asks and answers until nothing is asked any more.
fn converse(recorder: &mut Recorder, mut effects: Vec<Effect>, second: u64) -> Vec<Effect> {
    let mut all = Vec::new();
    while let Some(inquiry) = inquiries(&effects).pop() {
        let body = match inquiry.subject {
            Subject::Trace(trace) => {
                assert_eq!(inquiry.path, format!("/v1/traces/{trace}"));
                r#"{"status":"accepted","evidence":{"quality_ppm":900000}}"#.to_owned()
            }
            Subject::Earnings(account) => {
                assert_eq!(inquiry.path, format!("/v1/accounts/{account}"));
                format!(r#"{{"account_id":"{account}","balance":"77","epochs":[]}}"#)
            }
        };
        all.append(&mut effects);
        let body = body.as_bytes();
        recorder.inquiry_answered(&inquiry, 200, body, None, at(second), &mut effects);
    }
    all.append(&mut effects);
    all
}

#[test]
fn verdicts_come_over_wifi_and_are_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let (mut recorder, traces) = received(dir.path());
    let mut effects = Vec::new();
    recorder.tick(at(900), &mut effects).unwrap();
    assert_eq!(inquiries(&effects), [], "no radio is woken up for them");
    drop(recorder);
    let mut recorder = Recorder::new(config(dir.path()), signer());
    recorder.grant_consent(&mut effects).unwrap();
    let effects = set(&mut recorder, Connection::Wifi, 1000);
    let effects = converse(&mut recorder, effects, 1000);
    let judged = effects.iter().filter_map(|e| match e {
        Effect::Judged(verdict) => Some((verdict.trace, verdict.accepted)),
        _ => None,
    });
    let want: Vec<_> = traces.iter().map(|trace| (*trace, Some(true))).collect();
    assert_eq!(judged.collect::<Vec<_>>(), want);
    drop(recorder);
    let mut recorder = Recorder::new(config(dir.path()), signer());
    recorder.grant_consent(&mut Vec::new()).unwrap();
    let known = recorder.verdicts().into_iter().map(|verdict| (verdict.trace, verdict.accepted));
    assert_eq!(known.collect::<Vec<_>>(), want);
    assert_eq!(inquiries(&set(&mut recorder, Connection::Wifi, 2000)), []);
    recorder.erase(None, at(2001), &mut Vec::new()).unwrap();
    assert_eq!(recorder.verdicts(), []);
    let mut left =
        fs::read_dir(dir.path().join("journal")).unwrap().map(|file| file.unwrap().path());
    assert_eq!(left.find(|path| path.extension().unwrap() != "erasure"), None);
}

#[test]
fn on_cellular_they_go_with_the_upload_at_the_end_of_the_next_trip() {
    let dir = tempfile::tempdir().unwrap();
    let (mut recorder, traces) = received(dir.path());
    let mut effects = Vec::new();
    recorder.start_trip(at(2000), &mut effects).unwrap();
    drive(&mut recorder, 2000..2050, &mut effects);
    recorder.stop_trip(&mut effects).unwrap();
    let upload = next_upload(&mut recorder, at(2050)).unwrap();
    effects.clear();
    let body = accept(&upload);
    recorder.uploaded(&upload, 200, body.as_bytes(), None, at(2051), &mut effects).unwrap();
    let effects = converse(&mut recorder, effects, 2051);
    assert_eq!(inquiries(&effects).len(), traces.len());
}

#[test]
fn earnings_are_told_and_belong_to_the_account_that_was_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = after_a_drive(dir.path(), 0);
    recorder.set_account(Some(ACCOUNT));
    let effects = set(&mut recorder, Connection::Wifi, 10);
    let effects = converse(&mut recorder, effects, 10);
    assert!(effects.contains(&Effect::Earned));
    assert_eq!(recorder.earnings().unwrap().balance, 77);
    recorder.set_account(None);
    assert_eq!(recorder.earnings(), None);
    recorder.withdraw_consent().unwrap();
    recorder.set_account(Some(ACCOUNT));
    assert_eq!(set(&mut recorder, Connection::Wifi, 20), [], "nothing is asked without consent");
}
