// Starts the page. A file that is lost on the way, because the network changed just then, would leave it dead.

const [PAUSE, MOST, COUNT] = [2_000, 5, "trading-desk.starts"];

import("./main.js").then(
  () => sessionStorage.removeItem(COUNT),
  (error) => {
    const count = Number(sessionStorage.getItem(COUNT)) + 1;
    sessionStorage.setItem(COUNT, count);
    const place = document.getElementById("error");
    place.className = "banner bad";
    place.textContent = "The page did not arrive whole.";
    if (count <= MOST) {
      place.textContent += " It is loaded again.";
      setTimeout(() => location.reload(), PAUSE);
    } else {
      sessionStorage.removeItem(COUNT);
      place.textContent += " Load it again; if that does not help, tell whoever runs the platform.";
      throw error;
    }
  },
);
