/** The panel: its status line, the network's pulse, and the sheet that it is on small screens. */

import { ApiError, type Epoch, type TrafficState } from "./api";
import { byId, setText } from "./element";
import { whyEmpty } from "./empty-place";
import { formatAgo, formatCount, formatKilometres } from "./format";
import { setNotice } from "./notice";
import type { WeekTime } from "./week-time";

const status = byId("status");

/** The change that the server told of last, by its clock, and when that was by this one. */
let told: number | null = null;
let changedAtMs: number | null = null;
/** How much road is shown, in words. */
let length: string | null = null;
/** Whether the map shows what is typical, and not what is live. */
let typical = false;

/** Shows what is published, and which of it the map has. */
export function showState(state: TrafficState, time: WeekTime | null, nowMs: number): void {
  typical = time !== null;
  const empty = state.lines === 0 && !typical;
  status.dataset["state"] = typical ? "typical" : empty ? "empty" : "live";
  setText(status, typical ? "Typical week" : empty ? "No traffic yet" : "Live");
  const { kilometres, freshestMin } = state;
  length = kilometres === null ? null : formatKilometres(kilometres);
  setText(byId("shown-name"), length === null ? "Stretches shown" : "Road shown");
  setText(byId("shown"), length ?? formatCount(state.lines));
  // The server's clock and this one may differ: how long ago a change was, the server says.
  if (state.changedAtMs !== null && state.changedAgoMs !== null && state.changedAtMs !== told) {
    told = state.changedAtMs;
    changedAtMs = nowMs - state.changedAgoMs;
  }
  setFact("freshest", freshestMin === null ? null : freshestMin < 5 ? "under 5 min" : `${freshestMin} min`);
  setNotice("failure", null);
  setNotice("unpublished", empty ? `No traffic is published yet. ${whyEmpty(false)}` : null);
  tickPanel(nowMs);
}

/** Notes that the traffic changed just now, for servers that do not tell when it did. */
export function noteChange(nowMs: number): void {
  if (told === null) {
    changedAtMs = nowMs;
  }
}

/** Shows how many drivers scored in the newest closed epoch. */
export function showDrivers(newest: Epoch | undefined): void {
  const drivers = newest?.drivers ?? null;
  setFact("drivers", drivers === null ? null : formatCount(drivers));
  byId("drivers-are").hidden = drivers === null;
}

/** Says again how long ago the last change was. */
export function tickPanel(nowMs: number): void {
  const ago = changedAtMs === null ? null : formatAgo(changedAtMs, nowMs);
  setText(byId("changed"), ago ?? "–");
  const live = ago === null ? "" : `${length === null ? "Updated" : `${length} of road, updated`} ${ago}`;
  setText(byId("summary"), typical ? "What is usual, not what is now" : live);
}

/** Shows that the server gave no usable answer, and that the page goes on asking. */
export function showFailure(error: unknown): void {
  const answered = error instanceof ApiError && error.answered;
  status.dataset["state"] = "failing";
  setText(status, answered ? "The server has a problem" : "Server not reached");
  const what = answered ? "The server answers, but not as it should" : "The server cannot be reached";
  setNotice("failure", `${what}. What you see may be out of date; this page keeps trying.`);
}

/** Shows that there is no map, and why; the panel works without. */
export function showNoMap(): void {
  document.body.dataset["map"] = "none";
  const text = document.createElement("p");
  text.className = "no-map";
  text.textContent =
    "This browser cannot draw the map: WebGL is missing or switched off. The numbers beside it still work.";
  byId("map").replaceChildren(text);
}

/** Makes the panel's button open and close it where it is a sheet. */
export function prepareSheet(): void {
  const panel = byId("panel");
  const toggle = byId("toggle");
  toggle.addEventListener("click", () => setSheet(panel.dataset["open"] !== "true"));
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && panel.dataset["open"] === "true") {
      setSheet(false);
      toggle.focus();
    }
  });
}

/** Opens or closes the panel where it is a sheet; elsewhere it is always open. */
export function setSheet(open: boolean): void {
  const toggle = byId("toggle");
  // The focus must not stay on what is folded away.
  if (!open && toggle.offsetParent !== null && byId("details").contains(document.activeElement)) {
    toggle.focus();
  }
  byId("panel").dataset["open"] = String(open);
  toggle.setAttribute("aria-expanded", String(open));
}

/** Pixels that panel and time control cover at each side of the window: its left and its bottom. */
export function covered(): { top: number; right: number; bottom: number; left: number } {
  const panel = byId("panel").getBoundingClientRect();
  const time = byId("time").getBoundingClientRect();
  const sheet = panel.width > innerWidth * 0.8;
  // Away, or under the open sheet, it has no height.
  const low = time.height > 0 ? innerHeight - time.top : 0;
  return {
    top: 0,
    right: 0,
    bottom: Math.min(Math.max(low, sheet ? innerHeight - panel.top : 0), innerHeight / 2),
    left: sheet ? 0 : Math.min(panel.right, innerWidth / 2),
  };
}

/** A number of the pulse; what the server does not tell is left out. */
function setFact(id: string, value: string | null): void {
  const place = byId(id);
  place.parentElement?.toggleAttribute("hidden", value === null);
  setText(place, value ?? "–");
}
