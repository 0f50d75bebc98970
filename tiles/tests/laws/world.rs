//! A small world of rows for the law tests, and an independent reader of tiles.

use std::collections::HashMap;

use geo_types::Geometry;
use h3o::{CellIndex, LatLng, Resolution};
use hexmile_tiles::{
    LAYERS, Observation, Offset, Row, Sector, Slot, Tick, TileId, TrafficConfig, TrafficKey,
    TrafficState,
};
use hexmile_trace::Position;
use mvt_reader::feature::Value;
use proptest::prelude::*;

pub(crate) const START_MS: u64 = 1_800_000_000_000;

/// Where tiles and cells are ordinary, and where they are not.
pub(crate) fn places() -> Vec<(&'static str, Position)> {
    let mut places = vec![
        ("city", Position::from_e6(41_880_000, -87_630_000).unwrap()),
        ("tile corner", Position::from_e6(0, 0).unwrap()),
        ("antimeridian", Position::from_e6(-16_800_000, 180_000_000).unwrap()),
        ("north pole", Position::from_e6(90_000_000, 0).unwrap()),
        ("south pole", Position::from_e6(-89_999_900, 50_000_000).unwrap()),
        ("edge of the map", Position::from_e6(85_051_128, 100_000_000).unwrap()),
    ];
    // Where three shards meet.
    let parent = LatLng::new(41.9, -87.7).unwrap().to_cell(Resolution::Six);
    let corner = parent.boundary()[0];
    places.push(("shard corner", Position::from_rad(corner.lat_radians(), corner.lng_radians())));
    places.extend(Resolution::Eleven.pentagons().take(3).map(|cell| {
        let at = LatLng::from(cell);
        ("pentagon", Position::from_rad(at.lat_radians(), at.lng_radians()))
    }));
    places
}

pub(crate) fn cells_around(place: Position, rings: u32) -> Vec<CellIndex> {
    let at = LatLng::from_radians(place.lat_rad(), place.lon_rad()).unwrap();
    let mut cells = at.to_cell(Resolution::Eleven).grid_disk::<Vec<_>>(rings);
    cells.sort();
    cells
}

/// One observation in its generated form: which cell and sector, how old in slots, how slow, where.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) cell: usize,
    pub(crate) sector: u8,
    pub(crate) age: i32,
    pub(crate) duration_ms: u32,
    pub(crate) turn_ddeg: u16,
    pub(crate) points: Option<(i16, i16)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Drive {
    pub(crate) driver: u64,
    pub(crate) later_ms: u64,
    pub(crate) seen: Vec<Seen>,
}

pub(crate) fn drives(count: usize) -> impl Strategy<Value = Vec<Drive>> {
    let seen = (
        0usize..7,
        prop_oneof![Just(2u8), Just(3u8), 0u8..8],
        prop_oneof![4 => 0i32..3, 1 => -2i32..9],
        1_000u32..90_000,
        0u16..400,
        proptest::option::weighted(0.8, (-150i16..150, -150i16..150)),
    )
        .prop_map(|(cell, sector, age, duration_ms, turn_ddeg, points)| Seen {
            cell,
            sector,
            age,
            duration_ms,
            turn_ddeg,
            points,
        });
    let drive = (0u64..6, 0u64..150_000, proptest::collection::vec(seen, 0..4))
        .prop_map(|(driver, later_ms, seen)| Drive { driver, later_ms, seen });
    proptest::collection::vec(drive, 0..count)
}

pub(crate) fn rows(cells: &[CellIndex], drives: &[Drive]) -> Vec<Row> {
    let mut folded_at_ms = START_MS;
    let row = |(position, drive): (u64, &Drive)| {
        folded_at_ms += drive.later_ms;
        let now = Slot::of_unix_ms(folded_at_ms).number() as i32;
        let observe = |seen: &Seen| {
            let point = |(east_dm, north_dm)| Offset { east_dm, north_dm };
            let sector = Sector::new(seen.sector).unwrap();
            Observation {
                key: TrafficKey::new(cells[seen.cell % cells.len()], sector).unwrap(),
                slot: Slot::new((now - seen.age) as u32),
                distance_cm: 4_500,
                duration_ms: seen.duration_ms,
                heading_ddeg: (u16::from(seen.sector) * 450 + 3400 + seen.turn_ddeg) % 3600,
                entry: seen.points.map(point),
                exit: seen.points.map(|(e, n)| point((-e, n))),
            }
        };
        let observations = drive.seen.iter().map(observe).collect();
        Row { position, driver: drive.driver, folded_at_ms, observations, ..Row::default() }
    };
    (0..).zip(drives).map(row).collect()
}

