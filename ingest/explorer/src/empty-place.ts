/** Why a place is still empty, in words; the number of drivers is the server's. */

import { element } from "./element";

/** How many drivers a road needs; null until the server has told. */
let needed: number | null = null;

/** Takes the server's number, and puts it wherever the page's text names it. */
export function setDriversNeeded(drivers: number): void {
  needed = drivers;
  for (const place of document.querySelectorAll<HTMLElement>(".drivers-needed")) {
    place.textContent = driversNeeded();
  }
}

/** `3 different drivers`, or without the number while it is not known. */
export function driversNeeded(): string {
  return needed === null ? "several different drivers" : `${needed} different drivers`;
}

/** The rule in two sentences, of live traffic or of what is typical. */
export function whyEmpty(typical: boolean): string {
  const rule = typical
    ? "What is typical is learned where at least five different drivers have passed in the last 28 days."
    : `A road appears when ${driversNeeded()} have passed it within half an hour.`;
  return `${rule} Until then nothing is known here, which is not the same as no traffic.`;
}

/** The words as a card on the map. */
export function emptyCard(title: string, typical: boolean): HTMLElement {
  const more = element("a", "more", "Why is that?");
  more.href = "#why-empty";
  return element("div", "road empty", element("p", "road-title", title), element("p", "", whyEmpty(typical)), more);
}
