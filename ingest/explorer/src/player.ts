/** Playing a day: one stride after another, each when the one before is drawn. */

import { nextStride, type WeekTime } from "./week-time";

/** Strides through the day and the least time that each is seen: minutes, milliseconds. */
const SMOOTH = { strideMin: 15, everyMs: 600 };
/** The same for who wants little motion: fewer pictures, and time to look at each. */
const CALM = { strideMin: 60, everyMs: 2500 };

/** What a player plays on. */
export interface Screen {
  /** The time shown. */
  now: () => WeekTime;
  show: (time: WeekTime) => void;
  /** Resolves when what was shown last is drawn. */
  drawn: () => Promise<void>;
  /** It began, or ended: by the reader, or with the day. */
  changed: (playing: boolean) => void;
}

/** Plays from the time shown to the end of its day. */
export class Player {
  private readonly calm = matchMedia("(prefers-reduced-motion: reduce)");
  /** Which run it is; what was left over from another does nothing. */
  private run: symbol | null = null;

  constructor(private readonly screen: Screen) {
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) {
        this.pause();
      }
    });
  }

  get playing(): boolean {
    return this.run !== null;
  }

  /** Starts; at the end of a day, from its beginning. */
  play(): void {
    const run = Symbol("run");
    this.run = run;
    if (nextStride(this.screen.now(), 1) === null) {
      this.screen.show({ ...this.screen.now(), minute: 0 });
    }
    this.screen.changed(true);
    void this.stride(run);
  }

  pause(): void {
    if (this.run !== null) {
      this.run = null;
      this.screen.changed(false);
    }
  }

  private async stride(run: symbol): Promise<void> {
    while (this.run === run) {
      const { strideMin, everyMs } = this.calm.matches ? CALM : SMOOTH;
      await Promise.all([this.screen.drawn(), new Promise((done) => setTimeout(done, everyMs))]);
      if (this.run !== run) {
        return;
      }
      const next = nextStride(this.screen.now(), strideMin);
      if (next === null) {
        this.pause();
        return;
      }
      this.screen.show(next);
    }
  }
}
