//! The `MapLibre` styles of the traffic layers.

use serde_json::{Value, json};

/// A style's colours.
#[derive(Debug)]
pub(super) struct Theme {
    /// Its name in addresses.
    name: &'static str,
    title: &'static str,
    ground: &'static str,
    casing: &'static str,
    /// Of congestion, from free to jammed, by the names in tiles.
    congestion: [(&'static str, &'static str); 4],
    unknown: &'static str,
    closed: &'static str,
}

/// By day and by night; in the colours that drivers know, and in colours that are as far apart for those who
/// tell no red from green, or no blue from yellow.
const THEMES: [Theme; 4] = [
    Theme {
        name: "traffic",
        title: "Hexmile traffic",
        ground: "#f4f3ef",
        casing: "#ffffff",
        congestion: named(["#4cae6b", "#f2b134", "#e2572b", "#8f1d2c"]),
        unknown: "#888888",
        closed: "#1d2126",
    },
    Theme {
        name: "traffic-dark",
        title: "Hexmile traffic, dark",
        ground: "#12171b",
        casing: "#05080a",
        congestion: named(["#4cae6b", "#f2b134", "#e2572b", "#d4306b"]),
        unknown: "#888888",
        closed: "#e8e8ea",
    },
    Theme {
        name: "traffic-safe",
        title: "Hexmile traffic, colour-blind safe",
        ground: "#f4f3ef",
        casing: "#ffffff",
        congestion: named(["#5aa9e6", "#d99a00", "#b8475a", "#40103f"]),
        unknown: "#888888",
        closed: "#1d2126",
    },
    Theme {
        name: "traffic-safe-dark",
        title: "Hexmile traffic, colour-blind safe, dark",
        ground: "#12171b",
        casing: "#05080a",
        congestion: named(["#3b6fb6", "#d98e32", "#ffd166", "#fff7e0"]),
        unknown: "#888888",
        closed: "#8d9aa8",
    },
];

const fn named(colours: [&'static str; 4]) -> [(&'static str, &'static str); 4] {
    let [low, moderate, heavy, severe] = colours;
    [("low", low), ("moderate", moderate), ("heavy", heavy), ("severe", severe)]
}

impl Theme {
    /// The theme of a name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        THEMES.iter().find(|theme| theme.name == name)
    }

    /// All names, for those who asked for another.
    pub(super) fn names() -> String {
        THEMES.map(|theme| theme.name).join(", ")
    }

    fn congestion(&self) -> Value {
        let mut expression = vec![json!("match"), json!(["get", "congestion"])];
        for (name, colour) in self.congestion {
            expression.extend([json!(name), json!(colour)]);
        }
        expression.push(json!(self.unknown));
        Value::Array(expression)
    }
}

