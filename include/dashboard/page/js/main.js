// The page: takes what the reader chooses and what the server knows, and shows it; nothing here reloads.

import { readChoices, shownDay, writeChoices } from "./choices.js";
import { el, isFramed, openFromParent, setAttribute, setChildren, setText } from "./dom.js";
import { showFigures } from "./figures.js";
import { HealthView } from "./health.js";
import { watch } from "./live.js";
import { decimalSeparator, signed } from "./numbers.js";
import { Pictures } from "./pictures.js";
import { ServerError, address, ask } from "./server.js";
import { ErrorBanner, StatusLine } from "./status.js";
import { TradersTable } from "./table.js";
import { addDays, clock, clockChange, dayInWords, isDay, now, setTimezone, synchronise, today } from "./times.js";
import { PRICE_STATUS, nothingThere, reasonsOf, who } from "./words.js";

const RETRIES = [2_000, 5_000, 10_000, 15_000];
const STATUS_EVERY = 30_000;
const by = (id) => document.getElementById(id);

class Page {
  constructor() {
    this.choices = readChoices();
    this.version = null;
    this.desk = null;
    this.shownSince = null;
    this.shownFor = null;
    this.failures = 0;
    this.running = null;
    this.statusAt = 0;
    this.table = new TradersTable(by("hours-table"));
    this.pictures = new Pictures(by("pictures"));
    this.health = new HealthView(by("view-health"));
    this.status = new StatusLine();
    this.error = new ErrorBanner(logIn);
  }

  start() {
    this.#controls();
    this.#theme();
    writeChoices(this.choices);
    this.showChoices();
    this.refresh();
    watch((version) => version !== this.version && this.refresh({ isNews: true }), (state) => {
      this.status.showLive(state);
      if (state !== "away" && this.failures > 0) this.refresh({ isNews: true });
    });
    setInterval(() => this.tick(), 1_000);
  }

  /** Reads everything that is on screen anew; what is on its way for earlier choices is dropped. */
  async refresh({ isNews = false } = {}) {
    if (isNews && this.running) {
      this.isStale = true; // once more when the answers are here, not at the same time
      return;
    }
    this.running?.abort();
    clearTimeout(this.retry);
    const running = new AbortController();
    this.running = running;
    this.isStale = false;
    try {
      await this.#read(running.signal);
      if (this.running !== running) return;
      this.failures = 0;
      this.error.clear();
    } catch (error) {
      if (this.running !== running) return;
      this.#failed(error);
    }
    this.running = null;
    if (this.isStale && this.failures === 0) this.refresh();
  }

