//! What a map must know of the tiles, over HTTP or in a file.

use hexmile_tiles::{FieldSchema, LAYERS, MAX_ZOOM};
use tilejson::{TileJSON, VectorLayer, tilejson};

use crate::{config::Config, when::When};

/// The tiles' description; `tiles` are the addresses that they are fetched by, and `at` is the time that they
/// are typical of, where they are not live.
pub(crate) fn description(config: &Config, tiles: Vec<String>, at: Option<When>) -> TileJSON {
    let layers = LAYERS.iter().map(|layer| VectorLayer {
        description: Some(layer.description.to_owned()),
        minzoom: Some(layer.min_zoom),
        maxzoom: Some(layer.max_zoom),
        ..VectorLayer::new(
            layer.id.to_owned(),
            layer.fields.iter().map(|f| (f.name.to_owned(), field(f))).collect(),
        )
    });
    let what = match at {
        None => "Live traffic".to_owned(),
        Some(at @ When::Week(_)) => format!("Traffic typical of {at}, local time"),
        Some(at @ When::Instant(_)) => format!("Traffic typical of {at}"),
    };
    tilejson! {
        tiles: tiles,
        vector_layers: layers.collect::<Vec<_>>(),
        attribution: config.attribution.clone(),
        description: format!("{what}, measured by drivers; each value is that of several."),
        name: format!("Hexmile traffic ({})", config.network_name),
        minzoom: 0,
        maxzoom: MAX_ZOOM,
    }
}

fn field(field: &FieldSchema) -> String {
    format!("{}. {}", field.kind, field.description)
}
