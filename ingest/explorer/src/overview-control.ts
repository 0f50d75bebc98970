/** The button that brings all traffic into view. */

import type { IControl } from "maplibre-gl";
import { element } from "./element";

const ICON = "M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4M7 12l2.5-4 2 3L13 9";

/** A control of the map, beside its zoom buttons. */
export class OverviewControl implements IControl {
  private container: HTMLElement | undefined;

  /** `show` is called when the button is pressed. */
  constructor(private readonly show: () => void) {}

  onAdd(): HTMLElement {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 20 20");
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", ICON);
    svg.append(path);
    const button = element("button", "overview", svg);
    button.type = "button";
    button.title = "Show all traffic";
    button.setAttribute("aria-label", "Show all traffic");
    button.addEventListener("click", this.show);
    this.container = element("div", "maplibregl-ctrl maplibregl-ctrl-group", button);
    return this.container;
  }

  onRemove(): void {
    this.container?.remove();
  }
}
