// Texts from outside (trader ids, messages, errors): what hides in them is shown, their direction is theirs alone.

const [FIRST_STRONG_ISOLATE, POP_ISOLATE] = ["\u2068", "\u2069"];

/** Characters that nobody sees: controls, overrides of direction, separators of lines, what has no width. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{DI}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Those that a text of the page may have: space, isolates, and the marks with which numbers are formatted. */
const ALLOWED = new Set(["\t", "\n", FIRST_STRONG_ISOLATE, POP_ISOLATE, "\u200e", "\u200f", "\u061c"]);

const PLAIN = /^[\x20-\x7e]*$/;
const SIGNS = { "\n": "↵", "\t": "⇥" };

const code = (character) =>
  SIGNS[character] ?? `[U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`;

/** Any text of the page, with characters in it that nobody would see as [U+202E]. */
export const visible = (text) =>
  String(text).replace(UNSEEN, (character) => (ALLOWED.has(character) ? character : code(character)));

/** A text that is from outside as a whole: none of these characters stays in it. */
export const visibleOutside = (text) => String(text).replace(UNSEEN, code);

/**
 * A text from outside as a part of a sentence, a tooltip or an option: its direction does not reach its neighbours.
 *
 * Plain ASCII runs in one direction anyway and stays as it is, so that what is copied holds nothing unseen.
 */
export function isolated(text) {
  const part = visibleOutside(text);
  return PLAIN.test(part) ? part : `${FIRST_STRONG_ISOLATE}${part}${POP_ISOLATE}`;
}
