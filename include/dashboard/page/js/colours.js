// Light or dark: as the system is set, and inside Airflow as Airflow is set.

import { signal } from "./base.js";
import { isFramed } from "./frame.js";

/** Counts changes of the colours: what is drawn on a canvas does not follow by itself. */
export const colours = signal(0);

export function followColours() {
  const onChange = () => {
    colours.value += 1;
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", onChange);
  if (!isFramed()) return;
  try {
    const outer = window.parent.document.documentElement;
    const follow = () => {
      const name = ["dark", "light"].find(
        (each) => outer.classList.contains(each) || outer.dataset.theme === each,
      );
      if (name) document.documentElement.dataset.theme = name;
      else delete document.documentElement.dataset.theme;
      onChange();
    };
    new MutationObserver(follow).observe(outer, { attributeFilter: ["class", "data-theme"] });
    follow();
  } catch {
    // framed by another site: the system's colours it is
  }
}
