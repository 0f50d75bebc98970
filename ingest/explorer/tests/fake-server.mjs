/** The built page, behind a small imitation of the server's public API that a test can steer. */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { encodeLines, project } from "./mvt.mjs";

const DIST = join(import.meta.dirname, "..", "dist");
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};
const COLOURS = ["low", "#4cae6b", "moderate", "#f2b134", "heavy", "#e2572b", "severe", "#8f1d2c"];
const CONGESTION = ["low", "moderate", "heavy", "severe"];

/** A grid of streets around a point, every fourth of them slower than the one before. */
function streets([longitude, latitude]) {
  const lines = [];
  for (let i = -4; i <= 4; i += 1) {
    const [dx, dy] = [0.004 * i, 0.003 * i];
    lines.push([[longitude + dx, latitude - 0.014], [longitude + dx + 0.001, latitude + 0.014]]);
    lines.push([[longitude - 0.018, latitude + dy], [longitude + 0.018, latitude + dy + 0.001]]);
  }
  return lines.map((line, i) => ({ line, congestion: CONGESTION[i % 4] }));
}

/** What the server has to say; tests change it as they go. */
export function world() {
  return {
    failing: false,
    version: 1,
    centre: [13.4, 52.5],
    streets: streets([13.4, 52.5]),
    epochs: [],
    scores: {},
    /** Addresses asked for that start with /v1/tiles/traffic/, oldest first. */
    tiles: [],
  };
}

function style(publicUrl) {
  const line = { type: "line", source: "hexmile", "source-layer": "traffic" };
  return {
    version: 8,
    sources: { hexmile: { type: "vector", url: `${publicUrl}/v1/tiles/traffic.json` } },
    layers: [
      { id: "background", type: "background", paint: { "background-color": "#f4f3ef" } },
      { ...line, id: "traffic-casing", paint: { "line-color": "#ffffff", "line-width": 5 } },
      {
        ...line,
        id: "traffic",
        paint: { "line-color": ["match", ["get", "congestion"], ...COLOURS, "#888888"], "line-width": 3 },
      },
    ],
  };
}

function tile(state, z, x, y) {
  if (state.streets.length === 0) {
    return null;
  }
  const features = state.streets.map(({ line, congestion }) => {
    const level = CONGESTION.indexOf(congestion);
    return {
      line: line.map((position) => project(position, z, x, y)),
      properties: { congestion, speed: 48 - 14 * level, ff: 50, jam: 3 * level, conf: 3, age: 5, n: 10 },
    };
  });
  return encodeLines("traffic", features);
}

function answer(state, publicUrl, url) {
  const json = (body) => ({ status: 200, type: "application/json", body: JSON.stringify(body) });
  const missing = { status: 404, type: "application/problem+json", body: '{"code":"not_found"}' };
  const path = url.pathname;
  if (path === "/v1/tiles/state.json") {
    const [x, y] = state.centre;
    const some = state.streets.length > 0;
    return json({
      version: state.version.toString(16).padStart(16, "0"),
      position: state.version,
      lines: state.streets.length,
      bounds: some ? [x - 0.018, y - 0.015, x + 0.018, y + 0.015] : null,
    });
  }
  if (path === "/v1/tiles/traffic.json") {
    const tiles = [`${publicUrl}/v1/tiles/traffic/{z}/{x}/{y}`];
    return json({ tilejson: "3.0.0", tiles, minzoom: 0, maxzoom: 14, attribution: "© Test drivers" });
  }
  if (path === "/v1/styles/traffic.json") {
    return json(style(publicUrl));
  }
  const place = path.match(/^\/v1\/tiles\/traffic\/(\d+)\/(\d+)\/(\d+)$/);
  if (place) {
    state.tiles.push(path);
    const body = tile(state, ...place.slice(1).map(Number));
    return body === null ? { status: 204 } : { status: 200, type: "application/vnd.mapbox-vector-tile", body };
  }
  if (path === "/v1/epochs") {
    return json({ epochs: state.epochs.slice(0, Number(url.searchParams.get("limit"))) });
  }
  const scores = path.match(/^\/v1\/epochs\/(\d+)\/scores$/);
  if (scores) {
    // Two a page, so that reading on is exercised.
    const all = state.scores[scores[1]] ?? [];
    const from = Number(url.searchParams.get("from"));
    const page = all.slice(from, from + 2);
    return json({ scores: page, ...(from + 2 < all.length && { next_from: from + 2 }) });
  }
  return missing;
}

/**
 * Serves `state` on a free port. Documents name a public address that nobody can reach: the page
 * must do with the one it came from.
 */
export async function serve(state) {
  const publicUrl = "https://public.invalid";
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://localhost");
    if (url.pathname.startsWith("/v1/")) {
      const { status, type, body } = state.failing ? { status: 503 } : answer(state, publicUrl, url);
      response.writeHead(status, { ...(type && { "content-type": type }), "cache-control": "max-age=60" });
      response.end(body);
      return;
    }
    const file = url.pathname === "/" ? "index.html" : url.pathname.slice(1);
    try {
      const body = await readFile(join(DIST, file));
      response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    /** Ends it as if the machine had gone: open connections break. */
    stop: () =>
      new Promise((done) => {
        server.close(done);
        server.closeAllConnections();
      }),
  };
}
