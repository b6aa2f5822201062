// A question without a default answer: Run is enabled once there is one, and the feedback is announced.

let count = 0;
const make = (tag, properties = {}) => Object.assign(document.createElement(tag), properties);

function render({ model, el }) {
  const name = `atlas-question-${count++}`;
  el.classList.add("atlas-question");
  el.dataset.lmSuppressShortcuts = "true"; // keys belong to the form, not to the notebook
  const form = make("form", { noValidate: true });
  const fieldset = make("fieldset");
  const legend = make("legend");
  legend.append(make("span", { className: "atlas-predict", textContent: "Predict, then run" }), model.get("text"));
  fieldset.append(legend);
  const inputs = model.get("choices").length ? radios() : number();
  const run = make("button", { type: "submit", className: "atlas-run", textContent: "Run", disabled: true });
  const feedback = make("div", { className: "atlas-feedback" });
  feedback.setAttribute("role", "status");
  const given = make("p", { className: "atlas-given" });
  const kept = make("p", { className: "atlas-given" });
  const download = make("button", { type: "button", className: "atlas-download", textContent: "Download my answers" });
  form.append(fieldset, run);
  el.append(form, feedback, given, kept, download);

  function radios() {
    return model.get("choices").map((text, index) => {
      const input = make("input", { type: "radio", name, value: index });
      const label = make("label", { className: "atlas-choice" });
      label.append(input, make("span", { textContent: text }));
      fieldset.append(label);
      return input;
    });
  }

  function number() {
    const { low, high, unit } = model.get("number");
    const input = make("input", { type: "text", inputMode: "decimal", autocomplete: "off", size: 8 });
    const label = make("label", { className: "atlas-number" });
    label.append("Your prediction: ", input, ` ${unit} (a number from ${low} to ${high})`);
    fieldset.append(label);
    return [input];
  }

  // the answer as a number, NaN where there is none
  function answer() {
    if (inputs[0].type === "radio") return Number(inputs.find((input) => input.checked)?.value ?? NaN);
    const text = inputs[0].value.trim().replace(",", ".");
    const { low, high } = model.get("number");
    const value = text === "" ? NaN : Number(text);
    return value >= low && value <= high ? value : NaN;
  }

  function ready() {
    run.disabled = Number.isNaN(answer());
  }

  function busy() {
    const now = model.get("busy");
    run.setAttribute("aria-disabled", now); // not `disabled`: that would throw the focus away
    run.textContent = now ? "Running …" : "Run";
  }

  function tell() {
    const { tone, text } = model.get("feedback");
    feedback.dataset.tone = tone ?? "";
    feedback.textContent = text ?? "";
  }

  function keep() {
    const earlier = model.get("given");
    given.textContent = earlier.length > 1 ? `Your predictions so far: ${earlier.join("; ")}.` : "";
    download.hidden = !model.get("filename") || !earlier.length;
    kept.textContent = earlier.length ? model.get("saved") : "";
  }

  fieldset.addEventListener("input", ready);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!run.disabled && !model.get("busy")) model.send({ answer: answer() });
  });
  download.addEventListener("click", () => {
    const url = URL.createObjectURL(new Blob([model.get("document")], { type: "application/json" }));
    make("a", { href: url, download: model.get("filename") }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  });
  const watched = { busy, feedback: tell, given: keep, saved: keep };
  for (const [trait, act] of Object.entries(watched)) {
    act();
    model.on(`change:${trait}`, act);
  }
  return () => {
    for (const [trait, act] of Object.entries(watched)) model.off(`change:${trait}`, act);
  };
}

export default { render };
