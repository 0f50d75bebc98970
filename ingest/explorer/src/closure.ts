/** A closed road in plain words, from a feature of layer `closures`. */

import { element } from "./element";

/** The words for a closure. */
export interface ClosureWords {
  id: string;
  /** Why, in the operator's words. */
  reason: string;
  /** `until Tuesday, 24 November, 18:00`; empty where it is not told. */
  until: string;
}

/** Reads a feature's properties; nothing when they are not those of a closure. */
export function describeClosure(properties: Record<string, unknown> | null | undefined): ClosureWords | null {
  const { id, reason, until } = properties ?? {};
  if (typeof id !== "string" || typeof reason !== "string") {
    return null;
  }
  return { id, reason: reason.trim() || "no reason given", until: untilWords(until, new Date()) };
}

/** The closures among features, each once. */
export function closuresOf(features: { properties: Record<string, unknown> | null }[]): ClosureWords[] {
  const found = new Map<string, ClosureWords>();
  for (const { properties } of features) {
    const words = describeClosure(properties);
    if (words !== null) {
      found.set(words.id, words);
    }
  }
  return [...found.values()];
}

/** What is said of a closed road that nobody drives: it is not empty for want of drivers. */
const NO_TRAFFIC = "No traffic is shown on it, as is to be expected.";

/** The words as the upper part of a card; `driven` tells whether traffic follows below. */
export function closureCard(closures: ClosureWords[], driven: boolean): HTMLElement {
  const line = element("span", "closed-line");
  const card = element("div", "closure", element("p", "road-title", line, "Closed"));
  for (const { reason, until } of closures) {
    card.append(element("p", "closure-reason", sentence(reason)), element("p", "closure-until", sentence(until)));
  }
  card.append(element("p", "note", `Declared by the operator of this map.${driven ? "" : ` ${NO_TRAFFIC}`}`));
  return card;
}

/** The words as sentences, for screen readers. */
export function closureSentence(closures: ClosureWords[]): string {
  return closures.map(({ reason, until }) => `Closed: ${reason}${until === "" ? "" : `, ${until}`}.`).join(" ");
}

/** When it ends, in the reader's time: the map does not know the place's. */
function untilWords(until: unknown, now: Date): string {
  const end = new Date(typeof until === "number" ? until * 1000 : Number.NaN);
  if (Number.isNaN(end.getTime())) {
    return "";
  }
  const days = Math.round((midnight(end) - midnight(now)) / 86_400_000);
  const time = end.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (days === 0 || days === 1) {
    return `until ${days === 0 ? "today" : "tomorrow"}, ${time} your time`;
  }
  const year = end.getFullYear() === now.getFullYear() ? undefined : "numeric";
  const date = end.toLocaleDateString("en-GB", { weekday: "long", day: "numeric", month: "long", year });
  return `until ${date}, ${time} your time`;
}

function midnight(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) || first === "" ? first : `${first}.`;
}
