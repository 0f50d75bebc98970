/**
 * The control for the time that the map shows: live, or what is typical at a time of the week. Its choice is in the
 * page's address as `?t=mon-08:05`, the way that the server's own addresses have it.
 */

import type { TypicalState } from "./api";
import { byId, element, setText } from "./element";
import { formatAgo } from "./format";
import { Player } from "./player";
import { DAYS, LAST_MIN, readWeekParameter, STEP_MIN, weekParameter, type WeekTime, weekTimeOf, weekWords } from "./week-time";

/** How long a slider rests before the map follows, milliseconds. */
const REST_MS = 140;
/** Between the control and the map's corner, pixels. */
const GAP = 12;
/** What the Page keys go by, minutes. */
const PAGE_MIN = 60;

/** What the control needs of the page. */
export interface TimeEvents {
  /** The map is to show another time; null for live. */
  changed: (time: WeekTime | null) => void;
  /** Resolves when the map shows what it was told last. */
  drawn: () => Promise<void>;
  /** Playing began or ended. */
  played: (playing: boolean) => void;
}

/** The control. */
export class TimeControl {
  /** What the reader asked for last; shown once the server knows what is typical. */
  private wanted: WeekTime | null = readWeekParameter(new URLSearchParams(location.search).get("t"));
  /** Where "Typical" leads: the last time shown, at first this time of the week. */
  private last: WeekTime = this.wanted ?? weekTimeOf(new Date());
  private known = false;
  private told: WeekTime | null = null;
  private rest: number | undefined;
  private readonly slider = byId<HTMLInputElement>("time-of-day");
  private readonly days: HTMLInputElement[];
  private readonly player: Player;

  constructor(private readonly events: TimeEvents) {
    this.days = dayButtons(byId("days"));
    this.slider.max = String(LAST_MIN);
    this.slider.step = String(STEP_MIN);
    this.player = new Player({
      now: () => this.last,
      show: (time) => this.choose(time, 0),
      drawn: events.drawn,
      changed: (playing) => this.showPlaying(playing),
    });
    this.listen();
    this.show();
    new ResizeObserver(() => makeWay(byId("time"))).observe(byId("time"));
  }

  /** What the map is to show: live while nothing typical is known. */
  get time(): WeekTime | null {
    return this.known ? this.wanted : null;
  }

  get playing(): boolean {
    return this.player.playing;
  }

  /** Takes what the server knows of the week: null while that is nothing, absent where it never learns. */
  setTypical(typical: TypicalState | null | undefined, nowMs: number): void {
    byId("time").hidden = typical === undefined;
    this.known = typical !== null && typical !== undefined;
    const learned = typical?.learnedAgoMs ?? null;
    const ago = learned === null ? "" : ` ${formatAgo(nowMs - Math.floor(learned / 60_000) * 60_000, nowMs)}`;
    setText(byId("time-learned"), `learned${ago} from the last 28 days`);
    if (!this.known) {
      this.player.pause();
    }
    this.show();
    this.tell(0);
  }

  private listen(): void {
    for (const mode of byId("time-mode").querySelectorAll<HTMLInputElement>("input")) {
      mode.addEventListener("change", () => {
        this.player.pause();
        this.choose(mode.value === "typical" ? this.last : null, 0);
        this.setOpen(mode.value === "typical");
        const said = this.wanted === null ? "live traffic" : `what is typical for ${weekWords(this.wanted)}`;
        setText(byId("time-spoken"), `The map shows ${said}.`);
      });
    }
    this.days.forEach((button, day) =>
      button.addEventListener("change", () => {
        this.player.pause();
        this.choose({ ...this.last, day }, 0);
      }),
    );
    this.slider.addEventListener("input", () => {
      this.player.pause();
      this.choose({ ...this.last, minute: this.slider.valueAsNumber }, REST_MS);
    });
    this.slider.addEventListener("keydown", (event) => {
      const by = { PageUp: PAGE_MIN, PageDown: -PAGE_MIN }[event.key];
      if (by !== undefined) {
        event.preventDefault();
        this.player.pause();
        const minute = Math.max(0, Math.min(LAST_MIN, this.last.minute + by));
        this.choose({ ...this.last, minute }, REST_MS);
      }
    });
    byId("time-play").addEventListener("click", () => (this.player.playing ? this.player.pause() : this.player.play()));
    byId("time-fold").addEventListener("click", () => this.setOpen(byId("time").dataset["open"] !== "true"));
    addEventListener("popstate", () => {
      this.player.pause();
      this.wanted = readWeekParameter(new URLSearchParams(location.search).get("t"));
      this.last = this.wanted ?? this.last;
      this.show();
      this.tell(0);
    });
  }

