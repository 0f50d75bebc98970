/** Reading a road: under the pointer, where the reader clicks or taps, or in the middle by keyboard. */

import { type Map as MapLibreMap, type PointLike, Popup } from "maplibre-gl";
import { setText } from "./element";
import { ROADS } from "./map-style";
import { describeRoad, roadCard, roadSentence, type RoadWords } from "./road";

/** How far from a line still counts as on it, pixels: for a mouse, and for a finger or the keyboard. */
const NEAR = 5;
const NEAR_COARSE = 16;

/** Lets the reader point at roads. `speak` is where screen readers hear the keyboard's answer. */
export function readRoads(map: MapLibreMap, speak: HTMLElement): void {
  const coarse = matchMedia("(pointer: coarse)");
  const hover = new Popup({ closeButton: false, closeOnClick: false, className: "hover", offset: 12 });
  const pinned = new Popup({ closeOnClick: false, focusAfterOpen: false, offset: 8, maxWidth: "300px" });
  const canvas = map.getCanvas();
  let isPinned = false;
  pinned.on("close", () => (isPinned = false));

  const near = ({ x, y }: { x: number; y: number }, reach: number): RoadWords | null => {
    if (map.getLayer(ROADS) === undefined) {
      return null;
    }
    const box: [PointLike, PointLike] = [
      [x - reach, y - reach],
      [x + reach, y + reach],
    ];
    const found = map.queryRenderedFeatures(box, { layers: [ROADS] });
    return describeRoad(found[0]?.properties ?? null);
  };
  const pin = (at: { x: number; y: number }, reach: number): RoadWords | null => {
    const words = near(at, reach);
    hover.remove();
    pinned.remove();
    if (words !== null) {
      pinned.setLngLat(map.unproject([at.x, at.y])).setDOMContent(roadCard(words)).addTo(map);
      isPinned = true;
    }
    return words;
  };

  map.on("mousemove", (event) => {
    const words = coarse.matches ? null : near(event.point, NEAR);
    canvas.style.cursor = words === null ? "" : "pointer";
    if (words === null || isPinned) {
      hover.remove();
    } else {
      hover.setLngLat(event.lngLat).setDOMContent(roadCard(words)).addTo(map);
    }
  });
  map.on("mouseout", () => hover.remove());
  map.on("click", (event) => pin(event.point, coarse.matches ? NEAR_COARSE : NEAR));

  canvas.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      const { clientWidth, clientHeight } = canvas;
      const words = pin({ x: clientWidth / 2, y: clientHeight / 2 }, NEAR_COARSE);
      setText(speak, words === null ? "No road with traffic in the middle of the map." : roadSentence(words));
    } else if (event.key === "Escape") {
      pinned.remove();
    }
  });

  // A card that stays open tells what the road is like now.
  map.on("idle", () => {
    if (isPinned) {
      const words = near(map.project(pinned.getLngLat()), coarse.matches ? NEAR_COARSE : NEAR);
      if (words !== null) {
        pinned.setDOMContent(roadCard(words));
      }
    }
  });
}
