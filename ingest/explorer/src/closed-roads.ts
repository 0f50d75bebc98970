/** The closed roads in view, as a list: a way to them without seeing or pointing at the map. */

import type { Map as MapLibreMap } from "maplibre-gl";
import { type ClosureWords, describeClosure } from "./closure";
import { byId, element } from "./element";
import { CLOSURES } from "./map-style";
import { middle } from "./slowest";

/** How many are listed. */
const LISTED = 6;

/** A closed road and where it is: a point of it that is in view, longitude and latitude. */
export interface ClosedRoad {
  at: [number, number];
  words: ClosureWords;
}

/** Keeps the list up to date, and away while it is empty; `open` is called with the road that the reader chooses. */
export function listClosed(map: MapLibreMap, open: (road: ClosedRoad) => void): void {
  const items = byId("closed");
  map.on("idle", () => {
    // What somebody is choosing from must not change under their hands.
    if (items.matches(":focus-within")) {
      return;
    }
    const roads = closedInView(map);
    byId("closed-in-view").hidden = roads.length === 0;
    items.replaceChildren(
      ...roads.map((road) => {
        const { reason, until } = road.words;
        const words = element("span", "", reason, " ", element("small", "", until));
        const button = element("button", "", element("span", "closed-line"), words);
        button.type = "button";
        button.addEventListener("click", () => open(road));
        return element("li", "", button);
      }),
    );
  });
}

function closedInView(map: MapLibreMap): ClosedRoad[] {
  const features = map.getLayer(CLOSURES) === undefined ? [] : map.queryRenderedFeatures({ layers: [CLOSURES] });
  const found = new Map<string, ClosedRoad>();
  for (const feature of features) {
    const words = describeClosure(feature.properties);
    const at = middle(feature);
    if (words !== null && at !== null && !found.has(words.id)) {
      found.set(words.id, { at, words });
    }
  }
  return [...found.values()].slice(0, LISTED);
}
