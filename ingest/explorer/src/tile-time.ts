/** Which time the map's tiles are of, and bringing all of them to another, or up to date, without a gap. */

import { type Map as MapLibreMap, type RequestParameters, type ResourceType } from "maplibre-gl";
import { SOURCE } from "./map-style";
import { type WeekTime, weekParameter } from "./week-time";

/** How often to look whether tiles have come, and when to wait for them no longer, milliseconds. */
const LOOK_MS = 40;
const PATIENCE_MS = 5000;

/** The tiles' time: live, or a time of the week. */
export class TileTime {
  private map: MapLibreMap | undefined;
  private wanted: WeekTime | null;
  private asked: WeekTime | null;
  /** Since when other tiles are due than were asked for; null where none are. */
  private dueSince: number | null = null;

  constructor(first: WeekTime | null) {
    this.wanted = this.asked = first;
  }

  /** What tiles on the map are of, or are about to be; null for live. */
  get shown(): WeekTime | null {
    return this.asked;
  }

  /** From now on, tiles are this map's. */
  attach(map: MapLibreMap): void {
    this.map = map;
  }

  /** How a tile is asked for. A browser's copy is used only when the server confirms it: most tiles answer 304. */
  request = (url: string, type?: ResourceType): RequestParameters => {
    const time = type === "Tile" ? this.asked : null;
    const query = time === null ? "" : `${url.includes("?") ? "&" : "?"}t=${weekParameter(time)}`;
    return { url: url + query, cache: "no-cache" };
  };

  /** Shows another time; what was there stays until the new has come. */
  show(time: WeekTime | null): void {
    this.wanted = time;
    this.refresh();
  }

  /** Loads again what is in view, and keeps showing what there is until the new has come. */
  refresh(): void {
    if (this.dueSince === null) {
      this.dueSince = performance.now();
      this.settle();
    }
  }

  /** Resolves when all tiles in view are of the time wanted, or are long in coming. */
  async drawn(): Promise<void> {
    const until = performance.now() + PATIENCE_MS;
    while ((this.dueSince !== null || this.map?.areTilesLoaded() === false) && performance.now() < until) {
      await new Promise((done) => setTimeout(done, LOOK_MS));
    }
  }

  /**
   * Asks once the tiles asked for before have come: of two answers for one tile, the older might come last. So the
   * newest wish is next in turn, and those in between are passed over.
   */
  private settle(): void {
    if (this.dueSince === null || this.map === undefined) {
      return;
    }
    if (!this.map.areTilesLoaded() && performance.now() - this.dueSince < PATIENCE_MS) {
      setTimeout(() => this.settle(), LOOK_MS);
      return;
    }
    this.dueSince = null;
    this.asked = this.wanted;
    if (this.map.getSource(SOURCE) !== undefined) {
      this.map.refreshTiles(SOURCE);
      // Where all answers are as before, nothing else would tell that they have come.
      this.map.triggerRepaint();
    }
  }
}
