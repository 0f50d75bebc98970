/** For keyboards, screen readers, fingers and eyes of every kind, in a real browser. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { PHONE, picture, roadsDrawn } from "./browser.mjs";
import { ownBrowser, waitForText, withEpochs, withPage as onServer } from "./explorer-page.mjs";
import { world } from "./fake-server.mjs";

const browser = ownBrowser();
const withPage = (...args) => onServer(browser(), ...args);

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
      .locator("button, summary, .choice label, .foot a")
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
    assert.deepEqual(levels.slice(0, 9), ["H1", "H2", "H2", "H2", "H2", "H2", "H3", "H2", "H2"]);
    for (const [role, name] of [["main", "Traffic map"], ["complementary", /Hexmile/], ["region", "Time shown on the map"]]) {
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
    assert.deepEqual(order.slice(0, 6), ["Skip the", "Map", "Zoom in", "Zoom out", "Show all traffic", "Live"]);
    const rest = order.filter((name) => ["Standard colours", "Why a", "Epoch 1", "What is"].includes(name));
    assert.deepEqual(rest, ["Standard colours", "Why a", "Epoch 1", "What is"], order.join(", "));
    assert.deepEqual(order.filter((name) => name.startsWith("no visible")), []);
  });
});

for (const colorScheme of ["light", "dark"]) {
  test(`text stands out from its ground: ${colorScheme}`, async () => {
    await withPage(withEpochs(world()), { colorScheme, at: "?t=mon-08:05#transparency" }, async (page) => {
      await page.getByText("Positions during trips").waitFor();
      await waitForText(page, "#time-shown", "Monday, 08:05");
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
        const texts = [...document.querySelectorAll(".panel *, .time *, .view *")].filter(
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
