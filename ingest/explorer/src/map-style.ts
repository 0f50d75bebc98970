/** The server's style, made ready for this page: tiles from where the page came from, and dark by night. */

import type { StyleSpecification } from "maplibre-gl";
import { address, ApiError, fetchJson, list, record, text } from "./api";

/** The source that both layers draw, and the layers themselves, as the server's style names them. */
export const SOURCE = "hexmile";
export const ROADS = "traffic";

/** The first part of every path of the API. */
const API = "/v1/";

/** What a colour of the style becomes by night: ground, casing, and the darkest of congestion. */
const BY_NIGHT = new Map([
  ["#f4f3ef", "#12171b"],
  ["#ffffff", "#05080a"],
  ["#8f1d2c", "#d4306b"],
]);

/**
 * The style, with the tiles' description put in: whatever fails to load here is tried again by the
 * caller, while a map would give up on it.
 */
export async function fetchStyle(): Promise<StyleSpecification> {
  const [style, tiles] = await Promise.all([
    fetchJson("v1/styles/traffic.json"),
    fetchJson("v1/tiles/traffic.json"),
  ]);
  const ready = record(style, "style");
  const description = record(tiles, "TileJSON");
  const sources = record(ready["sources"], "sources");
  if (sources[SOURCE] === undefined) {
    throw new ApiError(`the style has no source ${SOURCE}`);
  }
  sources[SOURCE] = {
    type: "vector",
    tiles: list(description["tiles"], "tiles").map((url) => fromHere(text(url, "tiles"))),
    minzoom: zoom(description["minzoom"], 0),
    maxzoom: zoom(description["maxzoom"], 14),
    attribution: typeof description["attribution"] === "string" ? description["attribution"] : "",
  };
  // MapLibre checks the rest of it and reports what it cannot use.
  return ready as unknown as StyleSpecification;
}

/** The style, given as by day, in the colours of the hour. */
export function inScheme(style: StyleSpecification, dark: boolean): StyleSpecification {
  return dark ? { ...style, layers: byNight(style.layers) } : style;
}

function byNight<T>(value: T): T {
  if (typeof value === "string") {
    return (BY_NIGHT.get(value) ?? value) as T;
  }
  if (Array.isArray(value)) {
    return value.map(byNight) as T;
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, byNight(item)])) as T;
  }
  return value;
}

/**
 * The same path on the server that sent this page. The public address in the documents may be one
 * that this browser cannot reach: a tunnel, another name, another port.
 */
function fromHere(url: string): string {
  const path = url.indexOf(API);
  // The braces of a template must stay as they are, so nothing here parses it as a URL.
  return path < 0 ? url : address("./") + url.slice(path + 1);
}

function zoom(value: unknown, otherwise: number): number {
  return typeof value === "number" && value >= 0 && value <= 24 ? value : otherwise;
}
