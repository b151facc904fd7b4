// How fresh the page is, what it waits for, what is wrong: in a trader's words.

import { el, isFramed, openFromParent, outside, setAttribute, setChildren, setText } from "./dom.js";
import { withMoments } from "./moments.js";
import { clock, duration, now, timeAttributes, utc } from "./times.js";

const LIVE = {
  connecting: ["connecting", "Connecting …", "The page asks the server for the first time."],
  live: ["live", "Live", "The server tells this page at once when there is something new."],
  polling: [
    "polling",
    "Live, every 5 s",
    "The page asks the server every 5 seconds whether there is something new.",
  ],
  away: ["away", "Not connected", "The server does not answer; the page goes on trying by itself."],
};

export class StatusLine {
  constructor() {
    [this.live, this.age, this.waits] = ["live", "age", "waits"].map((id) => document.getElementById(id));
    this.troubles = document.getElementById("troubles");
    this.status = null;
  }

  showLive(state) {
    const [name, word, meaning] = LIVE[state];
    setAttribute(this.live, "data-state", name);
    setAttribute(this.live, "title", meaning);
    setText(this.live, word);
  }

  show(status) {
    this.status = status;
    setChildren(
      this.troubles,
      (status.troubles ?? []).map((trouble) =>
        el(
          "p",
          { class: "banner warning" },
          el("span", { class: "sign", "aria-hidden": "true" }, "⚠"),
          el("span", {}, withMoments(trouble.text)),
          trouble.since
            ? el("time", timeAttributes(trouble.since), `since ${clock(Date.parse(trouble.since))}`)
            : null,
        ),
      ),
    );
    this.tick();
  }

  /** Ages and waits move with the clock; nobody is told of it aloud. */
  tick() {
    if (this.status === null) return;
    const { data_as_of: asOf, next_publication_at: publication, next_refresh_at: refresh } = this.status;
    if (asOf) {
      const at = Date.parse(asOf);
      setText(this.age, `Data of ${clock(at, { seconds: true })}, ${duration(now() - at)} old`);
      setAttribute(this.age, "title", utc(at, { seconds: true }));
    } else {
      setText(this.age, "No data yet");
    }
    setText(this.waits, waitsFor(publication && Date.parse(publication), refresh && Date.parse(refresh)));
    setAttribute(
      this.waits,
      "title",
      publication ? `next publication ${utc(Date.parse(publication), { seconds: true })}` : null,
    );
  }
}

function waitsFor(publication, refresh) {
  const at = now();
  if (publication && publication > at) {
    const next = `ext prices ${clock(publication)} (in ${duration(publication - at)}), here within a minute`;
    return refresh && refresh < publication ? `New prices are due any moment; n${next}` : `N${next}`;
  }
  if (publication) return "New prices are due any moment";
  if (refresh && refresh > at) return `Next update about ${clock(refresh)}`;
  return "";
}

/** The banner of an error: what failed, the sentence, what is still shown, when it is tried again. */
export class ErrorBanner {
  constructor() {
    this.place = document.getElementById("error");
  }

  show(error, { shownSince = null, retryIn = null, what = "" } = {}) {
    const old = shownSince === null ? "" : ` What you see is of ${clock(shownSince, { seconds: true })}.`;
    const next =
      error.isLoggedOut || retryIn === null
        ? ""
        : ` The page tries again by itself, every ${duration(retryIn)}.`;
    const login = error.isLoggedOut ? el("button", { type: "button" }, "Log in again") : null;
    login?.addEventListener("click", logIn);
    setChildren(
      this.place,
      el(
        "p",
        { class: "banner bad" },
        el("span", { class: "sign", "aria-hidden": "true" }, "✕"),
        el("span", {}, what, outside(error.message), old, next),
        login,
      ),
    );
  }

  clear() {
    setChildren(this.place);
  }
}

/** Airflow asks for the login where its own pages need one; a tab of our own has to go there and come back. */
function logIn() {
  if (isFramed() && openFromParent(window.parent.location.href, "_top")) return;
  location.assign(`../api/v2/auth/login?${new URLSearchParams({ next: location.href })}`);
}
