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
const CONGESTION = ["low", "moderate", "heavy", "severe"];

/** What tells the styles apart: ground, casing, and the classes of congestion from the best. */
export const STYLES = {
  traffic: ["#f4f3ef", "#ffffff", "#4cae6b", "#f2b134", "#e2572b", "#8f1d2c"],
  "traffic-dark": ["#12171b", "#05080a", "#4cae6b", "#f2b134", "#e2572b", "#d4306b"],
  "traffic-safe": ["#f4f3ef", "#ffffff", "#2a7fb8", "#e3b505", "#c4622d", "#4a1942"],
  "traffic-safe-dark": ["#12171b", "#05080a", "#57b4e9", "#f0d34a", "#e08a4f", "#c78bd0"],
};

/** The attributes of roads, in the words of the tiles' description. */
const FIELDS = {
  congestion: "String. Speed against free flow: low (3/4 or more), moderate (1/2), heavy (1/4), severe.",
  speed: "Number. Speed in km/h: to 1 up to 20, to 2 up to 60, to 5 above.",
  ff: "Number. Free-flow speed in km/h: the 85th percentile of drivers, to 5.",
  jam: "Number. Ten times the share of free-flow speed that is lost: 0 (free) to 10 (standstill).",
  conf: "Number. Confidence: 1 (90 % within 80 %), 2 (within 40 %), 3 (within 15 %).",
  age: "Number. Minutes since the newest data, rounded down to 0, 5, 10, 15, 20 or 25.",
  n: "Number. Number of drivers, rounded down to 3, 5, 10, 20, 50 or 100.",
};

const CLOSURE_FIELDS = {
  id: "String. Its name.",
  reason: "String. Why.",
  until: "Number. When it ends, Unix seconds.",
};

const TRANSPARENCY = {
  network: "testnet",
  generated_from: {
    min_drivers: 4,
    epoch_seconds: null,
    min_sdk: "0.1.0",
    rules_hash: "a3f1".repeat(16),
  },
  collected: [
    {
      what: "Positions during trips: where and when a phone was, with speed and course.",
      why: "To measure how fast traffic flows, and to pay for it.",
      kept: "24 hours or until the epoch closes, whichever is later.",
      who_sees: "This server's operator.",
    },
    {
      what: "Public keys of your account and of its phones, and when they joined.",
      why: "To know that a trace comes from an enrolled phone.",
      kept: "Until you erase your account.",
      who_sees: "This server's operator; the account's id is public beside its pay.",
    },
  ],
  never: ["Names, e-mail addresses or telephone numbers.", "Advertising identifiers."],
  can_link: ["All trips of one account to each other, while they are kept."],
  your_rights: [
    { what: "Export", how: "GET /v1/me/export, signed by a key of the account." },
    { what: "Erase", how: "DELETE /v1/me, signed by a key of the account." },
  ],
};

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
    /** Whether it is a server from before there were more styles, the pulse and the statement. */
    old: false,
    /** Minutes of age, and drivers, of every road. */
    age: 5,
    drivers: 10,
    /** How far its clock is ahead of the browser's, and when it published something new by that clock. */
    aheadMs: 0,
    changedAtMs: Date.now() - 4000,
    transparency: TRANSPARENCY,
    /**
     * What is typical: null while nothing is known. In `jamAt`, minutes of the day, every road is severe on working
     * days and else low; `conf`, where it is set, is the confidence of all.
     */
    typical: { version: 1, learnedAtMs: Date.now() - 3 * 3_600_000, jamAt: [480, 545] },
    /** Closed roads: `{ line, id, reason, until }`, in Unix seconds. */
    closures: [],
    /** A promise that typical tiles wait for. */
    gate: null,
    epochs: [],
    scores: {},
    /** Where its documents say that it is; nobody can reach this one: pages must do with where they came from. */
    publicUrl: "https://public.invalid",
    /** Addresses asked for that start with /v1/tiles/traffic/, oldest first. */
    tiles: [],
  };
}

function style({ publicUrl, old }, [ground, casing, ...colours]) {
  const line = { type: "line", source: "hexmile", "source-layer": "traffic" };
  const closed = { "line-color": ground === "#12171b" ? "#e8e8ea" : "#1d2126", "line-width": 4, "line-dasharray": [1, 0.6] };
  const pairs = CONGESTION.flatMap((name, i) => [name, colours[i]]);
  return {
    version: 8,
    sources: { hexmile: { type: "vector", url: `${publicUrl}/v1/tiles/traffic.json` } },
    layers: [
      { id: "background", type: "background", paint: { "background-color": ground } },
      { ...line, id: "traffic-casing", paint: { "line-color": casing, "line-width": 5 } },
      {
        ...line,
        id: "traffic",
        paint: { "line-color": ["match", ["get", "congestion"], ...pairs, "#888888"], "line-width": 3 },
      },
      ...(old ? [] : [{ ...line, id: "closures", "source-layer": "closures", paint: closed }]),
    ],
  };
}

