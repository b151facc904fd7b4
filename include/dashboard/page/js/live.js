// Learns that there is something new: by server-sent events, and by asking for the version while these fail.

import { ask } from "./server.js";

const LOOK_EVERY = 1_000;
const POLL_EVERY = 5_000;
const SILENCE = 6_000; // events come every 2 s: after this the server hangs, or a proxy holds them back
const ANSWER_WITHIN = 4_000;
const REOPEN_AFTER = 30_000;
const FIRST_AFTER = 1_000; // the page has just been read; who reloads it again and again opens no stream

/**
 * Calls onVersion with each version it hears of, onState with "live", "polling" or "away" and its ServerError.
 *
 * The server ends each stream after some seconds, and the browser opens the next one by itself; if that one is
 * refused, for example because the login has ended, the version is asked for, which says why.
 * A hidden page listens to nothing, since a browser has few connections for one server, and looks at once
 * when it is seen again. Returns a function that ends it.
 */
export function watch(onVersion, onState) {
  let stream = null;
  let heardAt = 0;
  let openAt = Date.now() + FIRST_AFTER;
  let pollAt = Date.now() + FIRST_AFTER;
  let isAsking = false;
  let isAway = false;
  let isEnded = false;

  function open() {
    close();
    heardAt = Date.now();
    const opened = new EventSource("api/v1/events");
    let isProven = false;
    stream = opened;
    opened.addEventListener("version", (event) => {
      if (stream !== opened) return;
      isProven = true;
      heardAt = Date.now();
      onState("live");
      onVersion(JSON.parse(event.data).version);
    });
    opened.addEventListener("error", () => {
      if (stream !== opened || opened.readyState !== EventSource.CLOSED) return;
      giveUp(isProven ? POLL_EVERY : REOPEN_AFTER);
    });
  }

  function close() {
    stream?.close();
    stream = null;
  }

  /** Asks for the version instead, and tries events again later. */
  function giveUp(reopenAfter) {
    close();
    openAt = Date.now() + reopenAfter;
    poll();
  }

  async function poll() {
    if (isAsking || isEnded || document.hidden) return;
    isAsking = true;
    pollAt = Date.now() + POLL_EVERY;
    try {
      const { version } = await ask("version", {}, undefined, ANSWER_WITHIN);
      if (isAway) openAt = 0;
      isAway = false;
      if (stream === null) onState("polling");
      onVersion(version);
    } catch (error) {
      isAway = true;
      onState("away", error);
    } finally {
      isAsking = false;
    }
  }

  function look() {
    if (document.hidden || isEnded) return;
    if (stream !== null && Date.now() - heardAt > SILENCE) giveUp(POLL_EVERY);
    else if (stream === null && Date.now() >= openAt) open();
    else if (stream === null && Date.now() >= pollAt) poll();
  }

  const seenOrHidden = () => {
    if (document.hidden) {
      close();
      openAt = 0;
    } else {
      look();
      poll();
    }
  };
  document.addEventListener("visibilitychange", seenOrHidden);
  const online = () => {
    openAt = 0;
    look();
  };
  window.addEventListener("online", online);
  const timer = setInterval(look, LOOK_EVERY);
  return () => {
    isEnded = true;
    clearInterval(timer);
    document.removeEventListener("visibilitychange", seenOrHidden);
    window.removeEventListener("online", online);
    close();
  };
}
