/** The list of closed epochs: what each paid, and to whom. */

import { type Epoch, fetchEpochs, fetchPayroll, type Pay } from "./api";
import { byId, element, setText } from "./element";
import { formatAccount, formatAgo, formatCount, formatTokens } from "./format";

/** How many epochs and drivers are listed. */
const EPOCHS = 5;
const DRIVERS = 5;

/** Epochs that are listed, newest first; each stays the same element while it is. */
const listed: ListedEpoch[] = [];

/** Brings the list up to date and returns the newest; rejects when the server cannot be asked. */
export async function updateEpochs(): Promise<Epoch | undefined> {
  const status = byId("epochs-status");
  let epochs: Epoch[];
  try {
    epochs = await fetchEpochs(EPOCHS);
  } catch (error) {
    setText(status, listed.length === 0 ? "Epochs cannot be loaded at present." : "");
    status.hidden = listed.length > 0;
    throw error;
  }
  setText(status, epochs.length === 0 ? "No epoch has closed yet." : "");
  status.hidden = epochs.length > 0;

  const numbers = new Set(epochs.map((epoch) => epoch.number));
  for (const old of listed.filter((item) => !numbers.has(item.epoch.number) && !item.details.open)) {
    old.details.remove();
    listed.splice(listed.indexOf(old), 1);
  }
  const first = listed.length === 0;
  const known = new Set(listed.map((item) => item.epoch.number));
  for (const epoch of epochs.filter((item) => !known.has(item.number)).reverse()) {
    const item = new ListedEpoch(epoch);
    const below = listed.findIndex((other) => other.epoch.number < epoch.number);
    byId("epochs").insertBefore(item.details, listed[below]?.details ?? null);
    listed.splice(below < 0 ? listed.length : below, 0, item);
  }
  if (first && listed[0] !== undefined) {
    listed[0].details.open = true;
  }
  for (const item of listed) {
    item.load();
  }
  return epochs[0];
}

/** Says again how long ago each epoch closed. */
export function tickEpochs(nowMs: number): void {
  for (const item of listed) {
    item.tick(nowMs);
  }
}

class ListedEpoch {
  readonly details: HTMLDetailsElement;
  private readonly closed = element("time", "");
  private readonly drivers = element("div", "drivers", element("p", "note", "Loading …"));
  private state: "waiting" | "loading" | "loaded" = "waiting";

  constructor(readonly epoch: Epoch) {
    const at = new Date(epoch.closedAtMs);
    // Beyond what a date can hold, the time is left out.
    if (!Number.isNaN(at.getTime())) {
      this.closed.dateTime = at.toISOString();
      this.closed.title = at.toLocaleString();
    }
    this.details = element(
      "details",
      "epoch",
      element(
        "summary",
        "",
        element("span", "", element("b", "", `Epoch ${formatCount(epoch.number)}`), " ", this.closed),
        " ",
        element("span", "amount", formatTokens(epoch.paid), " ", element("small", "", "paid")),
      ),
      amounts(epoch),
      this.drivers,
    );
    // One is open at a time.
    this.details.name = "epochs";
    this.details.addEventListener("toggle", () => this.load());
    this.tick(Date.now());
  }

  tick(nowMs: number): void {
    setText(this.closed, `closed ${formatAgo(this.epoch.closedAtMs, nowMs)}`);
  }

  /** Loads who was paid, once, when the reader looks; a failure is tried again at the next update. */
  load(): void {
    if (!this.details.open || this.state !== "waiting") {
      return;
    }
    this.state = "loading";
    fetchPayroll(this.epoch.number).then(
      ({ pays, partial }) => {
        this.state = "loaded";
        this.drivers.replaceChildren(...driverList(pays, partial));
      },
      () => {
        this.state = "waiting";
        this.drivers.replaceChildren(element("p", "note", "Its drivers cannot be loaded at present."));
      },
    );
  }
}

function amounts(epoch: Epoch): HTMLElement {
  const row = (name: string, value: string) =>
    element("div", "", element("dt", "", name), element("dd", "amount", value));
  return element(
    "dl",
    "amounts",
    row("Pool", formatTokens(epoch.pool)),
    row("Returned to the reserve", formatTokens(epoch.unallocated)),
    ...(epoch.drivers === null ? [] : [row("Drivers with a score", formatCount(epoch.drivers))]),
  );
}

function driverList(pays: Pay[], partial: boolean): HTMLElement[] {
  if (pays.length === 0) {
    return [element("p", "note", "Nobody was paid in this epoch.")];
  }
  const items = pays.slice(0, DRIVERS).map(({ account, pay }) => {
    const id = account === null ? element("em", "", "erased") : element("code", "", formatAccount(account));
    id.title = account ?? "This account was erased by its driver.";
    return element("li", "", id, element("span", "amount", formatTokens(pay)));
  });
  const among = partial ? `the first ${formatCount(pays.length)}` : formatCount(pays.length);
  const title = pays.length > DRIVERS ? `Most paid, of ${among} drivers` : "Drivers";
  return [element("h3", "", title), element("ol", "", ...items)];
}
