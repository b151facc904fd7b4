// Reads what is on screen: when something is chosen, when there is something new, again after a failure.

import { batch, computed, effect, signal, untracked } from "./base.js";
import { asked, choices, chosenHour, shownDay, shownRange } from "./choices.js";
import { save } from "./download.js";
import { t } from "./language.js";
import { watch } from "./live.js";
import { pnlOf, signed } from "./numbers.js";
import { ServerError, ask } from "./server.js";
import { now, second, setTimezone, synchronise, today } from "./times.js";

const RETRIES = [2_000, 5_000, 10_000, 15_000];
const STATUS_EVERY = 60_000;

/** What the server says of the day, with the key of what it was asked; null: nothing that fits is known. */
export const page = signal(null);
export const desk = computed(() => page.value?.desk ?? null);
/** What the server says of a range of days, with the key of what it was asked; null: nothing that fits is known. */
export const range = signal(null);
/** The lists of an hour, with the key of what was asked. */
export const lists = signal(null);
export const health = signal(null);
export const status = signal(null);
export const live = signal("connecting");
/** What failed: {error, what, shownSince, retryIn}; null: nothing. */
export const failure = signal(null);
export const isBusy = signal(true);
/** A sentence for those who do not see what has changed. */
export const announcement = signal("");

let running = null;
let retry = null;
let failures = 0;
let isRefused = false; // what was asked is wrong: the same again only when there is something new
let heardLast = null;
let heardMeanwhile = null;
let statusAt = 0;

export function start() {
  effect(() => {
    asked.value; // whatever is asked for otherwise is read at once
    failures = 0;
    untracked(refresh);
  });
  watch(heard, (state, error) => {
    live.value = state;
    if (state === "away" && failures === 0) giveUp(error);
    else if (state !== "away" && failures > 0 && !running && !isRefused) refresh();
  });
  setInterval(tick, 1_000);
}

function heard(version) {
  const isNews = heardLast !== null && version !== heardLast;
  heardLast = version;
  if (running)
    heardMeanwhile = version; // perhaps once more when the answers are here, not at once
  else if (isRefused ? isNews : version !== desk.value?.version) refresh();
}

/** Reads everything that is on screen anew; what is on its way for earlier choices is dropped. */
async function refresh() {
  running?.abort();
  clearTimeout(retry);
  const own = new AbortController();
  running = own;
  heardMeanwhile = null;
  isBusy.value = true;
  try {
    await read(own.signal);
    if (running !== own) return;
    failures = 0;
    isRefused = false;
    failure.value = null;
  } catch (error) {
    if (running !== own) return;
    failed(error);
  }
  running = null;
  isBusy.value = false;
  if (heardMeanwhile !== null && heardMeanwhile !== desk.value?.version && failures === 0) refresh();
}

async function read(signal) {
  const { trader, asOf, view, day } = choices.value;
  const hour = chosenHour.value;
  const answer = await ask("page", { day, trader, as_of: asOf }, signal);
  setTimezone(answer.desk.market_timezone);
  synchronise(answer.desk.now);
  show(answer);
  if (hour) {
    const answered = await ask("hour", { day: answer.desk.day, hour, trader }, signal);
    lists.value = { ...answered, key: hourKey() };
  }
  if (view === "range") {
    const answered = await ask("range", { ...shownRange(), trader, as_of: asOf }, signal);
    range.value = { ...answered, key: rangeKey() };
  }
  if (view === "health") health.value = await ask("health", {}, signal);
}

/** Of what is chosen: what is shown for something else must not stay. */
export function key() {
  const { market, trader, asOf } = choices.value;
  return JSON.stringify([market, trader, shownDay(), asOf]);
}

const rangeKey = () => `${key()} ${JSON.stringify(shownRange())}`;

export const hourKey = () => `${key()} ${chosenHour.value}`;

function show(answer) {
  const before = page.value;
  const [old, fresh] = [before, answer].map((each) => pnlOf(each?.desk.total));
  batch(() => {
    page.value = { ...answer, key: key(), shownSince: now() };
    showStatus(answer.status);
    if (before?.key === key() && fresh !== null && fresh !== old)
      announcement.value = t("PnL now {pnl} EUR", { pnl: signed(fresh) });
    second.value = now();
  });
}

/** The server is away: what is on its way would only say so later. */
function giveUp(error) {
  running?.abort();
  running = null;
  isBusy.value = false;
  failed(error);
}

function failed(error) {
  if (!(error instanceof ServerError)) throw error;
  const retryIn = error.retryAfter ?? RETRIES[Math.min(failures, RETRIES.length - 1)];
  failures += 1;
  isRefused = error.isLasting;
  if (page.value?.key !== key()) page.value = null;
  if (range.value?.key !== rangeKey()) range.value = null;
  const shownSince = page.value?.shownSince ?? null;
  failure.value = { error, shownSince, retryIn: error.isLasting ? null : retryIn };
  if (!error.isLasting) retry = setTimeout(refresh, retryIn);
}

/** Saves the file of a link; an error stays until there is something new. */
export async function download(href) {
  try {
    await save(href);
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    failure.value = { error, what: t("The file was not downloaded."), shownSince: null, retryIn: null };
  }
}

function tick() {
  if (document.hidden) return;
  second.value = now();
  if (!desk.value || running || failures > 0) return;
  const { day, asOf } = choices.value;
  if (day === null && desk.value.day !== today() && !asOf) refresh();
  else if (Date.now() - statusAt > STATUS_EVERY) readStatus();
}

function showStatus(fresh) {
  statusAt = Date.now();
  status.value = fresh;
}

/** Troubles can come without new numbers. */
async function readStatus() {
  statusAt = Date.now();
  try {
    showStatus(await ask("status"));
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    refresh();
  }
}
