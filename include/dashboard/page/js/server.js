// Asks the server, and turns whatever goes wrong into a sentence for a person.

import { choices } from "./choices.js";
import { language, t } from "./language.js";

const TIMEOUT = 20_000; // of a long list; the server itself says after 10 s that the database is away

/** What went wrong; isLasting: asking again will not help. */
export class ServerError extends Error {
  constructor(sentence, { status = 0, retryAfter = null } = {}) {
    super(sentence);
    this.status = status;
    this.retryAfter = retryAfter;
    this.isLasting = [400, 403, 404, 422].includes(status);
    this.isLoggedOut = status === 401;
  }
}

/**
 * The JSON behind an address below api/v1; parameters that are empty are left out.
 *
 * Throws ServerError, also when there is no answer within the timeout, or AbortError when the signal says so.
 */
export const ask = (name, parameters = {}, signal = undefined, timeout = TIMEOUT) =>
  answer(address(name, parameters), (reply) => reply.json(), signal, timeout);

/** The file behind an address: {name, content}. Throws ServerError. */
export const download = (href) =>
  answer(href, async (reply) => ({ name: fileName(reply), content: await reply.blob() }));

async function answer(href, read, signal = undefined, timeout = TIMEOUT) {
  const limit = AbortSignal.timeout(timeout);
  let reply;
  try {
    reply = await fetch(href, {
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      headers: { "Accept-Language": language },
      redirect: "manual", // to a login page, not to data
      cache: "no-cache", // asks each time; what has not changed comes without a body
    });
    if (reply.ok) return await read(reply);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ServerError(t("The trading desk's server does not answer."));
  }
  throw new ServerError(await sentence(reply), { status: statusOf(reply), retryAfter: retryAfter(reply) });
}

const fileName = (reply) =>
  /filename="([^"]+)"/.exec(reply.headers.get("Content-Disposition"))?.[1] ?? "trading-desk.csv";

/** What a make command ends with that is about the chosen market. */
export const marketArgument = () => (choices.value.market ? ` MARKET=${choices.value.market}` : "");

/** The relative address of an API call, about the chosen market. */
export function address(name, parameters = {}) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries({ market: choices.value.market, ...parameters })) if (value) query.set(key, value);
  return query.size ? `api/v1/${name}?${query}` : `api/v1/${name}`;
}

const statusOf = (reply) => (reply.type === "opaqueredirect" ? 401 : reply.status);

async function sentence(reply) {
  if (statusOf(reply) === 401) return t("Your login has ended.");
  try {
    const { error } = await reply.json();
    if (typeof error === "string" && error) return error;
  } catch {
    // no JSON: what a proxy says is not for traders
  }
  return t("The trading desk's server has a problem ({status}).", { status: reply.status });
}

function retryAfter(reply) {
  const seconds = Number(reply.headers.get("Retry-After"));
  return seconds > 0 ? Math.min(seconds, 60) * 1000 : null;
}
