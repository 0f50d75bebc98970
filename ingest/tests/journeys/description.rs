//! What the server says of itself: the API's description, policy, map documents, metrics, health.

use std::collections::BTreeSet;

use hexmile_trace::NetworkId;
use serde_json::Value;

use crate::support::process::{Folder, Server, run};

#[test]
fn every_documented_route_answers() {
    let folder = Folder::new();
    let server = folder.start();
    let client = server.client();
    let api = client.get("/openapi.json").json();
    let printed = run(&["openapi"]);
    assert!(printed.status.success());
    assert_eq!(serde_json::from_slice::<Value>(&printed.stdout).unwrap(), api);
    assert!(api["openapi"].as_str().unwrap().starts_with("3."));

    let mut routes = BTreeSet::new();
    for (path, methods) in api["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method = method.to_uppercase();
            let sample = path
                .replace("{z}", "14")
                .replace("{h3}", "8b2a1072b59afff")
                .replace("{number}", "0")
                .replace("{name}", "traffic")
                .replace("{id}", &"0".repeat(16))
                .replace("{trace_id}", &"0".repeat(64))
                .replace("{account_id}", &"0".repeat(32))
                .replace("{device_id}", &"0".repeat(32));
            let sample = sample.replace("{x}", "0").replace("{y}", "0");
            assert!(!sample.contains('{'), "{path} has a parameter that is not known here");
            let answer = client.send(&method, &sample);
            let text = String::from_utf8_lossy(&answer.body);
            assert!(!text.contains("no route for"), "{method} {path}: {text}");
            let documented = operation["responses"].as_object().unwrap();
            assert!(documented.contains_key(&answer.status.to_string()), "{method} {path}: {text}");
            if !path.contains('{') && method == "GET" && operation["security"].is_null() {
                assert_eq!(answer.status, 200, "{path}: {text}");
            }
            routes.insert(format!("{method} {path}"));
        }
    }
    let want = [
        "DELETE /v1/closures/{id}",
        "DELETE /v1/devices/{device_id}",
        "DELETE /v1/me",
        "GET /healthz",
        "GET /metrics",
        "GET /readyz",
        "GET /v1/accounts/{account_id}",
        "GET /v1/cells/{h3}",
        "GET /v1/closures",
        "GET /v1/epochs",
        "GET /v1/epochs/{number}",
        "GET /v1/epochs/{number}/ledger",
        "GET /v1/epochs/{number}/scores",
        "GET /v1/log/checkpoint",
        "GET /v1/me",
        "GET /v1/me/export",
        "GET /v1/policy",
        "GET /v1/styles/{name}.json",
        "GET /v1/tiles/state.json",
        "GET /v1/tiles/traffic.json",
        "GET /v1/tiles/traffic/{z}/{x}/{y}",
        "GET /v1/traces/{trace_id}",
        "GET /v1/transparency",
        "POST /v1/accounts",
        "POST /v1/closures",
        "POST /v1/devices",
        "POST /v1/epochs",
        "POST /v1/traces",
    ];
    assert_eq!(routes, want.map(str::to_owned).into());
    // Beside the API: the page.
    assert_eq!(client.get("/").header("Content-Type"), "text/html; charset=utf-8");
}

