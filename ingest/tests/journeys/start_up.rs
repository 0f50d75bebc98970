//! Servers that must not start, and what they say; and the order in which settings count.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt, process::Command};

use crate::support::process::{Folder, Server, hexmile, refusal};

/// Gives one setting by flag, by variable and by file; none may start, and each says `says`.
fn check(folder: &Folder, base: &dyn Fn() -> Command, key: &str, value: &str, says: &str) {
    let file = folder.path("hexmile.toml");
    let quoted = match value.parse::<i64>() {
        Ok(number) if key != "listen" => number.to_string(),
        _ => format!("{value:?}"),
    };
    fs::write(&file, format!("{key} = {quoted}\n")).unwrap();
    for said in [
        refusal(base().arg(format!("--{}={value}", key.replace('_', "-")))),
        refusal(base().env(format!("HEXMILE_{}", key.to_uppercase()), value)),
        refusal(base().arg("--config").arg(&file)),
    ] {
        assert!(said.starts_with("hexmile: ") && said.contains(says), "{key} = {value}: {said}");
        assert!(!said.contains("secret@"), "a password was told: {said}");
    }
    assert!(!folder.path("hexmile.sqlite").exists(), "{key} = {value}: a store was made");
}

#[test]
fn settings_that_are_wrong_are_named_by_key() {
    let folder = Folder::new();
    let rules = folder.path("rules.toml");
    fs::write(&rules, "version = 1\ncolour = 3\n").unwrap();
    let rules = rules.display().to_string();
    let long = "x".repeat(65);
    let with_store = || {
        let mut command = hexmile();
        command.args(["serve", "--store", &folder.store()]);
        command
    };
    for (key, value, says) in [
        ("listen", "8080", "listen: "),
        ("listen", "127.0.0.1:99999", "listen: "),
        ("network", "", "network: "),
        ("network", &long, "network: "),
        ("public_url", "traffic.example.org", "public_url: "),
        ("public_url", "https://", "public_url: "),
        ("public_url", "https://example.org/?a=b", "public_url: "),
        ("min_drivers", "2", "min_drivers: "),
        ("min_drivers", "65", "min_drivers: "),
        ("epoch_seconds", "9", "epoch_seconds: "),
        ("admin_token", "too short", "admin_token: "),
        ("min_sdk", "1.2", "min_sdk: "),
        ("min_sdk", "1.2.1024", "min_sdk: "),
        ("workers", "0", "workers: "),
        ("log", "hexmile=loudly", "log: "),
        ("client_header", "a b", "client_header: "),
        ("workers", "257", "workers: "),
        ("tile_cache_mb", "0", "tile_cache_mb: "),
        ("reward_rules", "/nowhere/rules.toml", "reward_rules: "),
        ("reward_rules", &rules, "line 2: unknown key `colour`"),
    ] {
        check(&folder, &with_store, key, value, says);
    }
    let without_store = || {
        let mut command = hexmile();
        command.arg("serve");
        command
    };
    for (value, says) in [
        ("", "expected sqlite:PATH"),
        ("hexmile.sqlite", "expected sqlite:PATH"),
        ("sqlite:", "expected sqlite:PATH"),
        ("postgres://localhost/hexmile", "key_file: missing"),
        ("postgres:///hexmile", "store: expected a host"),
        ("postgres://a:secret@localhost:x/hexmile", "store: expected an address like postgres://"),
        ("postgres://a:secret@localhost/hexmile?sslmode=require", "not encrypted by this release"),
        ("postgress://a:secret@localhost/hexmile", "store: expected sqlite:PATH"),
    ] {
        check(&folder, &without_store, "store", value, says);
    }
    assert!(refusal(&mut without_store()).contains("store: missing"));
    let pool = refusal(with_store().args(["--epoch-pool", "9223372036854775808"]));
    assert!(pool.contains("epoch_pool: "), "{pool}");
}

#[test]
fn settings_of_the_wrong_kind_are_named() {
    let folder = Folder::new();
    for (args, says) in [
        (&["--workers", "many"][..], "--workers"),
        (&["--min-drivers", "300"], "--min-drivers"),
        (&["--epoch-pool=-1"], "--epoch-pool"),
        (&["--colour", "red"], "--colour"),
        (&["--config", "/nowhere/hexmile.toml"], "config: cannot read /nowhere/hexmile.toml"),
    ] {
        let said = refusal(folder.serve().args(args));
        assert!(said.contains(says), "{args:?}: {said}");
    }
    let said = refusal(folder.serve().env("HEXMILE_TILE_CACHE_MB", "lots"));
    assert!(said.contains("--tile-cache-mb"), "{said}");
    let file = folder.path("hexmile.toml");
    for (text, says) in [
        ("colour = 'red'", "colour"),
        ("workers = 'many'", "workers"),
        ("network = 5", "network"),
        ("min_drivers = -3", "min_drivers"),
        ("network 'x'", "line 1"),
    ] {
        fs::write(&file, text).unwrap();
        let said = refusal(folder.serve().arg("--config").arg(&file));
        assert!(said.starts_with("hexmile: config: ") && said.contains(says), "{text}: {said}");
        assert!(said.contains("hexmile.toml"), "the file is named: {said}");
    }
}

