// The page: takes what the reader chooses and what the server knows, and shows it; nothing here reloads.

import { showAround, showEmpty } from "./around.js";
import { ByMarket } from "./by-market.js";
import { ByTrader } from "./by-trader.js";
import { readChoices, shownDay, writeChoices } from "./choices.js";
import { followColours } from "./colours.js";
import { showChoices, wireControls } from "./controls.js";
import { el, outside, setChildren, setText } from "./dom.js";
import { save } from "./download.js";
import { showFigures } from "./figures.js";
import { HealthView } from "./health.js";
import { HourView } from "./hour.js";
import { watch } from "./live.js";
import { signed } from "./numbers.js";
import { Pictures } from "./pictures.js";
import { ServerError, ask } from "./server.js";
import { Statements, reconciled } from "./statements.js";
import { ErrorBanner, StatusLine } from "./status.js";
import { TradersTable } from "./table.js";
import { addDays, clock, clockChange, dayInWords, now, setTimezone, synchronise, today } from "./times.js";
import { linesOf, who } from "./words.js";

const RETRIES = [2_000, 5_000, 10_000, 15_000];
const STATUS_EVERY = 60_000;
const by = (id) => document.getElementById(id);

class Page {
  constructor() {
    this.choices = readChoices();
    this.version = null;
    this.desk = null;
    this.shownSince = null;
    this.shownFor = null;
    this.failures = 0;
    this.isRefused = false; // what was asked is wrong: the same again only when there is something new
    this.heardLast = null;
    this.heardMeanwhile = null;
    this.running = null;
    this.statusAt = 0;
    this.table = new TradersTable(by("hours-table"), (hour) => this.choose({ hour }));
    this.hour = new HourView(by("hour"), {
      onClose: () => this.choose({ hour: null }),
      onDownload: (href) => this.download(href),
    });
    this.pictures = new Pictures(by("pictures"), (asOf) => this.choose({ asOf }));
    this.byTrader = new ByTrader(by("by-trader"), (trader) => this.choose({ trader }));
    this.statements = new Statements(by("statements"), (href) => this.download(href));
    this.byMarket = new ByMarket(by("by-market"), (market) => this.choose({ market, trader: "" }));
    this.health = new HealthView(by("view-health"));
    this.status = new StatusLine();
    this.error = new ErrorBanner();
  }

  start() {
    wireControls(this);
    followColours(() => this.pictures.redraw());
    writeChoices(this.choices);
    showChoices(this.choices, this.desk);
    this.hour.choose(this.#chosenHour());
    this.refresh();
    watch(
      (version) => this.#heard(version),
      (state, error) => {
        this.status.showLive(state);
        if (state === "away" && this.failures === 0) this.#giveUp(error);
        else if (state !== "away" && this.failures > 0 && !this.running && !this.isRefused) this.refresh();
      },
    );
    setInterval(() => this.tick(), 1_000);
  }

  #heard(version) {
    const isNews = this.heardLast !== null && version !== this.heardLast;
    this.heardLast = version;
    if (this.running)
      this.heardMeanwhile = version; // perhaps once more when the answers are here, not at once
    else if (this.isRefused ? isNews : version !== this.version) this.refresh();
  }

  /** Reads everything that is on screen anew; what is on its way for earlier choices is dropped. */
  async refresh() {
    this.running?.abort();
    clearTimeout(this.retry);
    const running = new AbortController();
    this.running = running;
    this.heardMeanwhile = null;
    try {
      await this.#read(running.signal);
      if (this.running !== running) return;
      this.failures = 0;
      this.isRefused = false;
      this.error.clear();
    } catch (error) {
      if (this.running !== running) return;
      this.#failed(error);
    }
    this.running = null;
    const isNews = this.heardMeanwhile !== null && this.heardMeanwhile !== this.version;
    if (isNews && this.failures === 0) this.refresh();
  }

