/** Which of the server's styles the reader sees: by the browser's scheme, and by their own choice of colours. */

/** Where the choice is remembered. */
const KEY = "hexmile.colours";

const dark = matchMedia("(prefers-color-scheme: dark)");
let safe = remembered();

/** The name of the style to show now. */
export function styleName(): string {
  return `traffic${safe ? "-safe" : ""}${dark.matches ? "-dark" : ""}`;
}

/** Makes the radio buttons of `control` the reader's choice; `changed` is called when another style is due. */
export function preparePalette(control: HTMLElement, changed: () => void): void {
  for (const radio of control.querySelectorAll<HTMLInputElement>("input[type=radio]")) {
    radio.checked = (radio.value === "safe") === safe;
    radio.addEventListener("change", () => {
      safe = radio.value === "safe";
      remember();
      changed();
    });
  }
  dark.addEventListener("change", changed);
}

/** A browser may refuse to keep anything; then the choice lasts as long as the page. */
function remembered(): boolean {
  try {
    return localStorage.getItem(KEY) === "safe";
  } catch {
    return false;
  }
}

function remember(): void {
  try {
    localStorage.setItem(KEY, safe ? "safe" : "standard");
  } catch {
    // It stays chosen on this page.
  }
}
