/** Views over the page, each with an address of its own: `#transparency`, `#why-empty`. */

import { byId } from "./element";

/** The element of a view; its id is not its address, so that following a link does not take the focus away. */
const dialogOf = (address: string) => byId<HTMLDialogElement>(`view-${address}`);

/** Opens the view that the address names, now and whenever it changes; `opened` prepares each by its address. */
export function prepareViews(opened: Record<string, (dialog: HTMLDialogElement) => void>): void {
  const named = () => location.hash.slice(1);
  /** Closed because the address names another; browsers tell of it only with their next frame. */
  const left = new Set<HTMLDialogElement>();
  const follow = () => {
    for (const address of Object.keys(opened)) {
      const dialog = dialogOf(address);
      if (address === named() && !dialog.open) {
        opened[address]?.(dialog);
        dialog.showModal();
        dialog.scrollTop = 0;
      } else if (address !== named() && dialog.open) {
        left.add(dialog);
        dialog.close();
      }
    }
  };
  for (const address of Object.keys(opened)) {
    const dialog = dialogOf(address);
    dialog.addEventListener("close", () => {
      // By then the way back may have led here again.
      if (!left.delete(dialog) && named() === address) {
        history.replaceState(null, "", location.pathname + location.search);
      }
    });
    dialog.addEventListener("click", (event) => {
      // Only what lies around the dialog is the dialog itself here: its content fills it.
      if (event.target === dialog || (event.target as Element).closest(".close") !== null) {
        dialog.close();
      }
    });
  }
  addEventListener("hashchange", follow);
  follow();
}
