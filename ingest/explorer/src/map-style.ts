/** The server's styles, made ready for this page: tiles come from where the page came from. */

import type { StyleSpecification } from "maplibre-gl";
import { address, ApiError, fetchJson, list, record, text } from "./api";

/** The source and its layers, as the server's styles name them. */
export const SOURCE = "hexmile";
export const ROADS = "traffic";
export const CELLS = "traffic_hex";
export const CLOSURES = "closures";

/** The first part of every path of the API. */
const API = "/v1/";

/**
 * The style of this name, with the tiles' description put in: whatever fails to load here is tried
 * again by the caller, while a map would give up on it.
 */
export async function fetchStyle(name: string): Promise<StyleSpecification> {
  const [style, tiles] = await Promise.all([
    fetchStyleNamed(name),
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

/** The colours that the style gives to each class of congestion. */
export function congestionColours(style: StyleSpecification): Map<string, string> {
  const colours = new Map<string, string>();
  const roads = style.layers.find((layer) => layer.id === ROADS);
  const match: unknown = roads?.type === "line" ? roads.paint?.["line-color"] : undefined;
  // ["match", ["get", "congestion"], name, colour, ..., otherwise]
  for (let i = 2; Array.isArray(match) && match[0] === "match" && i + 1 < match.length; i += 2) {
    colours.set(String(match[i]), String(match[i + 1]));
  }
  return colours;
}

/** The colour that the style gives to closed roads; null where it draws none. */
export function closedColour(style: StyleSpecification): string | null {
  const closed = style.layers.find((layer) => layer.id === CLOSURES);
  const colour: unknown = closed?.type === "line" ? closed.paint?.["line-color"] : undefined;
  return typeof colour === "string" ? colour : null;
}

/** The style of this name; a server that has only the first style gives that. */
async function fetchStyleNamed(name: string): Promise<unknown> {
  try {
    return await fetchJson(`v1/styles/${name}.json`);
  } catch (error) {
    if (error instanceof ApiError && error.missing && name !== ROADS) {
      return fetchJson(`v1/styles/${ROADS}.json`);
    }
    throw error;
  }
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
