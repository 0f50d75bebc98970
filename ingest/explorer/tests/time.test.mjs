/** Live traffic and the typical week: the control for the time that the map shows, in a real browser. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, PHONE, picture, roadsDrawn } from "./browser.mjs";
import { CARD, centreStreet, ownBrowser, textOf, waitForText, withPage as onServer } from "./explorer-page.mjs";
import { world } from "./fake-server.mjs";

const browser = ownBrowser();
const withPage = (...args) => onServer(browser(), ...args);

const slider = (page) => page.getByRole("slider", { name: "Time of day" });
const radio = (page, name) => page.getByRole("radio", { name, exact: true });
/** Waits until every road drawn is of a class. */
const allAre = (page, congestion) =>
  page.waitForFunction(
    (wanted) => {
      const { map } = window.hexmile;
      const drawn = map.areTilesLoaded() ? map.queryRenderedFeatures({ layers: ["traffic"] }) : [];
      return drawn.length > 0 && drawn.every((feature) => feature.properties.congestion === wanted);
    },
    congestion,
    { timeout: 15_000 },
  );
const timesAsked = (state) => [...new Set(state.tiles.map((path) => path.match(/t=(.*)$/)?.[1] ?? "live"))];

for (const [size, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
  for (const colorScheme of ["light", "dark"]) {
    test(`the typical week: ${size}, ${colorScheme}`, async () => {
      await withPage(world(), { viewport, colorScheme, at: "?t=mon-08:05" }, async (page) => {
        await roadsDrawn(page);
        await allAre(page, "severe");
        await waitForText(page, "#status", "Typical week");
        await waitForText(page, "#time-shown", /^Monday, 08:05$/);
        await waitForText(page, "#time-note", /Local time of each place; learned 3 h ago from the last 28 days\./);
        await picture(page, `typical-${size}-${colorScheme}`);
        assert.deepEqual(page.complaints, []);
        assert.deepEqual(page.strangers, []);
      });
    });
  }
}

test("mode, day and time by keyboard, in the page's address", async () => {
  const state = world();
  await withPage(state, {}, async (page) => {
    await roadsDrawn(page);
    assert.equal(await radio(page, "Live").isChecked(), true);
    assert.equal(await slider(page).count(), 0);
    await radio(page, "Live").focus();
    await page.keyboard.press("ArrowRight");
    await waitForText(page, "#time-spoken", /^The map shows what is typical for [A-Z][a-z]+day, \d\d:\d[05]\.$/);
    await radio(page, "Monday").check();
    await slider(page).focus();
    for (const [key, words] of [
      ["Home", "Monday, 00:00"],
      ["ArrowLeft", "Monday, 00:00"],
      ["PageUp", "Monday, 01:00"],
      ["ArrowRight", "Monday, 01:05"],
      ["ArrowUp", "Monday, 01:10"],
      ["PageDown", "Monday, 00:10"],
      ["End", "Monday, 23:55"],
      ["PageUp", "Monday, 23:55"],
    ]) {
      await page.keyboard.press(key);
      assert.equal(await slider(page).getAttribute("aria-valuetext"), words, key);
      assert.equal(await textOf(page, "#time-shown"), words);
    }
    await page.waitForFunction(() => location.search === "?t=mon-23:55");
    await allAre(page, "low");
    await slider(page).fill("485");
    await page.waitForFunction(() => location.search === "?t=mon-08:05");
    await allAre(page, "severe");
    assert.equal(await page.title(), "Hexmile: typical traffic, Monday, 08:05");
    const tilejson = page.getByRole("link", { name: "TileJSON" });
    assert.match(await tilejson.getAttribute("href"), /\/v1\/tiles\/traffic\.json\?t=mon-08:05$/);
    // A view over the page leaves the time as it is.
    await page.evaluate(() => (location.hash = "why-empty"));
    const why = page.getByRole("dialog", { name: "Why a place is empty" });
    await why.getByText("What is typical of a time of the week").waitFor();
    await page.keyboard.press("Escape");
    await why.waitFor({ state: "hidden" });
    await page.waitForFunction(() => location.search + location.hash === "?t=mon-08:05");
    await radio(page, "Sunday").check();
    await page.waitForFunction(() => location.search === "?t=sun-08:05");
    // The way back leads to where the view was opened.
    await page.goBack();
    await page.waitForFunction(() => location.search === "?t=mon-08:05");
    await waitForText(page, "#time-shown", /^Monday, 08:05$/);
    await radio(page, "Live").check();
    await waitForText(page, "#time-spoken", /^The map shows live traffic\.$/);
    assert.equal(await page.evaluate(() => location.search), "");
    await waitForText(page, "#status", /^Live$/);
    await page.waitForFunction(() => {
      const { map } = window.hexmile;
      return new Set(map.queryRenderedFeatures({ layers: ["traffic"] }).map((f) => f.properties.congestion)).size === 4;
    });
    assert.doesNotMatch(await tilejson.getAttribute("href"), /t=/);
    assert.deepEqual(page.complaints, []);
  });
});

test("an address with a time opens there, and asks for nothing live", async () => {
  const state = world();
  await withPage(state, { at: "?t=SAT-08:07&from=mail" }, async (page) => {
    await roadsDrawn(page);
    await allAre(page, "low");
    assert.equal(await slider(page).getAttribute("aria-valuetext"), "Saturday, 08:05");
    assert.deepEqual(timesAsked(state), ["sat-08:05"]);
    await radio(page, "Live").check();
    await page.waitForFunction(() => location.search === "?from=mail");
  });
  for (const at of ["?t=mon-25:00", "?t=now", "?t=", "?t=moo-08:00"]) {
    await withPage(world(), { at }, async (page) => {
      await roadsDrawn(page);
      assert.equal(await radio(page, "Live").isChecked(), true, at);
    });
  }
});

test("from time to time the map is never empty, and passes over what the reader passed over", async () => {
  const state = world();
  await withPage(state, { at: "?t=mon-08:05" }, async (page) => {
    await roadsDrawn(page);
    await allAre(page, "severe");
    await page.evaluate(() => {
      const { map } = window.hexmile;
      window.emptyFrames = 0;
      map.on("render", () => {
        window.emptyFrames += map.queryRenderedFeatures({ layers: ["traffic"] }).length === 0;
      });
    });
    state.tiles = [];
    let open;
    state.gate = new Promise((done) => (open = done));
    const asked = page.waitForRequest(/t=mon-08:10/);
    await slider(page).focus();
    await page.keyboard.press("ArrowRight");
    await asked;
    // Answers are held back; meanwhile the reader goes on.
    for (let i = 0; i < 12; i += 1) {
      await page.keyboard.press("ArrowRight");
    }
    const early = [];
    page.on("request", (request) => request.url().includes("t=mon-09:10") && early.push(request.url()));
    await page.waitForFunction(() => location.search === "?t=mon-09:10");
    await page.waitForResponse(/state\.json/);
    // Of two answers for one tile, the older could come last.
    assert.deepEqual(early, []);
    assert.equal(await page.evaluate(() => window.hexmile.map.queryRenderedFeatures({ layers: ["traffic"] }).length > 0), true);
    state.gate = null;
    open();
    await allAre(page, "low");
    assert.equal(await page.evaluate(() => window.emptyFrames), 0);
    assert.deepEqual(timesAsked(state), ["mon-08:10", "mon-09:10"]);
  });
});

test("what is learned anew is drawn, also where the same time was drawn before", async () => {
  const state = world();
  await withPage(state, { at: "?t=mon-08:05" }, async (page) => {
    await roadsDrawn(page);
    await allAre(page, "severe");
    // Live traffic changes meanwhile, and is none of this map's.
    state.tiles = [];
    state.version += 1;
    await page.waitForResponse(/state\.json/);
    await page.waitForResponse(/state\.json/);
    assert.deepEqual(state.tiles, []);
    state.typical = { version: 2, learnedAtMs: Date.now(), jamAt: [0, 0] };
    await allAre(page, "low");
    await waitForText(page, "#time-note", "learned just now");
  });
});

test("a road says of what time it tells, and how far that is to be trusted", async () => {
  const cases = [
    ["mon-12:00", 3, /Flowing\s*typical for Monday, 12:00[^]*Enough drove about then to be sure/],
    ["mon-12:00", 1, /Few drove about then; this is what its surroundings suggest\./],
    ["mon-08:05", 2, /Severe traffic\s*typical for Monday, 08:05[^]*Enough drove about then for a fair idea\./],
    ["mon-08:05", 1, /A rough idea: few drove about then, .* or speeds differ much where so much time is lost\./],
  ];
  for (const [t, conf, expected] of cases) {
    const state = world();
    state.typical.conf = conf;
    await withPage(state, { at: `?t=${t}` }, async (page) => {
      await page.mouse.click(...(await centreStreet(page)));
      await waitForText(page, CARD, expected);
      assert.doesNotMatch(await textOf(page, CARD), /Newest data|last 30 minutes|Usually/);
      await picture(page, `typical-road-${conf}`);
      // The open card follows the time.
      await slider(page).focus();
      await page.keyboard.press("ArrowRight");
      await waitForText(page, CARD, t === "mon-12:00" ? "Monday, 12:05" : "Monday, 08:10");
    });
  }
});

test("beside a live speed is what is usual, where that is known", async () => {
  await withPage(world(), {}, async (page) => {
    await page.mouse.click(...(await centreStreet(page)));
    await waitForText(page, CARD, /Speed\s*34 km\/h\s*Usually\s*48 km\/h at this time\s*Free flow/);
    await picture(page, "usual");
    await page.keyboard.press("Escape");
    await page.locator(".maplibregl-canvas").focus();
    await page.keyboard.press("Enter");
    await waitForText(page, "#spoken", /Speed: 34 km\/h\..* Usually 48 km\/h at this time\.$/);
  });
  const rough = world();
  rough.typical.conf = 1;
  await withPage(rough, {}, async (page) => {
    await page.mouse.click(...(await centreStreet(page)));
    await waitForText(page, CARD, /Usually\s*about 48 km\/h at this time/);
  });
  await withPage({ ...world(), typical: null }, {}, async (page) => {
    await page.mouse.click(...(await centreStreet(page)));
    await waitForText(page, CARD, /Speed\s*34 km\/h\s*Free flow/);
  });
});

test("before a week is learned, the control says so, and when it will be", async () => {
  const state = { ...world(), typical: null };
  const { typical } = world();
  await withPage(state, { at: "?t=mon-08:05" }, async (page) => {
    await roadsDrawn(page);
    assert.equal(await radio(page, "Typical").isDisabled(), true);
    assert.equal(await radio(page, "Live").isChecked(), true);
    await waitForText(page, "#time", /No typical week yet: it is learned .* once a day, the first time a day after the first drives\./);
    await picture(page, "typical-unknown");
    assert.deepEqual(timesAsked(state), ["live"]);
    // Once it is learned, the address is followed.
    state.typical = typical;
    await allAre(page, "severe");
    assert.equal(await page.locator("#time-unknown").isVisible(), false);
    // A store that starts anew has none again.
    state.typical = null;
    await waitForText(page, "#status", /^Live$/);
    assert.equal(await radio(page, "Live").isChecked(), true);
  });
});

/** Notes what screen readers hear, and what the slider says, from now on. */
const listen = (page) =>
  page.evaluate(() => {
    window.heard = [];
    window.told = [];
    for (const place of document.querySelectorAll("[aria-live], [role=status]")) {
      new MutationObserver(() => window.heard.push(place.textContent)).observe(place, { childList: true, subtree: true, characterData: true });
    }
    const slider = document.querySelector("#time-of-day");
    new MutationObserver(() => {
      const words = slider.getAttribute("aria-valuetext");
      if (window.told.at(-1) !== words) window.told.push(words);
    }).observe(slider, { attributeFilter: ["aria-valuetext"] });
  });

const PACES = {
  "in quarters of an hour": [{}, "mon-23:10", ["Monday, 23:15", "Monday, 23:30", "Monday, 23:45", "Monday, 23:55"]],
  "in hours for who wants little motion": [{ reducedMotion: "reduce" }, "mon-22:10", ["Monday, 23:00", "Monday, 23:55"]],
};
for (const [pace, [options, from, times]] of Object.entries(PACES)) {
  test(`a day plays to its end ${pace}, without chatter`, async () => {
    await withPage(world(), { ...options, at: `?t=${from}` }, async (page) => {
      await roadsDrawn(page);
      await waitForText(page, "#status", "Typical week");
      await listen(page);
      await page.getByRole("button", { name: "Play Monday" }).click();
      await page.getByRole("button", { name: "Pause" }).waitFor();
      await waitForText(page, "#time-spoken", /^Stopped at Monday, 23:55\.$/);
      assert.deepEqual(await page.evaluate(() => window.told), times);
      assert.deepEqual(await page.evaluate(() => window.heard), ["Playing Monday.", "Stopped at Monday, 23:55."]);
      await page.waitForFunction(() => location.search === "?t=mon-23:55");
      // From the end it begins again, until the reader takes over.
      await page.getByRole("button", { name: "Play Monday" }).press("Enter");
      await page.waitForFunction(() => window.told.includes("Monday, 00:00") && window.told.at(-1) !== "Monday, 00:00");
      await page.getByRole("button", { name: "Pause" }).press("Enter");
      await waitForText(page, "#time-spoken", /^Stopped at Monday, 0\d:\d\d\.$/);
      await page.getByRole("button", { name: "Play Monday" }).press("Enter");
      await radio(page, "Tuesday").check();
      await page.getByRole("button", { name: "Play Tuesday" }).waitFor();
    });
  });
}

test("on a phone, the control leaves room for the map, folds, and makes way for the sheet", async () => {
  await withPage(world(), { viewport: PHONE }, async (page) => {
    await roadsDrawn(page);
    await radio(page, "Typical").tap();
    const control = page.locator("#time");
    const open = await control.boundingBox();
    assert.ok(open.height < PHONE.height / 3, `${open.height} px`);
    const small = await control.locator("button, label").evaluateAll((all) =>
      all
        .map((e) => [e.getBoundingClientRect(), e.textContent])
        .filter(([box]) => box.height < 44 || box.width < 44)
        .map(([box, text]) => `${box.width} x ${box.height}: ${text}`),
    );
    assert.deepEqual(small, []);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing sticks out");
    const fold = page.getByRole("button", { name: "Day and time" });
    assert.equal(await fold.getAttribute("aria-expanded"), "true");
    await fold.tap();
    assert.equal(await fold.getAttribute("aria-expanded"), "false");
    assert.equal(await slider(page).isVisible(), false);
    assert.match(await textOf(page, "#time-shown"), /day, \d\d:\d\d$/);
    const folded = await control.boundingBox();
    assert.ok(folded.height < 80, `${folded.height} px`);
    await picture(page, "typical-phone-folded");
    const corner = await page.locator(".maplibregl-ctrl-bottom-right").boundingBox();
    assert.ok(corner.y + corner.height <= folded.y, "the attribution can be read");
    await page.getByRole("button", { name: "Details" }).tap();
    assert.equal(await control.isVisible(), false);
  });
});
