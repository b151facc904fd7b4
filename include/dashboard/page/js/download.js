// Saves a table as a file: what goes wrong is a sentence on this page, not a page of the browser's own.

import { download } from "./server.js";

/** Has the browser save what an address answers; throws ServerError, and then nothing is saved. */
export async function save(href) {
  const { name, content } = await download(href);
  const address = URL.createObjectURL(content);
  const link = Object.assign(document.createElement("a"), { href: address, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // it may still ask where to save
}
