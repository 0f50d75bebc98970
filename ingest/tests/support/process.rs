//! The binary as a child process, on a store in a folder of its own.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
};

use super::http::Client;

/// The built binary, which sees nothing of this process's settings.
pub(crate) fn hexmile() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hexmile"));
    command.env_clear().stdin(Stdio::null());
    command
}

/// Runs a command that ends by itself.
pub(crate) fn run(args: &[&str]) -> Output {
    hexmile().args(args).output().unwrap()
}

/// Runs `hexmile serve` where it must not start; returns what it says, in one line.
#[track_caller]
pub(crate) fn refusal(command: &mut Command) -> String {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
    if !said.is_empty() {
        child.kill().unwrap();
        child.wait().unwrap();
        panic!("the server started: {said}");
    }
    let mut error = String::new();
    child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
    assert!(!child.wait().unwrap().success(), "{error}");
    error
}

/// A folder with a store, gone with it.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// As `--store` takes it.
    pub(crate) fn store(&self) -> String {
        format!("sqlite:{}", self.path("hexmile.sqlite").display())
    }

    /// `hexmile serve` on this store, on a port of the system's choice.
    pub(crate) fn serve(&self) -> Command {
        let mut command = hexmile();
        command.args(["serve", "--store", &self.store(), "--listen", "127.0.0.1:0"]);
        command.args(["--epoch-seconds", "0", "--workers", "2"]);
        command
    }

    /// Starts the server on this store.
    pub(crate) fn start(&self) -> Server {
        Server::start(self, &mut self.serve())
    }
}

/// A server that runs; killed when dropped.
pub(crate) struct Server {
    child: Child,
    client: Client,
    // Kept open, so that the server never prints to nobody.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts `command`, and waits until it listens. Its log goes into the folder.
    pub(crate) fn start(folder: &Folder, command: &mut Command) -> Self {
        let log = folder.path("server.log");
        let file = File::options().append(true).create(true).open(&log).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(file).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let Some(base) = line.trim_end().strip_prefix("listening on ") else {
            panic!("{line:?}\n{}", std::fs::read_to_string(log).unwrap());
        };
        Self { client: Client::new(base), child, _stdout: stdout }
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// Asks it to stop, as service managers do.
    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Stops it, and asserts that it went in order.
    pub(crate) fn stop(self) {
        self.terminate();
        assert_eq!(self.wait().code(), Some(0));
    }

    /// Ends its process group, which it leads, as a crash would.
    pub(crate) fn kill_group(mut self) {
        let group = format!("-{}", self.child.id());
        let killed = Command::new("kill").args(["-KILL", "--", &group]).status().unwrap();
        assert!(killed.success());
        self.child.wait().unwrap();
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
