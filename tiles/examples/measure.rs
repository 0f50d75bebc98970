//! Times the crate's hot paths on synthetic traffic, and prints one line for each.
//!
//! `cargo run --release -p hexmile-tiles --example measure [KEYS] [TILE_FILE]`

use std::{fs, time::Instant};

use h3o::{CellIndex, LatLng, Resolution};
use hexmile_tiles::{
    Observation, Offset, Row, Sector, Slot, Tick, TileId, TrafficConfig, TrafficKey, TrafficState,
    encode, observe, pack, snap, unpack,
};
use hexmile_trace::{Fix, FixParts, Position};

const START_MS: u64 = 1_800_000_000_000;

#[expect(clippy::print_stdout, reason = "it is what the program is for")]
fn say(line: &str) {
    println!("{line}");
}

#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed().as_secs_f64())
}

/// A small deterministic generator (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) % end
    }
}

fn fix(time_ms: u64, at: Position) -> Fix {
    Fix::from_parts(&FixParts {
        time_ms,
        lat_e6: at.lat_e6(),
        lon_e6: at.lon_e6(),
        ..FixParts::default()
    })
    .expect("in range")
}

/// A drive of `count` fixes at 1 Hz, some 12 m apart, with turns at random corners.
fn drive(random: &mut Random, count: usize) -> Vec<Fix> {
    let mut at = Position::from_e6(41_880_000, -87_650_000).expect("in range");
    let mut bearing = 0.0;
    (0..count as u64)
        .map(|i| {
            if random.below(40) == 0 {
                bearing += 90.0;
            }
            at = at.destination(bearing + random.below(8) as f64, 8.0 + random.below(9) as f64);
            fix(START_MS + i * 1000, at)
        })
        .collect()
}

/// What one driver saw of a key, with a speed of its own.
fn observation(key: TrafficKey, random: &mut Random) -> Observation {
    let heading_ddeg = u16::from(key.sector().number()) * 450;
    let (sin, cos) = libm::sincos((f64::from(heading_ddeg) / 10.0).to_radians());
    let mut offset = |metres: f64| {
        let mut noise = || random.below(100) as i16 - 50;
        Some(Offset {
            east_dm: (sin * metres * 10.0) as i16 + noise(),
            north_dm: (cos * metres * 10.0) as i16 + noise(),
        })
    };
    let (entry, exit) = (offset(-24.0), offset(24.0));
    Observation {
        key,
        slot: Slot::of_unix_ms(START_MS),
        distance_cm: 4_800,
        duration_ms: 3_000 + random.below(20_000) as u32,
        heading_ddeg,
        entry,
        exit,
    }
}

fn measure_snapping(random: &mut Random) {
    let traces: Vec<_> = (0..400).map(|_| drive(random, 300)).collect();
    let fixes = (traces.len() * 300) as f64;
    let us = |seconds: f64| seconds * 1e6 / fixes;
    let (cells, seconds) = timed(|| {
        let to_cell = |f: &Fix| {
            let at = LatLng::new(f.position().lat_deg(), f.position().lon_deg()).expect("finite");
            u64::from(at.to_cell(Resolution::Eleven)) & 0xff
        };
        traces.iter().flatten().map(to_cell).sum::<u64>()
    });
    say(&format!("to_cell            {:.3} us/fix (check {cells})", us(seconds)));
    let (passes, seconds) =
        timed(|| traces.iter().map(|t| snap(t, Resolution::Eleven).len()).sum::<usize>());
    say(&format!(
        "snap r11           {:.3} us/fix, {:.2} passes/fix",
        us(seconds),
        passes as f64 / fixes
    ));
    let (observed, seconds) = timed(|| traces.iter().map(|t| observe(t)).collect::<Vec<_>>());
    say(&format!("observe            {:.3} us/fix", us(seconds)));
    let (packed, seconds) = timed(|| observed.iter().map(|o| pack(o)).collect::<Vec<_>>());
    let bytes: usize = packed.iter().map(Vec::len).sum();
    let count: usize = observed.iter().map(Vec::len).sum();
    say(&format!(
        "pack               {:.3} us/fix, {:.1} B/observation",
        us(seconds),
        bytes as f64 / count as f64
    ));
    let (_, seconds) = timed(|| packed.iter().filter(|p| unpack(p).is_ok()).count());
    say(&format!("unpack             {:.3} us/fix", us(seconds)));
}

