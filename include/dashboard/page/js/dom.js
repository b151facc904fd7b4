// Builds and changes the document: whatever comes from outside goes in as text, never as HTML.

import { visible, visibleOutside } from "./outside.js";

/** Attributes that people read. */
const READ = new Set(["title", "aria-label"]);

/** An element with attributes; children are elements or texts, null ones are left out. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...shown(children));
  return element;
}

const shown = (children) =>
  children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== "")
    .map((child) => (child instanceof Node ? child : visible(child)));

/** Sets or removes (null, undefined, false) an attribute, and touches the document only on a change. */
export function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else {
    const text = value === true ? "" : READ.has(name) ? visible(value) : String(value);
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

/** Sets the text of an element; true if that changed anything. */
export function setText(element, text) {
  const fresh = visible(text);
  if (element.textContent === fresh) return false;
  element.textContent = fresh;
  return true;
}

/** Replaces the children only if their HTML would differ: nothing flickers, selection and focus stay. */
export function setChildren(element, ...children) {
  const fresh = el("div", {}, ...children);
  if (fresh.innerHTML === element.innerHTML) return false;
  const focused = pathTo(document.activeElement, element);
  element.replaceChildren(...fresh.childNodes);
  focused?.reduce((node, index) => node?.children[index], element)?.focus({ preventScroll: true });
  return true;
}

/** The way from an element down to one inside it, as indexes of children; null if it is not inside. */
function pathTo(node, ancestor) {
  if (node === ancestor || !ancestor.contains(node)) return null;
  const path = [];
  for (; node !== ancestor; node = node.parentElement)
    path.unshift([...node.parentElement.children].indexOf(node));
  return path;
}

/** A text from outside in an element of its own: in whichever direction it runs, its neighbours stay in order. */
export const outside = (text) => el("bdi", {}, visibleOutside(text));

/** Text that only screen readers tell. */
export const unseen = (text) => el("span", { class: "unseen" }, text);

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
export function outsideLink(address, text) {
  const href = safeAddress(address);
  if (href === null) return el("span", {}, text);
  const link = el("a", { href, target: "_blank", rel: "noopener" }, text);
  link.addEventListener("click", (event) => {
    if (isFramed() && openFromParent(href, "_blank")) event.preventDefault();
  });
  return link;
}

/**
 * Opens an address from the page around ours; false if that is somebody else's.
 *
 * Airflow's frame forbids its content to open tabs and to leave (sandbox without allow-popups), but it is of
 * the same origin: a link in its own document may.
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