#[test]
fn map_documents_have_absolute_addresses() {
    let folder = Folder::new();
    let public = "https://traffic.example.org/map";
    let mut command = folder.serve();
    command.args(["--public-url", &format!("{public}/"), "--attribution", "© drivers"]);
    let server = Server::start(&folder, &mut command);
    let client = server.client();
    let tiles = client.get("/v1/tiles/traffic.json").json();
    assert_eq!(tiles["tilejson"], "3.0.0");
    assert_eq!(tiles["tiles"][0], format!("{public}/v1/tiles/traffic/{{z}}/{{x}}/{{y}}"));
    assert_eq!(tiles["attribution"], "© drivers");
    assert_eq!((&tiles["minzoom"], &tiles["maxzoom"]), (&0.into(), &14.into()));
    let known: BTreeSet<&str> = tiles["vector_layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|layer| layer["id"].as_str().unwrap())
        .collect();
    assert_eq!(known, BTreeSet::from(["closures", "traffic", "traffic_hex"]));
    let mut palettes = BTreeSet::new();
    for name in ["traffic", "traffic-dark", "traffic-safe", "traffic-safe-dark"] {
        let style = client.get(&format!("/v1/styles/{name}.json")).json();
        assert_eq!(style["version"], 8);
        assert_eq!(style["sources"]["hexmile"]["url"], format!("{public}/v1/tiles/traffic.json"));
        for layer in style["layers"].as_array().unwrap() {
            if let Some(source) = layer.get("source-layer") {
                assert!(known.contains(source.as_str().unwrap()), "{layer}");
            }
        }
        palettes.insert(style["layers"].to_string());
    }
    assert_eq!(palettes.len(), 4, "styles that look the same");
    let other = client.get("/v1/styles/neon.json").problem(404, "not_found");
    assert!(other["detail"].as_str().unwrap().contains("traffic-safe-dark"), "{other}");
}

#[test]
fn what_is_collected_follows_from_the_configuration() {
    let folder = Folder::new();
    let mut command = folder.serve();
    command.args(["--network", "testing", "--min-drivers", "7", "--epoch-pool", "12"]);
    let server = Server::start(&folder, &mut command);
    let told = server.client().get("/v1/transparency").json();
    assert_eq!(told["network"], "testing");
    let settings = &told["generated_from"];
    assert_eq!((&settings["min_drivers"], &settings["epoch_pool"]), (&7.into(), &"12".into()));
    assert_eq!(settings["epoch_seconds"], Value::Null, "closed by hand");
    assert_eq!(settings["rules_hash"].as_str().unwrap().len(), 64);
    let collected = told["collected"].as_array().unwrap();
    assert!(
        collected
            .iter()
            .any(|item| item["who_sees"].as_str().unwrap().contains("at least 7 drivers"))
    );
    for item in collected {
        for key in ["what", "why", "kept", "who_sees"] {
            assert!(item[key].as_str().unwrap().ends_with('.'), "{key}: {item}");
        }
    }
    for key in ["never", "can_link", "your_rights"] {
        assert!(!told[key].as_array().unwrap().is_empty(), "{key}");
    }
}

#[test]
fn the_policy_names_network_and_key() {
    let folder = Folder::new();
    let mut command = folder.serve();
    command.args(["--network", "testing", "--min-sdk", "1.2.3"]);
    let server = Server::start(&folder, &mut command);
    let policy = server.client().get("/v1/policy").json();
    assert_eq!(policy["network_id"], NetworkId::of_name("testing").to_string());
    assert_eq!(policy["min_sdk"], "1.2.3");
    assert_eq!(policy["media_type"], hexmile_trace::MEDIA_TYPE);
    let line = policy["log_verifier_key"].as_str().unwrap();
    assert!(line.starts_with("hexmile/testing+"), "{line}");
}

#[test]
fn metrics_are_open_metrics_text() {
    let folder = Folder::new();
    let server = folder.start();
    let client = server.client();
    client.get("/v1/none-of-its-paths").problem(404, "not_found");
    client.get(&format!("/v1/traces/{}", "0".repeat(64))).problem(404, "not_found");
    let metrics = client.get("/metrics");
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(metrics.header("Content-Type"), media_type);
    let text = metrics.text();
    assert!(text.ends_with("# EOF\n"));
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("hexmile_"), "{line}");
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let labels = name.split_once('{').map_or("", |(_, labels)| labels);
        assert!(labels.is_empty() || labels.ends_with('}'), "{line}");
    }
    // Routes are told by pattern, so that what is asked for can never flood the metrics.
    assert!(text.contains("route=\"/v1/traces/{trace_id}\",status=\"404\""), "{text}");
    assert!(text.contains("route=\"unmatched\""), "{text}");
    assert!(!text.contains("none-of-its-paths") && !text.contains(&"0".repeat(64)));
    assert!(text.contains("hexmile_transaction_seconds_count{name=\"trace\",outcome=\"ok\"} 1"));
}
