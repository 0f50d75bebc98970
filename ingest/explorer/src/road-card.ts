/** Reading a road: under the pointer, where the reader clicks or taps, or in the middle by keyboard. */

import { LngLat, type LngLatLike, type Map as MapLibreMap, Popup } from "maplibre-gl";
import { emptyCard, whyEmpty } from "./empty-place";
import { setText } from "./element";
import { usualWords } from "./road";
import { type Spot, spotAt, spotCard, spotSentence } from "./spot";
import type { ClearArea } from "./traffic-map";
import { type Usual, usualNow } from "./usual";
import type { WeekTime } from "./week-time";

/** How far from a line still counts as on it, pixels: for a mouse, and for a finger or the keyboard. */
const NEAR = 5;
const NEAR_COARSE = 16;

interface ScreenPoint {
  x: number;
  y: number;
}

/** How near a card may come to what covers the map, pixels. */
const MARGIN = 8;

/** What cards depend on beside the map. */
export interface CardContext {
  /** What covers the map; cards keep out of it. */
  clear: () => ClearArea;
  /** Where screen readers hear what cards say. */
  speak: HTMLElement;
  /** What the tiles are of; null for live. */
  time: () => WeekTime | null;
  /** Whether the server knows what is typical, so that live speeds can be compared with it. */
  usual: () => boolean;
}

/** The cards on the map: one under the pointer, and one that stays until it is closed. */
export class RoadCards {
  private readonly hover = new Popup({ closeButton: false, closeOnClick: false, className: "hover", offset: 12 });
  private readonly pinned = new Popup({
    closeOnClick: false,
    focusAfterOpen: false,
    offset: 8,
    maxWidth: "min(304px, 100vw - 24px)",
  });
  private readonly coarse = matchMedia("(pointer: coarse)");
  /** Whether the card that stays is about something, the zoom at which that was last seen, and what is usual there. */
  private pin: { road: boolean; zoom: number; usual: Usual | null } | null = null;

  constructor(
    private readonly map: MapLibreMap,
    private readonly context: CardContext,
  ) {
    this.pinned.on("close", () => (this.pin = null));
    const canvas = map.getCanvas();
    canvas.setAttribute("aria-describedby", "map-keys");
    map.on("mousemove", (event) => this.point(event.point, event.lngLat));
    map.on("mouseout", () => this.hover.remove());
    map.on("click", (event) => this.click(event.point));
    canvas.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        const middle = { x: canvas.clientWidth / 2, y: canvas.clientHeight / 2 };
        this.open(map.unproject([middle.x, middle.y]), this.at(middle, NEAR_COARSE));
      }
    });
    document.addEventListener("keydown", (event) => {
      // A view over the page takes the key for itself.
      if (event.key === "Escape" && document.querySelector("dialog[open]") === null) {
        this.pinned.remove();
      }
    });
    map.on("idle", () => this.follow());
  }

  /** Opens the card of a place, and says it; where nothing is shown, why. */
  open(at: LngLatLike, spot: Spot | null): void {
    const nothing = `No road is shown in the middle of the map. ${whyEmpty(this.context.time() !== null)}`;
    setText(this.context.speak, spot === null ? nothing : spotSentence(spot));
    this.show(at, spot, true);
  }

  private point(at: ScreenPoint, lngLat: LngLatLike): void {
    const spot = this.coarse.matches ? null : this.at(at, NEAR);
    this.map.getCanvas().style.cursor = spot === null ? "" : "pointer";
    if (spot === null || this.pin !== null) {
      this.hover.remove();
    } else {
      this.hover.setLngLat(lngLat).setDOMContent(spotCard(spot, null)).addTo(this.map);
    }
  }

  private click(at: ScreenPoint): void {
    const spot = this.at(at, this.reach());
    if (spot === null && this.pin !== null) {
      // The first click beside a road closes its card.
      this.pinned.remove();
      return;
    }
    this.show(this.map.unproject([at.x, at.y]), spot, false);
  }

  private show(at: LngLatLike, spot: Spot | null, spoken: boolean): void {
    this.hover.remove();
    this.pinned.remove();
    const card = spot === null ? emptyCard("Nothing is shown here", this.context.time() !== null) : spotCard(spot, null);
    this.pinned.setPadding(this.context.clear());
    this.pinned.setLngLat(at).setDOMContent(card).addTo(this.map);
    this.pin = { road: spot !== null, zoom: this.map.getZoom(), usual: null };
    this.moveIntoView();
    void this.compare(spot, spoken);
  }

  /** Puts what is usual now beside what is live, once that is known. */
  private async compare(spot: Spot | null, spoken: boolean): Promise<void> {
    const { pin } = this;
    if (spot?.road == null || pin === null || this.context.time() !== null || !this.context.usual()) {
      return;
    }
    const at = LngLat.convert(this.pinned.getLngLat());
    const usual = await usualNow(at, this.map.getZoom(), spot.road.feature);
    if (usual === null || this.pin !== pin || this.context.time() !== null) {
      return;
    }
    pin.usual = usual;
    this.rewrite(spotCard(spot, usual));
    if (spoken) {
      setText(this.context.speak, `${spotSentence(spot)} Usually ${usualWords(usual)}.`);
      this.moveIntoView();
    }
  }

  /** Moves the map so far that the whole card can be read: on small screens it may stick out. */
  private moveIntoView(): void {
    const card = this.pinned.getElement()?.getBoundingClientRect();
    if (card === undefined) {
      return;
    }
    const covered = this.context.clear();
    const { clientWidth, clientHeight } = this.map.getCanvas();
    const beyond = (low: number, high: number, from: number, to: number): number =>
      Math.min(0, low - from - MARGIN) || Math.max(0, high - to + MARGIN);
    const x = beyond(card.left, card.right, covered.left, clientWidth - covered.right);
    const y = beyond(card.top, card.bottom, covered.top, clientHeight - covered.bottom);
    if (x !== 0 || y !== 0) {
      this.map.panBy([x, y], { duration: 300 });
    }
  }

  /** A card that stays open tells what the road is like now. */
  private follow(): void {
    if (this.pin === null) {
      return;
    }
    const at = this.map.project(this.pinned.getLngLat());
    const { clientWidth, clientHeight } = this.map.getCanvas();
    const inView = at.x >= 0 && at.y >= 0 && at.x <= clientWidth && at.y <= clientHeight;
    const spot = inView ? this.at(at, this.reach()) : null;
    if (spot !== null) {
      const usual = this.context.time() === null ? this.pin.usual : null;
      this.rewrite(spotCard(spot, usual));
      this.pin = { road: true, zoom: this.map.getZoom(), usual };
      void this.compare(spot, false);
    } else if (inView && this.pin.road && this.map.getZoom() === this.pin.zoom) {
      this.rewrite(emptyCard("No longer shown", this.context.time() !== null));
      this.pin.road = false;
    }
  }

  /** Writes the open card anew where it says something else, and leaves the focus on it if it was. */
  private rewrite(card: HTMLElement): void {
    const popup = this.pinned.getElement();
    if (popup?.querySelector(".road")?.textContent === card.textContent) {
      return;
    }
    const focused = popup?.contains(document.activeElement) ?? false;
    this.pinned.setDOMContent(card);
    if (focused) {
      this.pinned.getElement()?.querySelector<HTMLElement>(".maplibregl-popup-close-button")?.focus();
    }
  }

  private reach(): number {
    return this.coarse.matches ? NEAR_COARSE : NEAR;
  }

  private at(point: ScreenPoint, reach: number): Spot | null {
    return spotAt(this.map, point, reach, this.context.time());
  }
}
