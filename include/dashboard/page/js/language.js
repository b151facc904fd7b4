// The language of the page: its texts, and whose way of writing numbers and dates; the English text is the key.

const STORE = "trading-desk.language"; // start.js reads it, and has written what is chosen into <html lang>
const NAMES = { en: "English", de: "Deutsch" };
const FIELDS = /\{(\w+)\}/g;

const chosen = document.documentElement.lang;

/** German texts by the English ones; English does if they are lost on the way. */
const german = chosen === "de" ? await import("./german.js").then(({ GERMAN }) => GERMAN, () => null) : null;

export const language = german ? "de" : "en";
document.documentElement.lang = language;

/** For Intl: the reader's own one, or that of the language if the reader has chosen another than the browser's. */
export const locale = { de: isOwn("de") ? undefined : "de-DE", en: isOwn("de") ? "en-GB" : undefined }[language];

function isOwn(language) {
  return navigator.language.split("-")[0] === language;
}

const textOf = (text) => german?.[text] ?? text;

/** A text of the page in its language, with values for its fields: t("Show {day}", { day }). */
export const t = (text, values = {}) => textOf(text).replace(FIELDS, (_, name) => values[name]);

/** The same as parts of an element: values may be elements. */
export const parts = (text, values) => textOf(text).split(FIELDS).map((part, i) => (i % 2 ? values[part] : part));

/** The other languages: [[code, name], …]. */
export const otherLanguages = Object.entries(NAMES).filter(([code]) => code !== language);

/** Remembers a language and loads the page again in it. */
export function chooseLanguage(code) {
  try {
    localStorage.setItem(STORE, code);
  } catch {
    return; // a browser that keeps nothing: its own language stays
  }
  location.reload();
}
