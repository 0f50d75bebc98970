/**
 * How fast a road usually is at this time: the same line, in the typical tile of the moment. One tile is asked for
 * when a card is opened, and kept while it is the moment's.
 */

import { VectorTile } from "@mapbox/vector-tile";
import { PbfReader } from "pbf";
import { fetchTile } from "./api";
import { ROADS } from "./map-style";
import { courseOf, type RoadFeature } from "./road";
import { STEP_MIN } from "./week-time";

/** The last zoom that has tiles of its own. */
const LAST_ZOOM = 14;
/** How far from where the reader pointed the line may be: pixels, and units of the tile, of which it has 4096. */
const NEAR_PX = 24;
const NEAR_UNITS = 40;
/** Pixels that a tile fills at its own zoom. */
const TILE_PX = 512;
/** How far its course may be from the live line's, degrees: beyond that it is the other direction or another road. */
const SAME_WAY_DEG = 40;

/** A road's typical speed. */
export interface Usual {
  /** km/h. */
  speed: number;
  /** Whether its surroundings say it, since few drove about then. */
  rough: boolean;
}

interface Place {
  lng: number;
  lat: number;
}

let kept: { address: string; tile: Promise<VectorTile | null> } | null = null;

/** What is usual now at a place for the road shown there; null where nothing is known of it. Never rejects. */
export async function usualNow(at: Place, zoom: number, road: RoadFeature): Promise<Usual | null> {
  const course = courseOf(road.geometry);
  if (course === null) {
    return null;
  }
  const z = Math.max(0, Math.min(LAST_ZOOM, Math.floor(zoom)));
  const place = onTile(at, z);
  const tile = await tileOf(`v1/tiles/traffic/${z}/${place.column}/${place.row}?t=${moment(Date.now())}`);
  const layer = tile?.layers[ROADS];
  if (layer === undefined) {
    return null;
  }
  const units = layer.extent / (TILE_PX * 2 ** (zoom - z));
  let nearest = Math.max(NEAR_UNITS, NEAR_PX * units);
  let usual: Usual | null = null;
  for (let i = 0; i < layer.length; i += 1) {
    const feature = layer.feature(i);
    const line = feature.loadGeometry()[0] ?? [];
    const { speed, conf } = feature.properties;
    const away = distance({ x: place.x * layer.extent, y: place.y * layer.extent }, line);
    // On a tile, y grows southwards.
    if (typeof speed === "number" && away < nearest && apart(course, bearing(line)) <= SAME_WAY_DEG) {
      nearest = away;
      usual = { speed: Math.round(speed), rough: conf === 1 };
    }
  }
  return usual;
}

/** The start of the week's step that a moment is in, as an instant: each place has its own local time. */
function moment(unixMs: number): string {
  const step = STEP_MIN * 60_000;
  return new Date(Math.floor(unixMs / step) * step).toISOString().replace(".000", "");
}

function tileOf(address: string): Promise<VectorTile | null> {
  if (kept?.address !== address) {
    const tile = fetchTile(address).then((bytes) => (bytes === null ? null : new VectorTile(new PbfReader(bytes))));
    kept = {
      address,
      tile: tile.catch(() => {
        // It is asked for again when the next card is opened.
        kept = null;
        return null;
      }),
    };
  }
  return kept.tile;
}

/** The tile of a place, and where on it, 0 to 1 from its north-west corner. */
function onTile({ lng, lat }: Place, z: number): { column: number; row: number; x: number; y: number } {
  const sin = Math.sin((Math.max(-85, Math.min(85, lat)) * Math.PI) / 180);
  const across = ((((lng + 180) / 360) % 1) + 1) % 1;
  const x = across * 2 ** z;
  const y = (0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI)) * 2 ** z;
  return { column: Math.floor(x), row: Math.floor(y), x: x % 1, y: y % 1 };
}

interface Point {
  x: number;
  y: number;
}

/** From a point to a line, in its units. */
function distance(from: Point, line: Point[]): number {
  let least = Infinity;
  line.forEach((b, i) => {
    const a = line[i - 1] ?? b;
    const [dx, dy] = [b.x - a.x, b.y - a.y];
    const along = dx === 0 && dy === 0 ? 0 : ((from.x - a.x) * dx + (from.y - a.y) * dy) / (dx * dx + dy * dy);
    const t = Math.max(0, Math.min(1, along));
    least = Math.min(least, Math.hypot(from.x - a.x - t * dx, from.y - a.y - t * dy));
  });
  return least;
}

/** Clockwise from north, degrees. */
function bearing(line: Point[]): number {
  const [from, to] = [line[0], line.at(-1)];
  return from === undefined || to === undefined ? NaN : (Math.atan2(to.x - from.x, from.y - to.y) * 180) / Math.PI;
}

/** Between two courses, 0 to 180 degrees. */
function apart(a: number, b: number): number {
  const turn = Math.abs(a - b) % 360;
  return Math.min(turn, 360 - turn);
}
