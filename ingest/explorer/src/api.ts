/**
 * What the page asks of the server that sent it. Replies are checked here, once: what leaves this
 * file has the shape its type says.
 */

/** West, south, east, north, in degrees; east may be below west across the antimeridian. */
export type Bounds = [west: number, south: number, east: number, north: number];

/** What is published at present. */
export interface TrafficState {
  /** Changes whenever a tile does. */
  version: string;
  /** Lines on the map: a stretch of road in one direction. */
  lines: number;
  /** Length of them all. */
  kilometres: number | null;
  /** Age of the freshest of them, minutes. */
  freshestMin: number | null;
  /** When the server published something new, in its own time; compare it only with itself. */
  changedAtMs: number | null;
  /** How long ago that was by the server's clock, milliseconds. */
  changedAgoMs: number | null;
  /** Around all of it; absent while nothing is published. */
  bounds: Bounds | null;
  /** What is typical of the week: null while nothing is known yet, absent where the server knows of no such thing. */
  typical: TypicalState | null | undefined;
}

/** What is typical of the week. */
export interface TypicalState {
  /** Changes whenever it is learned anew. */
  version: string;
  /** Lines that it knows. */
  lines: number;
  /** How long ago it was learned by the server's clock, milliseconds. */
  learnedAgoMs: number | null;
  bounds: Bounds | null;
}

/** A closed epoch; amounts in 1e-6 token. */
export interface Epoch {
  number: number;
  closedAtMs: number;
  /** How many drivers have a score in it. */
  drivers: number | null;
  pool: bigint;
  paid: bigint;
  unallocated: bigint;
}

/** What one account was paid in an epoch, in 1e-6 token. */
export interface Pay {
  /** Null where the account was erased. */
  account: string | null;
  pay: bigint;
}

/** The pay of an epoch's accounts, highest first. */
export interface Payroll {
  pays: Pay[];
  /** Whether accounts beyond those read were left out. */
  partial: boolean;
}

/** Why a reply cannot be used. */
export class ApiError extends Error {
  override name = "ApiError";

  /** `answered` tells a reply that cannot be used from none at all; `missing`, that there is no such thing. */
  constructor(
    message: string,
    readonly answered = true,
    readonly missing = false,
  ) {
    super(message);
  }
}

/** A reply that takes longer is given up. */
const TIMEOUT_MS = 10_000;
/** Accounts asked for at a time, and pages read: an epoch may have more than a page should load. */
const SCORES_A_PAGE = 1000;
const SCORE_PAGES = 5;

/** The address of a path of the server, also where a proxy puts it below a path. */
export function address(path: string): string {
  return new URL(path, document.baseURI).href;
}

/** A document of the server, parsed and not yet checked. */
export async function fetchJson(path: string): Promise<unknown> {
  return (await fetchReply(path)).body;
}

