//! A Debian root that has a language's tools, for systems that have none.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, ensure};

use crate::process::{self, command, has, output, root, say, target};

/// What a root is made of.
pub(crate) struct Recipe {
    /// What it has.
    pub(crate) what: &'static str,
    /// Its folder's name.
    pub(crate) name: &'static str,
    /// The environment's variable that names another folder.
    pub(crate) variable: &'static str,
    /// Debian's release, by its code name.
    pub(crate) release: &'static str,
    /// What is installed.
    pub(crate) packages: &'static [&'static str],
    /// Where the programs are, before the usual places; with a colon at its end, or empty.
    pub(crate) programs: &'static str,
    /// Space and time that it takes to make.
    pub(crate) cost: &'static str,
}

/// Says, in the root, which packages were installed.
const STAMP: &str = "etc/hexmile-packages";
/// Where debootstrap keeps how a release is begun.
const SCRIPTS: &str = "/usr/share/debootstrap/scripts";
/// Where Debian itself is, for systems that do not say.
const ARCHIVE: &str = "http://deb.debian.org/debian";

/// Mounts, in a mount namespace of its own that goes with the process however it ends, `/proc`, a `/tmp`
/// that goes with it, the repository for reading, and the target folder and another for writing; then runs
/// the rest in the root, which trusts whom this system trusts.
const ENTER: &str = r#"
root=$1 repository=$2 target=$3 also=$4 folder=$5
shift 5
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
mkdir -p "$root$repository"
mount --bind "$repository" "$root$repository"
mount -o remount,bind,ro "$root$repository"
for path in "$target" "$also"; do
    mkdir -p "$root$path"
    mount --bind "$path" "$root$path"
done
cp /etc/resolv.conf "$root/etc/resolv.conf"
certificates=/etc/ssl/certs/ca-certificates.crt
if [ -f "$certificates" ] && [ -d "$root/etc/ssl/certs" ]; then
    cp "$certificates" "$root$certificates"
fi
exec chroot "$root" sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
"#;

/// Installs the packages, in a mount namespace of its own, also where that was cut short before.
const INSTALL: &str = r#"
root=$1
shift
mount -t proc proc "$root/proc"
cp /etc/resolv.conf "$root/etc/resolv.conf"
chroot "$root" dpkg --configure -a
# What is good for a week has run out where a mirror lags; who signed it is checked all the same.
chroot "$root" apt-get -o Acquire::Check-Valid-Until=false update
chroot "$root" apt-get install -y --fix-broken --no-install-recommends "$@"
chroot "$root" apt-get clean
"#;

/// A root that is ready.
pub(crate) struct Root {
    path: PathBuf,
    programs: &'static str,
}

impl Root {
    /// The root; it is made the first time. `None` where that cannot be done here.
    pub(crate) fn ready(recipe: &Recipe) -> anyhow::Result<Option<Self>> {
        let Recipe { what, programs, cost, .. } = *recipe;
        let path = Self::path(recipe)?;
        let packages = recipe.packages.join(" ");
        if output(&mut command("id", &["-u"]))?.trim() != "0" {
            say(&format!("no {what} here, and a Debian root with it needs root's rights"));
            return Ok(None);
        }
        if fs::read_to_string(path.join(STAMP)).is_ok_and(|stamp| stamp == packages) {
            return Ok(Some(Self { path, programs }));
        }
        if !has("unshare") || !(has("debootstrap") || process::apt_installs("debootstrap")) {
            say(&format!(
                "no {what} here, and no debootstrap and unshare to make a Debian root with it"
            ));
            return Ok(None);
        }
        if !path.is_dir() {
            say(&format!("making a Debian root with {what}, once: {cost}, in {}", path.display()));
            bootstrap(recipe.release, &path)?;
        }
        let log = path.with_extension("log");
        say(&format!("installing {packages} in it"));
        let mut install = command("unshare", &["--mount", "sh", "-euc", INSTALL, "sh"]);
        install.arg(&path).args(recipe.packages).env("DEBIAN_FRONTEND", "noninteractive");
        quietly(install.env("LC_ALL", "C"), &log)?;
        // Written last: what was cut short is done again, and another list of packages too.
        fs::write(path.join(STAMP), packages)?;
        Ok(Some(Self { path, programs }))
    }

