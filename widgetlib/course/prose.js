// Paragraphs whose buttons set the picture below them going.

function render({ model, el }) {
  el.classList.add("atlas-prose");
  el.dataset.lmSuppressShortcuts = "true"; // keys belong to the buttons, not to the notebook
  const buttons = new Map();
  for (const parts of model.get("paragraphs")) {
    const paragraph = document.createElement("p");
    for (const { text, preset } of parts) {
      if (preset === undefined) {
        paragraph.append(text);
        continue;
      }
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: text });
      button.className = "atlas-preset";
      button.addEventListener("click", () => model.send({ preset }));
      buttons.set(preset, button);
      paragraph.append(button);
    }
    el.append(paragraph);
  }
  const mark = () => {
    for (const [preset, button] of buttons) button.setAttribute("aria-pressed", preset === model.get("active"));
  };
  mark();
  model.on("change:active", mark);
  return () => model.off("change:active", mark);
}

export default { render };