#[test]
fn flags_count_before_variables_before_the_file() {
    let folder = Folder::new();
    let file = folder.path("hexmile.toml");
    fs::write(&file, "network = 'file'\nattribution = 'file'\npublic_url = 'http://file'\n")
        .unwrap();
    let mut command = folder.serve();
    command.arg("--config").arg(&file).args(["--network", "flag"]);
    command.env("HEXMILE_NETWORK", "variable").env("HEXMILE_ATTRIBUTION", "variable");
    let server = Server::start(&folder, &mut command);
    let client = server.client();
    assert_eq!(client.get("/v1/policy").json()["network_name"], "flag");
    let tiles = client.get("/v1/tiles/traffic.json").json();
    assert_eq!(tiles["attribution"], "variable");
    assert_eq!(tiles["tiles"][0], "http://file/v1/tiles/traffic/{z}/{x}/{y}");
}

#[test]
fn a_taken_port_is_told_before_the_store_is_touched() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = refusal(hexmile().args(["serve", "--store", &folder.store(), "--listen", &address]));
    let wanted = format!("hexmile: listen: cannot listen on {address}: ");
    assert!(said.contains(&wanted), "{said}");
    assert!(!folder.path("hexmile.sqlite").exists());
}

#[test]
fn stores_that_cannot_be_used_are_told() {
    let folder = Folder::new();
    let serve = |store: &str| {
        refusal(hexmile().args(["serve", "--listen", "127.0.0.1:0", "--store", store]))
    };
    // Where nobody may write, not even the superuser; and a folder that is not there.
    for path in ["/proc/hexmile.sqlite", "/nowhere/hexmile.sqlite", "/tmp"] {
        let said = serve(&format!("sqlite:{path}"));
        assert!(said.contains(&format!("cannot open the store sqlite:{path}: ")), "{said}");
    }
    folder.start().stop();
    let db = rusqlite::Connection::open(folder.path("hexmile.sqlite")).unwrap();
    db.execute("INSERT INTO migration VALUES (999, x'00')", []).unwrap();
    db.close().unwrap();
    let said = serve(&folder.store());
    assert!(said.contains("has schema version 999, and this release knows"), "{said}");
    let said = refusal(folder.serve().args(["--network", "elsewhere"]));
    assert!(said.contains("schema version 999"), "{said}");

    let other = Folder::new();
    other.start().stop();
    let said = refusal(other.serve().args(["--network", "elsewhere"]));
    assert!(said.contains("belongs to network"), "{said}");
}

#[test]
fn key_files_must_be_whole_and_private() {
    let folder = Folder::new();
    let server = folder.start();
    let key = server.client().get("/v1/policy").json()["server_key"].clone();
    server.stop();
    let keys = folder.path("hexmile.sqlite.keys");
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&keys), 0o600);

    let whole = fs::read_to_string(&keys).unwrap();
    let seed = "ab".repeat(32);
    for (text, says) in [
        (String::new(), "signing_seed is missing"),
        (format!("signing_seed = {seed}\n"), "secret is missing"),
        (format!("signing_seed = {seed}\nsecret = {seed}0\n"), "line 2: expected 64 hexadecimal"),
        (format!("colour = {seed}\n"), "line 1: expected signing_seed or secret"),
        ("hello\n".to_owned(), "line 1: expected name = value"),
    ] {
        fs::write(&keys, text).unwrap();
        let said = refusal(&mut folder.serve());
        assert!(said.contains(says) && said.contains("hexmile.sqlite.keys"), "{said}");
        assert!(!said.contains(&seed), "a secret was told: {said}");
    }
    fs::write(&keys, &whole).unwrap();
    for exposed in [0o640, 0o604] {
        fs::set_permissions(&keys, fs::Permissions::from_mode(exposed)).unwrap();
        let said = refusal(&mut folder.serve());
        assert!(said.contains("can be read by others: chmod 600 "), "{said}");
    }
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    let server = folder.start();
    assert_eq!(server.client().get("/v1/policy").json()["server_key"], key);
    let log = fs::read_to_string(folder.path("server.log")).unwrap();
    for secret in whole.lines().filter_map(|line| line.split_once(" = ")) {
        assert!(!log.contains(secret.1), "a secret is in the log");
    }
}

/// Phones know the server by its key: a lost file is not replaced in silence.
#[test]
fn a_store_keeps_to_the_key_that_it_began_with() {
    let folder = Folder::new();
    let keys = folder.path("hexmile.sqlite.keys");
    let start = || {
        let server = folder.start();
        let key = server.client().get("/v1/policy").json()["server_key"].clone();
        server.stop();
        key
    };
    let key = start();
    let safe = folder.path("safe");
    fs::rename(&keys, &safe).unwrap();
    let said = refusal(&mut folder.serve());
    assert!(said.contains("not there, and the store's receipts are signed with its key"), "{said}");
    assert!(!keys.exists());
    let other = Folder::new();
    other.start().stop();
    fs::copy(other.path("hexmile.sqlite.keys"), &keys).unwrap();
    let said = refusal(&mut folder.serve());
    assert!(said.contains("nodes of one network share one key file"), "{said}");
    fs::rename(&safe, &keys).unwrap();
    assert_eq!(start(), key);
}
