// How fresh the page is, what it waits for, what is wrong: in a trader's words.

import { html, outside } from "./base.js";
import { choices, choose } from "./choices.js";
import { isFramed, openFromParent } from "./frame.js";
import { t } from "./language.js";
import { moment, withDays, withMoments } from "./moments.js";
import { failure, live, status } from "./reading.js";
import { clock, duration, now, second, utc } from "./times.js";

const LIVE = {
  connecting: [t("Connecting …"), t("The page asks the server for the first time.")],
  live: [t("Live"), t("The server tells this page at once when there is something new.")],
  polling: [t("Live, every 5 s"), t("The page asks the server every 5 seconds whether there is something new.")],
  away: [t("Not connected"), t("The server does not answer; the page goes on trying by itself.")],
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
    ? t("Data as of {at}, {age} old", { at: clock(Date.parse(asOf), { seconds: true }), age: duration(at - Date.parse(asOf)) })
    : t("No data yet");
  const waits = waitsFor(at, publication && Date.parse(publication), refresh && Date.parse(refresh));
  const next = publication ? t("next publication {at}", { at: exactly(publication) }) : undefined;
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
    const next = { at: clock(publication), wait: duration(publication - at) };
    return refresh && refresh < publication
      ? t("New prices are due any moment; next prices {at} (in {wait}), here within a minute", next)
      : t("Next prices {at} (in {wait}), here within a minute", next);
  }
  if (publication) return t("New prices are due any moment");
  if (refresh && refresh > at) return t("Next update about {at}", { at: clock(refresh) });
  return "";
}

export function Troubles() {
  return html`
    <div id="troubles" role="status" aria-label=${t("Troubles")} hidden=${isPast()}>
      ${(status.value?.troubles ?? []).map(
        (trouble) => html`
          <p class="banner warning">
            <span class="sign" aria-hidden="true">⚠</span>
            <span>${withMoments(trouble.text, withDays)}</span>
            ${trouble.since && moment(trouble.since, t("since {at}", { at: clock(Date.parse(trouble.since)) }))}
          </p>
        `,
      )}
    </div>
  `;
}

/** The banner of an error: what failed, the sentence, what is still shown, when it is tried again, a way out. */
export function Failure() {
  return html`<div id="error" role="alert">${failure.value && banner(failure.value)}</div>`;
}

function banner({ error, what = "", shownSince, retryIn }) {
  const old = shownSince === null ? "" : t("What you see is as of {at}.", { at: clock(shownSince, { seconds: true }) });
  const isRetried = !error.isLoggedOut && retryIn !== null;
  const next = isRetried ? t("The page tries again by itself, every {wait}.", { wait: duration(retryIn) }) : "";
  const { asOf } = choices.value;
  const isPastRefused = asOf !== null && error.status === 400;
  const sentence = isPastRefused && Date.parse(asOf) > now() ? t("The chosen moment is yet to come.") : outside(error.message);
  return html`
    <p class="banner bad">
      <span class="sign" aria-hidden="true">✕</span>
      <span>${what && `${what} `}${sentence}${old && ` ${old}`}${next && ` ${next}`}</span>
      ${isPastRefused && html`<button type="button" onClick=${() => choose({ asOf: null })}>${t("Back to now")}</button>`}
      ${error.isLoggedOut && html`<button type="button" onClick=${logIn}>${t("Log in again")}</button>`}
    </p>
  `;
}

/** Airflow asks for the login where its own pages need one; a tab of our own has to go there and come back. */
function logIn() {
  if (isFramed() && openFromParent(window.parent.location.href, "_top")) return;
  location.assign(`../api/v2/auth/login?${new URLSearchParams({ next: location.href })}`);
}