/** Congestion of a street, by its place in the order, at a time: live, or of the week. */
function congestionAt(state, street, t) {
  const found = /^(mon|tue|wed|thu|fri|sat|sun)-(\d\d):(\d\d)$/.exec(t ?? "");
  if (found === null) {
    // An instant: what is usual now is one better than what is live.
    return t === null ? street.congestion : CONGESTION[Math.max(0, CONGESTION.indexOf(street.congestion) - 1)];
  }
  const [day, minute] = [found[1], 60 * Number(found[2]) + Number(found[3])];
  const [from, to] = state.typical.jamAt;
  return !["sat", "sun"].includes(day) && minute >= from && minute < to ? "severe" : "low";
}

function tile(state, t, z, x, y) {
  const inTile = (line) => line.map((position) => project(position, z, x, y));
  const streets = t !== null && state.typical === null ? [] : state.streets;
  const features = streets.map((street) => {
    const congestion = congestionAt(state, street, t);
    const level = CONGESTION.indexOf(congestion);
    const age = t === null ? state.age : 0;
    const conf = Math.max(1, (level > 1 ? 1 : level > 0 || state.drivers < 5 ? 2 : 3) - (age >= 15));
    return {
      line: inTile(street.line),
      properties: {
        congestion,
        speed: 48 - 14 * level,
        ff: 50,
        jam: 3 * level,
        conf: (t !== null && state.typical.conf) || conf,
        age,
        n: state.drivers,
      },
    };
  });
  // A time of the week has no closures.
  const closed = /^[a-z]{3}-/.test(t ?? "") ? [] : state.closures;
  const closures = closed.map(({ line, ...properties }) => ({ line: inTile(line), properties }));
  const layers = Object.entries({ traffic: features, closures }).filter(([, drawn]) => drawn.length > 0);
  return layers.length === 0 ? null : Buffer.concat(layers.map(([name, drawn]) => encodeLines(name, drawn)));
}

/** What it knows of the week; servers from before do not say. */
function typicalState({ typical, streets, old }, bounds) {
  if (old) {
    return {};
  }
  const { version, learnedAtMs } = typical ?? {};
  const known = typical && { version: String(version), lines: streets.length, compacted_at_ms: learnedAtMs, bounds };
  return { typical: known };
}

function answer(state, url) {
  const { publicUrl } = state;
  const json = (body) => ({ status: 200, type: "application/json", body: JSON.stringify(body) });
  const missing = { status: 404, type: "application/problem+json", body: '{"code":"not_found"}' };
  const path = url.pathname;
  if (path === "/v1/tiles/state.json") {
    const [x, y] = state.centre;
    const some = state.streets.length > 0;
    const bounds = some ? [x - 0.018, y - 0.015, x + 0.018, y + 0.015] : null;
    return json({
      version: state.version.toString(16).padStart(16, "0"),
      position: state.version,
      lines: state.streets.length,
      ...(!state.old && {
        kilometres: 2.345 * state.streets.length,
        freshest_min: some ? state.age : null,
        changed_at_ms: state.changedAtMs,
      }),
      bounds,
      ...typicalState(state, bounds),
    });
  }
  if (path === "/v1/tiles/traffic.json") {
    return json({
      tilejson: "3.0.0",
      tiles: [`${publicUrl}/v1/tiles/traffic/{z}/{x}/{y}`],
      vector_layers: [
        { id: "traffic", description: "Roads with traffic.", fields: FIELDS },
        { id: "closures", description: "Closed roads.", fields: CLOSURE_FIELDS },
      ],
      minzoom: 0,
      maxzoom: 14,
      attribution: "© Test drivers",
    });
  }
  const named = STYLES[path.match(/^\/v1\/styles\/([a-z-]+)\.json$/)?.[1]];
  if (named && (!state.old || named === STYLES.traffic)) {
    return json(style(state, named));
  }
  if (path === "/v1/transparency" && !state.old) {
    return json(state.transparency);
  }
  const place = path.match(/^\/v1\/tiles\/traffic\/(\d+)\/(\d+)\/(\d+)$/);
  if (place) {
    state.tiles.push(path + url.search);
    const body = tile(state, url.searchParams.get("t"), ...place.slice(1).map(Number));
    return body === null ? { status: 204 } : { status: 200, type: "application/vnd.mapbox-vector-tile", body };
  }
  if (path === "/v1/epochs") {
    const listed = state.epochs.slice(0, Number(url.searchParams.get("limit")));
    return json({ epochs: listed.map(({ drivers, ...epoch }) => (state.old ? epoch : { ...epoch, drivers })) });
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

/** Serves `state` on a free port, to pages of other hosts too. */
export async function serve(state) {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://localhost");
    if (url.pathname.startsWith("/v1/")) {
      if (url.searchParams.has("t")) {
        await state.gate;
      }
      const { status, type, body } = state.failing ? { status: 503 } : answer(state, url);
      response.writeHead(status, {
        ...(type && { "content-type": type }),
        "cache-control": "max-age=60",
        "access-control-allow-origin": "*",
        date: new Date(Date.now() + state.aheadMs).toUTCString(),
      });
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
