// How fresh the page is, what it waits for, what is wrong: in a trader's words.

import { html, outside } from "./base.js";
import { choices } from "./choices.js";
import { isFramed, openFromParent } from "./frame.js";
import { withMoments } from "./moments.js";
import { failure, live, status } from "./reading.js";
import { clock, duration, second, timeAttributes, utc } from "./times.js";

const LIVE = {
  connecting: ["Connecting …", "The page asks the server for the first time."],
  live: ["Live", "The server tells this page at once when there is something new."],
  polling: ["Live, every 5 s", "The page asks the server every 5 seconds whether there is something new."],
  away: ["Not connected", "The server does not answer; the page goes on trying by itself."],
};

/** What is so now says nothing about the moment of the past that is shown; Health is always of now. */
const isPast = () => choices.value.asOf !== null && choices.value.view !== "health";

const exactly = (iso) => utc(Date.parse(iso), { seconds: true });

/** Ages and waits move with the clock; nobody is told of it aloud. */
export function Freshness() {
  const [word, meaning] = LIVE[live.value];
  const at = second.value;
  const { data_as_of: asOf, next_publication_at: publication, next_refresh_at: refresh } = status.value ?? {};
  const age = asOf
    ? `Data of ${clock(Date.parse(asOf), { seconds: true })}, ${duration(at - Date.parse(asOf))} old`
    : "No data yet";
  const waits = waitsFor(at, publication && Date.parse(publication), refresh && Date.parse(refresh));
  const next = publication ? `next publication ${exactly(publication)}` : undefined;
  return html`
    <p class="freshness" hidden=${isPast()}>
      <span id="live" class="live" data-state=${live.value} title=${meaning}>${word}</span>
      <span id="age" title=${asOf ? exactly(asOf) : undefined}>${status.value ? age : ""}</span>
      <span id="waits" title=${next}>${waits}</span>
    </p>
  `;
}

function waitsFor(at, publication, refresh) {
  if (publication && publication > at) {
    const next = `ext prices ${clock(publication)} (in ${duration(publication - at)}), here within a minute`;
    return refresh && refresh < publication ? `New prices are due any moment; n${next}` : `N${next}`;
  }
  if (publication) return "New prices are due any moment";
  if (refresh && refresh > at) return `Next update about ${clock(refresh)}`;
  return "";
}

export function Troubles() {
  const since = (iso) => html`<time ...${timeAttributes(iso)}>${`since ${clock(Date.parse(iso))}`}</time>`;
  return html`
    <div id="troubles" role="status" aria-label="Troubles" hidden=${isPast()}>
      ${(status.value?.troubles ?? []).map(
        (trouble) => html`
          <p class="banner warning">
            <span class="sign" aria-hidden="true">⚠</span>
            <span>${withMoments(trouble.text)}</span>
            ${trouble.since && since(trouble.since)}
          </p>
        `,
      )}
    </div>
  `;
}

/** The banner of an error: what failed, the sentence, what is still shown, when it is tried again. */
export function Failure() {
  return html`<div id="error" role="alert">${failure.value && banner(failure.value)}</div>`;
}

function banner({ error, what = "", shownSince, retryIn }) {
  const old = shownSince === null ? "" : ` What you see is of ${clock(shownSince, { seconds: true })}.`;
  const isRetried = !error.isLoggedOut && retryIn !== null;
  const next = isRetried ? ` The page tries again by itself, every ${duration(retryIn)}.` : "";
  return html`
    <p class="banner bad">
      <span class="sign" aria-hidden="true">✕</span>
      <span>${what}${outside(error.message)}${old}${next}</span>
      ${error.isLoggedOut && html`<button type="button" onClick=${logIn}>Log in again</button>`}
    </p>
  `;
}

/** Airflow asks for the login where its own pages need one; a tab of our own has to go there and come back. */
function logIn() {
  if (isFramed() && openFromParent(window.parent.location.href, "_top")) return;
  location.assign(`../api/v2/auth/login?${new URLSearchParams({ next: location.href })}`);
}
