//! A phone whose device key was lost, or changed.

use hexmile_trace::DeviceId;

use super::*;

fn next_signer() -> Arc<SoftwareSigner> {
    Arc::new(SoftwareSigner::from_seed(&[6; 32]))
}

fn id(signer: &SoftwareSigner) -> DeviceId {
    DeviceId::of_key(&signer.public_key())
}

/// Opens a journal of [`signer`]'s with the next key.
fn reopened(dir: &Path, predecessors: Vec<DeviceId>) -> (Recorder, Vec<Effect>) {
    let config = RecorderConfig { predecessors, ..config(dir) };
    let mut recorder = Recorder::new(config, next_signer());
    let mut effects = Vec::new();
    recorder.grant_consent(&mut effects).unwrap();
    (recorder, effects)
}

#[test]
fn what_the_old_key_signed_is_sent_and_what_it_left_open_is_signed_by_the_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut effects = Vec::new();
    let mut recorder = after_a_drive(dir.path(), 100);
    recorder.start_trip(at(200), &mut effects).unwrap();
    drive(&mut recorder, 200..300, &mut effects);
    recorder.flush().unwrap();
    drop(recorder);
    let (mut recorder, effects) = reopened(dir.path(), vec![id(&signer())]);
    assert!(!effects.iter().any(|e| matches!(e, Effect::SetAside { .. })), "{effects:?}");
    let upload = next_upload(&mut recorder, at(301)).unwrap();
    let traces = SignedTrace::read_batch(&upload.request.body).unwrap();
    let [old, new] = &traces[..] else { panic!("{} traces", traces.len()) };
    old.verify(&signer().public_key()).unwrap();
    new.verify(&next_signer().public_key()).unwrap();
    assert_eq!(new.decode().unwrap().header().device, id(&next_signer()));
    assert_eq!(own_fixes(std::slice::from_ref(&upload)).len(), 200, "each once");
    recorder
        .uploaded(&upload, 200, accept(&upload).as_bytes(), None, at(302), &mut Vec::new())
        .unwrap();
    assert_eq!(recorder.status().traces_waiting, 0);
}

#[test]
fn another_device_that_is_no_predecessor_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    drop(after_a_drive(dir.path(), 100));
    let (recorder, effects) = reopened(dir.path(), vec![DeviceId([9; 16])]);
    assert!(effects.contains(&Effect::SetAside { segments: 1 }), "{effects:?}");
    assert_eq!(recorder.status().traces_waiting, 0);
}

#[test]
fn what_a_signed_out_predecessor_did_not_send_is_sealed_anew() {
    let dir = tempfile::tempdir().unwrap();
    drop(after_a_drive(dir.path(), 100));
    let (mut recorder, _) = reopened(dir.path(), vec![id(&signer())]);
    let upload = next_upload(&mut recorder, at(101)).unwrap();
    let before = own_fixes(std::slice::from_ref(&upload));
    let mut effects = Vec::new();
    let refused = problem("device_revoked", false);
    recorder.uploaded(&upload, 403, refused.as_bytes(), None, at(102), &mut effects).unwrap();
    assert!(effects.iter().any(|e| matches!(e, Effect::Resealed { .. })), "{effects:?}");
    let again = (103..4000).find_map(|s| next_upload(&mut recorder, at(s))).unwrap();
    let [trace] = &SignedTrace::read_batch(&again.request.body).unwrap()[..] else { panic!() };
    trace.verify(&next_signer().public_key()).unwrap();
    assert_eq!(own_fixes(&[again]), before);
}

#[test]
fn a_phone_that_was_signed_out_keeps_what_it_has_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = after_a_drive(dir.path(), 100);
    let upload = next_upload(&mut recorder, at(101)).unwrap();
    let mut effects = Vec::new();
    let refused = problem("device_revoked", false);
    recorder.uploaded(&upload, 403, refused.as_bytes(), None, at(102), &mut effects).unwrap();
    let paused = |e: &Effect| matches!(e, Effect::Paused { code, .. } if code == "device_revoked");
    assert!(effects.iter().any(paused), "{effects:?}");
    let status = recorder.status();
    assert_eq!(status.uploads_paused.as_deref(), Some("device_revoked"));
    assert_eq!((status.traces_waiting, status.traces_refused.len()), (upload.traces.len(), 0));
}
