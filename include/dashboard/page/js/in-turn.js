// Work that may wait for the next frames, a piece a frame: what people do meanwhile is answered between two of them.

const waiting = [];

/** Does the work in a frame of its own, after what was asked for before; returns what takes it back. */
export function inTurn(work) {
  waiting.push(work);
  if (waiting.length === 1) requestAnimationFrame(next);
  return () => {
    const at = waiting.indexOf(work);
    if (at >= 0) waiting[at] = null; // its turn is over without it
  };
}

function next() {
  while (waiting.length > 0 && !waiting[0]) waiting.shift();
  try {
    waiting[0]?.();
  } finally {
    waiting.shift(); // a piece that fails stops no other one
    if (waiting.length > 0) requestAnimationFrame(next);
  }
}
