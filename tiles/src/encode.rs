//! A tile's bytes: what of a snapshot lies in it, cut to its frame, in a fixed order.

use core::ops::Range;

use crate::{
    Closure, Level, MAX_ZOOM, Snapshot, TileId,
    clip::{Frame, TilePoint, doubled_area},
    group::Group,
    hexagon::HexCell,
    mvt::{EXTENT, LayerWriter, Value},
    schema::{LAYERS, LayerSchema},
    shard::SHARD_RESOLUTION,
    tile::BUFFER,
    world::{WORLD, WorldPoint},
};

/// Shorter lines of coarser cells are left out, tile units: half a pixel, no direction to be seen.
const MIN_COARSE_LENGTH: i64 = 4;

const FRAME: Frame = Frame { min: -BUFFER, max: EXTENT as i32 + BUFFER };

/// The bytes of a tile: MVT 2.1, uncompressed, empty where nothing is published.
///
/// A pure function of snapshot and tile: equal snapshots give equal bytes on every machine. Features
/// are in order of their values, then of place; they have no ids.
pub fn encode(snapshot: &Snapshot, tile: TileId) -> Vec<u8> {
    let frame = TileFrame::new(tile);
    let mut out = Vec::new();
    let [traffic, traffic_hex, closures] = &LAYERS;
    frame.lines(snapshot).write(traffic, LayerWriter::line).append_to(&mut out);
    if tile.z() <= traffic_hex.max_zoom {
        let hexagons = frame.hexagons(snapshot);
        hexagons.write(traffic_hex, LayerWriter::polygon).append_to(&mut out);
    }
    if tile.z() >= closures.min_zoom {
        frame.closures(snapshot, closures).append_to(&mut out);
    }
    out
}

/// Features before they are written: their values, and their geometry one after another.
#[derive(Default)]
struct Features {
    /// Level, place and number of each, in this order of significance.
    order: Vec<u128>,
    parts_of: Vec<(Level, Range<usize>)>,
    /// Lines or rings of the features, as ranges of points.
    parts: Vec<Range<usize>>,
    points: Vec<TilePoint>,
}

impl Features {
    /// Ends a part with the points added after `from`.
    fn end_part(&mut self, from: usize) {
        self.parts.push(from..self.points.len());
    }

    /// Ends a feature with the parts added after `from`; without any it is none.
    fn end_feature(&mut self, level: Level, from: usize) {
        let Some(start) = self.parts.get(from).and_then(|part| self.points.get(part.start)) else {
            return;
        };
        let number = self.parts_of.len() as u128;
        let place = u128::from(place(*start));
        self.order.push(u128::from(level.to_bits()) << 64 | place << 32 | number);
        self.parts_of.push((level, from..self.parts.len()));
    }

    /// A layer of them, in order of level, then of place.
    fn write(
        mut self,
        schema: &LayerSchema,
        write: impl Fn(&mut LayerWriter<'static>, &[Range<usize>], &[TilePoint]),
    ) -> LayerWriter<'static> {
        let mut writer = LayerWriter::new(schema);
        self.order.sort_unstable();
        let mut last = None;
        for key in self.order {
            let (level, parts) = &self.parts_of[key as u32 as usize];
            if last != Some(*level) {
                writer.set_values(values(*level).into_iter());
                last = Some(*level);
            }
            write(&mut writer, &self.parts[parts.clone()], &self.points);
        }
        writer
    }
}

/// Values in the order of the schema's fields.
fn values(level: Level) -> [Value<'static>; 7] {
    [
        Value::Text(level.congestion.name()),
        speed(level.speed_dkmh),
        Value::Number(level.free_flow_kmh),
        Value::Number(level.jam),
        Value::Number(level.confidence),
        Value::Number(level.age_min),
        Value::Number(level.drivers),
    ]
}

/// Km/h of tenths: a whole number where it is one.
fn speed(dkmh: u16) -> Value<'static> {
    if dkmh.is_multiple_of(10) { Value::Number((dkmh / 10) as u8) } else { Value::Tenths(dkmh) }
}

/// A tile's place in the world, for cutting geometry.
struct TileFrame {
    tile: TileId,
    centre: WorldPoint,
    /// Turns round the world at which something may lie in the tile.
    turns: &'static [i64],
}

