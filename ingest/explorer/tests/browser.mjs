/** A real Chromium, and pages in it that note everything that should not happen. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";

/** WebGL by software, and nothing that phones home. */
const FLAGS = [
  "--no-sandbox",
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

/** Starts the browser: the one `CHROMIUM` names, or Debian's. */
export function launch() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: FLAGS });
}

/** A page at `url`; `page.complaints` gathers console errors, and `page.strangers` other hosts. */
export async function visit(browser, url, options = {}) {
  const phone = options.viewport === PHONE ? { hasTouch: true, isMobile: true } : {};
  const context = await browser.newContext({ viewport: DESKTOP, ...phone, ...options });
  const page = await context.newPage();
  page.complaints = [];
  page.strangers = [];
  page.on("console", (message) => {
    if (message.type() === "error") page.complaints.push(message.text());
  });
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  const host = new URL(url).host;
  context.on("request", (request) => {
    const to = new URL(request.url());
    if (to.protocol.startsWith("http") && to.host !== host) page.strangers.push(to.href);
  });
  await page.goto(url);
  return page;
}

/** Waits until the map shows roads, and returns how many features of layer `traffic` are drawn. */
export async function roadsDrawn(page) {
  const drawn = await page.waitForFunction(
    () => {
      const map = window.hexmile?.map;
      return map?.areTilesLoaded() && map.queryRenderedFeatures({ layers: ["traffic"] }).length;
    },
    null,
    { timeout: 20_000 },
  );
  return drawn.jsonValue();
}

/** Saves what the page looks like, when `SCREENSHOTS` names a folder. */
export async function picture(page, name) {
  const folder = process.env.SCREENSHOTS;
  if (folder) {
    await mkdir(folder, { recursive: true });
    await page.screenshot({ path: join(folder, `${name}.png`) });
  }
}
