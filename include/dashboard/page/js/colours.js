// Light or dark: as the system is set, and inside Airflow as Airflow is set.

import { isFramed, setAttribute } from "./dom.js";

/** Calls onChange when the colours have changed: what is drawn on a canvas does not follow by itself. */
export function followColours(onChange) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", onChange);
  if (!isFramed()) return;
  try {
    const outer = window.parent.document.documentElement;
    const follow = () => {
      const name = ["dark", "light"].find(
        (each) => outer.classList.contains(each) || outer.dataset.theme === each,
      );
      setAttribute(document.documentElement, "data-theme", name ?? null);
      onChange();
    };
    new MutationObserver(follow).observe(outer, { attributeFilter: ["class", "data-theme"] });
    follow();
  } catch {
    // framed by another site: the system's colours it is
  }
}