impl TileFrame {
    fn new(tile: TileId) -> Self {
        // Wide tiles, with cells that reach round a pole, meet the same thing from both sides.
        let turns: &[i64] = if tile.z() <= 2 { &[-WORLD, 0, WORLD] } else { &[0] };
        Self { tile, centre: tile.centre(), turns }
    }

    /// Tile units of an unrolled offset from the centre, to a multiple of `2^grid`, rounded half up: the
    /// same on both sides of an edge, because edges lie on multiples.
    fn units(&self, (east, south): (i64, i64), grid: u32) -> (i64, i64) {
        let shift = self.tile.shift() + grid;
        let to_unit = |v: i64| (v + self.tile.half_side() + (1 << (shift - 1))) >> shift << grid;
        (to_unit(east), to_unit(south))
    }

    /// Lines lie on a grid of 4 units at the highest zoom (2 m in mid-latitudes) and of 2 below: finer is
    /// the noise of positioning, and costs a byte of each line after compression.
    fn line_grid(&self) -> u32 {
        if self.tile.z() == MAX_ZOOM { 2 } else { 1 }
    }

    fn lines(&self, snapshot: &Snapshot) -> Features {
        let mut features = Features::default();
        let resolution = self.tile.resolution();
        if resolution == 11 {
            let (centre, reach) = (self.centre, self.tile.reach());
            let shards = snapshot.shards_of(self.tile);
            let lines = shards.flat_map(|shard| shard.lines_near(centre, reach));
            for line in lines.filter(|line| !line.is_stray) {
                let path = [line.start, line.end];
                if self.is_near(&path) {
                    self.line(line.level, &path, 1, &mut features);
                }
            }
        } else if resolution >= SHARD_RESOLUTION {
            for group in snapshot.shards_of(self.tile).flat_map(|shard| shard.groups(resolution)) {
                self.line_of_group(group, &mut features);
            }
        } else {
            for group in snapshot.coarse().groups(resolution) {
                self.line_of_group(group, &mut features);
            }
        }
        features
    }

    fn line_of_group(&self, group: &Group, features: &mut Features) {
        // The level takes divisions: first see whether the line is here at all.
        if self.is_near(&group.path) {
            self.line(group.flow.level(), &group.path, MIN_COARSE_LENGTH, features);
        }
    }

    /// Whether a line's bounding box meets the tile and its buffer; on wide tiles, always.
    fn is_near(&self, path: &[WorldPoint]) -> bool {
        let Some(&first) = path.first() else { return false };
        let (east, south) = first.from(self.centre);
        let (mut x, mut y) = ((east, east), (south, south));
        for point in path {
            let (dx, dy) = point.from(first);
            x = (x.0.min(east + dx), x.1.max(east + dx));
            y = (y.0.min(south + dy), y.1.max(south + dy));
        }
        let reach = self.tile.reach();
        let meets = |range: (i64, i64)| range.0 <= reach && range.1 >= -reach;
        self.turns.len() > 1 || (meets(x) && meets(y))
    }

    fn line(&self, level: Level, path: &[WorldPoint], min_length: i64, features: &mut Features) {
        if path.iter().all(|point| point.is_inside()) {
            let from = features.parts.len();
            self.cut(path, min_length, features);
            features.end_feature(level, from);
        }
    }

    /// Adds what of a line lies in the tile, as parts.
    fn cut(&self, path: &[WorldPoint], min_length: i64, features: &mut Features) {
        let Some(&first) = path.first() else { return };
        let (east, south) = first.from(self.centre);
        for turn in self.turns {
            let from = features.points.len();
            let (mut length, mut is_inside) = (0, true);
            for point in path {
                let (x, y) = point.from(first);
                let (x, y) = self.units((east + turn + x, south + y), self.line_grid());
                let point = (clamped(x), clamped(y));
                is_inside &= FRAME.contains(point);
                let last = features.points[from..].last().copied();
                if let Some(last) = last {
                    let step = (point.0 - last.0).abs().max((point.1 - last.1).abs());
                    length += i64::from(step);
                }
                if last != Some(point) {
                    features.points.push(point);
                }
            }
            if length < min_length {
                features.points.truncate(from);
            } else if is_inside {
                features.end_part(from);
            } else {
                let mut parts = Vec::new();
                FRAME.clip_line(&features.points[from..], &mut parts);
                features.points.truncate(from);
                for part in parts {
                    let from = features.points.len();
                    features.points.extend(part);
                    features.end_part(from);
                }
            }
        }
    }

