/** Reading a road: under the pointer, where the reader clicks or taps, or in the middle by keyboard. */

import { type LngLatLike, type Map as MapLibreMap, type MapGeoJSONFeature, type PointLike, Popup } from "maplibre-gl";
import { emptyCard, whyEmpty } from "./empty-place";
import { setText } from "./element";
import { ROADS } from "./map-style";
import { describeRoad, roadCard, roadSentence, type RoadWords } from "./road";
import type { ClearArea } from "./traffic-map";

/** How far from a line still counts as on it, pixels: for a mouse, and for a finger or the keyboard. */
const NEAR = 5;
const NEAR_COARSE = 16;

interface ScreenPoint {
  x: number;
  y: number;
}

/** How near a card may come to what covers the map, pixels. */
const MARGIN = 8;

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
  /** Whether the card that stays is about a road, and the zoom at which that was last seen. */
  private pin: { road: boolean; zoom: number } | null = null;

  /** Cards keep out of what is covered; `speak` is where screen readers hear what they say. */
  constructor(
    private readonly map: MapLibreMap,
    private readonly clear: () => ClearArea,
    private readonly speak: HTMLElement,
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
        this.open(map.unproject([middle.x, middle.y]), this.near(middle, NEAR_COARSE));
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

  /** Opens the card of a road at a place, and says it; without a road, why there is none. */
  open(at: LngLatLike, words: RoadWords | null): void {
    this.show(at, words);
    const nothing = `No road is shown in the middle of the map. ${whyEmpty()}`;
    setText(this.speak, words === null ? nothing : roadSentence(words));
  }

  private point(at: ScreenPoint, lngLat: LngLatLike): void {
    const words = this.coarse.matches ? null : this.near(at, NEAR);
    this.map.getCanvas().style.cursor = words === null ? "" : "pointer";
    if (words === null || this.pin !== null) {
      this.hover.remove();
    } else {
      this.hover.setLngLat(lngLat).setDOMContent(roadCard(words)).addTo(this.map);
    }
  }

  private click(at: ScreenPoint): void {
    const words = this.near(at, this.reach());
    if (words === null && this.pin !== null) {
      // The first click beside a road closes its card.
      this.pinned.remove();
      return;
    }
    this.show(this.map.unproject([at.x, at.y]), words);
  }

  private show(at: LngLatLike, words: RoadWords | null): void {
    this.hover.remove();
    this.pinned.remove();
    const card = words === null ? emptyCard("Nothing is shown here") : roadCard(words);
    this.pinned.setPadding(this.clear());
    this.pinned.setLngLat(at).setDOMContent(card).addTo(this.map);
    this.pin = { road: words !== null, zoom: this.map.getZoom() };
    this.moveIntoView();
  }

  /** Moves the map so far that the whole card can be read: on small screens it may stick out. */
  private moveIntoView(): void {
    const card = this.pinned.getElement()?.getBoundingClientRect();
    if (card === undefined) {
      return;
    }
    const covered = this.clear();
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
    const words = inView ? this.near(at, this.reach()) : null;
    if (words !== null) {
      this.rewrite(roadCard(words));
      this.pin = { road: true, zoom: this.map.getZoom() };
    } else if (inView && this.pin.road && this.map.getZoom() === this.pin.zoom) {
      this.rewrite(emptyCard("No longer shown"));
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

  private near({ x, y }: ScreenPoint, reach: number): RoadWords | null {
    if (this.map.getLayer(ROADS) === undefined) {
      return null;
    }
    const box: [PointLike, PointLike] = [
      [x - reach, y - reach],
      [x + reach, y + reach],
    ];
    const found: MapGeoJSONFeature[] = this.map.queryRenderedFeatures(box, { layers: [ROADS] });
    return describeRoad(found[0]);
  }
}
