//! What one client may ask.

use crate::support::process::{Folder, Server, refusal};

#[test]
fn a_client_that_asks_too_much_waits_and_others_do_not() {
    let folder = Folder::new();
    let mut command = folder.serve();
    command.args(["--client-rate", "1", "--client-header", "X-Forwarded-For"]);
    let server = Server::start(&folder, &mut command);
    let client = server.client();
    let ask = |who: &str| {
        client
            .get_with("/v1/policy", &[("X-Forwarded-For", who), ("Origin", "https://map.example")])
    };
    let answers: Vec<u16> = (0..40).map(|_| ask("192.0.2.1").status).collect();
    assert!(answers[..10].iter().all(|status| *status == 200), "{answers:?}");
    assert!(answers.contains(&429), "{answers:?}");
    let refused = ask("192.0.2.1");
    let problem = refused.problem(429, "too_many_requests");
    assert_eq!(problem["temporary"], true, "{problem}");
    assert_eq!(refused.header("Retry-After"), "1");
    assert_eq!(refused.header("Access-Control-Allow-Origin"), "*");
    assert_eq!(ask("192.0.2.2").status, 200);
    assert!((0..40).all(|_| client.get("/healthz").status == 200), "this machine is not limited");
}

#[test]
fn a_rate_without_measure_is_named_at_start() {
    let folder = Folder::new();
    let said = refusal(folder.serve().args(["--client-rate", "1000001"]));
    assert!(said.contains("client_rate: 1000001"), "{said}");
}

#[test]
fn a_header_that_is_none_is_named_at_start() {
    let folder = Folder::new();
    let said = refusal(folder.serve().args(["--client-header", "X Forwarded"]));
    assert!(said.contains("client_header: \"X Forwarded\""), "{said}");
}
