// Loads the page again: a script that is lost on the way, because the network changed just then, would leave it dead.
{
  const [PAUSE, MOST, COUNT] = [2_000, 5, "trading-desk.starts"];
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
    place.textContent = "The page did not arrive whole.";
    if (count <= MOST) {
      sessionStorage.setItem(COUNT, count);
      place.textContent += " It is loaded again.";
      setTimeout(() => location.reload(), PAUSE);
    } else {
      sessionStorage.removeItem(COUNT);
      place.textContent += " Load it again; if that does not help, tell whoever runs the platform.";
    }
    const show = () => document.body.replaceChildren(place);
    if (document.body) show();
    else document.addEventListener("DOMContentLoaded", show);
  };
  document.addEventListener("error", lost, true);
}
