/**
 * A page that is not ours loads the tiles by their TileJSON, from another host. With `HEXMILE_URL` set
 * to a running server that publishes traffic, from that server too.
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { after, before, test } from "node:test";
import { picture, visit } from "./browser.mjs";
import { ownBrowser } from "./explorer-page.mjs";
import { serve, world } from "./fake-server.mjs";

const FOLDERS = {
  "maplibre-gl": join(import.meta.dirname, "..", "node_modules", "maplibre-gl", "dist"),
  page: join(import.meta.dirname, "maplibre-page"),
};
const TYPES = { ".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".mjs": "text/javascript" };

const browser = ownBrowser();

/** The host of the page: another one than the tiles'. */
let host;
before(async () => {
  host = createServer(async (request, response) => {
    const [, folder, file] = new URL(request.url, "http://localhost").pathname.split("/");
    try {
      const body = await readFile(join(FOLDERS[folder], file || "index.html"));
      response.writeHead(200, { "content-type": `${TYPES[extname(file || ".html")]}; charset=utf-8` });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((done) => host.listen(0, "127.0.0.1", done));
});
after(() => host.close());

/** Opens the page on a server's tiles and checks that they are drawn with what they are said to hold. */
async function drawn(server, [longitude, latitude, zoom], name) {
  const tilejson = new URL("/v1/tiles/traffic.json", server).href;
  const { vector_layers: layers, attribution } = await (await fetch(tilejson)).json();
  const { fields } = layers.find(({ id }) => id === "traffic");

  const query = new URLSearchParams({ tilejson, at: `${longitude},${latitude},${zoom}` });
  const page = await visit(browser(), `http://127.0.0.1:${host.address().port}/page/?${query}`);
  try {
    const features = await page.waitForFunction(
      () => {
        const { map } = window;
        const found = map?.areTilesLoaded() ? map.queryRenderedFeatures({ layers: ["roads"] }) : [];
        return found.length > 0 && found.map((feature) => feature.properties);
      },
      null,
      { timeout: 20_000 },
    );
    for (const properties of await features.jsonValue()) {
      assert.deepEqual(Object.keys(properties).sort(), Object.keys(fields).sort());
      const { congestion, speed, conf } = properties;
      assert.ok(["low", "moderate", "heavy", "severe"].includes(congestion), congestion);
      assert.ok(typeof speed === "number" && speed > 0 && speed <= 250, `speed ${speed}`);
      assert.ok([1, 2, 3].includes(conf), `conf ${conf}`);
    }
    await page.locator(".maplibregl-ctrl-attrib").filter({ hasText: attribution }).waitFor({ state: "attached" });
    const strangers = page.strangers.filter((url) => new URL(url).host !== new URL(server).host);
    assert.deepEqual(strangers, []);
    assert.deepEqual(page.complaints, []);
    await picture(page, name);
  } finally {
    await page.context().close();
  }
}

test("the tiles work in a page of somebody else", async () => {
  const state = world();
  const server = await serve(state);
  // A page elsewhere believes the address that the TileJSON names.
  state.publicUrl = server.url.replace(/\/$/, "");
  try {
    await drawn(server.url, [...state.centre, 14], "maplibre-page");
  } finally {
    await server.stop();
  }
});

test(
  "a running server's tiles in a page of somebody else",
  { skip: !process.env.HEXMILE_URL && "HEXMILE_URL is not set" },
  async () => {
    const url = process.env.HEXMILE_URL;
    const { bounds } = await (await fetch(new URL("/v1/tiles/state.json", url))).json();
    const [west, south, east, north] = bounds;
    await drawn(url, [(west + (east < west ? east + 360 : east)) / 2, (south + north) / 2, 12], "maplibre-page-server");
  },
);
