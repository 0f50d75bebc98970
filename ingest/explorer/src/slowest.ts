/** The slowest roads in view, as a list: a way to the map's numbers without seeing or pointing at it. */

import type { Map as MapLibreMap, MapGeoJSONFeature, PointLike } from "maplibre-gl";
import { byId, element, setText } from "./element";
import { ROADS } from "./map-style";
import { describeRoad } from "./road";
import type { Road } from "./spot";
import type { ClearArea } from "./traffic-map";
import type { WeekTime } from "./week-time";

/** How many are listed, and how far apart they must be, pixels: a jam is one entry. */
const ROADS_LISTED = 4;
const APART = 60;

/** A road and where it is: its middle, longitude and latitude. */
export interface SlowRoad extends Road {
  at: [number, number];
}

/** Left, top, right and bottom, pixels of the map. */
type Box = [left: number, top: number, right: number, bottom: number];

/** Keeps the list up to date; `open` is called with the road that the reader chooses. */
export function listSlowest(
  map: MapLibreMap,
  clear: () => ClearArea,
  time: () => WeekTime | null,
  open: (road: SlowRoad) => void,
): void {
  const items = byId("slowest");
  const hovers = matchMedia("(hover: hover)");
  map.on("idle", () => {
    // What somebody is choosing from must not change under their hands.
    if (items.matches(":focus-within") || (hovers.matches && items.matches(":hover"))) {
      return;
    }
    const { clientWidth, clientHeight } = map.getCanvas();
    const { left, top, right, bottom } = clear();
    const roads = slowestWithin(map, [left, top, clientWidth - right, clientHeight - bottom], time());
    setText(byId("slowest-status"), roads.length === 0 ? "No slow road in view." : "");
    byId("slowest-status").hidden = roads.length > 0;
    items.replaceChildren(
      ...roads.map((road) => {
        const { words } = road;
        const swatch = element("span", "swatch");
        swatch.dataset["congestion"] = words.congestion;
        const facts = new Map(words.facts);
        const towards = facts.has("Heading") ? `, ${facts.get("Heading")}bound` : "";
        const name = element("span", "", `${words.title.split(" ")[0]}${towards}`);
        const button = element("button", "", swatch, name, element("b", "", facts.get("Speed") ?? ""));
        button.type = "button";
        button.addEventListener("click", () => open(road));
        return element("li", "", button);
      }),
    );
  });
}

/** The slowest roads in a part of the window, the slowest first. */
export function slowestWithin(map: MapLibreMap, [left, top, right, bottom]: Box, time: WeekTime | null): SlowRoad[] {
  const box: [PointLike, PointLike] = [
    [left, top],
    [Math.max(left, right), Math.max(top, bottom)],
  ];
  const found = map.getLayer(ROADS) === undefined ? [] : map.queryRenderedFeatures(box, { layers: [ROADS] });
  const jam = (feature: MapGeoJSONFeature) => Number(feature.properties["jam"]) || 0;
  const trust = (feature: MapGeoJSONFeature) => Number(feature.properties["conf"]) || 0;
  const slow = found.filter((feature) => feature.properties["congestion"] !== "low");
  slow.sort((a, b) => jam(b) - jam(a) || trust(b) - trust(a));
  const listed: SlowRoad[] = [];
  const taken: { x: number; y: number }[] = [];
  for (const feature of slow) {
    const words = describeRoad(feature, time);
    const at = middle(feature);
    if (words === null || at === null) {
      continue;
    }
    const { x, y } = map.project(at);
    const inside = x >= left && x <= right && y >= top && y <= bottom;
    if (inside && taken.every((other) => Math.hypot(other.x - x, other.y - y) >= APART)) {
      listed.push({ at, words, feature });
      taken.push({ x, y });
    }
    if (listed.length === ROADS_LISTED) {
      break;
    }
  }
  return listed;
}

/** Half-way between the points in the middle of a line's list. */
export function middle({ geometry }: MapGeoJSONFeature): [number, number] | null {
  const line =
    geometry.type === "LineString"
      ? geometry.coordinates
      : geometry.type === "MultiLineString"
        ? geometry.coordinates[0]
        : undefined;
  const half = ((line?.length ?? 0) - 1) / 2;
  const [a, b] = [line?.[Math.floor(half)], line?.[Math.ceil(half)]] as [[number, number]?, [number, number]?];
  return a === undefined || b === undefined ? null : [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
}
