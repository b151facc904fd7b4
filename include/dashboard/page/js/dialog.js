// A dialog: open while something is chosen.

import { html, useLayoutEffect, useRef } from "./base.js";
import { t } from "./language.js";

/** `tools` stand beside the heading, `below` in a line under it; `onClose` takes back what is chosen. */
export function Dialog({ id, chosen, isBusy, title, tools, below, onClose, children }) {
  const dialog = useRef();
  useLayoutEffect(() => {
    if (!chosen) dialog.current.close();
    else if (!dialog.current.open) dialog.current.showModal();
  }, [chosen]);
  const content = () => html`
    <header>
      <h2 id=${`${id}-title`}>${title}</h2>
      ${tools}
      <button type="button" onClick=${() => dialog.current.close()}>${t("Close")}</button>
      ${below}
    </header>
    <div class="lists">${children}</div>
  `;
  return html`
    <dialog id=${id} class="dialog" aria-labelledby=${`${id}-title`} aria-busy=${isBusy ? "true" : "false"} ref=${dialog} onClose=${onClose}>
      ${chosen && content()}
    </dialog>
  `;
}
