//! Secret stores that fail.

use super::*;

/// A store that fails as it is told.
#[derive(Debug, Default)]
struct Fickle {
    keys: MemorySecrets,
    fails: std::sync::Mutex<Option<SecretError>>,
}

impl Fickle {
    fn fail(&self, error: Option<SecretError>) {
        *self.fails.lock().unwrap() = error;
    }

    fn check(&self) -> Result<(), SecretError> {
        self.fails.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

impl SecretStore for Fickle {
    fn create(&self, name: &str) -> Result<Secret, SecretError> {
        self.check().and_then(|()| self.keys.create(name))
    }
    fn read(&self, name: &str) -> Result<Option<Secret>, SecretError> {
        self.check().and_then(|()| self.keys.read(name))
    }
    fn destroy(&self, name: &str) -> Result<(), SecretError> {
        self.check().and_then(|()| self.keys.destroy(name))
    }
}

#[test]
fn what_is_lost_with_its_key_is_told_and_the_rest_is_sealed() {
    let locked = || Some(SecretError::Locked);
    let failed = || Some(SecretError::Failed("no daemon".to_owned()));
    for (fails, destroyed, want) in [
        (None, true, HeldLoss::KeyMissing),
        (locked(), false, HeldLoss::KeyLocked),
        (failed(), false, HeldLoss::KeyFailed),
    ] {
        let secrets = Arc::new(Fickle::default());
        let phone = Phone { secrets: secrets.clone(), ..Phone::new() };
        let (mut recorder, _) = phone.recorder();
        start(&mut recorder);
        drive(&mut recorder, 0..100);
        if destroyed {
            secrets.keys.names().iter().for_each(|name| secrets.keys.destroy(name).unwrap());
        }
        secrets.fail(fails);
        let (copy, mut second, effects) = phone.after_kill(&recorder);
        assert_eq!(effects, [Effect::HeldLost(want)]);
        assert_eq!(second.status().held_lost.get(&want), Some(&1));
        assert!(!second.status().recording);
        secrets.fail(None);
        let there = sealed(&mut second, 110);
        assert!((62..=65).contains(there.last().unwrap()), "{there:?}");
        second.flush().unwrap();
        assert_eq!(
            secrets.keys.names(),
            Vec::<String>::new(),
            "asked again, the store destroys it"
        );
        assert!(!files(copy.path()).iter().any(|p| p.extension().is_some_and(|e| e == "held")));
    }
}

#[test]
fn without_a_key_recording_goes_on_in_memory_until_there_is_one() {
    let secrets = Arc::new(Fickle::default());
    let phone = Phone { secrets: secrets.clone(), ..Phone::new() };
    let (mut recorder, _) = phone.recorder();
    secrets.fail(Some(SecretError::Locked));
    let mut effects = Vec::new();
    recorder.start_trip(at(0), &mut effects).unwrap();
    let why = SecretError::Locked.to_string();
    assert_eq!(effects, [Effect::HeldInMemory { why: why.clone() }]);
    assert_eq!(recorder.status().held_in_memory, Some(why));
    for second in 0..100 {
        recorder.record(&fix(second), at(second));
        recorder.tick(at(second), &mut effects).unwrap();
    }
    assert_eq!(effects.iter().filter(|e| matches!(e, Effect::HeldInMemory { .. })).count(), 1);
    assert_eq!(phone.held_files().len(), 0);
    secrets.fail(None);
    drive(&mut recorder, 100..130);
    recorder.tick(at(160), &mut effects).unwrap();
    recorder.flush().unwrap();
    assert_eq!((phone.held_files().len(), recorder.status().held_in_memory), (1, None));
    let (_copy, _second, effects) = phone.after_kill(&recorder);
    assert!(resumed(&effects), "all of it is in the file");
}