  async #read(signal) {
    const { trader, asOf, view, day } = this.choices;
    by("view-desk").setAttribute("aria-busy", "true");
    try {
      const page = await ask("page", { day, trader, as_of: asOf }, signal);
      setTimezone(page.desk.market_timezone);
      synchronise(page.desk.now);
      this.showDesk(page.desk, page.statements);
      this.showHistory({ points: page.history });
      this.showStatus(page.status);
      this.byTrader.show(page.by_trader);
      this.statements.show(page.statements);
      this.byMarket.show(page.by_market, page.desk.markets[0]);
      const hour = this.#chosenHour();
      if (hour) this.hour.show(await ask("hour", { day: page.desk.day, hour, trader }, signal));
      if (view === "health") this.health.show(await ask("health", {}, signal));
    } finally {
      if (!signal.aborted) by("view-desk").setAttribute("aria-busy", "false");
    }
  }

  /** The server is away: what is on its way would only say so later. */
  #giveUp(error) {
    this.running?.abort();
    this.running = null;
    by("view-desk").setAttribute("aria-busy", "false");
    this.#failed(error);
  }

  #failed(error) {
    if (!(error instanceof ServerError)) throw error;
    const retryIn = error.retryAfter ?? RETRIES[Math.min(this.failures, RETRIES.length - 1)];
    this.failures += 1;
    this.isRefused = error.isLasting;
    this.hour.fail(error.message);
    const isOfChoice = this.shownFor === this.#key();
    if (!isOfChoice) this.#showNothing();
    this.error.show(error, {
      shownSince: isOfChoice ? this.shownSince : null,
      retryIn: error.isLasting ? null : retryIn,
    });
    if (!error.isLasting) this.retry = setTimeout(() => this.refresh(), retryIn);
  }

  /** The hour that is shown in detail: of now, since nobody knows which trades counted at a moment of the past. */
  #chosenHour() {
    const { hour, view, asOf } = this.choices;
    return view === "desk" && !asOf ? hour : null;
  }

  #key() {
    const { market, trader, asOf } = this.choices;
    return JSON.stringify([market, trader, shownDay(this.choices), asOf]);
  }

  showDesk(desk, statements) {
    const isSame = this.shownFor === this.#key();
    const before = this.desk?.total;
    this.desk = desk;
    this.version = desk.version;
    this.shownFor = this.#key();
    this.shownSince = now();
    const lines = linesOf(desk);
    const isEmpty = lines.length === 0;
    showChoices(this.choices, this.desk);
    setChildren(by("heading"), this.#title(), el("small", {}, `market time, ${desk.market_timezone}`));
    document.title = desk.total
      ? `${signed(desk.total.pnl_eur ?? desk.total.priced_pnl_eur, 0)} EUR · Trading desk`
      : "Trading desk";
    const change = clockChange(desk.day);
    by("clock-change").hidden = change === null;
    setText(by("clock-change"), change ?? "");
    showFigures(by("figures"), desk, reconciled(statements));
    by("content").hidden = isEmpty;
    by("empty").hidden = !isEmpty;
    this.table.show(desk, lines, { highlights: isSame });
    if (isEmpty) showEmpty(by("empty"), desk, (day) => this.choose({ day }));
    else showAround(by("above-table"), by("below-table"), lines);
    setText(
      by("hours-caption"),
      `PnL of ${who(desk.trader)} by delivery hour, ${dayInWords(desk.day)}, times in ${desk.market_timezone}`,
    );
    by("pictures").hidden = desk.rows.length === 0;
    if (desk.rows.length > 0) this.pictures.show(desk);
    this.#asOf(desk);
    const [old, fresh] = [before, desk.total].map((total) => total?.pnl_eur ?? total?.priced_pnl_eur ?? null);
    if (isSame && fresh !== null && fresh !== old) setText(by("announcer"), `PnL now ${signed(fresh)} EUR`);
  }

  #title() {
    const { day, trader, as_of: asOf, market, markets } = this.desk;
    const name = { [today()]: "Today", [addDays(today(), -1)]: "Yesterday", [addDays(today(), 1)]: "Tomorrow" }[
      day
    ];
    // a moment of the past may have had another today
    const when = name && !asOf ? `${name}, ${dayInWords(day)}` : dayInWords(day);
    return [trader ? outside(trader) : "Whole portfolio", `${markets.length > 1 ? ` in ${market}` : ""} · ${when}`];
  }

  #showNothing() {
    this.desk = null;
    this.shownFor = null;
    setText(by("heading"), "");
    for (const id of ["figures", "content", "empty", "as-of", "clock-change"]) by(id).hidden = true;
  }

  showHistory({ points }) {
    if (!this.desk) return;
    const isToday = this.desk.day === today();
    this.pictures.history.figure.hidden = Boolean(this.choices.asOf);
    this.pictures.showHistory(points, isToday ? now() : 0);
  }

  #asOf(desk) {
    by("as-of").hidden = !desk.as_of;
    if (!desk.as_of) return;
    const back = el("button", { type: "button" }, "Back to now");
    back.addEventListener("click", () => this.choose({ asOf: null }));
    setChildren(
      by("as-of"),
      el(
        "span",
        {},
        `What this page said at ${clock(Date.parse(desk.as_of), { seconds: true })}; later trades and prices are not in it.`,
      ),
      back,
    );
  }

  /** Takes over a choice, shows at once that it is taken, and reads. */
  choose(change) {
    const isOther = ["market", "trader", "day", "hour", "view", "asOf"].some(
      (name) => name in change && change[name] !== this.choices[name],
    );
    if (isOther) this.choices.hour = null; // an hour is one of the trader and day that were chosen with it
    Object.assign(this.choices, change);
    if (this.choices.day === today()) this.choices.day = null;
    writeChoices(this.choices, { step: isOther });
    showChoices(this.choices, this.desk);
    if (isOther) {
      this.hour.choose(this.#chosenHour());
      this.failures = 0;
      this.refresh();
    }
  }

  /** Saves the file of a link; an error stays until there is something new. */
  async download(href) {
    try {
      await save(href);
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      this.error.show(error, { what: "The file was not downloaded. " });
    }
  }

  /** A step in the browser's history leads to what the address says. */
  stepBack() {
    this.choices = readChoices({ withMemory: false });
    showChoices(this.choices, this.desk);
    this.hour.choose(this.#chosenHour());
    this.refresh();
  }

  tick() {
    if (document.hidden) return;
    this.status.tick();
    if (!this.desk) return;
    this.table.markNow();
    if (
      this.choices.day === null &&
      this.desk.day !== today() &&
      !this.choices.asOf &&
      !this.running &&
      this.failures === 0
    )
      this.refresh();
    if (Date.now() - this.statusAt > STATUS_EVERY && !this.running && this.failures === 0) this.#readStatus();
  }

  showStatus(status) {
    this.statusAt = Date.now();
    this.status.show(status);
  }

  /** Troubles can come without new numbers. */
  async #readStatus() {
    this.statusAt = Date.now();
    try {
      this.showStatus(await ask("status"));
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      this.refresh();
    }
  }
}

new Page().start();
