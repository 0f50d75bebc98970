//! A Postgres server of the tests' own: one a test process, one database a test.
//!
//! It listens on a Unix socket in a folder of its own and on no port, and is gone when the test
//! process is, however that ends. It does not wait for disks: nothing here asks what survives a
//! power cut. Programs are taken from `PATH` or Debian's place; where there are none the tests pass
//! over and say so, except in CI.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use tokio_postgres::{Client, NoTls};

/// Makes and starts a server in `$1`, says so, and takes it all away when the pipe from the tests
/// closes. A keyboard's interrupt is for the tests.
const KEEPER: &str = r#"
trap '' INT TERM HUP
cd "$1" && {
    initdb --pgdata=data --auth=trust --username=postgres --encoding=UTF8 --no-locale --no-sync &&
    pg_ctl start --pgdata=data --log=server.log --wait --silent --options="-k '$1' -c listen_addresses='' \
        -c fsync=off -c full_page_writes=off -c max_connections=500 -c shared_buffers=64MB"
} >setup.log 2>&1 || { cat setup.log server.log >&2; rm -rf "$1"; exit 1; }
echo ready
cat >/dev/null
pg_ctl stop --pgdata=data --mode=immediate --silent
cd / && rm -rf "$1"
"#;

struct Cluster {
    folder: PathBuf,
    // Its pipe stays open for as long as this process lives.
    _keeper: Child,
}

static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The folder of `initdb` and `pg_ctl`; the newest, where there are several.
fn programs() -> Option<PathBuf> {
    let on_path = env::split_paths(&env::var_os("PATH")?).collect::<Vec<_>>();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian: Vec<PathBuf> = debian.map(|version| version.path().join("bin")).collect();
    debian.sort();
    on_path
        .into_iter()
        .chain(debian.into_iter().rev())
        .find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
}

/// User and group to run as: Postgres refuses to be the superuser's.
fn unprivileged() -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let ids = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2).map(|id| id.parse().unwrap());
        Some((fields.next()?, fields.next()?))
    };
    ids("postgres").or_else(|| ids("nobody")).unwrap()
}

fn start(programs: &Path) -> Cluster {
    let folder = tempfile::Builder::new().prefix("hexmile-pg-").tempdir().unwrap().keep();
    let mut command = if fs::metadata(&folder).unwrap().uid() == 0 {
        let (user, group) = unprivileged();
        chown(&folder, Some(user), Some(group)).unwrap();
        let mut command = Command::new("setpriv");
        command.arg(format!("--reuid={user}")).arg(format!("--regid={group}"));
        command.args(["--clear-groups", "sh"]);
        command
    } else {
        Command::new("sh")
    };
    let path = [programs.as_os_str(), &env::var_os("PATH").unwrap()].join(":".as_ref());
    command.args(["-c", KEEPER, "keeper"]).arg(&folder).env("PATH", path);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).current_dir("/");
    let mut keeper = command.spawn().unwrap();
    let mut said = String::new();
    BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "ready\n", "Postgres did not start");
    Cluster { folder, _keeper: keeper }
}

fn cluster() -> Option<&'static Cluster> {
    let found = CLUSTER.get_or_init(|| {
        let found = programs();
        if found.is_none() {
            let ci = env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!ci, "no Postgres programs here, and CI passes nothing over");
            // Not by a macro, whose output the harness keeps to itself where a test passes.
            let _ = writeln!(
                std::io::stderr(),
                "\n*** PASSED OVER: EVERY TEST OF THE POSTGRES STORE. \
                 There are no Postgres programs here; install postgresql. ***\n"
            );
        }
        found.map(|programs| start(&programs))
    });
    found.as_ref()
}

/// An empty database.
pub(crate) struct Database {
    pub(crate) folder: &'static Path,
    pub(crate) name: String,
}

impl Database {
    /// One that nobody else uses; `None` where there is no Postgres.
    pub(crate) async fn new() -> Option<Self> {
        let folder = &cluster()?.folder;
        let name = format!("test_{}", DATABASES.fetch_add(1, Relaxed));
        let admin = Self { folder, name: "postgres".to_owned() };
        admin.execute(&format!("CREATE DATABASE {name}")).await;
        Some(Self { name, ..admin })
    }

    /// As `--store` takes it.
    pub(crate) fn url(&self) -> String {
        let folder = self.folder.to_str().unwrap().replace('/', "%2F");
        format!("postgres://postgres:not-to-be-told@{folder}/{}", self.name)
    }

    pub(crate) async fn client(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    pub(crate) async fn execute(&self, sql: &str) {
        self.client().await.batch_execute(sql).await.unwrap();
    }
}
