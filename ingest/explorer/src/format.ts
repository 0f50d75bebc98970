/** Numbers in words. All of it is pure; the clock is passed in. */

const MICRO = 1_000_000n;
const whole = new Intl.NumberFormat("en");

/** A count with its thousands apart. */
export function formatCount(count: number | bigint): string {
  return whole.format(count);
}

/** A length of road: one decimal below 10, whole kilometres above. */
export function formatKilometres(kilometres: number): string {
  const digits = kilometres < 10 ? 1 : 0;
  return `${new Intl.NumberFormat("en", { maximumFractionDigits: digits }).format(kilometres)} km`;
}

/** An amount of 1e-6 token as tokens, exact, with up to six decimals: `1,234.5`. */
export function formatTokens(micro: bigint): string {
  const decimals = (micro % MICRO).toString().padStart(6, "0").replace(/0+$/, "");
  return formatCount(micro / MICRO) + (decimals === "" ? "" : `.${decimals}`);
}

/** Time that has passed, in its largest unit: `12 s ago`. A clock that runs behind reads `just now`. */
export function formatAgo(thenMs: number, nowMs: number): string {
  const seconds = Math.floor((nowMs - thenMs) / 1000);
  if (seconds < 1) {
    return "just now";
  }
  if (seconds < 60) {
    return `${seconds} s ago`;
  }
  if (seconds < 3600) {
    return `${Math.floor(seconds / 60)} min ago`;
  }
  if (seconds < 86_400) {
    return `${Math.floor(seconds / 3600)} h ago`;
  }
  const days = Math.floor(seconds / 86_400);
  return days === 1 ? "1 day ago" : `${formatCount(days)} days ago`;
}

/** An account's id, short enough for a line: its first eight digits. */
export function formatAccount(id: string): string {
  return id.length > 8 ? `${id.slice(0, 8)}…` : id;
}
