//! What a compaction writes of one key, and its bytes.
//!
//! ```text
//! part: version (1 byte) | count of keys | then each, every number a LEB128 varint (signed ones zigzag):
//!   difference of cell and sector, packed to 43 bits, from the one before
//!   heading: east_cm, north_cm (signed) | entry, exit: count, and where it is not 0, east_dm, north_dm (signed)
//!   speeds: count of bins, then each: difference from the bin before, drivers
//!   count of leaves, then each: days, at, spread, drivers, distance_cm, duration_ms
//! ```

use super::{leaf::Leaf, week::DAY_SLOTS};
use crate::{
    TrafficKey, UnpackError,
    histogram::SpeedHistogram,
    pack::{compact, expand},
    shape::{PointSum, Shape},
    varint::{Reader, write, write_signed},
};

/// Version of the form that [`Parts`] writes.
const VERSION: u8 = 1;

/// Bytes after which a part ends with the key that reached them.
const PART_BYTES: usize = 1 << 20;

/// Fewest bytes of one key.
const MIN_BYTES: usize = 8;

/// Fewest bytes of one leaf.
const MIN_LEAF_BYTES: usize = 6;

/// Closed cohorts of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) key: TrafficKey,
    pub(crate) shape: Shape,
    pub(crate) speeds: SpeedHistogram,
    pub(crate) leaves: Vec<Leaf>,
}

impl Sum {
    pub(crate) fn new(key: TrafficKey) -> Self {
        Self { key, shape: Shape::default(), speeds: SpeedHistogram::EMPTY, leaves: Vec::new() }
    }
}

/// Writes sums in order of key into parts of bounded size.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    done: Vec<Vec<u8>>,
    body: Vec<u8>,
    count: u64,
    last_key: i64,
}

impl Parts {
    pub(crate) fn push(&mut self, sum: &Sum) {
        let out = &mut self.body;
        let key = compact(sum.key);
        write_signed(out, key - self.last_key);
        self.last_key = key;
        self.count += 1;
        write_signed(out, sum.shape.east_cm.into());
        write_signed(out, sum.shape.north_cm.into());
        for point in [&sum.shape.entry, &sum.shape.exit] {
            write(out, point.count.into());
            if point.count > 0 {
                write_signed(out, point.east_dm.into());
                write_signed(out, point.north_dm.into());
            }
        }
        let bins = sum.speeds.bins();
        write(out, bins.clone().count() as u64);
        let mut last = 0;
        for (bin, drivers) in bins {
            write(out, u64::from(bin - last));
            write(out, u64::from(drivers));
            last = bin;
        }
        write(out, sum.leaves.len() as u64);
        for leaf in &sum.leaves {
            let Leaf { days, at, spread, drivers, distance_cm, duration_ms } = *leaf;
            for number in
                [days.into(), at.into(), spread.into(), drivers.into(), distance_cm, duration_ms]
            {
                write(out, u64::from(number));
            }
        }
        if self.body.len() >= PART_BYTES {
            self.end_part();
        }
    }

    fn end_part(&mut self) {
        let mut part = vec![VERSION];
        write(&mut part, self.count);
        part.append(&mut self.body);
        self.done.push(part);
        (self.count, self.last_key) = (0, 0);
    }

    pub(crate) fn finish(mut self) -> Vec<Vec<u8>> {
        if self.count > 0 {
            self.end_part();
        }
        self.done
    }
}

/// Reads a part. Total on any bytes; allocates a small multiple of their length.
pub(crate) fn read_part(bytes: &[u8]) -> Result<Vec<Sum>, UnpackError> {
    let (&version, rest) = bytes.split_first().ok_or(UnpackError::Truncated)?;
    if version != VERSION {
        return Err(UnpackError::Version(version));
    }
    let mut reader = Reader(rest);
    let count = bounded(&mut reader, MIN_BYTES)?;
    let mut sums: Vec<Sum> = Vec::with_capacity(count);
    let mut key = 0i64;
    for _ in 0..count {
        key = key.checked_add(reader.signed()?).ok_or(UnpackError::Cell)?;
        let shape = Shape {
            east_cm: component(&mut reader, Shape::MOST_HEADING_CM)?,
            north_cm: component(&mut reader, Shape::MOST_HEADING_CM)?,
            entry: point(&mut reader)?,
            exit: point(&mut reader)?,
        };
        let speeds = speeds(&mut reader)?;
        let leaves = bounded(&mut reader, MIN_LEAF_BYTES)?;
        sums.push(Sum {
            key: expand(key).ok_or(UnpackError::Cell)?,
            shape,
            speeds,
            leaves: (0..leaves).map(|_| leaf(&mut reader)).collect::<Result<_, _>>()?,
        });
        if sums.len() > 1 && sums[sums.len() - 2].key >= sums[sums.len() - 1].key {
            return Err(UnpackError::Cell);
        }
    }
    if reader.0.is_empty() { Ok(sums) } else { Err(UnpackError::Trailing) }
}

fn bounded(reader: &mut Reader<'_>, each: usize) -> Result<usize, UnpackError> {
    let count = usize::try_from(reader.number()?).map_err(|_| UnpackError::Count)?;
    if count > reader.0.len() / each { Err(UnpackError::Count) } else { Ok(count) }
}

fn component(reader: &mut Reader<'_>, most: i32) -> Result<i32, UnpackError> {
    let number = i32::try_from(reader.signed()?).map_err(|_| UnpackError::Range)?;
    if number.unsigned_abs() <= most.unsigned_abs() { Ok(number) } else { Err(UnpackError::Range) }
}

fn point(reader: &mut Reader<'_>) -> Result<PointSum, UnpackError> {
    let count = reader.ranged(Shape::MOST_POINTS.into())? as u16;
    if count == 0 {
        return Ok(PointSum::default());
    }
    let most = i32::from(count) * i32::from(crate::Offset::MAX_DM);
    Ok(PointSum { east_dm: component(reader, most)?, north_dm: component(reader, most)?, count })
}

fn speeds(reader: &mut Reader<'_>) -> Result<SpeedHistogram, UnpackError> {
    let mut speeds = SpeedHistogram::EMPTY;
    let mut bin = 0;
    for _ in 0..bounded(reader, 2)? {
        bin += reader.ranged(u8::MAX.into())?;
        let drivers = reader.ranged(u8::MAX.into())? as u8;
        speeds.set(bin, drivers).ok_or(UnpackError::Range)?;
    }
    Ok(speeds)
}

fn leaf(reader: &mut Reader<'_>) -> Result<Leaf, UnpackError> {
    Ok(Leaf {
        days: reader.ranged(Leaf::ALL_DAYS.into())? as u8,
        at: reader.ranged(u64::from(DAY_SLOTS - 1))? as u16,
        spread: reader.ranged(u8::MAX.into())? as u8,
        drivers: reader.ranged(u16::MAX.into())? as u16,
        distance_cm: reader.ranged(u32::MAX.into())? as u32,
        duration_ms: reader.ranged(u32::MAX.into())? as u32,
    })
}
