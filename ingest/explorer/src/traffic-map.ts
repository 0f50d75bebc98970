/** The map: draws the traffic layers, follows where traffic appears, keeps tiles fresh. */

import {
  AttributionControl,
  type LngLatBoundsLike,
  Map as MapLibreMap,
  NavigationControl,
  ScaleControl,
  setWorkerUrl,
  type StyleSpecification,
} from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import type { Bounds } from "./api";
import { listClosed } from "./closed-roads";
import { OverviewControl } from "./overview-control";
import { CELLS, CLOSURES, closedColour, congestionColours, fetchStyle, ROADS } from "./map-style";
import { styleName } from "./palette";
import { RoadCards } from "./road-card";
import { listSlowest, slowestWithin } from "./slowest";
import { TileTime } from "./tile-time";
import type { WeekTime } from "./week-time";

setWorkerUrl(new URL(workerUrl, import.meta.url).href);

/** Closer than this, a first road would fill the screen and say nothing about where it is. */
const CLOSEST_FIT = 14.5;
/** From here on, a road that was chosen from the list stands apart from its neighbours. */
const CHOSEN_ZOOM = 15;
/** How far from where it was chosen it may turn out to be, pixels. */
const CHOSEN_NEAR = 80;
/** How long moving there takes, from however far, milliseconds. */
const FIT_MS = 1200;

/** The map and what the page asks of it. */
export class TrafficMap {
  readonly map: MapLibreMap;
  private bounds: Bounds | null = null;
  /** Whether the view follows the traffic as it grows: until the reader moves it. */
  private following = true;

  /**
   * Loads the style and draws a time into `container`, around what `clear` says is covered; `speak` tells
   * screen readers of roads. Rejects with `ApiError` when the server does not give the style, with
   * another error when there is no WebGL.
   */
  static async open(
    container: HTMLElement,
    clear: () => ClearArea,
    speak: HTMLElement,
    first: WeekTime | null,
    events: MapEvents,
  ): Promise<TrafficMap> {
    const tiles = new TileTime(first);
    const name = styleName();
    const style = await fetchStyle(name);
    const map = new MapLibreMap({
      container,
      style,
      center: [0, 25],
      zoom: 1.5,
      maxZoom: 19,
      maxPitch: 0,
      dragRotate: false,
      pitchWithRotate: false,
      attributionControl: false,
      // The page knows when tiles change; asking for each as it expires would be in vain.
      refreshExpiredTiles: false,
      transformRequest: tiles.request,
      // Tiles cut from those of the source's last zoom are remembered by address and would go stale.
      zoomLevelsToOverscale: undefined,
    });
    showColours(style);
    tiles.attach(map);
    const time = () => tiles.shown;
    const cards = new RoadCards(map, { clear, speak, time, usual: events.usual });
    const goTo = (at: [number, number], then: () => void) => {
      events.chosen();
      const covered = clear();
      // The card opens above the road, in the middle of what nothing covers.
      const offset: [number, number] = [
        (covered.left - covered.right) / 2,
        (covered.top - covered.bottom) / 2 + map.getCanvas().clientHeight / 12,
      ];
      map.easeTo({ center: at, zoom: Math.max(map.getZoom(), CHOSEN_ZOOM), offset, duration: FIT_MS });
      map.once("idle", then);
    };
    listSlowest(map, () => roomy(clear()), time, (road) =>
      goTo(road.at, () => {
        // Far out, a line stands for several roads; here it can be told which of them is slow.
        const { x, y } = map.project(road.at);
        const near = [x - CHOSEN_NEAR, y - CHOSEN_NEAR, x + CHOSEN_NEAR, y + CHOSEN_NEAR] as const;
        const { at, words, feature } = slowestWithin(map, [...near], time())[0] ?? road;
        cards.open(at, { road: { words, feature }, closures: [] });
      }),
    );
    listClosed(map, ({ at, words }) => goTo(at, () => cards.open(at, { road: null, closures: [words] })));
    map.on("idle", () => {
      const layers = [ROADS, CELLS, CLOSURES].filter((layer) => map.getLayer(layer) !== undefined);
      events.viewed(map.queryRenderedFeatures({ layers }).length > 0);
    });
    return new TrafficMap(map, clear, tiles, name);
  }

