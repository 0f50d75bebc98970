//! What a map must know of the tiles, over HTTP or in a file.

use hexmile_tiles::{FieldSchema, LAYERS, MAX_ZOOM};
use tilejson::{TileJSON, VectorLayer, tilejson};

use crate::config::Config;

/// The tiles' description; `tiles` are the addresses that they are fetched by.
pub(crate) fn description(config: &Config, tiles: Vec<String>) -> TileJSON {
    let layers = LAYERS.iter().map(|layer| VectorLayer {
        description: Some(layer.description.to_owned()),
        minzoom: Some(layer.min_zoom),
        maxzoom: Some(layer.max_zoom),
        ..VectorLayer::new(
            layer.id.to_owned(),
            layer.fields.iter().map(|f| (f.name.to_owned(), field(f))).collect(),
        )
    });
    tilejson! {
        tiles: tiles,
        vector_layers: layers.collect::<Vec<_>>(),
        attribution: config.attribution.clone(),
        description: "Live traffic, measured by drivers; each value is that of several.".to_owned(),
        name: format!("Hexmile traffic ({})", config.network_name),
        minzoom: 0,
        maxzoom: MAX_ZOOM,
    }
}

fn field(field: &FieldSchema) -> String {
    format!("{}. {}", field.kind, field.description)
}
