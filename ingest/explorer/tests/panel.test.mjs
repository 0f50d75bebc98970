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

test("the drivers are those who scored in the last closed epoch, and it says so", async () => {
  await withPage(withEpochs(world()), {}, async (page) => {
    await waitForText(page, "#drivers", /^7$/);
    await page.getByText("Drivers, last epoch").waitFor();
    await page.getByText("Drivers are those with a score in the last closed epoch.").waitFor();
  });
});

test("a server that tells less is shown without the rest", async () => {
  const state = { ...withEpochs(world()), old: true };
  await withPage(state, { colorScheme: "dark" }, async (page) => {
    assert.ok((await roadsDrawn(page)) > 0);
    await inColours(page, STYLES.traffic);
    await page.locator(".drivers li").first().waitFor();
    assert.equal(await textOf(page, "#shown"), "18");
    for (const part of ["#drivers", "#drivers-are", "#freshest", "#time", ".of-closures"]) {
      assert.equal(await page.locator(part).isVisible(), false, part);
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
    assert.match(await newest.locator("dl").innerText(), /187\.654322\s+Drivers with a score\s+7/);
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

test("a view that is come back to before the browser tells that it closed opens again", async () => {
  await withPage(world(), { at: "#transparency" }, async (page) => {
    const statement = page.getByRole("dialog", { name: "What is collected and why" });
    const why = page.getByRole("dialog", { name: "Why a place is empty" });
    await statement.waitFor();
    // It tells with a frame that comes late: when the address is that of before, and nobody has followed it yet.
    await page.evaluate(() => {
      const closed = [];
      const hold = (event) => {
        event.stopImmediatePropagation();
        closed.push(event.target);
      };
      addEventListener("close", hold, { capture: true });
      const tell = () => {
        if (location.hash !== "#transparency") return;
        removeEventListener("close", hold, { capture: true });
        window.told = closed.map((dialog) => dialog.id);
        for (const dialog of closed) dialog.dispatchEvent(new Event("close"));
      };
      addEventListener("hashchange", tell, { capture: true });
      location.hash = "why-empty";
    });
    await why.getByText("4 different drivers").waitFor();
    await statement.waitFor({ state: "hidden" });
    // Two frames: the event has come, and is held.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    await page.goBack();
    await statement.waitFor();
    assert.deepEqual(await page.evaluate(() => window.told), ["view-transparency"]);
    assert.equal(await page.evaluate(() => location.hash), "#transparency");
    // Who closes it is back at the plain address.
    await statement.getByRole("button", { name: "Close" }).click();
    await statement.waitFor({ state: "hidden" });
    await page.waitForFunction(() => location.hash === "");
  });
});
