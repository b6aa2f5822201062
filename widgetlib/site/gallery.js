// Search, filters and theme of the gallery; the page is complete without it.
(() => {
  const root = document.documentElement;
  const search = document.getElementById("search");
  const world = document.getElementById("world");
  const chips = [...document.querySelectorAll(".chip")];
  const cards = [...document.querySelectorAll("#cards > li")];
  const count = document.getElementById("count");
  const nothing = document.getElementById("nothing");

  function filter() {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const families = chips.filter((c) => c.getAttribute("aria-pressed") === "true").map((c) => c.dataset.family);
    let shown = 0;
    for (const { dataset } of cards) {
      const fits =
        wanted.every((word) => dataset.text.includes(word)) &&
        (!families.length || families.includes(dataset.family)) &&
        (!world.value || dataset.world === world.value);
      dataset.fits = fits;
      shown += fits;
    }
    for (const card of cards) card.hidden = card.dataset.fits !== "true";
    const all = shown === cards.length ? "" : ` of ${cards.length}`;
    count.textContent = `${shown}${all} ${cards.length === 1 ? "method" : "methods"}`;
    nothing.hidden = shown > 0;
  }

  search.addEventListener("input", filter);
  world.addEventListener("change", filter);
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", chip.getAttribute("aria-pressed") !== "true");
      filter();
    });
  }
  document.getElementById("clear").addEventListener("click", () => {
    search.value = world.value = "";
    for (const chip of chips) chip.setAttribute("aria-pressed", "false");
    filter();
    search.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT)$/.test(event.target.tagName)) {
      event.preventDefault();
      search.focus();
    }
  });
  filter(); // a browser keeps what was typed when one comes back

  // ---- theme: the system's, unless the address or the button says otherwise ---------------------------------
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = document.getElementById("theme");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

  function dress() {
    button.textContent = dark() ? "Light page" : "Dark page";
    for (const link of document.querySelectorAll("#cards a, .lead a")) {
      const address = new URL(link.href);
      if (dark()) address.searchParams.set("theme", "dark");
      else address.searchParams.delete("theme");
      link.href = address;
    }
  }

  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    const address = new URL(location.href);
    address.searchParams.set("theme", root.dataset.theme);
    history.replaceState(null, "", address);
    dress();
  });
  system.addEventListener("change", dress);
  dress();
})();