/** A document, and when the server sent it by its own clock, Unix milliseconds. */
async function fetchReply(path: string): Promise<{ body: unknown; sentAtMs: number }> {
  let response: Response;
  try {
    response = await fetch(address(path), {
      headers: { Accept: "application/json" },
      // What is live is never read from a cache that was not asked to confirm it.
      cache: "no-cache",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new ApiError("no reply", false);
  }
  if (!response.ok) {
    throw new ApiError(`status ${response.status}`, true, response.status === 404);
  }
  const sentAtMs = Date.parse(response.headers.get("Date") ?? "");
  try {
    return { body: await response.json(), sentAtMs: Number.isNaN(sentAtMs) ? Date.now() : sentAtMs };
  } catch {
    throw new ApiError("not JSON");
  }
}

/** What is published at present. */
export async function fetchState(): Promise<TrafficState> {
  const { body: reply, sentAtMs } = await fetchReply("v1/tiles/state.json");
  const body = record(reply, "state");
  const changedAtMs = optional(body["changed_at_ms"], "changed_at_ms", count);
  return {
    version: text(body["version"], "version"),
    lines: count(body["lines"], "lines"),
    kilometres: optional(body["kilometres"], "kilometres", length),
    freshestMin: optional(body["freshest_min"], "freshest_min", count),
    changedAtMs,
    changedAgoMs: changedAtMs === null ? null : Math.max(0, sentAtMs - changedAtMs),
    bounds: bounds(body["bounds"]),
    typical: body["typical"] === undefined ? undefined : optional(body["typical"], "typical", typicalState(sentAtMs)),
  };
}

const typicalState =
  (sentAtMs: number) =>
  (value: unknown, what: string): TypicalState => {
    const body = record(value, what);
    const learnedAtMs = optional(body["compacted_at_ms"], "compacted_at_ms", count);
    return {
      version: text(body["version"], "version"),
      lines: count(body["lines"], "lines"),
      learnedAgoMs: learnedAtMs === null ? null : Math.max(0, sentAtMs - learnedAtMs),
      bounds: bounds(body["bounds"]),
    };
  };

/** The bytes of a tile; null where nothing is published. A browser's copy will do while the server says so. */
export async function fetchTile(path: string): Promise<ArrayBuffer | null> {
  const response = await fetch(address(path), { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) {
    throw new ApiError(`status ${response.status}`);
  }
  return response.status === 204 ? null : response.arrayBuffer();
}

/** The newest closed epochs, newest first. */
export async function fetchEpochs(limit: number): Promise<Epoch[]> {
  const body = record(await fetchJson(`v1/epochs?limit=${limit}`), "epochs");
  return list(body["epochs"], "epochs").map((item) => {
    const epoch = record(item, "epoch");
    return {
      number: count(epoch["number"], "number"),
      closedAtMs: count(epoch["closed_at_ms"], "closed_at_ms"),
      drivers: optional(epoch["drivers"], "drivers", count),
      pool: amount(epoch["pool"], "pool"),
      paid: amount(epoch["paid"], "paid"),
      unallocated: amount(epoch["unallocated"], "unallocated"),
    };
  });
}

/** Who was paid in an epoch. The server lists by account, so all are read, up to a bound. */
export async function fetchPayroll(epoch: number): Promise<Payroll> {
  const pays: Pay[] = [];
  let from: number | null = 0;
  for (let page = 0; page < SCORE_PAGES && from !== null; page += 1) {
    const path = `v1/epochs/${epoch}/scores?limit=${SCORES_A_PAGE}&from=${from}`;
    const body = record(await fetchJson(path), "scores");
    for (const item of list(body["scores"], "scores")) {
      const score = record(item, "score");
      const named = score["account_id"] !== undefined;
      const account = named ? text(score["account_id"], "account_id") : null;
      pays.push({ account, pay: amount(score["pay"], "pay") });
    }
    from = body["next_from"] === undefined ? null : count(body["next_from"], "next_from");
  }
  pays.sort((a, b) => (a.pay === b.pay ? (a.account ?? "").localeCompare(b.account ?? "") : a.pay < b.pay ? 1 : -1));
  return { pays, partial: from !== null };
}

/** A JSON object. */
export function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ApiError(`${what}: expected an object`);
  }
  return value as Record<string, unknown>;
}

/** A JSON array. */
export function list(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value)) {
    throw new ApiError(`${what}: expected a list`);
  }
  return value;
}

/** A string that is not empty. */
export function text(value: unknown, what: string): string {
  if (typeof value !== "string" || value === "") {
    throw new ApiError(`${what}: expected a text`);
  }
  return value;
}

/** What a server may leave out. */
export function optional<T>(
  value: unknown,
  what: string,
  read: (value: unknown, what: string) => T,
): T | null {
  return value === undefined || value === null ? null : read(value, what);
}

/** A whole number from 0. */
export function count(value: unknown, what: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw new ApiError(`${what}: expected a whole number`);
  }
  return value;
}

function length(value: unknown, what: string): number {
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) {
    throw new ApiError(`${what}: expected a length`);
  }
  return value;
}

/** Amounts come as decimal strings, since they may pass 2^53. */
function amount(value: unknown, what: string): bigint {
  if (typeof value !== "string" || !/^\d{1,40}$/.test(value)) {
    throw new ApiError(`${what}: expected an amount`);
  }
  return BigInt(value);
}

/** Bounds that cannot be shown count as none: the map works without. */
function bounds(value: unknown): Bounds | null {
  if (!Array.isArray(value) || value.length !== 4 || !value.every(Number.isFinite)) {
    return null;
  }
  const [west, south, east, north] = value as Bounds;
  const onEarth = Math.abs(west) <= 180 && Math.abs(east) <= 180 && south >= -90 && north <= 90;
  return onEarth && south <= north ? [west, south, east, north] : null;
}
