//! What the layers of a tile hold, as data: from it `TileJSON` and the documentation are written.

/// An attribute of a layer's features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldSchema {
    /// Its name.
    pub name: &'static str,
    /// `Number` or `String`, as `TileJSON` writers spell it.
    pub kind: &'static str,
    /// What it means, with its unit and range.
    pub description: &'static str,
}

/// A layer of the tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerSchema {
    /// Its name.
    pub id: &'static str,
    /// What its features are.
    pub description: &'static str,
    /// Lowest zoom that has it.
    pub min_zoom: u8,
    /// Highest zoom that has it.
    pub max_zoom: u8,
    /// Attributes; every feature has all of them.
    pub fields: &'static [FieldSchema],
}

const fn field(name: &'static str, kind: &'static str, description: &'static str) -> FieldSchema {
    FieldSchema { name, kind, description }
}

const FIELDS: [FieldSchema; 7] = [
    field(
        "congestion",
        "String",
        "Speed against free flow: low (3/4 or more), moderate (1/2), heavy (1/4), severe.",
    ),
    field(
        "speed",
        "Number",
        "Speed in km/h: to 0.2 below 10, to 1 up to 20, to 2 up to 60, to 5 above.",
    ),
    field("ff", "Number", "Free-flow speed in km/h: the 85th percentile of drivers, to 5."),
    field(
        "jam",
        "Number",
        "Ten times the share of free-flow speed that is lost: 0 (free) to 10 (standstill).",
    ),
    field(
        "conf",
        "Number",
        "Confidence: 90 % of speeds lie within 80 % (1), 40 % (2) or 15 % (3) of the mean speed of all vehicles.",
    ),
    field(
        "age",
        "Number",
        "Minutes since the newest data, rounded down to 0, 5, 10, 15, 20 or 25.",
    ),
    field("n", "Number", "Number of drivers, rounded down to 3, 5, 10, 20, 50 or 100."),
];

const CLOSURE_FIELDS: [FieldSchema; 3] = [
    field("id", "String", "Its name in the list of closures."),
    field("reason", "String", "Why, in the operator's words."),
    field("until", "Number", "When it ends, Unix seconds."),
];

/// The layers, in the order tiles hold them.
pub const LAYERS: [LayerSchema; 3] = [
    LayerSchema {
        id: "traffic",
        description: "Roads with traffic, a line each way, in the direction of travel.",
        min_zoom: 0,
        max_zoom: 14,
        fields: &FIELDS,
    },
    LayerSchema {
        id: "traffic_hex",
        description: "H3 cells with the traffic of all roads and directions in them.",
        min_zoom: 0,
        max_zoom: 10,
        fields: &FIELDS,
    },
    LayerSchema {
        id: "closures",
        description: "Roads that the operator declared closed, a line each way that is, in the direction of travel.",
        min_zoom: 6,
        max_zoom: 14,
        fields: &CLOSURE_FIELDS,
    },
];
