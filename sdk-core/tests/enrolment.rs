//! Keys and accounts: recovery codes, invitations, and the requests that they make.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use base64::{Engine, engine::general_purpose::STANDARD};
use hexmile_sdk_core::{
    enrol::{
        self, Attestation, EnrolError, Invitation, InvitationError, Opened, RecoveryCode,
        RecoveryCodeError, open_account,
    },
    me::{self, KnownDevice, Overview},
};
use hexmile_trace::{
    AccountId, DeviceId, NetworkId,
    enrol::{device_message, invitation_message},
    sign::{Domain, SIGNATURE_LEN, Signer, SoftwareSigner},
};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const CHALLENGE: [u8; 40] = [9; 40];

fn network() -> NetworkId {
    NetworkId::of_name("test")
}

fn key(n: u8) -> SoftwareSigner {
    SoftwareSigner::from_seed(&[n; 32])
}

fn opened(account: &SoftwareSigner) -> Opened {
    let answer = json!({
        "account_id": AccountId::of_key(&account.public_key()).to_string(),
        "opened_at_ms": 1,
        "challenge": STANDARD.encode(CHALLENGE),
        "challenge_expires_at_ms": 600_000,
    });
    let answer = answer.to_string();
    Opened::read(network(), &account.public_key(), 200, answer.as_bytes()).unwrap()
}

fn signature(body: &Value, field: &str) -> [u8; SIGNATURE_LEN] {
    STANDARD.decode(body[field].as_str().unwrap()).unwrap().try_into().unwrap()
}

#[test]
fn a_recovery_code_is_text_of_the_published_form() {
    let code = RecoveryCode::of_random(core::array::from_fn(|i| i as u8));
    // Made by another implementation of BIP 350, and of Ed25519.
    assert_eq!(code.to_text(), "hexmile1qqqsyqcyq5rqwzqfpg9scrgwpu733qce");
    assert_eq!(
        STANDARD.encode(code.account_key().public_key().as_bytes()),
        STANDARD.encode(hex("3529c1174823f5ebef4c943f9e814866c99586a9839b9ff6602e7954f5aad9b4"))
    );
    assert_eq!(code.groups().len(), 10);
    assert!(code.groups().iter().all(|group| group.len() == 4));
    assert_eq!(format!("{code:?}"), "RecoveryCode(..)", "a log shows nothing of it");
}

fn hex(digits: &str) -> Vec<u8> {
    let pairs = (0..digits.len()).step_by(2);
    pairs.map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap()).collect()
}

#[test]
fn what_is_no_recovery_code_is_told_why() {
    let good = RecoveryCode::of_random([7; 16]).to_text();
    let read = |text: &str| text.parse::<RecoveryCode>().unwrap_err();
    assert_eq!(read(""), RecoveryCodeError::Prefix);
    assert_eq!(read("hexjoin1qqqq"), RecoveryCodeError::Prefix);
    assert_eq!(read(&good[..39]), RecoveryCodeError::Length { found: 39 });
    assert_eq!(read(&format!("{good}q")), RecoveryCodeError::Length { found: 41 });
    let (place, character) = (13, 'b');
    let strange = format!("{}b{}", &good[..12], &good[13..]);
    assert_eq!(read(&strange), RecoveryCodeError::Character { place, character });
    let (place, character) = (15, 'é');
    let strange = format!("{}-é{}", &good[..13], &good[14..]);
    assert_eq!(read(&strange), RecoveryCodeError::Character { place, character });
    let mut swapped: Vec<char> = good.chars().collect();
    let at = (9..30).find(|i| swapped[*i] != swapped[i + 1]).unwrap();
    swapped.swap(at, at + 1);
    assert_eq!(read(&swapped.iter().collect::<String>()), RecoveryCodeError::Checksum);
}

proptest! {
    #[test]
    fn a_recovery_code_comes_back_however_it_is_typed(random: [u8; 16], capitals: bool) {
        let code = RecoveryCode::of_random(random);
        let typed = code.groups().join(if capitals { "-" } else { " " });
        let typed = if capitals { typed.to_uppercase() } else { typed };
        let read: RecoveryCode = typed.parse().unwrap();
        prop_assert_eq!(read.to_text(), code.to_text());
        prop_assert_eq!(read.account_key().public_key(), code.account_key().public_key());
    }

    #[test]
    fn one_wrong_character_is_found(random: [u8; 16], at in 0_usize..32, other in 0_usize..31) {
        let text = RecoveryCode::of_random(random).to_text();
        let alphabet: Vec<char> = "qpzry9x8gf2tvdw0s3jn54khce6mua7l".chars().collect();
        let mut characters: Vec<char> = text.chars().collect();
        let place = alphabet.iter().position(|c| *c == characters[8 + at]).unwrap();
        characters[8 + at] = alphabet[(place + 1 + other) % 32];
        let wrong: String = characters.into_iter().collect();
        prop_assert_eq!(wrong.parse::<RecoveryCode>().unwrap_err(), RecoveryCodeError::Checksum);
    }

    #[test]
    fn any_text_is_a_code_or_an_error(text in "\\PC{0,60}", code in "(?i)hexmile1[a-z0-9]{26,34}") {
        for text in [text, code] {
            if let Ok(code) = text.parse::<RecoveryCode>() {
                prop_assert_eq!(code.to_text(), text.to_lowercase());
            }
            let _ = text.parse::<Invitation>();
        }
    }
}

