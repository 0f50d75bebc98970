/** A road's traffic in plain words, from the attributes of a feature in layer `traffic`. */

import { element } from "./element";

const CONGESTION = {
  low: "Flowing",
  moderate: "Moderate traffic",
  heavy: "Heavy traffic",
  severe: "Severe traffic",
} as const;

type Congestion = keyof typeof CONGESTION;

const CONFIDENCE = ["", "Low", "Fair", "High"];

/** The words for a feature, or nothing when its attributes are not those of traffic. */
export interface RoadWords {
  congestion: Congestion;
  title: string;
  /** Name and value, in reading order; what is not known is left out. */
  facts: [name: string, value: string][];
}

/** Reads a feature's attributes. */
export function describeRoad(properties: Record<string, unknown> | null): RoadWords | null {
  const congestion = properties?.["congestion"];
  if (properties === null || typeof congestion !== "string" || !(congestion in CONGESTION)) {
    return null;
  }
  const known = congestion as Congestion;
  const number = (name: string): number | null => {
    const value = properties[name];
    return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : null;
  };
  const facts: [string, string][] = [];
  const add = (name: string, value: number | null, words: (value: number) => string) => {
    if (value !== null && words(value) !== "") {
      facts.push([name, words(value)]);
    }
  };
  add("Speed", number("speed"), (speed) => `${Math.round(speed)} km/h`);
  add("Free flow", number("ff"), (speed) => `${Math.round(speed)} km/h`);
  add("Slowed by", number("jam"), (tenths) =>
    tenths < 1 ? "hardly at all" : `about ${Math.min(Math.round(tenths), 10) * 10} %`,
  );
  add("Drivers", number("n"), (drivers) => `${Math.round(drivers)} or more`);
  // The age is rounded down to steps of five minutes.
  add("Newest data", number("age"), (minutes) =>
    minutes < 5 ? "under 5 min old" : `${Math.round(minutes)} to ${Math.round(minutes) + 5} min old`,
  );
  add("Confidence", number("conf"), (level) => CONFIDENCE[Math.round(level)] ?? "");
  return { congestion: known, title: CONGESTION[known], facts };
}

/** The words as one sentence, for screen readers. */
export function roadSentence(words: RoadWords): string {
  return `${words.title}. ${words.facts.map(([name, value]) => `${name}: ${value}.`).join(" ")}`;
}

/** The words as a card on the map. */
export function roadCard(words: RoadWords): HTMLElement {
  const swatch = element("span", "swatch");
  swatch.dataset["congestion"] = words.congestion;
  const facts = words.facts.map(([name, value]) =>
    element("div", "", element("dt", "", name), element("dd", "", value)),
  );
  return element(
    "div",
    "road",
    element("p", "road-title", swatch, words.title),
    element("dl", "", ...facts),
  );
}
