// What the page is built on: Preact with htm's templates and signals. Texts go in as texts, never as HTML.

import htm from "../vendor/htm/htm.js";
import { h } from "../vendor/preact/preact.js";
import { visible, visibleOutside } from "./outside.js";

export { useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/preact/hooks.js";
export { batch, computed, effect, signal, untracked } from "../vendor/preact-signals/signals.js";
export { render } from "../vendor/preact/preact.js";

/** Attributes that people read. */
const READ = ["title", "aria-label", "placeholder"];

const shown = (child) =>
  typeof child === "string" ? visible(child) : Array.isArray(child) ? child.map(shown) : child;

function element(type, attributes, ...children) {
  if (typeof type !== "string") return h(type, attributes, ...children);
  const read = READ.filter((name) => typeof attributes?.[name] === "string");
  const texts = Object.fromEntries(read.map((name) => [name, visible(attributes[name])]));
  return h(type, { ...attributes, ...texts }, ...shown(children));
}

/** Elements from a template: html`<p class=${name}>${text}</p>`. */
export const html = htm.bind(element);

/** A text from outside in an element of its own: in whichever direction it runs, its neighbours stay in order. */
export const outside = (text) => html`<bdi>${visibleOutside(text)}</bdi>`;

/** Text that only screen readers tell. */
export const unseen = (text) => html`<span class="unseen">${text}</span>`;

/** Whether a click on a link is for us, and not for what a browser does with links. */
export const isPlain = (event) => !(event.altKey || event.ctrlKey || event.metaKey || event.shiftKey);
