/**
 * The page of a running server that publishes traffic, in a real browser: that at `HEXMILE_URL`. What is typical and
 * what is closed is looked at where it has any.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { picture, roadsDrawn, visit } from "./browser.mjs";
import { CARD, inColours, ownBrowser, textOf, waitForText } from "./explorer-page.mjs";

const browser = ownBrowser();

/** Ground, casing and classes of congestion in a running server's style. */
async function coloursOf(url, name) {
  const style = await (await fetch(new URL(`/v1/styles/${name}.json`, url))).json();
  const paint = (id) => style.layers.find((layer) => layer.id === id).paint;
  const match = paint("traffic")["line-color"];
  const classes = ["low", "moderate", "heavy", "severe"].map((level) => match[match.indexOf(level) + 1]);
  return [paint("background")["background-color"], null, ...classes];
}

/** What is typical, at times of the day that the slider goes to by keyboard; or that nothing is known yet. */
async function lookAtWeek(page, url) {
  const { typical } = await (await fetch(new URL("/v1/tiles/state.json", url))).json();
  const mode = page.getByRole("radio", { name: "Typical" });
  if (typical === null) {
    assert.equal(await mode.isDisabled(), true);
    await page.getByText("No typical week yet").waitFor();
    return;
  }
  await mode.check();
  await page.getByRole("radio", { name: "Friday" }).check();
  const slider = page.getByRole("slider", { name: "Time of day" });
  await slider.focus();
  await page.keyboard.press("Home");
  for (let hours = 0; hours < 8; hours += 1) {
    await page.keyboard.press("PageUp");
  }
  await page.waitForFunction(() => location.search === "?t=fri-08:00");
  assert.equal(await slider.getAttribute("aria-valuetext"), "Friday, 08:00");
  await page.locator("#show-all").evaluate((button) => button.click());
  assert.ok((await roadsDrawn(page)) > 0);
  await picture(page, "server-typical");
}

test("a running server's page", { skip: !process.env.HEXMILE_URL && "HEXMILE_URL is not set" }, async () => {
  const url = new URL("/", process.env.HEXMILE_URL).href;
  const page = await visit(browser(), url);
  assert.ok((await roadsDrawn(page)) > 0);
  await waitForText(page, "#status", "Live");
  assert.ok(Number.parseFloat(await textOf(page, "#shown")) > 0);
  assert.match(await textOf(page, "#changed"), /just now|ago/);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const [colours, suffix] of [["Standard colours", ""], ["Colour-blind safe", "-safe"]]) {
      await page.getByRole("radio", { name: colours }).check();
      const name = `traffic${suffix}${colorScheme === "dark" ? "-dark" : ""}`;
      await inColours(page, await coloursOf(url, name));
      assert.ok((await roadsDrawn(page)) > 0);
      await picture(page, `server-${name}`);
    }
  }
  await page.evaluate(() => {
    const { map } = window.hexmile;
    const { geometry } = map.queryRenderedFeatures({ layers: ["traffic"] })[0];
    const line = geometry.type === "LineString" ? geometry.coordinates : geometry.coordinates[0];
    map.jumpTo({ center: line[0] });
  });
  await roadsDrawn(page);
  await page.locator(".maplibregl-canvas").focus();
  await page.keyboard.press("Enter");
  await waitForText(page, CARD, /km\/h[^]*in the last 30 minutes: /);
  await picture(page, "server-road");
  await page.getByRole("link", { name: "What is collected and why" }).click();
  await page.getByRole("dialog").locator(".collected li").first().waitFor();
  await picture(page, "server-transparency");
  await page.keyboard.press("Escape");
  await lookAtWeek(page, url);
  assert.deepEqual(page.complaints, []);
  assert.deepEqual(page.strangers, []);
  await page.context().close();
});
