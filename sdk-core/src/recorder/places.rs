//! Places that the driver comes back to: learned, kept under a key, and hidden.

use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce, Tag, aead::AeadInOut};
use hexmile_trace::Position;

use super::{Effect, Recorder, RecorderError};
use crate::{
    capture::{EndTrim, Places, Zone},
    journal::{JournalError, notes},
    secrets::{Secret, SecretError},
};

/// Name of the key in the host's secret store.
const KEY: &str = "known-places";
const CONTEXT: &[u8] = b"hexmile/places/v1\0";

/// What is known of places.
#[derive(Default)]
pub(super) struct Known {
    places: Places,
    /// The key that they are kept under, which also displaces their zones.
    key: Option<Secret>,
    /// Whether they were read, or there are none to be read.
    loaded: bool,
    /// Whether they changed since they were kept.
    changed: bool,
    /// Whether the trip under way has told where it began.
    pub(super) left: bool,
}

impl Recorder {
    /// Takes up the places that an earlier run learned. While they cannot be read, every place might be
    /// one, and nothing is kept.
    ///
    /// # Errors
    /// The secret store or the disk; asked again later.
    pub(super) fn load_places(&mut self, effects: &mut Vec<Effect>) -> Result<(), RecorderError> {
        // What is recorded to be public has no places to hide.
        let learns = self.config.learn_places && self.config.trim != EndTrim::Off;
        if !learns || self.known.loaded || self.journal.is_none() {
            return Ok(());
        }
        let kept = notes::load(&self.config.journal_dir, notes::PLACES);
        let read = kept.map_err(RecorderError::from).and_then(|kept| {
            let Some(kept) = kept.into_iter().next() else { return Ok(None) };
            Ok(Some((kept, self.config.secrets.read(KEY)?)))
        });
        self.status.places_locked = read.is_err();
        self.capture.close(read.is_err());
        let read = read?;
        self.known.loaded = true;
        let Some((kept, key)) = read else { return Ok(()) };
        let places = key.as_ref().and_then(|key| open(key, &kept));
        self.known.key = key;
        match places.as_deref().and_then(Places::from_bytes) {
            Some(places) => self.known.places = places,
            // The key did not come along with the folder, or the file is damaged.
            None => effects.push(Effect::PlacesLost),
        }
        self.hide_places()
    }

    /// Notes where the trip began, once that is known.
    pub(super) fn note_start(&mut self) {
        if !self.known.left
            && self.known.loaded
            && let Some(first) = self.capture.first()
        {
            self.known.left = true;
            self.known.places.left(first.position(), first.time_ms());
            self.known.changed = true;
        }
    }

    /// Notes where the trip ends, before what is held back at its end is looked at.
    pub(super) fn note_end(&mut self, effects: &mut Vec<Effect>) -> Result<(), RecorderError> {
        self.known.left = false;
        let Some(newest) = self.capture.newest().filter(|_| self.known.loaded) else {
            return Ok(());
        };
        self.known.places.arrived(newest.position(), newest.time_ms());
        self.known.changed = true;
        self.keep_places(effects)
    }

    /// Keeps what was learned, and hides what is new.
    ///
    /// # Errors
    /// The secret store or the disk; what is known is hidden all the same, and kept later.
    pub(super) fn keep_places(&mut self, effects: &mut Vec<Effect>) -> Result<(), RecorderError> {
        if !self.known.changed || self.journal.is_none() {
            return Ok(());
        }
        if self.known.key.is_none() {
            self.known.key = match self.places_key() {
                // A phone that was not unlocked yet: it is, before long.
                Err(SecretError::Locked) => return Ok(()),
                key => Some(key?),
            };
        }
        let hidden = self.hide_places();
        for place in self.known.places.take_found() {
            effects.push(Effect::PlaceFound(place));
        }
        let Some(key) = &self.known.key else { return hidden };
        let kept = seal(key, self.known.places.to_bytes())?;
        let saved = notes::save(&self.config.journal_dir, notes::PLACES, &[kept], true);
        self.known.changed = saved.is_err();
        let path = self.config.journal_dir.clone();
        hidden.and(saved.map_err(|cause| JournalError::Io { path, cause }.into()))
    }

