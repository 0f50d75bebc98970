//! Drivers: their keys, how they join, and what they drive.

use base64::{Engine, engine::general_purpose::STANDARD};
use hexmile_trace::{
    AccountId, DeviceId, Fix, KeyId, MEDIA_TYPE, NetworkId, Position, Provider, RawFix, Receipt,
    ReceiptBody, SdkVersion, SignedTrace, Trace, TraceHeader, TripId,
    enrol::{account_message, device_message, invitation_message, request_message},
    sign::{Alg, Domain, PublicKey, Signer, SoftwareSigner},
};
use serde_json::{Value, json};

use super::http::{Answer, Client};

/// The network that a server is for by default.
pub(crate) fn network() -> NetworkId {
    NetworkId::of_name("hexmile")
}

/// Bytes as JSON has them.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// A driver with one phone.
pub(crate) struct Driver {
    pub(crate) account: SoftwareSigner,
    pub(crate) device: SoftwareSigner,
}

impl Driver {
    /// Driver `n`, whom no server knows yet.
    pub(crate) fn new(n: u8) -> Self {
        let signer = |role: u8| {
            SoftwareSigner::from_seed(&[[role; 16], [n; 16]].concat().try_into().unwrap())
        };
        Self { account: signer(1), device: signer(2) }
    }

    /// Driver `n`, who has joined.
    pub(crate) fn enrolled(n: u8, client: &Client) -> Self {
        let driver = Self::new(n);
        let opened = client.post_json("/v1/accounts", &account_request(&driver.account)).json();
        assert_eq!(opened["account_id"], driver.account_id().to_string());
        let request = driver.device_request(&opened["challenge"]);
        let added = client.post_json("/v1/devices", &request).json();
        assert_eq!(added["device_id"], driver.device_id().to_string());
        assert_eq!(added["account_id"], driver.account_id().to_string());
        driver
    }

    pub(crate) fn account_id(&self) -> AccountId {
        AccountId::of_key(&self.account.public_key())
    }

    pub(crate) fn device_id(&self) -> DeviceId {
        DeviceId::of_key(&self.device.public_key())
    }

    /// The request that adds this driver's phone, over a challenge.
    pub(crate) fn device_request(&self, challenge: &Value) -> Value {
        device_request(&self.account, &self.device, challenge.as_str().unwrap())
    }

    /// What this driver's traces say of themselves.
    pub(crate) fn header(&self, sequence: u64) -> TraceHeader {
        TraceHeader {
            alg: Alg::Ed25519,
            device: self.device_id(),
            network: network(),
            sequence,
            trip: TripId([sequence as u8; 8]),
            sdk_version: SdkVersion::new(0, 1, 0),
            clock_offset_ms: Some(0),
            context: false,
            checkpoint: None,
        }
    }

    /// Seals fixes under a header.
    pub(crate) fn seal(&self, header: TraceHeader, fixes: Vec<Fix>) -> SignedTrace {
        SignedTrace::seal(&Trace::new(header, fixes).unwrap(), &self.device).unwrap()
    }

    /// A drive along a road that ends at a time.
    pub(crate) fn drive(&self, sequence: u64, road: Road, fixes: u64, end_ms: u64) -> SignedTrace {
        let style = u64::from(self.device_id().0[0]);
        self.seal(self.header(sequence), road.fixes(style, fixes, end_ms))
    }
}

/// The request that opens an account.
pub(crate) fn account_request(account: &SoftwareSigner) -> Value {
    let key = account.public_key();
    let signature = account.sign(Domain::Account, &account_message(network(), &key)).unwrap();
    json!({
        "alg": key.alg().name(),
        "public_key": base64(key.as_bytes()),
        "signature": base64(&signature),
    })
}

/// The request that adds a device to an account, over a challenge.
pub(crate) fn device_request(
    account: &SoftwareSigner,
    device: &SoftwareSigner,
    challenge: &str,
) -> Value {
    let account_id = AccountId::of_key(&account.public_key());
    let bytes = STANDARD.decode(challenge).unwrap().try_into().unwrap();
    let key = device.public_key();
    let message = device_message(network(), account_id, &bytes, &key);
    json!({
        "account_id": account_id.to_string(),
        "alg": key.alg().name(),
        "public_key": base64(key.as_bytes()),
        "challenge": challenge,
        "account_signature": base64(&account.sign(Domain::Device, &message).unwrap()),
        "device_signature": base64(&device.sign(Domain::Device, &message).unwrap()),
    })
}

