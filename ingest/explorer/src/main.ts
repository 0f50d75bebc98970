/**
 * The explorer: a live map of the published traffic, and what epochs paid.
 *
 * It reads what anybody may read, from the server that sent it. Start here: this file ties the
 * server's answers (`api.ts`) to the map (`traffic-map.ts`) and the panel (`panel.ts`, `epochs.ts`).
 */

import "./page.css";
import { ApiError, fetchState, type TrafficState } from "./api";
import { byId } from "./element";
import { tickEpochs, updateEpochs } from "./epochs";
import { coveredByPanel, noteChange, prepareSheet, showFailure, showNoMap, showState, tickPanel } from "./panel";
import { poll } from "./poll";
import type { TrafficMap } from "./traffic-map";

declare global {
  interface Window {
    /** The map, for tests and for the curious. */
    hexmile?: TrafficMap;
  }
}

const STATE_EVERY_MS = 2000;
const EPOCHS_EVERY_MS = 10_000;

let traffic: TrafficMap | undefined;
let noMap = false;
let last: TrafficState | undefined;

/** Opens the map once the server can be asked; where there is no WebGL, the panel goes on alone. */
async function openMap(): Promise<void> {
  // MapLibre is most of the page's bytes; the panel does not wait for it.
  const { TrafficMap } = await import("./traffic-map");
  try {
    traffic = await TrafficMap.open(byId("map"), coveredByPanel, byId("spoken"));
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
    if (traffic === undefined && !noMap) {
      await openMap();
    } else if (last !== undefined && last.version !== state.version) {
      traffic?.refresh();
      noteChange(Date.now());
    }
    last = state;
    showState(state);
    traffic?.setBounds(state.bounds);
  } catch (error) {
    if (!(error instanceof ApiError)) {
      console.error(error);
    }
    showFailure(error);
    throw error;
  }
}

function tick(): void {
  const now = Date.now();
  tickPanel(now);
  tickEpochs(now);
}

prepareSheet();
poll(STATE_EVERY_MS, updateTraffic);
poll(EPOCHS_EVERY_MS, updateEpochs);
tick();
setInterval(tick, 1000);
