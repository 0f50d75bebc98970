/** The panel: its status line, its numbers, and the sheet that it is on small screens. */

import { ApiError, type TrafficState } from "./api";
import { byId, setText } from "./element";
import { formatAgo, formatCount } from "./format";

const status = byId("status");
const lines = byId("lines");
const changed = byId("changed");
const notice = byId("notice");

/** When the page saw the traffic change, Unix milliseconds. */
let changedAtMs: number | null = null;

/** Shows what is published. */
export function showState(state: TrafficState): void {
  const empty = state.lines === 0;
  status.dataset["state"] = empty ? "empty" : "live";
  setText(status, empty ? "No traffic yet" : "Live");
  setText(lines, formatCount(state.lines));
  showNotice(
    empty
      ? "No traffic is published yet. Roads appear here as soon as several different drivers have passed them."
      : null,
  );
}

/** Notes that the traffic changed just now. */
export function noteChange(nowMs: number): void {
  changedAtMs = nowMs;
  tickPanel(nowMs);
}

/** Says again how long ago the last change was. */
export function tickPanel(nowMs: number): void {
  setText(changed, changedAtMs === null ? "none yet" : formatAgo(changedAtMs, nowMs));
}

/** Shows that the server gave no usable answer, and that the page goes on asking. */
export function showFailure(error: unknown): void {
  const answered = error instanceof ApiError && error.answered;
  status.dataset["state"] = "failing";
  setText(status, answered ? "The server has a problem" : "Server not reached");
  const what = answered ? "The server answers, but not as it should" : "The server cannot be reached";
  showNotice(`${what}. What you see may be out of date; this page keeps trying.`);
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
  const toggle = byId<HTMLButtonElement>("toggle");
  const set = (open: boolean) => {
    panel.dataset["open"] = String(open);
    toggle.setAttribute("aria-expanded", String(open));
  };
  toggle.addEventListener("click", () => set(panel.dataset["open"] !== "true"));
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && panel.dataset["open"] === "true") {
      set(false);
      toggle.focus();
    }
  });
}

/** Pixels that the panel covers at each side of the window, with room to breathe. */
export function coveredByPanel(): { top: number; right: number; bottom: number; left: number } {
  const margin = Math.min(48, innerWidth / 12);
  const covered = { top: margin, right: margin + 40, bottom: margin, left: margin };
  const panel = byId("panel").getBoundingClientRect();
  if (panel.width > innerWidth * 0.8) {
    covered.bottom += Math.min(innerHeight - panel.top, innerHeight / 2);
  } else {
    covered.left += Math.min(panel.right, innerWidth / 2);
  }
  return covered;
}

function showNotice(text: string | null): void {
  notice.hidden = text === null;
  setText(notice, text ?? "");
}
