//! `vectors/decode.py`, a reader of the format that shares nothing with this crate.

use std::{
    io::{ErrorKind, Write as _},
    process::{Command, Stdio},
};

const DECODER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/decode.py");

/// What the independent reader makes of `input`; `None` where there is no Python.
pub(crate) fn decode_py(how: &str, input: &str) -> Option<String> {
    let mut python = Command::new("python3");
    python.args(["-I", DECODER, how]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = match python.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let strict = std::env::var("CI").is_ok_and(|v| v == "true");
            assert!(!strict, "python3 is needed to check the format");
            eprintln!("PASSED OVER: no python3, so no second reader checks the format");
            return None;
        }
        Err(error) => panic!("python3: {error}"),
    };
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input.as_bytes()));
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "decode.py {how} failed");
    Some(String::from_utf8(output.stdout).unwrap())
}
