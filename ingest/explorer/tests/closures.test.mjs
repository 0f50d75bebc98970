/** Closed roads on the map, in a real browser. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { PHONE, picture, roadsDrawn } from "./browser.mjs";
import { CARD, centreStreet, ownBrowser, textOf, waitForText, withPage as onServer } from "./explorer-page.mjs";
import { world } from "./fake-server.mjs";

const browser = ownBrowser();
const withPage = (...args) => onServer(browser(), ...args);

/** Tomorrow at six in the evening by this machine's clock, which is the browser's. */
function tomorrow() {
  const end = new Date();
  end.setDate(end.getDate() + 1);
  end.setHours(18, 0, 0, 0);
  return end.getTime() / 1000;
}

/** Where nobody drives, south of all streets. */
const ALONE = [13.4, 52.4805];

/** Closes a road that nobody drives and one that is in traffic. */
function withClosures(state) {
  const [x, y] = ALONE;
  state.closures = [
    { line: [[x - 0.004, y], [x + 0.004, y]], id: "a1b2c3d4e5f60718", reason: "bridge works", until: tomorrow() },
    { line: [[13.392, 52.49428], [13.404, 52.49461]], id: "00000000000000ff", reason: "street market", until: 4e9 },
  ];
  return state;
}

/** Brings a place into the middle of the map, and clicks `south` pixels below it. */
async function clickAt(page, center, south = 0) {
  const at = await page.evaluate((center) => {
    const { map } = window.hexmile;
    map.jumpTo({ center, zoom: 15 });
    return map.project(center);
  }, center);
  await page.waitForFunction(() => window.hexmile.map.areTilesLoaded());
  await page.mouse.click(at.x, at.y + south);
}

test("a closed road that nobody drives says why it is empty; beside it, nobody knows", async () => {
  await withPage(withClosures(world()), {}, async (page) => {
    await roadsDrawn(page);
    await clickAt(page, ALONE);
    await waitForText(page, CARD, "Closed");
    const card = await textOf(page, CARD);
    assert.match(card, /Bridge works\.\s+Until tomorrow, 18:00 your time\./);
    assert.match(card, /Declared by the operator of this map\. No traffic is shown on it, as is to be expected\./);
    assert.doesNotMatch(card, /different drivers/);
    // The view has no road in it, but it is not empty.
    assert.equal(await page.locator("#notice").isVisible(), false);
    await picture(page, "closure");
    await page.keyboard.press("Escape");
    await clickAt(page, ALONE, 60);
    await waitForText(page, CARD, "Nothing is shown here");
    assert.deepEqual(page.complaints, []);
  });
});

test("a closed road in traffic tells both", async () => {
  await withPage(withClosures(world()), {}, async (page) => {
    await page.mouse.click(...(await centreStreet(page)));
    const card = await textOf(page, CARD);
    assert.match(card, /Closed\s+Street market\.\s+Until [A-Z][a-z]+day,? \d+ [A-Z][a-z]+ 2096, \d\d:\d\d your time\./);
    assert.match(card, /Moderate traffic[^]*34 km\/h/);
    assert.doesNotMatch(card, /No traffic is shown/);
    await picture(page, "closure-in-traffic");
  });
});

test("closed roads in view are listed, and open their cards by keyboard", async () => {
  const state = withClosures(world());
  await withPage(state, {}, async (page) => {
    await roadsDrawn(page);
    const roads = page.locator("#closed button");
    await roads.first().waitFor();
    const bridge = page.getByRole("button", { name: "bridge works until tomorrow, 18:00 your time" });
    await bridge.focus();
    await page.keyboard.press("Enter");
    await waitForText(page, "#spoken", "Closed: bridge works, until tomorrow, 18:00 your time.");
    await waitForText(page, CARD, "Bridge works.");
    await page.locator(".maplibregl-canvas").focus();
    // Closures end: the card and the list follow.
    state.closures = [];
    state.version += 1;
    await page.locator("#closed-in-view").waitFor({ state: "hidden" });
    await waitForText(page, CARD, "No longer shown");
  });
});

test("the legend has closed roads in the style's colour, by day and night", async () => {
  for (const [colorScheme, colour] of [["light", "rgb(29, 33, 38)"], ["dark", "rgb(232, 232, 234)"]]) {
    await withPage(withClosures(world()), { colorScheme }, async (page) => {
      await roadsDrawn(page);
      await waitForText(page, ".of-closures", /Closed\s*declared by the operator/);
      const image = await page.locator(".of-closures .closed-line").evaluate((e) => getComputedStyle(e).backgroundImage);
      assert.ok(image.includes(colour), image);
    });
  }
});

test("a week has no closures, and its roads say nothing of them", async () => {
  await withPage(withClosures(world()), { at: "?t=mon-08:05" }, async (page) => {
    await roadsDrawn(page);
    assert.equal(await page.locator("#closed-in-view").isVisible(), false);
    await clickAt(page, ALONE);
    await waitForText(page, CARD, "Nothing is shown here");
    await waitForText(page, ".time", "Closures are in the live map.");
  });
});

test("whatever an operator writes is text, and fits", async () => {
  const state = withClosures(world());
  state.closures[0].reason = `<img src=x onerror=alert(1)>${"W".repeat(172)}`;
  state.closures[0].until = 0;
  await withPage(state, { viewport: PHONE }, async (page) => {
    await roadsDrawn(page);
    await page.evaluate((center) => window.hexmile.map.jumpTo({ center, zoom: 15 }), ALONE);
    await page.waitForFunction(() => window.hexmile.map.loaded());
    await page.locator(".maplibregl-canvas").focus();
    await page.keyboard.press("Enter");
    await waitForText(page, CARD, "<img src=x onerror=alert(1)>WWW");
    assert.equal(await page.locator(".panel img, .road img").count(), 0);
    const { x, width } = await page.locator(".maplibregl-popup-content").boundingBox();
    assert.ok(x >= 0 && x + width <= PHONE.width, `${x}, ${width}`);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    assert.deepEqual(page.complaints, []);
  });
});