    fn places_key(&self) -> Result<Secret, SecretError> {
        let known = self.config.secrets.read(KEY)?;
        known.map_or_else(|| self.config.secrets.create(KEY), Ok)
    }

    /// Gives each known place its zone. One that the driver has hidden has a zone already: a second one
    /// around it would show where the two have their middle.
    fn hide_places(&mut self) -> Result<(), RecorderError> {
        let (known, config) = (&self.known, &self.config);
        let Some(key) = &known.key else { return Ok(()) };
        let hidden = |place: &Position| config.privacy.contains(*place);
        let places = known.places.known().filter(|place| !hidden(place));
        let zones: Vec<Zone> = places.map(|place| Zone::around(place, key.as_bytes())).collect();
        let privacy = config.privacy.with_zones(zones);
        if privacy.has_zones_of(self.capture.privacy()) {
            return Ok(());
        }
        self.hide(privacy)
    }

    /// Zones and quiet hours that the host sets, beside those of known places.
    pub(super) fn set_own_privacy(&mut self, privacy: crate::Privacy) -> Result<(), RecorderError> {
        self.config.privacy = privacy;
        let (known, own) = (&self.known, &self.config.privacy);
        let zones = known.key.iter().flat_map(|key| {
            let places = known.places.known().filter(|place| !own.contains(*place));
            places.map(|place| Zone::around(place, key.as_bytes()))
        });
        let privacy = own.with_zones(zones.collect());
        self.hide(privacy)
    }

    /// Places that the driver came back to, which have a zone by themselves.
    pub fn known_places(&self) -> Vec<Position> {
        self.known.places.known().collect()
    }

    /// Forgets such a place, and its zone with it; it may become known again.
    ///
    /// # Errors
    /// No consent; or the secret store or the disk, and then it is forgotten until the app ends.
    pub fn forget_place(&mut self, place: Position) -> Result<(), RecorderError> {
        if self.journal.is_none() {
            return Err(RecorderError::NoConsent);
        }
        self.known.changed |= self.known.places.forget(place);
        self.keep_places(&mut Vec::new())
    }

    /// Forgets all places in memory.
    pub(super) fn unload_places(&mut self) {
        self.known = Known::default();
        self.status.places_locked = false;
        self.capture.close(false);
    }

    /// Destroys the key of what was learned.
    pub(super) fn destroy_places(&mut self) -> Result<(), RecorderError> {
        self.unload_places();
        Ok(self.config.secrets.destroy(KEY)?)
    }
}

/// `nonce | ciphertext | tag` of 16 bytes; ChaCha20-Poly1305 (RFC 8439) with a random nonce.
fn seal(key: &Secret, mut text: Vec<u8>) -> Result<Vec<u8>, SecretError> {
    let failed = |what: String| SecretError::Failed(what);
    let mut nonce = Nonce::default();
    getrandom::fill(&mut nonce).map_err(|e| failed(e.to_string()))?;
    let cipher = ChaCha20Poly1305::new(key.as_bytes().into());
    let tag = cipher.encrypt_inout_detached(&nonce, CONTEXT, text.as_mut_slice().into());
    let tag = tag.map_err(|e| failed(e.to_string()))?;
    Ok([nonce.as_slice(), &text, &tag].concat())
}

/// What was sealed under the key; `None` where it was not.
fn open(key: &Secret, sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = sealed.split_first_chunk::<12>()?;
    let (text, tag) = rest.split_last_chunk::<16>()?;
    let mut text = text.to_vec();
    let cipher = ChaCha20Poly1305::new(key.as_bytes().into());
    let (nonce, tag) = (Nonce::from(*nonce), Tag::from(*tag));
    cipher.decrypt_inout_detached(&nonce, CONTEXT, text.as_mut_slice().into(), &tag).ok()?;
    Some(text)
}
