/** The explorer on an imitated server, and what tests ask of it. */

import { after, before } from "node:test";
import { launch, roadsDrawn, visit } from "./browser.mjs";
import { serve } from "./fake-server.mjs";

/** A browser for the tests of a file: `browser()` once they run. */
export function ownBrowser() {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());
  return () => browser;
}

/** Runs `body` with a page on an imitated server; `options.at` is put behind its address. */
export async function withPage(browser, state, { at = "", ...options }, body) {
  const server = await serve(state);
  const page = await visit(browser, server.url + at, options);
  try {
    await body(page);
  } finally {
    await page.context().close();
    await server.stop();
  }
}

export const textOf = (page, selector) => page.locator(selector).innerText();
export const waitForText = (page, selector, pattern) =>
  page.locator(selector).filter({ hasText: pattern }).waitFor({ timeout: 20_000 });

/** Whether map and legend have the colours of a style, given as ground, casing, and classes from the best. */
export function inColours(page, [ground, , ...classes]) {
  return page.waitForFunction(
    ([wanted, colours]) => {
      const map = window.hexmile.map;
      const legend = [...document.querySelectorAll(".legend .swatch")];
      const asPainted = (colour) => {
        const probe = document.body.appendChild(document.createElement("i"));
        probe.style.color = colour;
        const { color } = getComputedStyle(probe);
        probe.remove();
        return color;
      };
      const match = map.getPaintProperty("traffic", "line-color");
      return (
        map.getPaintProperty("background", "background-color") === wanted &&
        colours.every((colour) => match.includes(colour)) &&
        legend.length === colours.length &&
        legend.every((swatch, i) => getComputedStyle(swatch).backgroundColor === asPainted(colours[i]))
      );
    },
    [ground, classes],
    { timeout: 10_000 },
  );
}

const account = (digit) => String(digit).repeat(32);

/** Gives a world two closed epochs, the newer with seven drivers. */
export function withEpochs(state) {
  const epoch = (number) => ({
    number,
    drivers: 7,
    closed_at_ms: Date.now() - 90_000,
    pool: "1000000000",
    paid: "812345678",
    unallocated: "187654322",
    total_score: "9007199254740993000",
  });
  state.epochs = [epoch(1), { ...epoch(0), drivers: 0 }];
  const scores = ["100000000", "1", "12345678", "500000000", "200000000", "0", "999"];
  state.scores[1] = scores.map((pay, place) => ({ place, account_id: account(place), score: "5", pay }));
  // An account that was erased leaves its score without a name.
  delete state.scores[1][2].account_id;
  return state;
}

/** Puts a severe street, eastwards at 52.503, into the middle of the map, and returns where that is. */
export async function centreStreet(page) {
  await roadsDrawn(page);
  const point = await page.evaluate(() => {
    const map = window.hexmile.map;
    // Of the street at 52.494, the middle is here; no other crosses it there.
    map.jumpTo({ center: [13.398, 52.49444], zoom: 15 });
    const street = map.project([13.398, 52.49444]);
    return [street.x, street.y];
  });
  await roadsDrawn(page);
  return point;
}

/** The card that stays. */
export const CARD = ".maplibregl-popup:not(.hover) .road";