  private choose(time: WeekTime | null, restMs: number): void {
    this.wanted = time;
    this.last = time ?? this.last;
    this.show();
    this.tell(restMs);
  }

  /** Tells the page, and writes the address, once the reader's hand rests. */
  private tell(restMs: number): void {
    clearTimeout(this.rest);
    const tell = () => {
      const { time } = this;
      if (same(time, this.told)) {
        return;
      }
      this.told = time;
      this.events.changed(time);
      // A day that plays is written down where it stops.
      if (!this.player.playing) {
        this.write();
      }
    };
    if (restMs === 0) {
      tell();
    } else {
      this.rest = window.setTimeout(tell, restMs);
    }
  }

  /** Puts the choice into the page's address and its name, and behind the addresses that the page offers. */
  private write(): void {
    const { time } = this;
    const others = new URLSearchParams(location.search);
    others.delete("t");
    const query = [others.toString(), time === null ? "" : `t=${weekParameter(time)}`].filter((part) => part !== "");
    const search = query.length === 0 ? "" : `?${query.join("&")}`;
    if (search !== location.search) {
      history.replaceState(null, "", location.pathname + search + location.hash);
    }
    document.title = `Hexmile: ${time === null ? "live traffic" : `typical traffic, ${weekWords(time)}`}`;
    for (const link of document.querySelectorAll<HTMLAnchorElement>("a[data-timed]")) {
      link.search = time === null ? "" : `?t=${weekParameter(time)}`;
    }
  }

  private show(): void {
    const { time, last } = this;
    const control = byId("time");
    control.dataset["mode"] = time === null ? "live" : "typical";
    for (const mode of byId("time-mode").querySelectorAll<HTMLInputElement>("input")) {
      mode.checked = (mode.value === "typical") === (time !== null);
      mode.disabled = mode.value === "typical" && !this.known;
    }
    byId("time-unknown").hidden = this.known;
    byId("time-choice").hidden = time === null;
    byId("time-fold").hidden = time === null;
    setText(byId("time-shown"), time === null ? "" : weekWords(time));
    this.days.forEach((button, day) => (button.checked = day === last.day));
    this.slider.valueAsNumber = last.minute;
    // Set again, it might be spoken again.
    if (this.slider.getAttribute("aria-valuetext") !== weekWords(last)) {
      this.slider.setAttribute("aria-valuetext", weekWords(last));
    }
    setText(byId("time-play-name"), this.player.playing ? "Pause" : `Play ${DAYS[last.day]}`);
    this.slider.style.setProperty("--share", String(last.minute / LAST_MIN));
    makeWay(control);
  }

  private showPlaying(playing: boolean): void {
    byId("time").toggleAttribute("data-playing", playing);
    this.show();
    // Of what is shown in between, the text and the slider tell whoever looks there; nothing is spoken.
    setText(byId("time-spoken"), playing ? `Playing ${DAYS[this.last.day]}.` : `Stopped at ${weekWords(this.last)}.`);
    if (!playing) {
      this.write();
    }
    this.events.played(playing);
  }

  private setOpen(open: boolean): void {
    byId("time").dataset["open"] = String(open);
    byId("time-fold").setAttribute("aria-expanded", String(open));
  }
}

/** Lifts the map's corner, with its scale and attribution, above the control where both would meet. */
function makeWay(control: HTMLElement): void {
  const corner = document.querySelector(".maplibregl-ctrl-bottom-right")?.getBoundingClientRect();
  const { height, right } = control.getBoundingClientRect();
  const meet = height > 0 && right > innerWidth - (corner?.width ?? 0) - GAP;
  document.documentElement.style.setProperty("--time-covers", meet ? `${Math.ceil(height) + GAP}px` : "0px");
}

function dayButtons(group: HTMLElement): HTMLInputElement[] {
  return DAYS.map((name) => {
    const input = element("input", "");
    input.type = "radio";
    input.name = "day";
    input.value = name;
    input.setAttribute("aria-label", name);
    const short = element("span", "", name.slice(0, 3));
    short.setAttribute("aria-hidden", "true");
    group.append(element("label", "", input, short));
    return input;
  });
}

function same(a: WeekTime | null, b: WeekTime | null): boolean {
  return a?.day === b?.day && a?.minute === b?.minute;
}
