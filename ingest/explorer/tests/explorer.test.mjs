/**
 * The page in a real browser. With `HEXMILE_URL` set to a running server that publishes traffic,
 * that server's page is looked at too; the rest runs against an imitation that can be made to fail.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DESKTOP, launch, PHONE, picture, roadsDrawn, visit } from "./browser.mjs";
import { serve, world } from "./fake-server.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** Runs `body` with an imitated server and a page on it. */
async function withPage(state, options, body) {
  const server = await serve(state);
  const page = await visit(browser, server.url, options);
  try {
    await body(page);
  } finally {
    await page.context().close();
    await server.stop();
  }
}

const textOf = (page, selector) => page.locator(selector).innerText();
const waitForText = (page, selector, pattern) =>
  page.locator(selector).filter({ hasText: pattern }).waitFor({ timeout: 20_000 });

/** Whether map, page and legend have the same colours; runs in the page. */
function sameColours() {
  const map = window.hexmile.map;
  const page = getComputedStyle(document.documentElement);
  const colour = (name) => page.getPropertyValue(`--${name}`);
  const match = map.getPaintProperty("traffic", "line-color");
  return (
    map.getPaintProperty("background", "background-color") === colour("ground") &&
    ["low", "moderate", "heavy", "severe"].every((name) => match[match.indexOf(name) + 1] === colour(name))
  );
}

const account = (digit) => String(digit).repeat(32);
function withEpochs(state) {
  const epoch = (number) => ({
    number,
    closed_at_ms: Date.now() - 90_000,
    pool: "1000000000",
    paid: "812345678",
    unallocated: "187654322",
    total_score: "9007199254740993000",
  });
  state.epochs = [epoch(1), epoch(0)];
  const scores = ["100000000", "1", "12345678", "500000000", "200000000", "0", "999"];
  state.scores[1] = scores.map((pay, place) => ({ place, account_id: account(place), score: "5", pay }));
  // An account that was erased leaves its score without a name.
  delete state.scores[1][2].account_id;
  return state;
}

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
        assert.equal(await textOf(page, "#lines"), "18");
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
      await page.waitForFunction(sameColours, null, { timeout: 10_000 });
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
      assert.equal(await textOf(page, "#changed"), "none yet");
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
      await waitForText(page, "#changed", /just now|s ago/);
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
    assert.equal(await textOf(page, "#lines"), "0");
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
    assert.equal(await textOf(page, "#lines"), "–");
  });
});

test("a road tells its numbers under the pointer, on click and by keyboard", async () => {
  await withPage(world(), {}, async (page) => {
    await roadsDrawn(page);
    // The severe street in the middle: from south to north at 13.4.
    const [x, y] = await page.evaluate(() => {
      const map = window.hexmile.map;
      map.jumpTo({ center: [13.3965, 52.5015], zoom: 14 });
      const street = map.project([13.3965, 52.5015]);
      return [street.x, street.y];
    });
    await roadsDrawn(page);
    await page.mouse.move(x, y);
    await page.mouse.move(x + 1, y);
    await page.locator(".road").waitFor();
    await page.mouse.click(x, y);
    const card = await textOf(page, ".maplibregl-popup:not(.hover) .road");
    for (const part of ["Speed", "km/h", "Free flow", "50 km/h", "10 or more", "5 to 10 min old", "High"]) {
      assert.ok(card.includes(part), `${part}: ${card}`);
    }
    await picture(page, "road");
    await page.locator(".maplibregl-canvas").focus();
    await page.keyboard.press("Escape");
    await page.locator(".road").first().waitFor({ state: "detached" });
    await page.keyboard.press("Enter");
    await waitForText(page, "#spoken", /Speed: \d+ km\/h/);
  });
});