  private constructor(
    map: MapLibreMap,
    private readonly clear: () => ClearArea,
    private readonly tiles: TileTime,
    private shownStyle: string,
  ) {
    this.map = map;
    map.touchZoomRotate.disableRotation();
    map.keyboard.disableRotation();
    map.addControl(new NavigationControl({ showCompass: false }), "top-right");
    map.addControl(new OverviewControl(() => this.overview()), "top-right");
    map.addControl(new AttributionControl({ compact: false }), "bottom-right");
    map.addControl(new ScaleControl({ maxWidth: 90 }), "bottom-right");
    map.on("movestart", (event) => {
      if ("originalEvent" in event && event.originalEvent !== undefined) {
        this.following = false;
      }
    });
    // Tiles that fail are asked for again at the next change; the status line speaks of the server.
    map.on("error", () => undefined);
  }

  /** Loads again what is in view, and keeps showing what there is until the new has come. */
  refresh(): void {
    this.tiles.refresh();
  }

  /** Shows live traffic, or what is typical at a time of the week, in the same way. */
  showTime(time: WeekTime | null): void {
    this.tiles.show(time);
  }

  /** Resolves when the time asked for is drawn, or is long in coming. */
  drawn(): Promise<void> {
    return this.tiles.drawn();
  }

  /** Shows the style that the browser's scheme and the reader's choice call for. */
  async restyle(): Promise<void> {
    const name = styleName();
    if (name === this.shownStyle) {
      return;
    }
    const style = await fetchStyle(name);
    // Another choice may have been made while this one was loading.
    if (name === styleName() && name !== this.shownStyle) {
      this.shownStyle = name;
      this.map.setStyle(style);
      showColours(style);
    }
  }

  /** Says where traffic is published; the view goes there unless the reader has taken it over. */
  setBounds(bounds: Bounds | null): void {
    const before = this.bounds;
    this.bounds = bounds;
    if (bounds !== null && this.following && (before === null || !within(bounds, before))) {
      this.fit(bounds, before !== null);
    }
  }

  /** Brings all traffic into view, and follows it from now on. */
  overview(): void {
    this.following = true;
    if (this.bounds !== null) {
      this.fit(this.bounds, true);
    }
  }

  private fit([west, south, east, north]: Bounds, animate: boolean): void {
    const area: LngLatBoundsLike = [
      [west, Math.max(south, -85)],
      [east < west ? east + 360 : east, Math.min(north, 85)],
    ];
    this.map.fitBounds(area, { padding: roomy(this.clear()), maxZoom: CLOSEST_FIT, animate, duration: FIT_MS });
  }
}

/** What the map tells the page. */
export interface MapEvents {
  /** Whether any road is in view, each time the map has been drawn. */
  viewed: (roads: boolean) => void;
  /** The reader has chosen a road elsewhere than on the map, and wants to see it. */
  chosen: () => void;
  /** Whether the server knows what is typical. */
  usual: () => boolean;
}

/** Pixels at each side of the map that something else covers. */
export interface ClearArea {
  top: number;
  right: number;
  bottom: number;
  left: number;
}

/** What is covered, and room to breathe; at the right the map has its buttons. */
function roomy({ top, right, bottom, left }: ClearArea): ClearArea {
  const margin = Math.min(48, innerWidth / 12);
  return { top: top + margin, right: right + margin + 40, bottom: bottom + margin, left: left + margin };
}

/** Gives the legend and the cards the style's colours; closed roads are in the legend where it draws them. */
function showColours(style: StyleSpecification): void {
  for (const [congestion, colour] of congestionColours(style)) {
    document.documentElement.style.setProperty(`--${congestion}`, colour);
  }
  const closed = closedColour(style);
  document.documentElement.style.setProperty("--closed", closed ?? "currentcolor");
  document.body.toggleAttribute("data-closures", closed !== null);
}

function within(inner: Bounds, outer: Bounds): boolean {
  return (
    inner[0] >= outer[0] && inner[1] >= outer[1] && inner[2] <= outer[2] && inner[3] <= outer[3]
  );
}
