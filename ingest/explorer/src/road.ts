/** A road's traffic in plain words, from a feature of layer `traffic`. */

import { element } from "./element";
import type { Usual } from "./usual";
import { type WeekTime, weekWords } from "./week-time";

const CONGESTION = {
  low: "Flowing",
  moderate: "Moderate traffic",
  heavy: "Heavy traffic",
  severe: "Severe traffic",
} as const;

type Congestion = keyof typeof CONGESTION;

/** How good a speed is, by `conf`: its bounds as the tiles' description has them, within which nine in ten lie. */
const GOOD_TO = ["", "a rough idea of the speed", "right to within 40 %, nine times in ten", "right to within 15 %, nine times in ten"];

/** The same of what is typical. A thin slot, that few drove in, is always 1; so is one in which much time is lost. */
const TYPICAL = [
  "",
  "Few drove about then; this is what its surroundings suggest.",
  "Enough drove about then for a fair idea.",
  "Enough drove about then to be sure, and little time is lost.",
];
const TYPICAL_SLOW =
  "A rough idea: few drove about then, so that its surroundings suggest it, or speeds differ much where so much time is lost.";
/** From so many tenths lost on, the lowest confidence need not mean that few drove. */
const MUCH_LOST = 4;

/** Minutes from which `conf` is one lower than its drivers alone would make it. */
const AGEING_MIN = 15;

const COMPASS = ["north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west"];

/** As much of a feature as is read here. */
export interface RoadFeature {
  properties: Record<string, unknown> | null;
  geometry: { type: string; coordinates?: unknown };
}

/** The words for a feature. */
export interface RoadWords {
  congestion: Congestion;
  title: string;
  /** `typical for Monday, 08:05`; empty for what is live. */
  when: string;
  /** Name and value, in reading order; what is not known is left out. */
  facts: [name: string, value: string][];
  /** How far to trust it, as a sentence; empty where the tile does not tell. */
  confidence: string;
}

/** Reads a feature, live or typical of a time; nothing when its attributes are not those of traffic. */
export function describeRoad(feature: RoadFeature | undefined, time: WeekTime | null): RoadWords | null {
  const properties = feature?.properties ?? {};
  const congestion = properties["congestion"];
  if (feature === undefined || typeof congestion !== "string" || !(congestion in CONGESTION)) {
    return null;
  }
  const known = congestion as Congestion;
  const number = (name: string): number | null => {
    const value = properties[name];
    return typeof value === "number" && Number.isFinite(value) && value >= 0 ? Math.round(value) : null;
  };
  const facts: [string, string][] = [];
  const add = (name: string, value: number | null, words: (value: number) => string) => {
    if (value !== null) {
      facts.push([name, words(value)]);
    }
  };
  add("Speed", number("speed"), (speed) => `${speed} km/h`);
  add("Free flow", number("ff"), (speed) => `${speed} km/h`);
  add("Slowed", number("jam"), (tenths) =>
    tenths < 1 ? "hardly at all" : tenths > 9 ? "almost to a standstill" : `by about ${tenths * 10} %`,
  );
  const towards = heading(feature.geometry);
  if (towards !== null) {
    facts.push(["Heading", towards]);
  }
  // The age is rounded down to steps of five minutes.
  if (time !== null) {
    const words = number("conf") === 1 && (number("jam") ?? 0) >= MUCH_LOST ? TYPICAL_SLOW : TYPICAL[number("conf") ?? 0];
    return { congestion: known, title: CONGESTION[known], when: `typical for ${weekWords(time)}`, facts, confidence: words ?? "" };
  }
  add("Newest data", number("age"), (minutes) =>
    minutes < 5 ? "under 5 min old" : `${minutes} to ${minutes + 5} min old`,
  );
  return {
    congestion: known,
    title: CONGESTION[known],
    when: "",
    facts,
    confidence: confidence(number("conf"), number("n"), number("age")),
  };
}

/** The same words, and beside the speed what it usually is. */
export function withUsual(words: RoadWords, usual: Usual): RoadWords {
  const facts = [...words.facts];
  facts.splice(facts.findIndex(([name]) => name === "Speed") + 1, 0, ["Usually", usualWords(usual)]);
  return { ...words, facts };
}

/** `42 km/h at this time`, or about that. */
export function usualWords({ speed, rough }: Usual): string {
  return `${rough ? "about " : ""}${speed} km/h at this time`;
}

/** The words as sentences, for screen readers. */
export function roadSentence(words: RoadWords): string {
  const facts = words.facts.map(([name, value]) => `${name}: ${value}.`).join(" ");
  return `${words.title}${words.when === "" ? "" : `, ${words.when}`}. ${facts} ${words.confidence}`.trim();
}

/** The words as a card on the map. */
export function roadCard(words: RoadWords): HTMLElement {
  const swatch = element("span", "swatch");
  swatch.dataset["congestion"] = words.congestion;
  const facts = words.facts.map(([name, value]) =>
    element("div", "", element("dt", "", name), element("dd", "", value)),
  );
  const card = element("div", "road", element("p", "road-title", swatch, words.title));
  if (words.when !== "") {
    card.append(element("p", "road-when", words.when));
  }
  card.append(element("dl", "", ...facts));
  if (words.confidence !== "") {
    card.append(element("p", "road-confidence", words.confidence));
  }
  return card;
}

/** `10 or more drivers in the last 30 minutes: right to within 15 %, nine times in ten.` */
function confidence(level: number | null, drivers: number | null, ageMin: number | null): string {
  const goodTo = GOOD_TO[level ?? 0] ?? "";
  if (goodTo === "") {
    return "";
  }
  const who = drivers === null ? "Several drivers" : `${drivers} or more drivers`;
  const when = ageMin !== null && ageMin >= AGEING_MIN ? " when they passed; it may have changed since" : "";
  return `${who} in the last 30 minutes: ${goodTo}${when}.`;
}

/** Where a line leads, as a point of the compass. */
function heading(geometry: RoadFeature["geometry"]): string | null {
  const course = courseOf(geometry);
  return course === null ? null : (COMPASS[(Math.round(course / 45) + 8) % 8] ?? null);
}

/** From a line's first to its last point, degrees clockwise from north; nothing where it comes back to its start. */
export function courseOf(geometry: RoadFeature["geometry"]): number | null {
  const coordinates = geometry.coordinates as [number, number][] | [number, number][][] | undefined;
  const lines = geometry.type === "MultiLineString" ? coordinates : geometry.type === "LineString" ? [coordinates] : [];
  const line = (lines as [number, number][][])[0];
  const [from, to] = [line?.[0], line?.at(-1)];
  if (from === undefined || to === undefined) {
    return null;
  }
  const north = to[1] - from[1];
  const east = (to[0] - from[0]) * Math.cos((from[1] * Math.PI) / 180);
  return Math.hypot(north, east) < 1e-6 ? null : (Math.atan2(east, north) * 180) / Math.PI;
}
