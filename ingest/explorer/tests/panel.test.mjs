/** The panel beside the map, and the views over both, in a real browser. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { PHONE, picture, roadsDrawn } from "./browser.mjs";
import { inColours, ownBrowser, textOf, waitForText, withEpochs, withPage as onServer } from "./explorer-page.mjs";
import { STYLES, world } from "./fake-server.mjs";

const browser = ownBrowser();
const withPage = (...args) => onServer(browser(), ...args);

test("the pulse: freshness, kilometres, drivers, age", async () => {
  // The server's clock is an hour behind the browser's; what was 4 s ago there was 4 s ago.
  const aheadMs = -3_600_000;
  const state = { ...withEpochs(world()), aheadMs, age: 0, changedAtMs: Date.now() + aheadMs - 4000 };
  await withPage(state, {}, async (page) => {
    await waitForText(page, "#changed", /^(4|5|6|7|8|9|1\d) s ago$/);
    await waitForText(page, "#drivers", /^7$/);
    assert.equal(await textOf(page, "#shown"), "42 km");
    assert.equal(await textOf(page, "#freshest"), "under 5 min");
    state.streets = state.streets.slice(0, 2);
    state.age = 10;
    state.changedAtMs = Date.now() + aheadMs;
    state.version += 1;
    await waitForText(page, "#shown", /^4\.7 km$/);
    await waitForText(page, "#changed", /^(just now|[0-3] s ago)$/);
    assert.equal(await textOf(page, "#freshest"), "10 min");
  });
});

test("a server that tells less is shown without the rest", async () => {
  const state = { ...withEpochs(world()), old: true };
  await withPage(state, { colorScheme: "dark" }, async (page) => {
    assert.ok((await roadsDrawn(page)) > 0);
    await inColours(page, STYLES.traffic);
    await page.locator(".drivers li").first().waitFor();
    assert.equal(await textOf(page, "#shown"), "18");
    for (const fact of ["#drivers", "#freshest"]) {
      assert.equal(await page.locator(fact).isVisible(), false, fact);
    }
    state.version += 1;
    await waitForText(page, "#changed", /just now|s ago/);
    await waitForText(page, ".details .what", "several different drivers");
    await page.getByRole("link", { name: "What is collected and why" }).click();
    await waitForText(page, "#statement", "does not publish a statement");
  });
});

test("the reader's colours are the style's, by day and night, and are remembered", async () => {
  await withPage(world(), { colorScheme: "light" }, async (page) => {
    await roadsDrawn(page);
    await inColours(page, STYLES.traffic);
    // By keyboard: the arrow moves the choice.
    await page.getByRole("radio", { name: "Standard colours" }).focus();
    await page.keyboard.press("ArrowRight");
    await inColours(page, STYLES["traffic-safe"]);
    assert.ok((await roadsDrawn(page)) > 0);
    await picture(page, "colours-safe");
    await page.emulateMedia({ colorScheme: "dark" });
    await inColours(page, STYLES["traffic-safe-dark"]);
    await page.reload();
    await roadsDrawn(page);
    await inColours(page, STYLES["traffic-safe-dark"]);
    assert.equal(await page.getByRole("radio", { name: "Colour-blind safe" }).isChecked(), true);
    await page.getByRole("radio", { name: "Standard colours" }).check();
    await inColours(page, STYLES["traffic-dark"]);
    assert.deepEqual(page.complaints, []);
  });
});

test("colours chosen while the server fails are shown once it is well", async () => {
  const state = world();
  await withPage(state, { colorScheme: "light" }, async (page) => {
    await roadsDrawn(page);
    state.failing = true;
    await page.getByRole("radio", { name: "Colour-blind safe" }).check();
    await waitForText(page, "#status", "The server has a problem");
    await inColours(page, STYLES.traffic);
    state.failing = false;
    await inColours(page, STYLES["traffic-safe"]);
  });
});

test("the slowest roads in view are listed, and open their cards by keyboard", async () => {
  await withPage(world(), {}, async (page) => {
    await roadsDrawn(page);
    const roads = page.locator("#slowest button");
    await roads.first().waitFor();
    assert.equal(await roads.count(), 4);
    for (const words of await roads.allInnerTexts()) {
      assert.match(words, /Severe, (north|east)bound\s+6 km\/h/);
    }
    await roads.first().focus();
    await page.keyboard.press("Enter");
    await waitForText(page, "#spoken", "Severe traffic. Speed: 6 km/h.");
    const card = page.locator(".maplibregl-popup:not(.hover) .road");
    await card.waitFor();
    await page.waitForFunction(() => !window.hexmile.map.isMoving());
    const [box, panel] = [await card.boundingBox(), await page.locator("#panel").boundingBox()];
    assert.ok(box.x > panel.x + panel.width, "the card is beside the panel");
    assert.ok((await page.evaluate(() => window.hexmile.map.getZoom())) >= 15, "and the road can be told from others");
    await page.keyboard.press("Escape");
    await card.waitFor({ state: "detached" });
    await page.evaluate(() => window.hexmile.map.jumpTo({ center: [40, 10], zoom: 9 }));
    await page.locator(".maplibregl-canvas").focus();
    await page.evaluate(() => window.hexmile.map.jumpTo({ center: [41, 10], zoom: 9 }));
    await waitForText(page, "#slowest-status", "No slow road in view.");
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
    assert.match(await newest.locator("dl").innerText(), /187\.654322\s+Drivers paid\s+7/);
    await page.locator(".epoch summary").nth(1).click();
    await waitForText(page, ".epoch[open]", "Nobody was paid in this epoch.");
    // A new epoch comes in on top and leaves open what is being read.
    state.epochs = [{ ...state.epochs[0], number: 2 }, ...state.epochs];
    await page.getByText("Epoch 2").waitFor({ timeout: 20_000 });
    assert.match(await page.locator(".epoch[open] summary").innerText(), /Epoch 0/);
    assert.deepEqual(await page.locator(".epoch b").allInnerTexts(), ["Epoch 2", "Epoch 1", "Epoch 0"]);
  });
});

test("what is collected and why: by link, by address, again after a failure", async () => {
  const state = world();
  await withPage(state, {}, async (page) => {
    await roadsDrawn(page);
    const link = page.getByRole("link", { name: "What is collected and why" });
    await link.focus();
    await page.keyboard.press("Enter");
    const view = page.getByRole("dialog", { name: "What is collected and why" });
    await view.getByText("Positions during trips").waitFor();
    const said = await view.innerText();
    for (const part of [
      "“testnet”",
      "To measure how fast traffic flows",
      "24 hours or until the epoch closes",
      "This server's operator.",
      "Advertising identifiers.",
      "All trips of one account to each other",
      "DELETE /v1/me",
    ]) {
      assert.ok(said.includes(part), part);
    }
    await view.getByText("The settings behind this").click();
    assert.match(await view.innerText(), /min drivers\s+4/);
    await page.waitForFunction(() => location.hash === "#transparency");
    await page.keyboard.press("Escape");
    await view.waitFor({ state: "hidden" });
    await page.waitForFunction(() => location.hash === "");
    // The focus is back.
    await link.evaluate((e) => new Promise((done) => (e === document.activeElement ? done() : e.addEventListener("focus", done))));

    state.failing = true;
    await link.click();
    await view.getByText("cannot be loaded").waitFor();
    state.failing = false;
    await view.getByRole("button", { name: "Try again" }).click();
    await view.getByText("Positions during trips").waitFor();
    await view.getByRole("button", { name: "Close" }).click();
    await view.waitFor({ state: "hidden" });
  });
});

const SCREENS = { desktop: {}, "phone, dark": { viewport: PHONE, colorScheme: "dark" } };
for (const [name, options] of Object.entries(SCREENS)) {
  test(`a view's address opens it, and the way back closes it: ${name}`, async () => {
    await withPage(world(), { ...options, at: "#transparency" }, async (page) => {
      const statement = page.getByRole("dialog", { name: "What is collected and why" });
      await statement.getByText("Positions during trips").waitFor();
      await picture(page, `transparency-${name.replace(/\W+/g, "-")}`);
      await page.evaluate(() => (location.hash = "why-empty"));
      const why = page.getByRole("dialog", { name: "Why a place is empty" });
      await why.getByText("4 different drivers").waitFor();
      assert.equal(await statement.isVisible(), false);
      await page.goBack();
      await statement.waitFor();
      assert.equal(await why.isVisible(), false);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing sticks out");
    });
  });
}

test("the Tab key stays in an open view", async () => {
  await withPage(world(), { at: "#transparency" }, async (page) => {
    await page.getByText("Positions during trips").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), "transparency-title");
    const seen = new Set();
    for (let i = 0; i < 8; i += 1) {
      await page.keyboard.press("Tab");
      seen.add(
        await page.evaluate(() => {
          const e = document.activeElement;
          // Between the last and the first, the browser's own controls have their turn.
          return e === document.body ? "browser" : e.closest("dialog") === null ? e.outerHTML : "view";
        }),
      );
    }
    assert.ok(seen.has("view"));
    seen.delete("view");
    seen.delete("browser");
    assert.deepEqual([...seen], []);
  });
});

test("on a phone, the sheet opens and closes, makes way for a chosen road, and is easy to touch", async () => {
  await withPage(withEpochs(world()), { viewport: PHONE }, async (page) => {
    await roadsDrawn(page);
    await waitForText(page, "#summary", /^42 km of road, updated .* ago$/);
    const toggle = page.getByRole("button", { name: "Details" });
    assert.equal(await toggle.getAttribute("aria-expanded"), "false");
    await toggle.tap();
    assert.equal(await toggle.getAttribute("aria-expanded"), "true");
    await page.locator(".drivers li").first().waitFor();
    const small = await page
      .locator("button, summary, .colours label, .foot a")
      .evaluateAll((all) =>
        all
          .filter((e) => e.checkVisibility())
          .map((e) => [e.getBoundingClientRect(), e.outerHTML])
          .filter(([box]) => box.height < 44 || box.width < 44)
          .map(([box, html]) => `${box.width} x ${box.height}: ${html.slice(0, 80)}`),
      );
    assert.deepEqual(small, []);
    await page.locator("#slowest button").first().tap();
    await page.locator(".maplibregl-popup .road").waitFor();
    assert.equal(await page.locator("#details").isVisible(), false);
    await page.waitForFunction(() => !window.hexmile.map.isMoving());
    const panel = await page.locator("#panel").boundingBox();
    const isInView = async (what) => {
      await page.waitForFunction(() => !window.hexmile.map.isMoving());
      const card = await page.locator(".maplibregl-popup-content").boundingBox();
      const right = card.x + card.width <= PHONE.width;
      const inView = card.y >= 0 && card.x >= 0 && right && card.y + card.height <= panel.y;
      assert.ok(inView, `${what}: ${JSON.stringify(card)}`);
    };
    await isInView("the chosen road's card");
    await picture(page, "phone-road");
    // Wherever the finger comes down, beside roads or on them.
    for (const [x, y] of [[150, 300], [20, 60], [300, 60], [260, 740]]) {
      await page.locator(".maplibregl-popup-close-button").tap();
      await page.touchscreen.tap(x, y);
      await page.locator(".maplibregl-popup .road").waitFor();
      await isInView(`${x}, ${y}`);
    }
    await toggle.focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Escape");
    assert.equal(await toggle.getAttribute("aria-expanded"), "false");
  });
});

test("who wants little motion sees none", async () => {
  await withPage(world(), { reducedMotion: "reduce" }, async (page) => {
    await roadsDrawn(page);
    await page.evaluate(() => window.hexmile.map.jumpTo({ center: [13.4, 52.5], zoom: 5 }));
    const moving = await page.evaluate(() => {
      document.querySelector("#show-all").click();
      return window.hexmile.map.isMoving();
    });
    assert.equal(moving, false);
    assert.ok((await page.evaluate(() => window.hexmile.map.getZoom())) > 10);
    assert.equal(await page.locator("#toggle svg").evaluate((e) => getComputedStyle(e).transitionDuration), "0s");
  });
});

test("headings, landmarks and the order of the Tab key", async () => {
  await withPage(withEpochs(world()), {}, async (page) => {
    await roadsDrawn(page);
    await page.locator(".drivers li").first().waitFor();
    const levels = await page.locator("h1, h2, h3").evaluateAll((all) => all.map((h) => h.tagName));
    // Those of the closed views come last.
    assert.deepEqual(levels.slice(0, 8), ["H1", "H2", "H2", "H2", "H2", "H3", "H2", "H2"]);
    for (const [role, name] of [["main", "Traffic map"], ["complementary", /Hexmile/]]) {
      assert.equal(await page.getByRole(role, { name }).count(), 1, role);
    }
    const nameless = await page
      .locator("button, a, summary, canvas, input")
      .evaluateAll((all) =>
        all
          .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || e.labels?.length))
          .map((e) => e.outerHTML),
      );
    assert.deepEqual(nameless, []);
    const order = [];
    for (let i = 0; i < 16; i += 1) {
      await page.keyboard.press("Tab");
      order.push(
        await page.evaluate(() => {
          const e = document.activeElement;
          const ring = getComputedStyle(e.closest("label") ?? e).outlineStyle !== "none";
          if (!ring && e !== document.body) return `no visible focus: ${e.outerHTML}`;
          const words = (e.labels?.[0] ?? e).textContent.trim().split(/\s+/);
          return e.getAttribute("aria-label") ?? words.slice(0, 2).join(" ");
        }),
      );
    }
    assert.deepEqual(order.slice(0, 5), ["Skip the", "Map", "Zoom in", "Zoom out", "Show all traffic"]);
    const rest = order.filter((name) => ["Standard colours", "Why a", "Epoch 1", "What is"].includes(name));
    assert.deepEqual(rest, ["Standard colours", "Why a", "Epoch 1", "What is"], order.join(", "));
    assert.deepEqual(order.filter((name) => name.startsWith("no visible")), []);
  });
});

for (const colorScheme of ["light", "dark"]) {
  test(`text stands out from its ground: ${colorScheme}`, async () => {
    await withPage(withEpochs(world()), { colorScheme, at: "#transparency" }, async (page) => {
      await page.getByText("Positions during trips").waitFor();
      const faint = await page.evaluate(() => {
        const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
        const rgb = (colour, over) => {
          canvas.fillStyle = over;
          canvas.fillRect(0, 0, 1, 1);
          canvas.fillStyle = colour;
          canvas.fillRect(0, 0, 1, 1);
          return [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)];
        };
        // Relative luminance and contrast, WCAG 2.2.
        const linear = (c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
        const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
        const ground = (e) => {
          const own = getComputedStyle(e).backgroundColor;
          const below = e.parentElement === null ? "rgb(255, 255, 255)" : null;
          if (below !== null) return `rgb(${rgb(own, below)})`;
          return /, 0\)$/.test(own) ? ground(e.parentElement) : `rgb(${rgb(own, ground(e.parentElement))})`;
        };
        const texts = [...document.querySelectorAll(".panel *, .view *")].filter(
          (e) => e.checkVisibility() && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim() !== ""),
        );
        return texts.flatMap((e) => {
          const under = ground(e);
          const [a, b] = [luminance(rgb(getComputedStyle(e).color, under)), luminance(rgb(under, under))];
          const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
          return contrast < 4.5 ? [`${contrast.toFixed(2)}: ${e.textContent.trim().slice(0, 40)}`] : [];
        });
      });
      assert.deepEqual(faint, []);
    });
  });
}
