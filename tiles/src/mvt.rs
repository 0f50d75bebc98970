//! Mapbox Vector Tile 2.1, written: layers, features, geometry commands, and the little of protocol
//! buffers that they need.

use core::ops::Range;

use crate::{LayerSchema, clip::TilePoint};

/// Units along a tile's side.
pub(crate) const EXTENT: u32 = 4096;

/// A value of a feature's attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// A small whole number.
    Number(u8),
    /// Tenths of one.
    Tenths(u16),
    /// Any whole number.
    Whole(u64),
    /// A text.
    Text(&'a str),
}

/// Geometry types of the specification.
#[derive(Clone, Copy, Debug)]
pub(crate) enum GeometryType {
    Line = 2,
    Polygon = 3,
}

const MOVE_TO: u32 = 1;
const LINE_TO: u32 = 2;
const CLOSE_PATH: u32 = 7;

/// Writes one layer.
pub(crate) struct LayerWriter<'a> {
    name: &'static str,
    keys: Vec<&'static str>,
    features: Vec<u8>,
    values: Vec<Value<'a>>,
    /// Index of each small number among the values, plus one.
    numbers: [u32; 256],
    /// Likewise of tenths, those below ten.
    tenths: [u32; 100],
    geometry: Vec<u8>,
    tags: Vec<u8>,
}

impl<'a> LayerWriter<'a> {
    /// A layer whose features all have the attributes of its schema.
    pub(crate) fn new(schema: &LayerSchema) -> Self {
        Self {
            name: schema.id,
            keys: schema.fields.iter().map(|field| field.name).collect(),
            features: Vec::new(),
            values: Vec::new(),
            numbers: [0; 256],
            tenths: [0; 100],
            geometry: Vec::new(),
            tags: Vec::new(),
        }
    }

    /// Sets the attributes of the features that follow: one value for each key, in their order.
    pub(crate) fn set_values(&mut self, values: impl Iterator<Item = Value<'a>>) {
        self.tags.clear();
        for (key, value) in (0..).zip(values) {
            let index = self.index(value);
            varint(&mut self.tags, key);
            varint(&mut self.tags, u64::from(index));
        }
    }

    fn index(&mut self, value: Value<'a>) -> u32 {
        let known = match value {
            Value::Number(number) => self.numbers.get_mut(usize::from(number)),
            Value::Tenths(number) => self.tenths.get_mut(usize::from(number)),
            Value::Whole(_) | Value::Text(_) => None,
        };
        if let Some(known) = known {
            if *known == 0 {
                self.values.push(value);
                *known = self.values.len() as u32;
            }
            return *known - 1;
        }
        if let Some(known) = self.values.iter().position(|v| *v == value) {
            return known as u32;
        }
        self.values.push(value);
        self.values.len() as u32 - 1
    }

    /// Adds a line of one or more parts, ranges of `points`, each of two or more.
    pub(crate) fn line(&mut self, parts: &[Range<usize>], points: &[TilePoint]) {
        self.geometry.clear();
        let mut cursor = (0, 0);
        for part in parts {
            self.path(&points[part.clone()], &mut cursor);
        }
        self.finish(GeometryType::Line);
    }

    /// Adds a polygon of outer rings, ranges of `points`: not closed, clockwise on a screen, each of three or
    /// more.
    pub(crate) fn polygon(&mut self, rings: &[Range<usize>], points: &[TilePoint]) {
        self.geometry.clear();
        let mut cursor = (0, 0);
        for ring in rings {
            self.path(&points[ring.clone()], &mut cursor);
            varint(&mut self.geometry, u64::from(CLOSE_PATH | 1 << 3));
        }
        self.finish(GeometryType::Polygon);
    }

    fn path(&mut self, points: &[TilePoint], cursor: &mut TilePoint) {
        for (i, point) in points.iter().enumerate() {
            if i < 2 {
                let (command, count) =
                    if i == 0 { (MOVE_TO, 1) } else { (LINE_TO, points.len() as u32 - 1) };
                varint(&mut self.geometry, u64::from(command | count << 3));
            }
            varint(&mut self.geometry, zigzag(point.0 - cursor.0));
            varint(&mut self.geometry, zigzag(point.1 - cursor.1));
            *cursor = *point;
        }
    }

    fn finish(&mut self, geometry_type: GeometryType) {
        let field = |len: usize| 1 + varint_len(len as u64) + len;
        let len = field(self.tags.len()) + 2 + field(self.geometry.len());
        bytes_header(&mut self.features, 2, len);
        bytes(&mut self.features, 2, &self.tags);
        number(&mut self.features, 3, geometry_type as u64);
        bytes(&mut self.features, 4, &self.geometry);
    }

    /// Appends the layer to a tile, if it has features.
    pub(crate) fn append_to(self, tile: &mut Vec<u8>) {
        if self.features.is_empty() {
            return;
        }
        let mut rest = Vec::new();
        for key in &self.keys {
            bytes(&mut rest, 3, key.as_bytes());
        }
        let mut encoded = Vec::new();
        for value in &self.values {
            encoded.clear();
            match value {
                Value::Text(text) => bytes(&mut encoded, 1, text.as_bytes()),
                Value::Number(n) => number(&mut encoded, 5, u64::from(*n)),
                Value::Whole(n) => number(&mut encoded, 5, *n),
                Value::Tenths(n) => double(&mut encoded, 3, f64::from(*n) / 10.0),
            }
            bytes(&mut rest, 4, &encoded);
        }
        number(&mut rest, 5, u64::from(EXTENT));
        let mut head = Vec::new();
        number(&mut head, 15, 2);
        bytes(&mut head, 1, self.name.as_bytes());
        bytes_header(tile, 3, head.len() + self.features.len() + rest.len());
        for part in [head, self.features, rest] {
            tile.extend_from_slice(&part);
        }
    }
}

fn zigzag(n: i32) -> u64 {
    u64::from((n << 1 ^ n >> 31) as u32)
}

fn varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn varint_len(n: u64) -> usize {
    (64 - (n | 1).leading_zeros() as usize).div_ceil(7)
}

/// A field of wire type 0.
fn number(out: &mut Vec<u8>, field: u64, n: u64) {
    varint(out, field << 3);
    varint(out, n);
}

/// A field of wire type 1.
fn double(out: &mut Vec<u8>, field: u64, n: f64) {
    varint(out, field << 3 | 1);
    out.extend_from_slice(&n.to_le_bytes());
}

/// Header of a field of wire type 2.
fn bytes_header(out: &mut Vec<u8>, field: u64, len: usize) {
    varint(out, field << 3 | 2);
    varint(out, len as u64);
}

fn bytes(out: &mut Vec<u8>, field: u64, content: &[u8]) {
    bytes_header(out, field, content.len());
    out.extend_from_slice(content);
}
