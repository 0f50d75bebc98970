/** Asking again and again: not while the page is hidden, and more slowly while it fails. */

/** The longest wait between two tries, milliseconds. */
const SLOWEST_MS = 30_000;

/**
 * Runs `task` now and every `intervalMs` after it ended. A task that throws is tried again after
 * twice the time, up to half a minute; the page coming back into view asks at once.
 */
export function poll(intervalMs: number, task: () => Promise<void>): void {
  let failures = 0;
  let timer: number | undefined;
  let running = false;

  const wait = () => {
    clearTimeout(timer);
    if (!document.hidden) {
      timer = window.setTimeout(run, Math.min(intervalMs * 2 ** failures, SLOWEST_MS));
    }
  };
  const run = async () => {
    clearTimeout(timer);
    if (running) {
      return;
    }
    running = true;
    try {
      await task();
      failures = 0;
    } catch {
      // The task has told the reader; here it only changes the pace.
      failures = Math.min(failures + 1, 10);
    } finally {
      running = false;
    }
    wait();
  };

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      clearTimeout(timer);
    } else {
      void run();
    }
  });
  window.addEventListener("online", () => void run());
  void run();
}