    fn closures<'a>(&self, snapshot: &'a Snapshot, schema: &LayerSchema) -> LayerWriter<'a> {
        let mut writer = LayerWriter::new(schema);
        let on_map = |c: &&Closure| c.path.iter().all(|point| point.is_inside());
        for closure in snapshot.closures().near(self.tile).filter(on_map) {
            let values = [
                Value::Text(closure.id()),
                Value::Text(closure.reason()),
                Value::Whole(closure.until_ms() / 1000),
            ];
            writer.set_values(values.into_iter());
            let back: Vec<WorldPoint> = closure.path.iter().rev().copied().collect();
            let ways = [Some(&closure.path), closure.both_ways().then_some(&back)];
            for path in ways.into_iter().flatten() {
                let mut cut = Features::default();
                self.cut(path, 1, &mut cut);
                if !cut.parts.is_empty() {
                    writer.line(&cut.parts, &cut.points);
                }
            }
        }
        writer
    }

    fn hexagons(&self, snapshot: &Snapshot) -> Features {
        let mut features = Features::default();
        let resolution = self.tile.resolution();
        if resolution >= SHARD_RESOLUTION {
            let shards = snapshot.shards_of(self.tile);
            for cell in shards.flat_map(|shard| shard.hexagons.cells(resolution)) {
                self.hexagon(cell, &mut features);
            }
        } else {
            for cell in snapshot.coarse().hexagons(resolution) {
                self.hexagon(cell, &mut features);
            }
        }
        features
    }

    fn hexagon(&self, cell: &HexCell, features: &mut Features) {
        let Some(&first) = cell.ring.first() else { return };
        let (mut east, south) = first.from(self.centre);
        let mut last = first;
        let mut unrolled = Vec::with_capacity(cell.ring.len() + 3);
        for point in &cell.ring {
            east += point.from(last).0;
            last = *point;
            unrolled.push((east, south + point.from(first).1));
        }
        east += first.from(last).0;
        if let Some((start, _)) = unrolled.first().copied()
            && start != east
        {
            // The ring goes round a pole: it closes along the world's edge.
            unrolled.push((east, south));
            let edge = if first.y < 1 << 31 { 0 } else { WORLD } - i64::from(self.centre.y);
            unrolled.push((east, edge));
            unrolled.push((start, edge));
        }
        for turn in self.turns {
            let to_units = |(x, y): &(i64, i64)| {
                let (x, y) = self.units((x + turn, *y), 0);
                (clamped(x), clamped(y))
            };
            let mut ring = FRAME.clip_ring(&unrolled.iter().map(to_units).collect::<Vec<_>>());
            ring.dedup();
            while ring.len() > 1 && ring.first() == ring.last() {
                ring.pop();
            }
            let area = doubled_area(&ring);
            if area == 0 {
                continue;
            }
            if area < 0 {
                ring.reverse();
            }
            let (point, part) = (features.points.len(), features.parts.len());
            features.points.extend(ring);
            features.end_part(point);
            features.end_feature(cell.level, part);
        }
    }
}

/// A coordinate that may lie far outside, brought to where clipping's arithmetic is exact.
fn clamped(v: i64) -> i32 {
    v.clamp(-(1 << 28), 1 << 28) as i32
}

/// Position on a Z-order curve: features near one another in the tile are near in the file.
fn place((x, y): TilePoint) -> u32 {
    let spread = |v: i32| {
        let mut v = (v + BUFFER).clamp(0, 0xffff) as u32;
        v = (v | v << 8) & 0x00ff_00ff;
        v = (v | v << 4) & 0x0f0f_0f0f;
        v = (v | v << 2) & 0x3333_3333;
        (v | v << 1) & 0x5555_5555
    };
    spread(x) | spread(y) << 1
}
