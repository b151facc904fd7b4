// The page's texts in German, by the English ones; fields in braces are the same.

export const GERMAN = {
  "The trading desk's server does not answer.": "Der Server der Seite antwortet nicht.",
  "The trading desk's server has a problem ({status}).": "Der Server der Seite hat ein Problem ({status}).",
  "Your login has ended.": "Die Anmeldung ist abgelaufen.",
};