    fn path(recipe: &Recipe) -> anyhow::Result<PathBuf> {
        if let Some(path) = env::var_os(recipe.variable) {
            return Ok(PathBuf::from(path));
        }
        let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
        let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
        let cache =
            cache.context("neither XDG_CACHE_HOME nor HOME says where a root may be kept")?;
        Ok(cache.join("hexmile").join(recipe.name))
    }

    /// A command in the root and in a folder of the repository, with nothing of this process's
    /// environment but `settings`. It may write to the target folder and to `writable`.
    pub(crate) fn command(
        &self,
        folder: &Path,
        writable: &Path,
        words: &[&str],
        settings: &[(&str, String)],
    ) -> Command {
        let target = fs::canonicalize(target()).unwrap_or_else(|_| target());
        let mut enter = command("unshare", &["--mount", "sh", "-euc", ENTER, "sh"]);
        enter.arg(&self.path).args([&root(), &target]).arg(writable).arg(folder);
        let path = format!("PATH={}/usr/bin:/bin:/usr/sbin:/sbin", self.programs);
        enter.args(["env", "-i", &path, "HOME=/root", "LANG=C.UTF-8"]);
        enter.args(settings.iter().map(|(name, value)| format!("{name}={value}")));
        enter.args(words);
        enter
    }
}

/// Makes the root; what was cut short is begun anew.
fn bootstrap(release: &str, path: &Path) -> anyhow::Result<()> {
    let part = path.with_extension("part");
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    if part.exists() {
        // Never into anything that is mounted below it.
        process::run(command("rm", &["-rf", "--one-file-system"]).arg(&part))?;
    }
    let mut debootstrap = command("debootstrap", &["--variant=minbase", release]);
    debootstrap.arg(&part).arg(mirror().unwrap_or_else(|| ARCHIVE.to_owned()));
    let scripts = Path::new(SCRIPTS);
    if !scripts.join(release).exists() {
        // A release that is newer than this debootstrap begins like the newest that it knows.
        debootstrap.arg(scripts.join("sid"));
    }
    quietly(&mut debootstrap, &path.with_extension("log"))?;
    fs::rename(part, path).context("cannot keep the root")
}

/// Runs to the end; what it says goes to a file, since it names hosts.
fn quietly(command: &mut Command, log: &Path) -> anyhow::Result<()> {
    let file = fs::File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    command.stdout(file.try_clone()?).stderr(file).stdin(Stdio::null());
    let status = command.status()?;
    ensure!(status.success(), "it ended with {status}; {} says why", log.display());
    Ok(())
}

/// The mirror of Debian that this system's apt uses.
fn mirror() -> Option<String> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    let folder = fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten();
    files.extend(folder.map(|file| file.path()));
    files.iter().filter_map(|file| fs::read_to_string(file).ok()).find_map(|text| mirror_in(&text))
}

/// The address of Debian's own archive in a list of sources, of either form.
fn mirror_in(sources: &str) -> Option<String> {
    let is_archive = |address: &str| address.trim_end_matches('/').ends_with("/debian");
    sources.lines().find_map(|line| {
        let line = line.trim();
        let words = line.strip_prefix("URIs:").or_else(|| line.strip_prefix("deb "))?;
        words.split_whitespace().find(|word| is_archive(word)).map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::mirror_in;

    #[test]
    fn the_mirror_is_read_from_both_forms_of_sources() {
        let check = |sources: &str, mirror: Option<&str>| {
            assert_eq!(mirror_in(sources).as_deref(), mirror, "{sources}");
        };
        let found = Some("http://mirror.example/debian");
        check("Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\n", found);
        check("deb [signed-by=/k.gpg] http://mirror.example/debian bookworm main\n", found);
        check("# deb http://mirror.example/debian bookworm main\n", None);
        check("deb http://mirror.example/debian-security bookworm-security main\n", None);
        check("URIs: https://tools.example/apt\n", None);
    }
}
