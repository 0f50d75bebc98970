//! The MapLibre style of the traffic layers.

use serde_json::{Value, json};

/// Colours of congestion, from free to jammed; apart in lightness too, for those who see no red.
const COLOURS: [(&str, &str); 4] =
    [("low", "#4cae6b"), ("moderate", "#f2b134"), ("heavy", "#e2572b"), ("severe", "#8f1d2c")];

fn colour() -> Value {
    let mut expression = vec![json!("match"), json!(["get", "congestion"])];
    for (name, colour) in COLOURS {
        expression.extend([json!(name), json!(colour)]);
    }
    expression.push(json!("#888888"));
    Value::Array(expression)
}

/// A whole style: background, cells while zoomed out, and a line for each direction of a road.
pub(super) fn traffic(public_url: &str) -> Value {
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
        "name": "Hexmile traffic",
        "sources": {
            "hexmile": { "type": "vector", "url": format!("{public_url}/v1/tiles/traffic.json") }
        },
        "layers": [
            { "id": "background", "type": "background", "paint": { "background-color": "#f4f3ef" } },
            {
                "id": "traffic_hex",
                "type": "fill",
                "source": "hexmile",
                "source-layer": "traffic_hex",
                "maxzoom": 11,
                "paint": {
                    "fill-color": colour(),
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
                    "line-color": "#ffffff",
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
                    "line-color": colour(),
                    "line-width": by_zoom(&[(8.0, 1.0), (12.0, 1.8), (14.0, 3.0), (18.0, 10.0)]),
                    "line-offset": by_zoom(&[(8.0, 0.0), (12.0, 0.6), (14.0, 1.6), (18.0, 6.0)])
                }
            }
        ]
    })
}
