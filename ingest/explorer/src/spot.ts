/** What the map shows at one spot: a road, closures on it, or both. */

import type { Map as MapLibreMap, MapGeoJSONFeature, PointLike } from "maplibre-gl";
import { type ClosureWords, closureCard, closureSentence, closuresOf } from "./closure";
import { element } from "./element";
import { CLOSURES, ROADS } from "./map-style";
import { describeRoad, roadCard, roadSentence, type RoadWords, withUsual } from "./road";
import type { Usual } from "./usual";
import type { WeekTime } from "./week-time";

/** A road with traffic. */
export interface Road {
  words: RoadWords;
  feature: MapGeoJSONFeature;
}

/** One of both at least. */
export interface Spot {
  road: Road | null;
  closures: ClosureWords[];
}

/** Reads what is drawn within `reach` pixels of a point; nothing where that is neither road nor closure. */
export function spotAt(map: MapLibreMap, { x, y }: { x: number; y: number }, reach: number, time: WeekTime | null): Spot | null {
  const box: [PointLike, PointLike] = [
    [x - reach, y - reach],
    [x + reach, y + reach],
  ];
  const drawn = (layer: string) =>
    map.getLayer(layer) === undefined ? [] : map.queryRenderedFeatures(box, { layers: [layer] });
  const [feature] = drawn(ROADS);
  const words = describeRoad(feature, time);
  const road = words === null || feature === undefined ? null : { words, feature };
  const closures = closuresOf(drawn(CLOSURES));
  return road === null && closures.length === 0 ? null : { road, closures };
}

/** The spot as a card on the map, with what is usual there where that is known. */
export function spotCard({ road, closures }: Spot, usual: Usual | null): HTMLElement {
  const card = road === null ? element("div", "road") : roadCard(usual === null ? road.words : withUsual(road.words, usual));
  if (closures.length > 0) {
    card.prepend(closureCard(closures, road !== null));
  }
  return card;
}

/** The spot as sentences, for screen readers. */
export function spotSentence({ road, closures }: Spot): string {
  return `${closureSentence(closures)} ${road === null ? "" : roadSentence(road.words)}`.trim();
}
