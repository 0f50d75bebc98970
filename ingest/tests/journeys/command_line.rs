//! What the commands say to an operator, and by which code a script can tell.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    process::{Command, Output},
    thread,
};

use serde_json::{Value, json};

use crate::support::process::{Folder, Server, hexmile, run};

fn said(out: &Output) -> String {
    String::from_utf8([&out.stdout[..], &out.stderr].concat()).unwrap()
}

/// A server that answers everything with one document, as often as it is asked.
fn answering(document: &Value) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let body = document.to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(&stream).lines();
            let _ = lines.map_while(Result::ok).find(String::is_empty);
            let length = body.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
                 Connection: close\r\n\r\n"
            );
            stream.write_all((head + &body).as_bytes()).unwrap();
        }
    });
    format!("http://{address}")
}

#[test]
fn an_epoch_that_cannot_be_fetched_is_not_one_that_does_not_verify() {
    // A port that was free a moment ago, and that nobody listens on.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let out = run(&["epoch", "verify", "0", "--server", &format!("http://{nobody}")]);
    assert_eq!(out.status.code(), Some(1), "{}", said(&out));
    assert!(said(&out).contains("epoch 0 cannot be fetched"), "{}", said(&out));

    let epoch = json!({
        "number": 0, "first_position": 0, "end_position": 0, "closed_at_ms": 0,
        "rules_hash": "", "pool": "10", "paid": "10", "unallocated": "0", "target_score": "1",
        "total_score": "0", "scores_root": "", "drivers": 0,
    });
    let server = answering(&json!({ "epoch": epoch, "entries": [], "scores": [] }));
    let out = run(&["epoch", "verify", "0", "--server", &server]);
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
    let want = "epoch 0 does not verify: pay adds up to 0, not 10";
    assert!(said(&out).contains(want), "{}", said(&out));
    let out = run(&["epoch", "verify", "1", "--server", &server]);
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
}

#[test]
fn an_address_without_a_scheme_is_told_what_it_lacks() {
    for address in ["foo", "127.0.0.1:8080", "localhost:8080"] {
        let out = run(&["epoch", "show", "0", "--server", address]);
        assert_eq!(out.status.code(), Some(2), "{}", said(&out));
        assert!(said(&out).contains("with its scheme"), "{}", said(&out));
    }
}

#[test]
fn what_is_logged_and_how_is_said_by_flag_variable_or_file() {
    let folder = Folder::new();
    let file = folder.path("hexmile.toml");
    let logged = |serve: &mut Command| {
        drop(Server::start(&folder, serve));
        let text = fs::read_to_string(folder.path("server.log")).unwrap();
        fs::remove_file(folder.path("server.log")).unwrap();
        text
    };
    let is_json = |text: &str| {
        !text.is_empty() && text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok())
    };
    fs::write(&file, "log = \"debug\"\nlog_json = true\n").unwrap();
    let text = logged(folder.serve().arg("--config").arg(&file));
    assert!(is_json(&text) && text.contains("actix_server"), "{text}");
    for json in ["--log-json", "--log-json=true"] {
        let text = logged(folder.serve().args(["--log", "debug", json]));
        assert!(is_json(&text), "{text}");
    }
    let text = logged(folder.serve().env("HEXMILE_LOG", "debug").env("HEXMILE_LOG_JSON", "1"));
    assert!(is_json(&text), "{text}");
    // A flag goes over the file.
    let text = logged(folder.serve().arg("--config").arg(&file).arg("--log-json=false"));
    assert!(!text.is_empty() && !is_json(&text), "{text}");
    let help = hexmile().args(["serve", "--help"]).output().unwrap();
    assert!(said(&help).contains("HEXMILE_LOG"), "{}", said(&help));
}

#[test]
fn every_command_says_what_it_is() {
    for args in [&["--help"][..], &["epoch", "--help"], &["epoch", "verify", "--help"]] {
        let help = said(&run(args));
        // Marks of the source's documentation are none of an operator's.
        assert!(!help.contains('`') && !help.contains("<http"), "{help}");
    }
    assert!(said(&run(&["--help"])).starts_with("Hexmile: signed drives in, live traffic"));
    assert!(said(&run(&["serve", "--help"])).contains("then from the file, then from defaults"));
    assert!(said(&run(&["--version"])).starts_with("hexmile"));
}