/// Keys of whole cells of resolution 6 around a city, two opposite directions in each cell.
fn keys(count: usize) -> Vec<TrafficKey> {
    let centre = LatLng::new(41.88, -87.63).expect("finite").to_cell(Resolution::Six);
    let sectors = [Sector::new(1), Sector::new(5)];
    let cells = (0..50)
        .flat_map(|ring| centre.grid_ring::<Vec<CellIndex>>(ring))
        .flat_map(|parent| parent.children(Resolution::Eleven));
    cells
        .flat_map(|cell| sectors.map(|s| s.and_then(|s| TrafficKey::new(cell, s))))
        .flatten()
        .take(count)
        .collect()
}

fn apply(
    state: &mut TrafficState,
    keys: &[TrafficKey],
    drivers: u64,
    random: &mut Random,
) -> usize {
    let mut observations = 0;
    for driver in 0..drivers {
        for chunk in keys.chunks(100) {
            let seen: Vec<_> = chunk.iter().map(|key| observation(*key, random)).collect();
            observations += seen.len();
            let position = state.position();
            let row = Row {
                position,
                driver,
                folded_at_ms: START_MS + 60_000,
                observations: seen,
                ..Row::default()
            };
            state.apply(row).expect("in order");
        }
    }
    observations
}

fn measure_state(random: &mut Random, count: usize) {
    let keys = keys(count);
    let mut state = TrafficState::new(TrafficConfig::default());
    let (observations, seconds) = timed(|| apply(&mut state, &keys, 3, random));
    say(&format!(
        "apply              {:.3} us/observation, {observations} observations in {seconds:.2} s",
        seconds * 1e6 / observations as f64
    ));
    let stats = state.stats();
    say(&format!(
        "state              {} published keys, {:.0} B/key",
        stats.published_keys,
        stats.key_bytes as f64 / stats.keys.max(1) as f64
    ));
    let tick = Tick::of_unix_ms(START_MS + 60_000);
    let (snapshot, seconds) = timed(|| state.publish(tick));
    say(&format!("publish, all new   {:.1} ms, {} lines", seconds * 1e3, snapshot.line_count()));
    apply(&mut state, &keys[..200.min(keys.len())], 3, random);
    let (_, seconds) = timed(|| state.publish(tick));
    say(&format!("publish, 2 traces  {:.1} ms", seconds * 1e3));
    let (_, seconds) = timed(|| state.publish(Tick::of_unix_ms(START_MS + 360_000)));
    say(&format!("publish, new slot  {:.1} ms", seconds * 1e3));
    let at = Position::from_e6(41_880_000, -87_630_000).expect("in range");
    for zoom in [14, 13, 12, 10, 8, 5, 0] {
        let tile = TileId::of_position(zoom, at).expect("a zoom that is made");
        let (bytes, seconds) = timed(|| encode(&snapshot, tile).len());
        let (_, tag) = timed(|| snapshot.tile_tag(tile));
        say(&format!(
            "tile z{zoom:<2}           {:.3} ms, {bytes} B; tag {:.4} ms",
            seconds * 1e3,
            tag * 1e3
        ));
    }
}

fn measure_tile(random: &mut Random, file: Option<&str>) {
    let keys: Vec<_> = keys(40_000).into_iter().filter(|key| key.sector().number() == 1).collect();
    let mut state = TrafficState::new(TrafficConfig::default());
    apply(&mut state, &keys, 3, random);
    let snapshot = state.publish(Tick::of_unix_ms(START_MS + 60_000));
    let at = Position::from_e6(41_880_000, -87_630_000).expect("in range");
    let tile = TileId::of_position(14, at).expect("a zoom that is made");
    let mut times: Vec<f64> = (0..401).map(|_| timed(|| encode(&snapshot, tile)).1).collect();
    times.sort_by(f64::total_cmp);
    let bytes = encode(&snapshot, tile);
    let features = mvt_reader::Reader::new(bytes.clone())
        .and_then(|reader| reader.get_features(0))
        .map_or(0, |features| features.len());
    say(&format!(
        "cold tile          {features} features, {} B, p50 {:.3} ms, p99 {:.3} ms",
        bytes.len(),
        times[200] * 1e3,
        times[396] * 1e3
    ));
    if let Some(file) = file {
        fs::write(file, bytes).expect("a file that can be written");
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let file = arguments.next();
    let mut random = Random(7);
    measure_snapping(&mut random);
    measure_tile(&mut random, file.as_deref());
    measure_state(&mut random, count);
}
