//! All tiles of a moment in one file, a `PMTiles` archive of version 3.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
};

use hexmile_tiles::{MAX_ZOOM, Snapshot, TileId, encode};
use pmtiles::{PmTilesWriter, PmtError, TileCoord, TileType};

use crate::{config::Config, map, when::When};

/// Why there is no archive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// There is nothing to put into one.
    #[error(
        "nothing is published: no road has been passed by enough drivers in the last half hour"
    )]
    NothingLive,
    /// There is nothing typical yet.
    #[error(
        "nothing is typical yet: the log is compacted once a day, and no road has been passed by five drivers"
    )]
    NothingTypical,
    /// The file cannot be written.
    #[error("cannot write the archive")]
    File(#[from] io::Error),
    /// The archive's format.
    #[error("cannot write the archive")]
    Format(#[from] PmtError),
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Archived {
    /// Tiles that show something.
    pub tiles: u64,
    /// Size of the file.
    pub bytes: u64,
}

/// Writes every tile that shows something, gzipped, into a file, which takes the place of what is there
/// only when it is whole. `at` is the time that the snapshot is typical of, where it is not live; `progress` hears how many of how many tiles were looked at.
///
/// # Errors
/// [`ArchiveError`]; what was there before stays.
pub fn write(
    snapshot: &Snapshot,
    config: &Config,
    at: Option<When>,
    path: &Path,
    mut progress: impl FnMut(usize, usize),
) -> Result<Archived, ArchiveError> {
    let nothing =
        if at.is_some() { ArchiveError::NothingTypical } else { ArchiveError::NothingLive };
    let bounds = snapshot.bounds_deg().ok_or(nothing)?;
    let metadata = serde_json::to_string(&map::description(config, Vec::new(), at));
    let metadata = metadata.map_err(io::Error::other)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    let written = write_to(snapshot, &metadata, bounds, file.as_file(), &mut progress)?;
    file.as_file().sync_all()?;
    let bytes = file.as_file().metadata()?.len();
    readable_by_all(file.as_file())?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(Archived { tiles: written, bytes })
}

fn write_to(
    snapshot: &Snapshot,
    metadata: &str,
    [west, south, east, north]: [f64; 4],
    mut file: &File,
    progress: &mut impl FnMut(usize, usize),
) -> Result<u64, ArchiveError> {
    // What lies across the antimeridian has no box in degrees but the whole turn.
    let (west, east) = if east > 180.0 { (-180.0, 180.0) } else { (west, east) };
    let mut archive = PmTilesWriter::new(TileType::Mvt)
        .min_zoom(0)
        .max_zoom(MAX_ZOOM)
        .bounds(west, south, east, north)
        .center(f64::midpoint(west, east), f64::midpoint(south, north))
        .center_zoom(zoom_that_shows(east - west))
        .metadata(metadata)
        .create(file)?;
    let tiles = in_order(snapshot)?;
    let mut written = 0;
    for (n, (coordinates, tile)) in tiles.iter().enumerate() {
        let bytes = encode(snapshot, *tile);
        if !bytes.is_empty() {
            archive.add_tile(*coordinates, &bytes)?;
            written += 1;
        }
        progress(n + 1, tiles.len());
    }
    archive.finalize()?;
    file.flush()?;
    Ok(written)
}

/// Tiles that may show something, in the archive's order, so that neighbours lie together.
fn in_order(snapshot: &Snapshot) -> Result<Vec<(TileCoord, TileId)>, ArchiveError> {
    let tiles = snapshot.tiles(MAX_ZOOM).into_iter();
    let coordinates = tiles.map(|tile| Ok((TileCoord::new(tile.z(), tile.x(), tile.y())?, tile)));
    let mut tiles = coordinates.collect::<Result<Vec<_>, PmtError>>()?;
    tiles.sort_by_key(|(coordinates, _)| pmtiles::TileId::from(*coordinates).value());
    Ok(tiles)
}

/// The zoom at which that many degrees of longitude are about two tiles wide.
fn zoom_that_shows(degrees: f64) -> u8 {
    (0..MAX_ZOOM).find(|zoom| f64::from(720 >> zoom) <= degrees.max(0.05)).unwrap_or(MAX_ZOOM)
}

/// A temporary file is its owner's alone; an archive is served.
#[cfg(unix)]
fn readable_by_all(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all(_: &File) -> io::Result<()> {
    Ok(())
}
