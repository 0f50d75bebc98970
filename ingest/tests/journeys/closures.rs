//! Roads that an operator declares closed.

use h3o::{LatLng, Resolution};
use hexmile_ingest::config::Settings;
use hexmile_tiles::TileId;
use serde_json::{Value, json};

use crate::support::{
    driver::Road,
    eventually,
    http::{Answer, Client},
    in_process::InProcess,
    process::Folder,
};

const TOKEN: &str = "a token of the operator";
const ROAD: Road = Road::number(0);
const HOUR_MS: u64 = 3_600_000;
const START_MS: u64 = 20_000 * 24 * HOUR_MS;

fn declare(client: &Client, token: &str, body: &Value) -> Answer {
    let headers =
        [("Authorization", &*format!("Bearer {token}")), ("Content-Type", "application/json")];
    client.post_with("/v1/closures", &headers, body.to_string().as_bytes())
}

fn path(points: usize) -> Vec<[f64; 2]> {
    let at = |i: usize| ROAD.at(i as f64 * 600.0 / (points - 1).max(1) as f64);
    (0..points).map(|i| [at(i).lon_deg(), at(i).lat_deg()]).collect()
}

fn tile() -> String {
    let tile = TileId::of_position(14, ROAD.at(250.0)).unwrap();
    format!("/v1/tiles/traffic/14/{}/{}", tile.x(), tile.y())
}

fn server(folder: &Folder) -> InProcess {
    let settings = Settings { admin_token: Some(TOKEN.to_owned()), ..Settings::default() };
    InProcess::start(folder, START_MS, settings)
}

#[test]
fn a_road_is_closed_for_as_long_as_it_was_declared() {
    let folder = Folder::new();
    let server = server(&folder);
    let client = server.client();
    assert_eq!(client.get(&tile()).status, 204);
    let until_ms = START_MS + 5 * HOUR_MS;
    let body = json!({
        "path": path(60), "reason": "bridge works", "from_ms": START_MS + HOUR_MS, "until_ms": until_ms,
    });
    let declared = declare(client, TOKEN, &body);
    assert_eq!(declared.status, 201);
    let declared: Value = serde_json::from_str(declared.text()).unwrap();
    // Sixty points of a straight road are drawn by two.
    assert_eq!(declared["path"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&declared["both_ways"], &declared["reason"]),
        (&true.into(), &"bridge works".into())
    );
    assert_eq!(client.get("/v1/closures").json(), json!({ "closures": [declared] }));
    // Not yet; but for whoever asks about then.
    assert_eq!(client.get(&tile()).status, 204);
    eventually("the closure to be known", || {
        (client.get(&format!("{}?t=2024-10-04T02:00:00Z", tile())).status == 200).then_some(())
    });
    assert_eq!(client.get(&format!("{}?t=fri-02:00", tile())).status, 204);

    server.advance(HOUR_MS);
    let shown = eventually("the tile", || Some(client.get(&tile())).filter(|t| t.status == 200));
    let at = ROAD.at(300.0);
    let cell =
        LatLng::from_radians(at.lat_rad(), at.lon_rad()).unwrap().to_cell(Resolution::Eleven);
    let cell = client.get(&format!("/v1/cells/{cell}")).json();
    let want = json!([{ "id": declared["id"], "reason": "bridge works", "until_ms": until_ms }]);
    assert_eq!((&cell["closures"], &cell["directions"]), (&want, &json!([])));

    // Withdrawn, it is gone from the map within moments, and the tile is another.
    let one = format!("/v1/closures/{}", declared["id"].as_str().unwrap());
    client.send("DELETE", &one).problem(401, "operator_only");
    let bearer = format!("Bearer {TOKEN}");
    let withdraw = || client.send_with("DELETE", &one, &[("Authorization", &bearer)]);
    assert_eq!(withdraw().status, 204);
    withdraw().problem(404, "not_found");
    let gone = eventually("the tile", || Some(client.get(&tile())).filter(|t| t.status == 204));
    assert_ne!(gone.header("ETag"), shown.header("ETag"));
    assert_eq!(client.get("/v1/closures").json(), json!({ "closures": [] }));
    server.stop();
}

#[test]
fn a_declaration_that_cannot_be_is_refused_with_what_is_wrong() {
    let folder = Folder::new();
    let server = server(&folder);
    let client = server.client();
    let until_ms = START_MS + HOUR_MS;
    let good = json!({ "path": path(2), "reason": "works", "until_ms": until_ms });
    declare(client, "no such token at all", &good).problem(401, "operator_only");
    for (field, value, what) in [
        ("path", json!([]), "2 to 500"),
        ("path", json!([[16.4, 48.2]]), "2 to 500"),
        ("path", json!([[16.4, 48.2], [181.0, 48.2]]), "point 1"),
        ("path", json!([[16.4, 48.2], [16.4, 48.2]]), "0 m"),
        ("path", json!([[16.4, 48.2], [18.4, 48.2]]), "100000"),
        ("reason", json!(""), "1 to 200"),
        ("reason", json!("x".repeat(201)), "1 to 200"),
        ("until_ms", json!(START_MS), "past"),
        ("from_ms", json!(until_ms), "not after"),
        ("until_ms", json!(START_MS + 3 * 366 * 24 * HOUR_MS), "two years"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let problem = declare(client, TOKEN, &body).problem(400, "closure_invalid");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(what), "{field}: {detail}");
    }
    let mut unknown = good.clone();
    unknown["speed"] = json!(3);
    declare(client, TOKEN, &unknown).problem(400, "json_invalid");
    let large = json!({ "path": vec![[16.4, 48.2]; 200_000], "reason": "x", "until_ms": until_ms });
    declare(client, TOKEN, &large).problem(413, "body_too_large");
    let text = [("Authorization", &*format!("Bearer {TOKEN}")), ("Content-Type", "text/plain")];
    client.post_with("/v1/closures", &text, b"{}").problem(415, "media_type_unknown");
    assert_eq!(declare(client, TOKEN, &good).status, 201);
    server.stop();
}
