// While the kernel of a page starts: loads what its figures are drawn with, and shows the recorded run that a card
// opens on until the live card is there.
(() => {
  const FRAME = 40; // ms between two steps of the play
  const FRAMES = 150; // a run takes about six seconds, however long it is
  const page = document.getElementById("atlas-opening");
  const folder = `${document.body.dataset.baseUrl}opening/`; // known before the kernel is
  // where the figures of the page look for it
  window.__atlasPlotly = new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error("the drawing library did not load"));
    script.src = folder + page.dataset.plotly;
    document.head.append(script);
  });

  const query = new URLSearchParams(location.search);
  query.delete("theme");
  const method = query.get("method") ?? "";
  query.delete("method");
  const asked = query.size > 0; // then the card computes
  if (page.dataset.shows === "record" && !asked) open().catch(console.warn);

  async function open() {
    const [{ default: live }, answer] = await Promise.all([import(`${folder}live.js`), fetch(folder + method)]);
    if (answer.status !== 200 || arrived()) return;
    const { head, note, views, steps, themes, script, height } = await answer.json();
    page.innerHTML = `<div class="atlas-card"><div class="atlas-top">
      <div class="atlas-head">${head}</div><div class="atlas-note">${note}</div></div>
      <div class="atlas-body"><div class="atlas-side"><p role="status">This run was recorded. A laboratory of your
      own is starting; its sliders will stand here.</p></div><div>
      <label class="atlas-scrub">step <input type="range" min="${steps[0]}" max="${steps[1]}"><output></output></label>
      <div class="atlas-views"></div></div></div></div>`;
    const [scrub, output] = [page.querySelector("input"), page.querySelector("output")];
    const models = views.map(({ heading, spec, arrays }) => {
      const view = page.querySelector(".atlas-views").appendChild(document.createElement("div"));
      view.className = "atlas-view";
      view.append(Object.assign(document.createElement("h2"), { innerHTML: heading }));
      const model = stand_in({ spec, arrays: bytes(arrays), cursor: -1, revision: 1, height, themes, script });
      model.end = live.render({ model, el: view.appendChild(document.createElement("div")) });
      return model;
    });

    function show(step) {
      scrub.value = output.value = step;
      for (const model of models) model.set("cursor", Number(step));
    }
    const [first, last] = steps;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const stride = Math.max(1, Math.floor((last - first) / FRAMES));
    let step = still ? last : first;
    show(step);
    const timer = setInterval(() => step < last && show((step = Math.min(last, step + stride))), FRAME);
    scrub.oninput = () => {
      step = last; // whoever takes the slider stops the play
      show(scrub.value);
    };

    document.body.classList.add("atlas-opening");
    page.hidden = false;
    const watch = new MutationObserver(() => {
      if (!arrived()) return;
      watch.disconnect();
      clearInterval(timer);
      for (const model of models) model.end();
      document.body.classList.remove("atlas-opening");
      page.remove();
    });
    watch.observe(document.body, { subtree: true, childList: true, attributeFilter: ["data-revision"] });
  }

  // Whether the cells show what they have to show: figures that are painted, or a complaint.
  function arrived() {
    const cells = document.getElementById("rendered_cells");
    const figures = [...(cells?.querySelectorAll(".atlas-figure") ?? [])];
    const complaint = cells?.querySelector(".atlas-alert, [data-mime-type='application/vnd.jupyter.stderr']");
    return Boolean(complaint) || (figures.length > 0 && figures.every((figure) => figure.dataset.revision));
  }

  // What a view asks of a widget's model, without a kernel behind it.
  function stand_in(state) {
    const heard = {};
    return {
      get: (name) => state[name],
      set(name, value) {
        state[name] = value;
        heard[`change:${name}`]?.();
      },
      on: (event, listener) => (heard[event] = listener),
      off: (event) => delete heard[event],
      send() {},
    };
  }

  function bytes(text) {
    return new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  }
})();
