// Gives the controls of ipywidgets the names that screen readers need, and lets the page change its theme.
(() => {
  const PLAY = ["Play or pause", "Stop and go to the start", "Repeat"];

  function name(cells) {
    for (const handle of cells.querySelectorAll(".noUi-handle:not([aria-label])")) {
      const label = handle.closest(".jupyter-widgets")?.querySelector(".widget-label");
      if (label?.textContent) handle.setAttribute("aria-label", label.textContent);
    }
    for (const button of cells.querySelectorAll(".jupyter-button[title]:not([aria-label])")) {
      if (!button.textContent.trim()) button.setAttribute("aria-label", button.title);
    }
    for (const play of cells.querySelectorAll(".widget-play:not([data-named])")) {
      [...play.querySelectorAll("button")].forEach((button, i) => {
        button.setAttribute("aria-label", button.title || PLAY[i] || "Play control");
      });
      play.dataset.named = "";
    }
  }

  const cells = document.getElementById("rendered_cells");
  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      name(cells);
    }, 50);
  }).observe(cells, { childList: true, subtree: true });

  document.querySelector(".atlas-theme")?.addEventListener("click", () => {
    const address = new URL(location.href);
    address.searchParams.set("theme", document.body.dataset.jpThemeLight === "false" ? "light" : "dark");
    location.href = address;
  });
  if (document.body.dataset.jpThemeLight === "false") {
    const home = document.querySelector(".atlas-home");
    if (home) home.href += "?theme=dark";
  }
})();
