//! Paths and parameters that lead nowhere.

use crate::support::process::Folder;

#[test]
fn each_has_its_own_problem() {
    let folder = Folder::new();
    let server = folder.start();
    let client = server.client();
    let unknown_trace = format!("/v1/traces/{}", "0".repeat(64));
    let unknown_account = format!("/v1/accounts/{}", "0".repeat(32));
    for (path, status, code) in [
        ("/v1", 404, "not_found"),
        ("/v2/policy", 404, "not_found"),
        ("/v1/policy/", 404, "not_found"),
        ("/v1/tiles/traffic/1/2", 404, "not_found"),
        ("/assets/none.js", 404, "not_found"),
        ("/v1/tiles/traffic/15/0/0", 404, "not_found"),
        ("/v1/tiles/traffic/255/0/0", 404, "not_found"),
        ("/v1/tiles/traffic/256/0/0", 404, "not_found"),
        ("/v1/tiles/traffic/14/16384/0", 404, "not_found"),
        ("/v1/tiles/traffic/14/0/16384", 404, "not_found"),
        ("/v1/tiles/traffic/0/1/0", 404, "not_found"),
        ("/v1/tiles/traffic/14/4294967296/0", 400, "parameter_invalid"),
        ("/v1/tiles/traffic/14/-1/0", 400, "parameter_invalid"),
        ("/v1/tiles/traffic/14/a/0", 400, "parameter_invalid"),
        ("/v1/tiles/traffic/14/0/0.pbf", 400, "parameter_invalid"),
        ("/v1/cells/hello", 400, "parameter_invalid"),
        ("/v1/cells/0", 400, "parameter_invalid"),
        // Resolutions 0 and 12.
        ("/v1/cells/8001fffffffffff", 400, "parameter_invalid"),
        ("/v1/cells/8c2a1072b59a1ff", 400, "parameter_invalid"),
        ("/v1/cells/8b2a1072b59afff", 404, "not_found"),
        ("/v1/traces/abc", 400, "parameter_invalid"),
        (&unknown_trace, 404, "not_found"),
        (&unknown_trace.replace("00", "AA"), 400, "parameter_invalid"),
        ("/v1/accounts/abc", 400, "parameter_invalid"),
        (&unknown_account, 404, "not_found"),
        ("/v1/epochs/0", 404, "not_found"),
        ("/v1/epochs/-1", 400, "parameter_invalid"),
        ("/v1/epochs/first", 400, "parameter_invalid"),
        ("/v1/epochs/18446744073709551615", 404, "not_found"),
        ("/v1/epochs/0/scores", 404, "not_found"),
        ("/v1/epochs?limit=0", 400, "parameter_invalid"),
        ("/v1/epochs?limit=1001", 400, "parameter_invalid"),
        ("/v1/epochs?limit=x", 400, "parameter_invalid"),
        ("/v1/epochs?before=9007199254740992", 400, "parameter_invalid"),
        ("/v1/epochs/0/ledger?from=9007199254740992", 400, "parameter_invalid"),
        ("/v1/epochs/0/ledger", 404, "not_found"),
        ("/v1/epochs?page=2", 400, "parameter_invalid"),
        ("/v1/epochs/0/scores?from=xyz", 400, "parameter_invalid"),
    ] {
        let problem = client.get(path).problem(status, code);
        assert_eq!(problem["temporary"], false, "{path}");
    }
    client.post("/v1/epochs", "text/plain", b"").problem(401, "operator_only");
    // Nothing above has hurt the server.
    assert_eq!(client.get("/readyz").text(), "ready\n");
}

#[test]
fn head_is_answered_like_get_without_a_body() {
    let folder = Folder::new();
    let server = folder.start();
    let client = server.client();
    for path in ["/healthz", "/readyz", "/v1/policy", "/v1/tiles/traffic.json", "/metrics", "/"] {
        let answer = client.head(path);
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{path}");
        assert_eq!(answer.header("Content-Type"), client.get(path).header("Content-Type"));
    }
    assert_eq!(client.head("/v1/tiles/traffic/14/0/0").status, 204);
    assert_eq!(client.head("/v1/epochs/0").status, 404);
}

#[test]
fn another_method_is_told_from_a_path_that_is_not_there() {
    let folder = Folder::new();
    let server = folder.start();
    let client = server.client();
    for (method, path, allowed) in [
        ("GET", "/v1/accounts", "POST"),
        ("GET", "/v1/traces", "POST"),
        ("DELETE", "/v1/policy", "GET"),
        ("POST", "/healthz", "GET"),
    ] {
        let answer = client.send(method, path);
        answer.problem(405, "method_not_allowed");
        assert!(answer.header("Allow").contains(allowed), "{method} {path}");
    }
}
