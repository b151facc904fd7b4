// Learns that there is something new: by server-sent events, and by asking for the version while these fail.

import { ask } from "./server.js";

const POLL = 5_000;
const SILENCE = 40_000; // events come every 15 s: after this the stream is dead, or a proxy holds it back
const REOPEN = 30_000;

/**
 * Calls onVersion with each version it hears of, onState with "live", "polling" or "away".
 *
 * A hidden page listens to nothing, since a browser has few connections for one server, and looks at once
 * when it is seen again. Returns a function that ends it.
 */
export function watch(onVersion, onState) {
  let stream = null;
  let heardAt = 0;
  let reopenAt = 0;
  let isAsking = false;
  let isEnded = false;

  const heard = (text) => {
    heardAt = Date.now();
    onVersion(JSON.parse(text).version);
  };

  function open() {
    close();
    heardAt = Date.now();
    stream = new EventSource("api/v1/events");
    stream.addEventListener("version", (event) => {
      heard(event.data);
      onState("live");
    });
    stream.addEventListener("open", () => onState("live"));
    let isProven = false;
    stream.addEventListener("version", () => {
      isProven = true;
    });
    stream.addEventListener("error", () => {
      close();
      reopenAt = isProven ? 0 : Date.now() + REOPEN; // a server may end a stream now and then
      poll();
    });
  }

  function close() {
    stream?.close();
    stream = null;
  }

  async function poll() {
    if (isAsking || isEnded || document.hidden) return;
    isAsking = true;
    try {
      const { version } = await ask("version");
      if (stream === null) onState("polling");
      onVersion(version);
    } catch (error) {
      onState("away", error);
    } finally {
      isAsking = false;
    }
  }

  function look() {
    if (document.hidden || isEnded) return;
    if (stream !== null && Date.now() - heardAt > SILENCE) {
      close();
      reopenAt = Date.now() + REOPEN;
    }
    if (stream === null && Date.now() >= reopenAt) open();
    else if (stream === null) poll();
  }

  const seenOrHidden = () => {
    if (document.hidden) {
      close();
      reopenAt = 0;
    } else {
      look();
      poll();
    }
  };
  document.addEventListener("visibilitychange", seenOrHidden);
  const online = () => {
    reopenAt = 0;
    look();
  };
  window.addEventListener("online", online);
  const timer = setInterval(look, POLL);
  look();
  return () => {
    isEnded = true;
    clearInterval(timer);
    document.removeEventListener("visibilitychange", seenOrHidden);
    window.removeEventListener("online", online);
    close();
  };
}