pub(crate) fn state_of(rows: impl IntoIterator<Item = Row>) -> TrafficState {
    let mut state = TrafficState::new(TrafficConfig::default());
    for row in rows {
        state.apply(row).unwrap();
    }
    state
}

pub(crate) fn last_tick(rows: &[Row]) -> Tick {
    Tick::of_unix_ms(rows.last().map_or(START_MS, |row| row.folded_at_ms))
}

/// All tiles that can show something near a place, with their neighbours.
pub(crate) fn tiles_around(place: Position) -> Vec<TileId> {
    let mut tiles = Vec::new();
    for z in 0..=14 {
        let middle = TileId::of_position(z, place).unwrap();
        let end = 1i64 << z;
        for (dx, dy) in (0..9).map(|i| (i % 3 - 1, i / 3 - 1)) {
            let x = (i64::from(middle.x()) + dx).rem_euclid(end) as u32;
            let y = (i64::from(middle.y()) + dy).clamp(0, end - 1) as u32;
            tiles.push(TileId::new(z, x, y).unwrap());
        }
    }
    tiles.sort();
    tiles.dedup();
    tiles
}

/// One part of a decoded feature.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shape {
    pub(crate) layer: String,
    pub(crate) points: Vec<(i32, i32)>,
    pub(crate) numbers: HashMap<String, u64>,
}

/// Decodes a tile with an implementation that is not ours, and checks what must hold of every tile.
pub(crate) fn decode(bytes: &[u8], tile: TileId) -> Vec<Shape> {
    let reader = mvt_reader::Reader::new(bytes.to_vec()).expect("a valid tile");
    let mut shapes = Vec::new();
    for layer in reader.get_layer_metadata().unwrap() {
        let schema = LAYERS.iter().find(|l| l.id == layer.name).expect("a layer of the schema");
        assert_eq!((layer.version, layer.extent), (2, 4096));
        assert!((schema.min_zoom..=schema.max_zoom).contains(&tile.z()));
        assert!(layer.feature_count > 0);
        for feature in reader.get_features(layer.layer_index).unwrap() {
            assert_eq!(feature.id.unwrap_or(0), 0);
            let numbers = check_properties(&feature.properties.expect("attributes"), schema.fields);
            for line in outlines(feature.geometry) {
                let points: Vec<(i32, i32)> =
                    line.0.iter().map(|c| (c.x as i32, c.y as i32)).collect();
                assert!(
                    points
                        .iter()
                        .all(|(x, y)| (-64..=4160).contains(x) && (-64..=4160).contains(y))
                );
                assert!(points.windows(2).all(|ends| ends[0] != ends[1]), "{points:?}");
                if schema.id == "traffic_hex" {
                    let area: i64 = points
                        .windows(2)
                        .map(|e| {
                            i64::from(e[0].0) * i64::from(e[1].1)
                                - i64::from(e[1].0) * i64::from(e[0].1)
                        })
                        .sum();
                    assert!(area > 0, "wound the wrong way: {points:?}");
                }
                shapes.push(Shape { layer: layer.name.clone(), points, numbers: numbers.clone() });
            }
        }
    }
    shapes
}

fn outlines(geometry: Geometry<f32>) -> Vec<geo_types::LineString<f32>> {
    match geometry {
        Geometry::LineString(line) => vec![line],
        Geometry::MultiLineString(lines) => lines.0,
        Geometry::Polygon(polygon) => vec![polygon.exterior().clone()],
        Geometry::MultiPolygon(polygons) => {
            polygons.0.iter().map(|polygon| polygon.exterior().clone()).collect()
        }
        other => panic!("neither line nor polygon: {other:?}"),
    }
}

fn check_properties(
    properties: &HashMap<String, Value>,
    fields: &[hexmile_tiles::FieldSchema],
) -> HashMap<String, u64> {
    assert_eq!(properties.len(), fields.len());
    let mut numbers = HashMap::new();
    for field in fields {
        match &properties[field.name] {
            Value::String(text) => {
                assert_eq!(field.kind, "String");
                let is_word = ["low", "moderate", "heavy", "severe"].contains(&text.as_str());
                assert!(is_word || field.name != "congestion", "{text}");
            }
            Value::UInt(number) => {
                assert_eq!(field.kind, "Number");
                numbers.insert(field.name.to_owned(), *number);
            }
            Value::Double(number) => {
                assert_eq!(field.kind, "Number");
                numbers.insert(field.name.to_owned(), *number as u64);
            }
            other => panic!("{}: {other:?}", field.name),
        }
    }
    if let Some(conf) = numbers.get("conf") {
        assert!((1..=3).contains(conf) && numbers["jam"] <= 10 && numbers["n"] >= 3);
    }
    numbers
}
