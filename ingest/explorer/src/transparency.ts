/** What is collected and why, as the server states it from its configuration. */

import { ApiError, count, fetchJson, list, optional, record, text } from "./api";
import { element } from "./element";

const PATH = "v1/transparency";
/** Characters of a sentence that may stand out at its beginning. */
const LONGEST_LEAD = 48;

interface Collected {
  what: string;
  why: string;
  kept: string;
  whoSees: string;
}

/** The server's statement. */
interface Transparency {
  network: string;
  /** Drivers that a road needs to be shown. */
  minDrivers: number | null;
  /** The settings behind the statement, names and values. */
  settings: [name: string, value: string][];
  collected: Collected[];
  never: string[];
  canLink: string[];
  rights: { what: string; how: string }[];
}

/** Asks for the statement. */
export async function fetchTransparency(): Promise<Transparency> {
  const body = record(await fetchJson(PATH), "transparency");
  const settings = record(body["generated_from"], "generated_from");
  const sentences = (name: string) => list(body[name], name).map((item) => text(item, name));
  return {
    network: text(body["network"], "network"),
    minDrivers: optional(settings["min_drivers"], "min_drivers", count),
    settings: Object.entries(settings)
      .filter(([, value]) => ["string", "number", "boolean"].includes(typeof value))
      .map(([name, value]) => [name.replaceAll("_", " "), String(value)]),
    collected: list(body["collected"], "collected").map((item) => {
      const { what, why, kept, who_sees: whoSees } = record(item, "collected");
      return {
        what: text(what, "what"),
        why: text(why, "why"),
        kept: text(kept, "kept"),
        whoSees: text(whoSees, "who_sees"),
      };
    }),
    never: sentences("never"),
    canLink: sentences("can_link"),
    rights: list(body["your_rights"], "your_rights").map((item) => {
      const { what, how } = record(item, "your_rights");
      return { what: text(what, "what"), how: text(how, "how") };
    }),
  };
}

/** Loads the statement into `place`, anew each time it is read; what fails says so, and can be tried again. */
export async function showTransparency(place: HTMLElement): Promise<void> {
  if (place.childElementCount === 0) {
    place.replaceChildren(element("p", "note", "Loading …"));
  }
  try {
    place.replaceChildren(...statement(await fetchTransparency()));
  } catch (error) {
    const missing = error instanceof ApiError && error.missing;
    const why = missing ? "This server does not publish a statement." : "The statement cannot be loaded at present.";
    const retry = element("button", "button", "Try again");
    retry.type = "button";
    retry.addEventListener("click", () => void showTransparency(place));
    place.replaceChildren(element("p", "", why), ...(missing ? [] : [retry]));
  }
}

function statement(said: Transparency): HTMLElement[] {
  const bullets = (title: string, sentences: string[]) => [
    element("h3", "", title),
    element("ul", "bullets", ...sentences.map((sentence) => element("li", "", sentence))),
  ];
  const link = element("a", "", "machine-readable");
  link.href = `./${PATH}`;
  return [
    element(
      "p",
      "note",
      `The server of network “${said.network}” writes this itself, from the settings that it runs with; it is also `,
      link,
      ".",
    ),
    element("h3", "", "What is collected"),
    element("ul", "collected", ...said.collected.map(collectedItem)),
    ...bullets("What is never collected", said.never),
    ...bullets("What the operator could link", said.canLink),
    element("h3", "", "Your rights"),
    pairs("rights", said.rights.map(({ what, how }) => [what, how])),
    element("details", "settings", element("summary", "", "The settings behind this"), pairs("pairs", said.settings)),
  ];
}

function collectedItem({ what, why, kept, whoSees }: Collected): HTMLElement {
  const facts: [string, string][] = [
    ["Why", why],
    ["Kept", kept],
    ["Seen by", whoSees],
  ];
  return element("li", "", element("p", "what", ...withLead(what)), pairs("pairs", facts));
}

/** A sentence with what comes before its colon, if that is short, standing out. */
function withLead(sentence: string): (string | Node)[] {
  const end = sentence.indexOf(":") + 1;
  return end === 0 || end > LONGEST_LEAD
    ? [sentence]
    : [element("b", "", sentence.slice(0, end)), sentence.slice(end)];
}

function pairs(className: string, facts: [name: string, value: string][]): HTMLElement {
  const rows = facts.map(([name, value]) =>
    element("div", "", element("dt", "", name), element("dd", "", value)),
  );
  return element("dl", className, ...rows);
}
