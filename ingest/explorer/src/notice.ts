/** The line over the map: what is wrong, or why there is nothing to see. */

import { byId, setText } from "./element";

/** What it can be about, the most urgent first. */
const KINDS = ["failure", "unpublished", "empty-view"] as const;
export type Notice = (typeof KINDS)[number];

const said = new Map<Notice, string>();

/** Says `text` about something, or nothing more of it. Of several, the most urgent is shown. */
export function setNotice(kind: Notice, text: string | null): void {
  if (text === null) {
    said.delete(kind);
  } else {
    said.set(kind, text);
  }
  const shown = KINDS.find((name) => said.has(name));
  const notice = byId("notice");
  notice.hidden = shown === undefined;
  notice.dataset["kind"] = shown ?? "";
  setText(byId("notice-text"), shown === undefined ? "" : (said.get(shown) ?? ""));
}