test("epochs list what was paid, exactly, the most paid first", async () => {
  const state = withEpochs(world());
  await withPage(state, {}, async (page) => {
    await page.locator(".drivers li").first().waitFor();
    const newest = page.locator(".epoch").first();
    assert.match(await newest.locator("summary").innerText(), /Epoch 1\s+closed 1 min ago\s+812\.345678\s+paid/);
    const drivers = await newest.locator("li").allInnerTexts();
    assert.deepEqual(
      drivers.map((line) => line.split(/\s+/)),
      [
        ["33333333…", "500"],
        ["44444444…", "200"],
        ["00000000…", "100"],
        ["erased", "12.345678"],
        ["66666666…", "0.000999"],
      ],
    );
    assert.match(await newest.locator("h3").innerText(), /of 7 drivers/);
    assert.match(await newest.locator("dl").innerText(), /187\.654322/);
    await page.locator(".epoch summary").nth(1).click();
    await waitForText(page, ".epoch[open]", "Nobody was paid in this epoch.");
    // A new epoch comes in on top and leaves open what is being read.
    state.epochs = [{ ...state.epochs[0], number: 2 }, ...state.epochs];
    await page.getByText("Epoch 2").waitFor({ timeout: 20_000 });
    assert.match(await page.locator(".epoch[open] summary").innerText(), /Epoch 0/);
    assert.deepEqual(await page.locator(".epoch b").allInnerTexts(), ["Epoch 2", "Epoch 1", "Epoch 0"]);
  });
});

test("headings, landmarks and the order of the Tab key", async () => {
  await withPage(withEpochs(world()), {}, async (page) => {
    await roadsDrawn(page);
    await page.locator(".drivers li").first().waitFor();
    const levels = await page.locator("h1, h2, h3").evaluateAll((all) => all.map((h) => h.tagName));
    assert.deepEqual(levels, ["H1", "H2", "H2", "H2", "H3", "H2"]);
    for (const [role, name] of [["main", "Traffic map"], ["complementary", /Hexmile/]]) {
      assert.equal(await page.getByRole(role, { name }).count(), 1, role);
    }
    const nameless = await page
      .locator("button, a, summary, canvas")
      .evaluateAll((all) =>
        all.filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim())).map((e) => e.outerHTML),
      );
    assert.deepEqual(nameless, []);
    const order = [];
    for (let i = 0; i < 7; i += 1) {
      await page.keyboard.press("Tab");
      order.push(
        await page.evaluate(() => {
          const e = document.activeElement;
          return e.getAttribute("aria-label") ?? e.textContent.trim().split(/\s+/).slice(0, 2).join(" ");
        }),
      );
    }
    assert.deepEqual(order.slice(0, 5), ["Skip the", "Map", "Zoom in", "Zoom out", "Show all traffic"]);
    assert.ok(order.includes("Epoch 1"), order.join(", "));
  });
});

test("without WebGL the panel works alone", async () => {
  const state = world();
  const server = await serve(state);
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.addInitScript(() => {
      HTMLCanvasElement.prototype.getContext = () => null;
    });
    await page.goto(server.url);
    await waitForText(page, "#map", "cannot draw the map");
    await waitForText(page, "#status", "Live");
    assert.equal(await textOf(page, "#lines"), "18");
  } finally {
    await context.close();
    await server.stop();
  }
});

test("a running server's page", { skip: !process.env.HEXMILE_URL && "HEXMILE_URL is not set" }, async () => {
  const url = new URL("/", process.env.HEXMILE_URL).href;
  const page = await visit(browser, url);
  assert.ok((await roadsDrawn(page)) > 0);
  await waitForText(page, "#status", "Live");
  assert.ok(Number((await textOf(page, "#lines")).replaceAll(",", "")) > 0);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.waitForFunction(sameColours, null, { timeout: 10_000 });
    await roadsDrawn(page);
    await picture(page, `server-${colorScheme}`);
  }
  assert.deepEqual(page.complaints, []);
  assert.deepEqual(page.strangers, []);
  await page.context().close();
});
