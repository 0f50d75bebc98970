/** A time of the local week, in the five-minute steps that typical traffic has. All of it is pure. */

export const DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"] as const;

/** From one step to the next, and in a day, minutes. */
export const STEP_MIN = 5;
const DAY_MIN = 1440;
/** The last step of a day. */
export const LAST_MIN = DAY_MIN - STEP_MIN;

/** A step of the week. */
export interface WeekTime {
  /** From 0, Monday. */
  day: number;
  /** Since midnight, a multiple of five. */
  minute: number;
}

/** `mon-08:05`, as the server and this page's address have it. */
export function weekParameter({ day, minute }: WeekTime): string {
  return `${(DAYS[day] ?? "").slice(0, 3).toLowerCase()}-${clock(minute)}`;
}

/** Reads `mon-08:05`, brought down to its step; null where it is none. */
export function readWeekParameter(text: string | null): WeekTime | null {
  const found = /^([a-z]{3})-([01]\d|2[0-3]):([0-5]\d)$/i.exec(text ?? "");
  const day = DAYS.findIndex((name) => name.slice(0, 3).toLowerCase() === found?.[1]?.toLowerCase());
  return found === null || day < 0 ? null : { day, minute: toStep(60 * Number(found[2]) + Number(found[3])) };
}

/** `Monday, 08:05`. */
export function weekWords({ day, minute }: WeekTime): string {
  return `${DAYS[day]}, ${clock(minute)}`;
}

/** `08:05`. */
export function clock(minute: number): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

/** The step of the week that it is, by the clock and calendar of this browser. */
export function weekTimeOf(date: Date): WeekTime {
  return { day: (date.getDay() + 6) % 7, minute: toStep(60 * date.getHours() + date.getMinutes()) };
}

/** Where a day that plays goes next, in strides of so many minutes; null at its end. */
export function nextStride({ day, minute }: WeekTime, strideMin: number): WeekTime | null {
  const next = (Math.floor(minute / strideMin) + 1) * strideMin;
  return minute >= LAST_MIN ? null : { day, minute: Math.min(next, LAST_MIN) };
}

function toStep(minute: number): number {
  return minute - (minute % STEP_MIN);
}
