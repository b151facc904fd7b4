// Airflow shows the page in a frame: what that forbids, a link in Airflow's own document may.

import { html } from "./base.js";

/** The address, absolute, if it is one of the web; null for anything else, such as javascript: */
function safeAddress(address) {
  try {
    const url = new URL(address, document.baseURI);
    return ["http:", "https:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

export const isFramed = () => window.parent !== window;

/** A link to elsewhere, in a tab of its own. */
export function outsideLink(address, content) {
  const href = safeAddress(address);
  if (href === null) return html`<span>${content}</span>`;
  const open = (event) => isFramed() && openFromParent(href, "_blank") && event.preventDefault();
  return html`<a href=${href} target="_blank" rel="noopener" onClick=${open}>${content}</a>`;
}

/**
 * Opens an address from the page around ours; false if that is somebody else's.
 *
 * Airflow's frame forbids its content to open tabs and to leave (sandbox without allow-popups), but it is of
 * the same origin.
 */
export function openFromParent(href, target) {
  try {
    const outer = window.parent.document;
    const link = outer.createElement("a");
    Object.assign(link, { href, target, rel: "noopener" });
    outer.body.append(link);
    link.click();
    link.remove();
    return true;
  } catch {
    return false;
  }
}
