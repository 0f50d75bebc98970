/** The map of the page, in a real browser, against an imitation of the server that can be made to fail. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, PHONE, picture, roadsDrawn } from "./browser.mjs";
import { CARD, centreStreet, inColours, ownBrowser, textOf, waitForText, withEpochs, withPage as onServer } from "./explorer-page.mjs";
import { serve, STYLES, world } from "./fake-server.mjs";

const browser = ownBrowser();
const withPage = (...args) => onServer(browser(), ...args);

for (const [size, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
  for (const colorScheme of ["light", "dark"]) {
    test(`roads are drawn: ${size}, ${colorScheme}`, async () => {
      await withPage(withEpochs(world()), { viewport, colorScheme }, async (page) => {
        assert.ok((await roadsDrawn(page)) > 0);
        await waitForText(page, "#status", "Live");
        await picture(page, `${size}-${colorScheme}`);
        if (viewport === PHONE) {
          assert.equal(await page.locator("#details").isVisible(), false);
          await page.getByRole("button", { name: "Details" }).tap();
          await page.locator(".drivers li").first().waitFor();
          await picture(page, `${size}-${colorScheme}-open`);
        }
        assert.equal(await textOf(page, "#shown"), "42 km");
        assert.deepEqual(page.complaints, []);
        assert.deepEqual(page.strangers, []);
      });
    });
  }
}

test("the view is fitted to where traffic is, beside the panel", async () => {
  await withPage(world(), {}, async (page) => {
    await roadsDrawn(page);
    const corners = await page.evaluate(() => {
      const at = (lngLat) => window.hexmile.map.project(lngLat);
      return [at([13.382, 52.515]), at([13.418, 52.485])];
    });
    const panel = await page.locator("#panel").boundingBox();
    assert.ok(corners[0].x >= panel.x + panel.width && corners[0].y >= 0, JSON.stringify(corners));
    assert.ok(corners[1].x <= DESKTOP.width && corners[1].y <= DESKTOP.height);
    assert.ok(corners[1].x - corners[0].x > 300, "the streets fill the view");
  });
});

test("the map follows the browser into the dark and back", async () => {
  await withPage(world(), { colorScheme: "light" }, async (page) => {
    await roadsDrawn(page);
    for (const colorScheme of ["light", "dark", "light"]) {
      await page.emulateMedia({ colorScheme });
      await inColours(page, STYLES[colorScheme === "dark" ? "traffic-dark" : "traffic"]);
      assert.ok((await roadsDrawn(page)) > 0);
    }
    assert.deepEqual(page.complaints, []);
  });
});

test("the source's attribution is shown", async () => {
  await withPage(world(), {}, async (page) => {
    await waitForText(page, ".maplibregl-ctrl-attrib", "© Test drivers");
  });
});

for (const zoom of [13.5, 16]) {
  test(`a change is drawn without reloading the page, zoom ${zoom}`, async () => {
    const state = world();
    await withPage(state, {}, async (page) => {
      await roadsDrawn(page);
      await page.evaluate(
        ([z]) => window.hexmile.map.jumpTo({ center: [13.4, 52.5], zoom: z }),
        [zoom],
      );
      await roadsDrawn(page);
      // From now on every road is severe; at no moment may the map be without roads.
      await page.evaluate(() => {
        const map = window.hexmile.map;
        window.emptyFrames = 0;
        map.on("render", () => {
          window.emptyFrames += map.queryRenderedFeatures({ layers: ["traffic"] }).length === 0;
        });
      });
      state.streets = state.streets.map((street) => ({ ...street, congestion: "severe" }));
      state.version += 1;
      await page.waitForFunction(
        () => {
          const drawn = window.hexmile.map.queryRenderedFeatures({ layers: ["traffic"] });
          return drawn.length > 0 && drawn.every((f) => f.properties.congestion === "severe");
        },
        null,
        { timeout: 15_000 },
      );
      assert.equal(await page.evaluate(() => window.emptyFrames), 0);
    });
  });
}

test("tiles are not asked for while nothing changes", async () => {
  const state = world();
  await withPage(state, {}, async (page) => {
    await roadsDrawn(page);
    const before = state.tiles.length;
    for (let polls = 0; polls < 2; polls += 1) {
      await page.waitForResponse(/state\.json/);
    }
    assert.equal(state.tiles.length, before);
  });
});

test("without traffic the page says so, and goes to the first that appears", async () => {
  const state = world();
  const { streets } = state;
  state.streets = [];
  await withPage(state, {}, async (page) => {
    await waitForText(page, "#notice", "No traffic is published yet");
    await waitForText(page, "#status", "No traffic yet");
    await waitForText(page, "#epochs-status", "No epoch has closed yet.");
    assert.equal(await textOf(page, "#shown"), "0 km");
    await page.locator("#notice").getByRole("link", { name: "Why is that?" }).waitFor();
    await page.waitForFunction(() => window.hexmile?.map.loaded());
    await picture(page, "empty");
    state.streets = streets;
    state.version += 1;
    assert.ok((await roadsDrawn(page)) > 0);
    assert.ok((await page.evaluate(() => window.hexmile.map.getZoom())) > 10);
    await page.locator("#notice").waitFor({ state: "hidden" });
    assert.deepEqual(page.complaints, []);
  });
});

test("an unreachable server is named, the map stays, and the page recovers", async () => {
  const state = world();
  await withPage(state, {}, async (page) => {
    await roadsDrawn(page);
    await page.context().setOffline(true);
    await waitForText(page, "#notice", "The server cannot be reached");
    await waitForText(page, "#status", "Server not reached");
    assert.ok((await roadsDrawn(page)) > 0);
    await picture(page, "unreachable");
    await page.context().setOffline(false);
    await waitForText(page, "#status", "Live");
    assert.equal(await page.locator("#notice").isVisible(), false);
  });
});

test("a server that fails from the start is named, and the map opens when it is well", async () => {
  const state = world();
  state.failing = true;
  await withPage(state, {}, async (page) => {
    await waitForText(page, "#notice", "answers, but not as it should");
    await waitForText(page, "#epochs-status", "cannot be loaded");
    state.failing = false;
    assert.ok((await roadsDrawn(page)) > 0);
    await waitForText(page, "#status", "Live");
  });
});

test("replies of another shape are errors, not blank numbers", async () => {
  const state = world();
  state.streets = { length: Number.NaN };
  await withPage(state, {}, async (page) => {
    await waitForText(page, "#notice", "answers, but not as it should");
    assert.equal(await textOf(page, "#shown"), "–");
  });
});

test("a road tells its numbers under the pointer, on click and by keyboard", async () => {
  await withPage(world(), {}, async (page) => {
    const [x, y] = await centreStreet(page);
    await page.mouse.move(x, y);
    await page.mouse.move(x + 1, y);
    await page.locator(".hover .road").waitFor();
    await page.mouse.click(x, y);
    const card = await textOf(page, CARD);
    for (const part of ["Speed", "km/h", "Free flow", "50 km/h", "5 to 10 min old", "east"]) {
      assert.ok(card.includes(part), `${part}: ${card}`);
    }
    assert.match(card, /10 or more drivers in the last 30 minutes: right to within 40 %, nine times in ten\./);
    await picture(page, "road");
    await page.locator(".maplibregl-canvas").focus();
    await page.keyboard.press("Escape");
    await page.locator(".road").first().waitFor({ state: "detached" });
    await page.keyboard.press("Enter");
    await waitForText(page, "#spoken", /Speed: \d+ km\/h\..*right to within 40 %, nine times in ten\./);
  });
});

test("the slower, the fewer and the older the drives, the less is claimed", async () => {
  const cases = [
    ["low", 5, 5, /5 or more drivers in the last 30 minutes: right to within 15 %, nine times in ten\./],
    ["low", 3, 5, /3 or more drivers in the last 30 minutes: right to within 40 %, nine times in ten\./],
    ["severe", 20, 5, /20 or more drivers in the last 30 minutes: a rough idea of the speed\./],
    ["low", 10, 15, /10 or more .*: right to within 40 %, nine times in ten when they passed; it may have changed since\./],
  ];
  for (const [congestion, drivers, age, expected] of cases) {
    const state = { ...world(), drivers, age };
    state.streets = state.streets.map((street) => ({ ...street, congestion }));
    await withPage(state, {}, async (page) => {
      await page.mouse.click(...(await centreStreet(page)));
      assert.match(await textOf(page, CARD), expected);
    });
  }
});

test("an open card follows its road, and says when it is no longer shown", async () => {
  const state = world();
  await withPage(state, {}, async (page) => {
    await page.mouse.click(...(await centreStreet(page)));
    await page.locator(CARD).waitFor();
    const close = page.locator(".maplibregl-popup-close-button");
    await close.focus();
    state.age = 20;
    state.version += 1;
    await waitForText(page, CARD, "20 to 25 min old");
    assert.equal(await close.evaluate((e) => e === document.activeElement), true, "the focus stays");
    const { streets } = state;
    state.streets = streets.slice(0, 1);
    state.version += 1;
    await waitForText(page, CARD, "No longer shown");
    state.streets = streets;
    state.version += 1;
    await waitForText(page, CARD, "20 to 25 min old");
  });
});

test("beside the roads, a click and the keyboard tell why nothing is shown", async () => {
  await withPage(world(), {}, async (page) => {
    await roadsDrawn(page);
    await page.evaluate(() => window.hexmile.map.jumpTo({ center: [13.38, 52.48], zoom: 15 }));
    await page.mouse.click(800, 400);
    await waitForText(page, CARD, /when 4 different drivers have passed it within half an hour/);
    await waitForText(page, CARD, "not the same as no traffic");
    // The first click beside it closes the card.
    await page.mouse.click(800, 700);
    await page.locator(CARD).waitFor({ state: "detached" });
    await page.locator(".maplibregl-canvas").focus();
    await page.keyboard.press("Enter");
    await waitForText(page, "#spoken", /No road is shown .* 4 different drivers/);
    await page.getByRole("link", { name: "Why is that?" }).first().click();
    await page.getByRole("dialog", { name: "Why a place is empty" }).waitFor();
  });
});

test("a view without roads says why, and leads back to them", async () => {
  await withPage(world(), {}, async (page) => {
    await roadsDrawn(page);
    assert.equal(await page.locator("#notice").isVisible(), false);
    await page.evaluate(() => window.hexmile.map.jumpTo({ center: [40, 10], zoom: 9 }));
    await waitForText(page, "#notice", /No road is shown here\. .* 4 different drivers .* not the same as no traffic/);
    await picture(page, "empty-view");
    await page.locator("#notice").getByRole("button", { name: "Show all traffic" }).click();
    await page.locator("#notice").waitFor({ state: "hidden" });
    assert.ok((await roadsDrawn(page)) > 0);
  });
});

test("without WebGL the panel works alone", async () => {
  const state = world();
  const server = await serve(state);
  const context = await browser().newContext();
  try {
    const page = await context.newPage();
    await page.addInitScript(() => {
      HTMLCanvasElement.prototype.getContext = () => null;
    });
    await page.goto(server.url);
    await waitForText(page, "#map", "cannot draw the map");
    await waitForText(page, "#status", "Live");
    assert.equal(await textOf(page, "#shown"), "42 km");
    assert.equal(await page.locator("#slowest").isVisible(), false);
  } finally {
    await context.close();
    await server.stop();
  }
});