/// The request that adds a device by an invitation over a challenge.
pub(crate) fn invited_request(
    account: &SoftwareSigner,
    device: &SoftwareSigner,
    challenge: &str,
) -> Value {
    let account_id = AccountId::of_key(&account.public_key());
    let bytes = STANDARD.decode(challenge).unwrap().try_into().unwrap();
    let invitation = invitation_message(network(), account_id, &bytes);
    let mut request = device_request(account, device, challenge);
    request.as_object_mut().unwrap().remove("account_signature");
    let signature = account.sign(Domain::Invitation, &invitation).unwrap();
    request["invitation_signature"] = base64(&signature).into();
    request
}

/// `Authorization` of a request signed by a key whose id is `key_id`.
pub(crate) fn signed_request(
    signer: &SoftwareSigner,
    key_id: [u8; 16],
    time_ms: u64,
    method: &str,
    path: &str,
) -> String {
    let message = request_message(network(), key_id, time_ms, method, path);
    let signature = base64(&signer.sign(Domain::Request, &message).unwrap());
    format!("Hexmile key={}, time={time_ms}, signature={signature}", hex::encode(key_id))
}

/// A straight road eastwards.
#[derive(Clone, Copy)]
pub(crate) struct Road {
    lat_e6: i32,
    lon_e6: i32,
}

impl Road {
    /// Roads lie 0.2 degrees apart, so that no tile at zoom 14 shows two.
    pub(crate) const fn number(n: i32) -> Self {
        Self { lat_e6: 10_000_000 + n * 200_000, lon_e6: 20_000_000 }
    }

    /// The position after so many metres.
    pub(crate) fn at(self, metres: f64) -> Position {
        Position::from_e6(self.lat_e6, self.lon_e6).unwrap().destination(90.0, metres)
    }

    /// A fix a second at 13 to 15 m/s, a metre or two off the centre as phones are.
    fn fixes(self, style: u64, n: u64, end_ms: u64) -> Vec<Fix> {
        let speed_mps = 13.0 + (style % 5) as f64 * 0.5;
        let wander = |i: u64| ((i + style) as f64 * 0.4).sin() * 1.5;
        let fix = |i: u64| {
            let at = self.at(i as f64 * speed_mps).destination(0.0, wander(i));
            Fix::quantise(&RawFix {
                time_ms: (end_ms - (n - 1 - i) * 1000) as i64,
                latitude_deg: at.lat_deg(),
                longitude_deg: at.lon_deg(),
                accuracy_m: Some(4.0),
                speed_mps: Some(speed_mps),
                course_deg: Some(90.0),
                altitude_m: Some(400.0),
                mock: false,
                provider: Provider::Gnss,
            })
        };
        (0..n).map(|i| fix(i).unwrap()).collect()
    }
}

/// Uploads traces in one request.
pub(crate) fn upload(client: &Client, traces: &[SignedTrace]) -> Answer {
    client.post("/v1/traces", MEDIA_TYPE, &batch(traces))
}

/// Traces as one body.
pub(crate) fn batch(traces: &[SignedTrace]) -> Vec<u8> {
    traces.iter().flat_map(SignedTrace::to_bytes).collect()
}

/// A receipt as JSON has it.
pub(crate) fn receipt(json: &Value) -> Receipt {
    let text = |field: &str| json[field].as_str().unwrap();
    let number = |field: &str| json[field].as_u64().unwrap();
    let bytes = |field: &str| STANDARD.decode(text(field)).unwrap();
    Receipt {
        body: ReceiptBody {
            network: text("network").parse().unwrap(),
            trace: text("trace_id").parse().unwrap(),
            device: text("device_id").parse().unwrap(),
            sequence: number("sequence"),
            received_at_ms: number("received_at_ms"),
            salt: bytes("salt").try_into().unwrap(),
            key: KeyId(hex::decode(text("key_id")).unwrap().try_into().unwrap()),
        },
        signature: bytes("signature").try_into().unwrap(),
    }
}

/// The key under which a server's receipts verify.
pub(crate) fn server_key(client: &Client) -> PublicKey {
    let policy = client.get("/v1/policy").json();
    assert_eq!(policy["server_key_alg"], "ed25519");
    let key = STANDARD.decode(policy["server_key"].as_str().unwrap()).unwrap();
    PublicKey::new(Alg::Ed25519, &key).unwrap()
}
