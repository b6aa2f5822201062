// Tells the kernel the query of the page, and keeps the address up to date without reloading.

const PAUSE = 300; // ms: browsers refuse a flood of address changes

function render({ model }) {
  if (document.body.dataset.voila !== "voila") return; // elsewhere the address is not ours
  const written = new Set();
  let timer = null;

  function write() {
    timer = null;
    const query = new URLSearchParams(location.search);
    const state = model.get("state");
    for (const key of written) query.delete(key);
    for (const [key, value] of Object.entries(state)) {
      written.add(key);
      if (value) query.set(key, value);
      else query.delete(key);
    }
    history.replaceState(history.state, "", `${location.pathname}?${query}${location.hash}`);
  }
  const later = () => (timer ??= setTimeout(write, PAUSE));

  model.set("query", location.search || "?");
  model.save_changes();
  model.on("change:state", later);
  if (Object.keys(model.get("state")).length) later(); // set before the page was there
  return () => {
    clearTimeout(timer);
    model.off("change:state", later);
  };
}

export default { render };
