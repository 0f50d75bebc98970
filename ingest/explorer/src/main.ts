/**
 * The explorer: a live map of the published traffic, what epochs paid, and what is collected and why.
 *
 * It reads what anybody may read, from the server that sent it. Start here: this file ties the
 * server's answers (`api.ts`) to the map (`traffic-map.ts`), the time that it shows (`time-control.ts`), the
 * panel (`panel.ts`, `epochs.ts`) and the views over all of it (`views.ts`, `transparency.ts`).
 */

import "./page.css";
import { ApiError, type Bounds, fetchState, type TrafficState } from "./api";
import { byId } from "./element";
import { setDriversNeeded, whyEmpty } from "./empty-place";
import { tickEpochs, updateEpochs } from "./epochs";
import { setNotice } from "./notice";
import { preparePalette } from "./palette";
import {
  covered,
  noteChange,
  prepareSheet,
  setSheet,
  showDrivers,
  showFailure,
  showNoMap,
  showState,
  tickPanel,
} from "./panel";
import { poll } from "./poll";
import { TimeControl } from "./time-control";
import type { TrafficMap } from "./traffic-map";
import { fetchTransparency, showTransparency } from "./transparency";
import { prepareViews } from "./views";

declare global {
  interface Window {
    /** The map, for tests and for the curious. */
    hexmile?: TrafficMap;
  }
}

const STATE_EVERY_MS = 2000;
const EPOCHS_EVERY_MS = 10_000;
/** What the server needs to show a road changes with its configuration, if ever. */
const RULES_EVERY_MS = 600_000;

let traffic: TrafficMap | undefined;
let noMap = false;
let last: TrafficState | undefined;
/** Whether anything is in view, as the map saw last. */
let roadsInView = true;

const time = new TimeControl({
  changed: (shown) => {
    traffic?.showTime(shown);
    if (last !== undefined) {
      showState(last, shown, Date.now());
      traffic?.setBounds(boundsOf(last));
    }
  },
  drawn: async () => traffic?.drawn(),
  played: () => noteView(roadsInView),
});

/** Opens the map once the server can be asked; where there is no WebGL, the panel goes on alone. */
async function openMap(): Promise<void> {
  // MapLibre is most of the page's bytes; the panel does not wait for it.
  const { TrafficMap } = await import("./traffic-map");
  try {
    traffic = await TrafficMap.open(byId("map"), covered, byId("spoken"), time.time, {
      viewed: noteView,
      chosen: () => setSheet(false),
      usual: () => last?.typical != null,
    });
  } catch (error) {
    if (error instanceof ApiError) {
      throw error;
    }
    noMap = true;
    showNoMap();
    return;
  }
  window.hexmile = traffic;
}

async function updateTraffic(): Promise<void> {
  try {
    const state = await fetchState();
    const before = last;
    time.setTypical(state.typical, Date.now());
    if (traffic === undefined && !noMap) {
      await openMap();
    } else if (before !== undefined) {
      follow(before, state);
    }
    last = state;
    showState(state, time.time, Date.now());
    traffic?.setBounds(boundsOf(state));
    await traffic?.restyle();
  } catch (error) {
    if (!(error instanceof ApiError)) {
      console.error(error);
    }
    showFailure(error);
    throw error;
  }
}

/** Loads tiles again where what they show has changed. */
function follow(before: TrafficState, state: TrafficState): void {
  const liveChanged = before.version !== state.version;
  if (time.time === null ? liveChanged : before.typical?.version !== state.typical?.version) {
    traffic?.refresh();
  }
  if (liveChanged) {
    noteChange(Date.now());
  }
}

/** Around the traffic; the view stays where it is from one time to another, so that they can be compared. */
function boundsOf({ bounds, typical }: TrafficState): Bounds | null {
  return bounds ?? (time.time === null ? null : (typical?.bounds ?? null));
}

/** Says why the view is empty while there is traffic elsewhere; not while a day plays, which would chatter. */
function noteView(roads: boolean): void {
  roadsInView = roads;
  const typical = time.time !== null;
  const lines = typical ? last?.typical?.lines : last?.lines;
  const empty = !roads && (lines ?? 0) > 0 && !time.playing;
  setNotice("empty-view", empty ? `No road is shown here. ${whyEmpty(typical)}` : null);
}

async function updateRules(): Promise<void> {
  try {
    const { minDrivers } = await fetchTransparency();
    if (minDrivers !== null) {
      setDriversNeeded(minDrivers);
    }
  } catch (error) {
    // The texts do without the number; a server that has no statement need not be asked again soon.
    if (!(error instanceof ApiError && error.missing)) {
      throw error;
    }
  }
}

function tick(): void {
  const now = Date.now();
  tickPanel(now);
  tickEpochs(now);
}

prepareSheet();
prepareViews({
  transparency: () => void showTransparency(byId("statement")),
  "why-empty": () => undefined,
});
// What cannot be loaded now is tried again at the next poll.
preparePalette(byId("colours"), () => void traffic?.restyle().catch(() => undefined));
byId("show-all").addEventListener("click", () => traffic?.overview());
poll(STATE_EVERY_MS, updateTraffic);
poll(EPOCHS_EVERY_MS, async () => showDrivers(await updateEpochs()));
poll(RULES_EVERY_MS, updateRules);
tick();
setInterval(tick, 1000);
