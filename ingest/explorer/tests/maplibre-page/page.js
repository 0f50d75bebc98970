/**
 * A map as somebody else would make it: MapLibre, the TileJSON's address, and a style of its own that
 * uses the attributes as the TileJSON describes them. Nothing of the explorer is used here.
 *
 * `?tilejson=ADDRESS&at=LONGITUDE,LATITUDE,ZOOM`
 */

import { Map as MapLibreMap, setWorkerUrl } from "/maplibre-gl/maplibre-gl.mjs";

setWorkerUrl("/maplibre-gl/maplibre-gl-worker.mjs");

const asked = new URLSearchParams(location.search);
const [longitude, latitude, zoom] = asked.get("at").split(",").map(Number);

const map = new MapLibreMap({
  container: "map",
  center: [longitude, latitude],
  zoom,
  style: {
    version: 8,
    sources: { traffic: { type: "vector", url: asked.get("tilejson") } },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": "#eef1f4" } },
      {
        id: "roads",
        type: "line",
        source: "traffic",
        "source-layer": "traffic",
        layout: { "line-cap": "round", "line-join": "round" },
        paint: {
          // low (3/4 of free flow or more), moderate (1/2), heavy (1/4), severe
          "line-color": [
            "match",
            ["get", "congestion"],
            "low",
            "#3a86c8",
            "moderate",
            "#e0b000",
            "heavy",
            "#d96b00",
            "severe",
            "#9c1030",
            "#777777",
          ],
          // conf: 1 (below 5 drivers), 2 (5 to 9), 3 (10 or more)
          "line-width": ["match", ["get", "conf"], 1, 2, 2, 3, 4],
          // Traffic keeps to the right of its line: the other direction is a line of its own.
          "line-offset": 2,
        },
      },
    ],
  },
});
window.map = map;