  async #read(signal) {
    const { trader, asOf, view, day } = this.choices;
    by("view-desk").setAttribute("aria-busy", "true");
    try {
      const desk = await ask("desk", { day, trader, as_of: asOf }, signal);
      setTimezone(desk.market_timezone);
      synchronise(desk.now);
      this.showDesk(desk);
      const [history, status, health] = await Promise.all([
        asOf ? { points: [] } : ask("desk/history", { day: desk.day, trader }, signal),
        ask("status", {}, signal),
        view === "health" ? ask("health", {}, signal) : null,
      ]);
      this.showHistory(history);
      this.status.show(status);
      this.statusAt = Date.now();
      if (health) this.health.show(health);
    } finally {
      if (!signal.aborted) by("view-desk").setAttribute("aria-busy", "false");
    }
  }

  #failed(error) {
    if (!(error instanceof ServerError)) throw error;
    const retryIn = error.retryAfter ?? RETRIES[Math.min(this.failures, RETRIES.length - 1)];
    this.failures += 1;
    const isOfChoice = this.shownFor === this.#key();
    if (!isOfChoice) this.#showNothing();
    this.error.show(error, { shownSince: isOfChoice ? this.shownSince : null, retryIn: error.isLasting ? null : retryIn });
    if (!error.isLasting) this.retry = setTimeout(() => this.refresh(), retryIn);
  }

  #key() {
    const { trader, asOf } = this.choices;
    return JSON.stringify([trader, shownDay(this.choices), asOf]);
  }

  showDesk(desk) {
    const isSame = this.shownFor === this.#key();
    const before = this.desk?.total;
    this.desk = desk;
    this.version = desk.version;
    this.shownFor = this.#key();
    this.shownSince = now();
    const isEmpty = desk.rows.length === 0;
    this.showChoices();
    setChildren(by("heading"), this.#title(), el("small", {}, `market time, ${desk.market_timezone}`));
    document.title = desk.total ? `${signed(desk.total.pnl_eur ?? desk.total.priced_pnl_eur, 0)} EUR · Trading desk` : "Trading desk";
    const change = clockChange(desk.day);
    by("clock-change").hidden = change === null;
    setText(by("clock-change"), change ?? "");
    showFigures(by("figures"), desk);
    by("content").hidden = isEmpty;
    by("empty").hidden = !isEmpty;
    this.table.show(desk, { highlights: isSame });
    if (isEmpty) this.#showEmpty(desk);
    else this.#showBelow(desk);
    setText(by("hours-caption"), `PnL of ${who(desk.trader)} by delivery hour, ${dayInWords(desk.day)}, times in ${desk.market_timezone}`);
    if (!isEmpty) this.pictures.show(desk);
    this.#asOf(desk);
    const [old, fresh] = [before, desk.total].map((total) => total?.pnl_eur ?? total?.priced_pnl_eur ?? null);
    if (isSame && fresh !== null && fresh !== old) setText(by("announcer"), `PnL now ${signed(fresh)} EUR`);
  }

  #title() {
    const { day, trader } = this.desk;
    const name = { [today()]: "Today", [addDays(today(), -1)]: "Yesterday", [addDays(today(), 1)]: "Tomorrow" }[day];
    return `${trader || "Whole portfolio"} · ${name ? `${name}, ` : ""}${dayInWords(day)}`;
  }

  #showNothing() {
    this.desk = null;
    this.shownFor = null;
    setText(by("heading"), "");
    for (const id of ["figures", "content", "empty", "as-of", "clock-change"]) by(id).hidden = true;
  }

  #showEmpty(desk) {
    const [what, then] = nothingThere(desk);
    const goTo = (day, text) => {
      const button = el("button", { type: "button" }, text);
      button.addEventListener("click", () => this.choose({ day }));
      return button;
    };
    const last = desk.days?.last;
    setChildren(by("empty"), el("h3", {}, what), el("p", {}, then), el("p", { class: "buttons" },
      last && last !== desk.day ? goTo(last, `Show ${dayInWords(last)}`) : null,
      desk.day === today() ? null : goTo(null, "Show today")));
  }

  #showBelow(desk) {
    setChildren(by("below-table"),
      el("ul", { class: "reasons" }, reasonsOf(desk.rows).map(([reason, hours]) => el("li", {}, el("b", {}, `⚠ ${hours} incomplete: `), reason))),
      el("p", { class: "hint" }, "Reference price: ", Object.values(PRICE_STATUS).map(({ mark, word }) => [el("span", { class: "mark", "aria-hidden": "true" }, mark), ` ${word}  `]),
        " · How are we doing: + better than the reference price, - worse"));
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
    setChildren(by("as-of"), el("span", {}, `What this page said at ${clock(Date.parse(desk.as_of), { seconds: true })}; later trades and prices are not in it.`), back);
  }

  /** Takes over a choice, shows at once that it is taken, and reads. */
  choose(change) {
    const isOther = ["trader", "day", "view", "asOf"].some((name) => name in change && change[name] !== this.choices[name]);
    Object.assign(this.choices, change);
    if (this.choices.day === today()) this.choices.day = null;
    writeChoices(this.choices, { step: isOther });
    this.showChoices();
    if (isOther) {
      this.failures = 0;
      this.refresh();
    }
  }

  showChoices() {
    const { trader, view, allColumns, asOf } = this.choices;
    const day = shownDay(this.choices);
    const select = by("trader");
    if (document.activeElement !== select || this.desk) {
      const names = [...new Set([...(this.desk?.traders ?? []), ...(trader ? [trader] : [])])];
      setChildren(select, el("option", { value: "" }, "Whole portfolio"), names.map((name) => el("option", { value: name }, name)));
      select.value = trader;
    }
    if (document.activeElement !== by("day") || by("day").value === "") by("day").value = day;
    by("today").disabled = this.choices.day === null;
    by("all-columns").checked = allColumns;
    document.body.classList.toggle("all-columns", allColumns);
    setAttribute(by("csv"), "href", address("pnl_hourly", { from: day, to: day, trader, as_of: asOf, format: "csv", decimal: decimalSeparator() }));
    for (const name of ["desk", "health"]) {
      const isChosen = view === name;
      setAttribute(by(`tab-${name}`), "aria-selected", isChosen ? "true" : "false");
      setAttribute(by(`tab-${name}`), "tabindex", isChosen ? null : "-1");
      by(`view-${name}`).hidden = !isChosen;
    }
  }

  #controls() {
    by("trader").addEventListener("change", (event) => this.choose({ trader: event.target.value }));
    by("day").addEventListener("change", (event) => isDay(event.target.value) && this.choose({ day: event.target.value }));
    by("day").addEventListener("blur", () => this.showChoices());
    const step = (days) => this.choose({ day: addDays(shownDay(this.choices), days) });
    by("day-before").addEventListener("click", () => step(-1));
    by("day-after").addEventListener("click", () => step(1));
    by("today").addEventListener("click", () => this.choose({ day: null }));
    by("all-columns").addEventListener("change", (event) => this.choose({ allColumns: event.target.checked }));
    for (const name of ["desk", "health"]) by(`tab-${name}`).addEventListener("click", () => this.choose({ view: name }));
    document.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
      if (!["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
      const view = event.key === "Home" ? "desk" : event.key === "End" ? "health" : this.choices.view === "desk" ? "health" : "desk";
      this.choose({ view });
      by(`tab-${view}`).focus();
    });
    document.addEventListener("keydown", (event) => {
      const days = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!days || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || this.choices.view !== "desk") return;
      if (event.target.closest("input, select, textarea, [role=tab]") || scrollsSideways(event.target)) return;
      event.preventDefault();
      step(days);
    });
    window.addEventListener("popstate", () => {
      this.choices = readChoices({ withMemory: false }); // a step back leads to what the address says
      this.showChoices();
      this.refresh();
    });
    by("own-tab").hidden = !isFramed();
    by("own-tab").addEventListener("click", () => openFromParent(location.href, "_blank"));
  }

  /** Follows the system's colours, and inside Airflow those that Airflow is set to. */
  #theme() {
    const redraw = () => this.pictures.redraw();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    if (!isFramed()) return;
    try {
      const outer = window.parent.document.documentElement;
      const follow = () => {
        const name = ["dark", "light"].find((each) => outer.classList.contains(each) || outer.dataset.theme === each);
        setAttribute(document.documentElement, "data-theme", name ?? null);
        redraw();
      };
      new MutationObserver(follow).observe(outer, { attributeFilter: ["class", "data-theme"] });
      follow();
    } catch {
      // framed by another site: the system's colours it is
    }
  }

  tick() {
    if (document.hidden) return;
    this.status.tick();
    if (!this.desk) return;
    this.table.markNow();
    if (this.choices.day === null && this.desk.day !== today() && !this.choices.asOf && !this.running && this.failures === 0) this.refresh();
    if (Date.now() - this.statusAt > STATUS_EVERY && !this.running && this.failures === 0) this.#readStatus();
  }

  /** Troubles can come without new numbers. */
  async #readStatus() {
    this.statusAt = Date.now();
    try {
      this.status.show(await ask("status"));
      if (this.choices.view === "health") this.health.show(await ask("health"));
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      this.refresh();
    }
  }
}

const scrollsSideways = (target) => {
  const region = target.closest(".scroll");
  return region !== null && region.scrollWidth > region.clientWidth;
};

function logIn() {
  if (!isFramed() || !openFromParent(window.parent.location.href, "_top")) location.reload();
}

new Page().start();