#[test]
fn an_invitation_passes_from_phone_to_phone_as_text() {
    let (account, device) = (key(1), key(2));
    let invitation = opened(&account).invite(&account).unwrap();
    let text = invitation.to_string();
    assert!(text.len() < 230 && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()));
    let broken: String = text.chars().flat_map(|c| [c.to_ascii_lowercase(), ' ']).collect();
    for shown in [&text, &broken] {
        assert!(Invitation::read(shown, network()).unwrap() == invitation);
    }
    let (found, wanted) = (network(), NetworkId::of_name("other"));
    let elsewhere = Invitation::read(&text, wanted).unwrap_err();
    assert_eq!(elsewhere, InvitationError::Network { found, wanted });
    assert_eq!(Invitation::read("hexmile1", wanted).unwrap_err(), InvitationError::Prefix);
    assert_eq!(Invitation::read(&text[..99], wanted).unwrap_err(), InvitationError::Damaged);
    let changed = text.replacen('Q', "P", 1);
    assert_eq!(Invitation::read(&changed, network()).unwrap_err(), InvitationError::Damaged);

    let request = invitation.join(&device, None).unwrap();
    assert_eq!(request.path, "/v1/devices");
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let id = AccountId::of_key(&account.public_key());
    assert_eq!(body["account_id"], id.to_string());
    assert_eq!((&body["account_signature"], &body["attestation"]), (&Value::Null, &Value::Null));
    let message = invitation_message(network(), id, &CHALLENGE);
    let by_account = signature(&body, "invitation_signature");
    account.public_key().verify(Domain::Invitation, &message, &by_account).unwrap();
    let message = device_message(network(), id, &CHALLENGE, &device.public_key());
    let by_device = signature(&body, "device_signature");
    device.public_key().verify(Domain::Device, &message, &by_device).unwrap();
}

#[test]
fn an_attestation_is_over_what_the_device_signs_and_is_carried_as_it_is() {
    let (account, device) = (key(1), key(2));
    let opened = opened(&account);
    let message = device_message(network(), opened.account(), &CHALLENGE, &device.public_key());
    let want: [u8; 32] = Sha256::digest([Domain::Device.tag(), &message].concat()).into();
    assert_eq!(opened.attestation_challenge(&device.public_key()), want);
    let invitation = opened.invite(&account).unwrap();
    assert_eq!(invitation.attestation_challenge(&device.public_key()), want);

    let attestation = Attestation { format: "android-key".to_owned(), object: vec![0, 1, 0xff] };
    let direct = opened.add_device(&account, &device, Some(&attestation)).unwrap();
    let invited = invitation.join(&device, Some(&attestation)).unwrap();
    for request in [direct, invited] {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body["attestation"], json!({ "format": "android-key", "object": "AAH/" }));
    }
}

#[test]
fn answers_that_are_no_server_s_are_errors() {
    let account = key(1);
    let read = |status, body: &str| {
        Opened::read(network(), &account.public_key(), status, body.as_bytes()).unwrap_err()
    };
    assert_eq!(read(200, "<html>"), EnrolError::Unexpected(200));
    assert_eq!(read(502, "bad gateway"), EnrolError::Unexpected(502));
    let theirs = json!({
        "account_id": AccountId::of_key(&key(3).public_key()).to_string(),
        "challenge": STANDARD.encode(CHALLENGE),
        "challenge_expires_at_ms": 1,
    });
    assert_eq!(read(200, &theirs.to_string()), EnrolError::Unexpected(200), "another's account");
    let refused = read(403, r#"{"code":"signature_invalid","detail":"no"}"#);
    let (code, detail) = ("signature_invalid".to_owned(), "no".to_owned());
    assert_eq!(refused, EnrolError::Refused { code, detail });
    assert!(enrol::device_added(200, b"{}").is_ok());
    assert_eq!(enrol::device_added(204, b""), Err(EnrolError::Unexpected(204)));
    assert_eq!(open_account(network(), &account).unwrap().path, "/v1/accounts");
}

#[test]
fn an_overview_is_read_and_a_device_signed_out() {
    let (account, device) = (key(1), key(2));
    let id = DeviceId::of_key(&device.public_key());
    let out = me::sign_out(network(), me::Key::Account(&account), id, 5).unwrap();
    assert_eq!((&*out.method, out.path), ("DELETE", format!("/v1/devices/{id}")));
    let asked = me::overview(network(), me::Key::Device(&device), 5).unwrap();
    assert_eq!((&*asked.method, &*asked.path), ("GET", "/v1/me"));
    assert!(asked.authorization.starts_with(&format!("Hexmile key={id}, time=5, signature=")));

    let known = KnownDevice { id, added_at_ms: 3, revoked_at_ms: Some(4) };
    let json = json!({ "device_id": id.to_string(), "account_id": "x", "added_at_ms": 3, "revoked_at_ms": 4 });
    assert_eq!(me::signed_out(200, json.to_string().as_bytes()), Ok(known));
    let account = AccountId::of_key(&account.public_key());
    let body = json!({ "account_id": account.to_string(), "opened_at_ms": 2, "devices": [json] });
    let overview = Overview::read(200, body.to_string().as_bytes()).unwrap();
    assert_eq!(overview, Overview { account, opened_at_ms: 2, devices: vec![known] });
    let refused = Overview::read(403, br#"{"code":"device_revoked"}"#).unwrap_err();
    assert!(matches!(refused, EnrolError::Refused { code, .. } if code == "device_revoked"));
    assert_eq!(Overview::read(200, b"[]"), Err(EnrolError::Unexpected(200)));
}