/// A whole style: background, cells while zoomed out, a line for each direction of a road, and closed roads.
/// `suffix` goes after the address of the tiles' description.
pub(super) fn traffic(theme: &Theme, public_url: &str, suffix: &str) -> Value {
    let by_zoom = |stops: &[(f64, f64)]| {
        let mut expression =
            vec![json!("interpolate"), json!(["exponential", 1.4]), json!(["zoom"])];
        for (zoom, value) in stops {
            expression.extend([json!(zoom), json!(value)]);
        }
        Value::Array(expression)
    };
    // Each direction keeps to its own side. Lines are opaque: where translucent ones meet, their round
    // ends would show as dots.
    json!({
        "version": 8,
        "name": theme.title,
        "sources": {
            "hexmile": { "type": "vector", "url": format!("{public_url}/v1/tiles/traffic.json{suffix}") }
        },
        "layers": [
            { "id": "background", "type": "background", "paint": { "background-color": theme.ground } },
            {
                "id": "traffic_hex",
                "type": "fill",
                "source": "hexmile",
                "source-layer": "traffic_hex",
                "maxzoom": 11,
                "paint": {
                    "fill-color": theme.congestion(),
                    "fill-opacity": ["interpolate", ["linear"], ["zoom"], 8, 0.45, 10.5, 0.0]
                }
            },
            {
                "id": "traffic-casing",
                "type": "line",
                "source": "hexmile",
                "source-layer": "traffic",
                "minzoom": 12,
                "layout": { "line-cap": "round", "line-join": "round" },
                "paint": {
                    "line-color": theme.casing,
                    "line-width": by_zoom(&[(12.0, 2.0), (14.0, 4.6), (18.0, 14.0)]),
                    "line-offset": by_zoom(&[(12.0, 0.5), (14.0, 1.6), (18.0, 6.0)])
                }
            },
            {
                "id": "traffic",
                "type": "line",
                "source": "hexmile",
                "source-layer": "traffic",
                "minzoom": 8,
                "layout": { "line-cap": "round", "line-join": "round", "line-sort-key": ["get", "jam"] },
                "paint": {
                    "line-color": theme.congestion(),
                    "line-width": by_zoom(&[(8.0, 1.0), (12.0, 1.8), (14.0, 3.0), (18.0, 10.0)]),
                    "line-offset": by_zoom(&[(8.0, 0.0), (12.0, 0.6), (14.0, 1.6), (18.0, 6.0)])
                }
            },
            {
                "id": "closures",
                "type": "line",
                "source": "hexmile",
                "source-layer": "closures",
                "layout": { "line-join": "round" },
                "paint": {
                    "line-color": theme.closed,
                    "line-width": by_zoom(&[(6.0, 2.0), (12.0, 3.0), (14.0, 4.0), (18.0, 12.0)]),
                    "line-offset": by_zoom(&[(8.0, 0.0), (12.0, 0.6), (14.0, 1.6), (18.0, 6.0)]),
                    "line-dasharray": [1, 0.6]
                }
            }
        ]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a colour becomes for those who lack one kind of cones: Machado, Oliveira and Fernandes, 2009, severity 1,
    /// on linear sRGB.
    const SIGHTS: [[[f64; 3]; 3]; 4] = [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ],
    ];

    fn linear(colour: &str) -> [f64; 3] {
        [1, 3, 5].map(|at| {
            let part = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        })
    }

    /// Oklab (B. Ottosson, 2020), in which distances are as the eye has them.
    fn oklab([r, g, b]: [f64; 3]) -> [f64; 3] {
        let [r, g, b] = [r, g, b].map(|part| part.clamp(0.0, 1.0));
        let l = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b).cbrt();
        let m = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b).cbrt();
        let s = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b).cbrt();
        [
            0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
            1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
            0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s,
        ]
    }

    fn nearest(theme: &Theme, sight: &[[f64; 3]; 3]) -> f64 {
        let seen = theme.congestion.map(|(_, colour)| {
            let light = linear(colour);
            oklab(sight.map(|row| row.iter().zip(light).map(|(a, b)| a * b).sum()))
        });
        let pairs = (0..4).flat_map(|a| (a + 1..4).map(move |b| (a, b)));
        let apart = pairs.map(|(a, b)| {
            seen[a].iter().zip(seen[b]).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
        });
        apart.fold(f64::MAX, f64::min)
    }

    #[test]
    fn safe_colours_are_apart_for_every_sight() {
        for theme in THEMES.iter().filter(|theme| theme.name.contains("safe")) {
            for sight in &SIGHTS {
                let nearest = nearest(theme, sight);
                assert!(nearest > 0.12, "{}: {nearest}", theme.name);
            }
        }
        // The measure can fail: familiar colours are not safe.
        assert!(nearest(&THEMES[0], &SIGHTS[2]) < 0.08);
    }

    #[test]
    fn every_colour_stands_out_from_its_ground() {
        let light = |colour| {
            let [r, g, b] = linear(colour);
            0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05
        };
        for theme in &THEMES {
            for (name, colour) in theme.congestion {
                let (a, b) = (light(colour), light(theme.ground));
                let contrast = if a > b { a / b } else { b / a };
                assert!(contrast > 1.6, "{} {name}: {contrast}", theme.name);
            }
        }
    }
}
