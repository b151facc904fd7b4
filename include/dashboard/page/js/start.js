// Before the page: chooses its language, and loads it again if a script is lost on the way, because the network changed
// just then: without it the page would stay dead.
{
  const [PAUSE, MOST, COUNT, LANGUAGE] = [2_000, 5, "trading-desk.starts", "trading-desk.language"];
  const TEXTS = {
    en: {
      lost: "The page did not arrive whole.",
      again: "It is loaded again.",
      givenUp: "Load it again; if that does not help, tell the people who run the platform.",
    },
    de: {
      lost: "Die Seite ist nicht vollständig angekommen.",
      again: "Sie wird neu geladen.",
      givenUp: "Bitte neu laden; wenn das nicht hilft, dem Betrieb der Plattform melden.",
    },
  };

  const remembered = () => {
    try {
      return localStorage.getItem(LANGUAGE);
    } catch {
      return null; // a browser that keeps nothing
    }
  };
  const wanted = [remembered() ?? "", ...navigator.languages].map((each) => each.split("-")[0]);
  const language = wanted.find((each) => Object.hasOwn(TEXTS, each)) ?? "en";
  document.documentElement.lang = language;
  const { lost: lostText, again, givenUp } = TEXTS[language];

  const isScript = (event) => event.target instanceof HTMLScriptElement;

  const started = (event) => isScript(event) && event.target.type === "module" && sessionStorage.removeItem(COUNT);
  document.addEventListener("load", started, true);

  const lost = (event) => {
    if (!isScript(event)) return;
    document.removeEventListener("load", started, true);
    document.removeEventListener("error", lost, true);
    const count = Number(sessionStorage.getItem(COUNT)) + 1;
    const place = document.createElement("p");
    place.className = "banner bad";
    place.setAttribute("role", "alert");
    if (count <= MOST) {
      sessionStorage.setItem(COUNT, count);
      place.textContent = `${lostText} ${again}`;
      setTimeout(() => location.reload(), PAUSE);
    } else {
      sessionStorage.removeItem(COUNT);
      place.textContent = `${lostText} ${givenUp}`;
    }
    const show = () => document.body.replaceChildren(place);
    if (document.body) show();
    else document.addEventListener("DOMContentLoaded", show);
  };
  document.addEventListener("error", lost, true);
}
