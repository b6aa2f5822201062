// Draws the picture of a LiveFigure: one plotly.js a page, latest state wins, the page's own colours.

const CONFIG = {
  displayModeBar: false, // an image for screen readers may hold no buttons; ours stands below it
  doubleClick: "reset",
  responsive: false, // a ResizeObserver sees more than the window's resize events
};
const PATIENCE = 30_000; // ms for the kernel's answer

// ---- plotly.js, once a page -------------------------------------------------------------------------------

function plotly(model) {
  window.__atlasPlotly ??= load(model).catch((problem) => {
    window.__atlasPlotly = undefined; // the next figure may try again
    throw problem;
  });
  return window.__atlasPlotly;
}

async function load(model) {
  const packed = (await fromServer(model.get("script"))) ?? (await fromKernel(model));
  const source = await unpack(packed);
  // The wrapper hides AMD and CommonJS loaders, which would take the library away from us.
  const blob = new Blob(["(function(module,exports,define){", source, "\n})();"], { type: "text/javascript" });
  const url = URL.createObjectURL(blob);
  await new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.onload = resolve;
    script.onerror = () => reject(new Error("the drawing library did not start"));
    script.src = url;
    document.head.append(script);
  });
  URL.revokeObjectURL(url);
  return window.Plotly;
}

async function fromServer(name) {
  const page = JSON.parse(document.getElementById("jupyter-config-data")?.textContent || "{}");
  const { voila, baseUrl } = document.body.dataset; // known before a kernel, and with it the page's data, is there
  const extensions = page.fullLabextensionsUrl ?? (voila && `${baseUrl}labextensions`);
  if (!extensions) return null;
  const answer = await fetch(`${extensions}/widgetlib/static/${name}`).catch(() => null);
  return answer?.ok ? answer.arrayBuffer() : null;
}

function fromKernel(model) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => done(new Error("the kernel did not send the drawing library")), PATIENCE);
    function done(problem, bytes) {
      clearTimeout(timer);
      model.off("msg:custom", listen);
      problem ? reject(problem) : resolve(bytes);
    }
    function listen(message, buffers) {
      if (message?.give !== "plotly") return;
      message.problem ? done(new Error(message.problem)) : done(null, buffers[0]);
    }
    model.on("msg:custom", listen);
    model.send({ ask: "plotly" });
  });
}

async function unpack(bytes) {
  const view = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stream = new Blob([view]).stream();
  const packed = view[0] === 0x1f && view[1] === 0x8b; // a proxy may have unpacked it on the way
  return new Response(packed ? stream.pipeThrough(new DecompressionStream("gzip")) : stream).text();
}

// ---- the picture ------------------------------------------------------------------------------------------

function rebuild(value, bytes) {
  if (Array.isArray(value)) return value.map((item) => rebuild(item, bytes));
  if (value === null || typeof value !== "object") return value;
  if ("$" in value) return array(value.$, bytes);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rebuild(item, bytes)]));
}

function array([offset, shape, kind], bytes) {
  const Typed = kind === "f8" ? Float64Array : Float32Array;
  const count = shape.reduce((a, b) => a * b, 1);
  const start = bytes.byteOffset + offset;
  // a copy: the view into the message need not be aligned
  const flat = new Typed(bytes.buffer.slice(start, start + count * Typed.BYTES_PER_ELEMENT));
  return nest(flat, shape);
}

function nest(flat, shape) {
  if (shape.length < 2) return flat;
  const size = flat.length / (shape[0] || 1);
  return Array.from({ length: shape[0] }, (_, i) => nest(flat.subarray(i * size, (i + 1) * size), shape.slice(1)));
}

function lastUpTo(steps, step) {
  if (step < 0) return steps.length - 1;
  let low = 0, high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle] <= step) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

const points = (value) => (typeof value === "number" ? [value] : Array.from(value));

// [{trace, at: {x, y[, z]}}]: where each cursor stands at a time step
function placed(cursors, step) {
  return cursors.map(({ trace, step: steps, ...axes }) => {
    const i = lastUpTo(steps, step);
    return { trace, at: Object.fromEntries(Object.entries(axes).map(([axis, values]) => [axis, points(values[i])])) };
  });
}

// Moves the markers of a flat trace where they are: restyle would compute and draw every trace anew, a contour
// included. False where plotly must do it: in 3-D, for a point that is no number, for markers not drawn yet.
function nudge(plot, { trace, at }) {
  const calculated = plot.calcdata?.[trace], { xaxis, yaxis } = plot._fullData?.[trace] ?? {};
  const markers = calculated?.[0]?.node3?.node()?.querySelectorAll("path.point") ?? [];
  const [x, y] = [xaxis, yaxis].map((id) => plot._fullLayout?.[id?.replace(/^[xy]/, "$&axis")]);
  const known = Object.values(at).every((values) => values.every(Number.isFinite));
  if (at.z || !known || markers.length !== at.x.length || !x?.c2p || !y?.c2p) return false;
  Object.assign(plot.data[trace], at); // what plotly draws from when its size changes ...
  markers.forEach((marker, i) => {
    const point = Object.assign(marker.__data__, { x: at.x[i], y: at.y[i] }); // ... and when a person zooms
    marker.setAttribute("transform", `translate(${x.c2p(point.x)},${y.c2p(point.y)})`);
  });
  return true;
}

// ---- the page's colours -----------------------------------------------------------------------------------

function template(themes, family) {
  const { axis, ...look } = themes[document.body.dataset.jpThemeLight === "false" ? "dark" : "light"] ?? {};
  const scene = { bgcolor: look.paper_bgcolor, xaxis: axis, yaxis: axis, zaxis: axis };
  return { layout: { ...look, font: { family, ...look.font }, xaxis: axis, yaxis: axis, scene } };
}

// ---- one view ---------------------------------------------------------------------------------------------

const make = (tag, properties) => Object.assign(document.createElement(tag), properties);
const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));

function render({ model, el }) {
  el.classList.add("atlas-figure");
  const frame = make("div", { className: "atlas-plot-frame" });
  const plot = make("div", { className: "atlas-plot", role: "img" });
  const words = make("div", { className: "atlas-words" });
  const reading = make("p", { className: "atlas-reading", ariaLive: "polite" });
  const save = make("button", { className: "atlas-save", type: "button", textContent: "PNG", title: "Save this picture" });
  save.ariaLabel = "Save this picture as PNG";
  save.onclick = () => library?.downloadImage(plot, { format: "png", scale: 2, filename: "optimizer-atlas" });
  frame.append(plot);
  words.append(reading, save);
  el.append(frame, words);

  // what has changed since the last paint
  const changed = { picture: true, look: false, size: false, cursor: false };
  let picture = null, look = null, library = null, busy = false, alive = true;

  const visible = () => el.clientWidth > 0;
  const stale = () => Object.values(changed).some(Boolean);

  function mark(what) {
    changed[what] = true;
    if (!busy) work();
  }

  async function work() {
    busy = true;
    try {
      while (alive && stale() && visible() && model.get("revision") > 0) {
        library ??= await plotly(model);
        await nextFrame();
        if (alive) await paint();
      }
    } catch (problem) {
      for (const what in changed) changed[what] = false;
      complain(problem);
    }
    busy = false;
  }

  async function paint() {
    const now = { ...changed };
    for (const what in changed) changed[what] = false;
    const step = model.get("cursor");
    if (now.picture) picture = { ...rebuild(model.get("spec"), model.get("arrays")), revision: model.get("revision") };
    if (now.look) look = null;
    const cursors = placed(picture.cursors, step);
    if (now.picture || now.look || frame.hidden) {
      await draw(cursors);
    } else {
      // plotly.js 4.1 loses a contour when react meets unchanged arrays at another size
      if (now.size) await library.relayout(plot, fit());
      if (now.cursor && cursors.length) await move(cursors);
    }
    el.dataset.cursor = step;
    el.dataset.revision = picture.revision;
  }

  function fit() {
    frame.style.height = `${model.get("height")}px`;
    return { width: frame.clientWidth, height: model.get("height") };
  }

  function move(cursors) {
    const moved = cursors.filter(({ trace, at }) => Object.entries(at).some(([axis, values]) => String(plot.data[trace][axis]) !== String(values)));
    const rest = moved.filter((cursor) => !nudge(plot, cursor));
    if (!rest.length) return null;
    const axes = new Set(rest.flatMap(({ at }) => Object.keys(at)));
    const update = Object.fromEntries([...axes].map((axis) => [axis, rest.map(({ at }) => at[axis])]));
    return library.restyle(plot, update, rest.map(({ trace }) => trace));
  }

  async function draw(cursors) {
    el.querySelector(".atlas-problem")?.remove();
    frame.hidden = false;
    look ??= template(model.get("themes"), getComputedStyle(reading).fontFamily);
    const data = picture.data.map((trace) => ({ ...trace }));
    for (const { trace, at } of cursors) Object.assign(data[trace], at);
    const layout = {
      uirevision: "kept", // a person's zoom survives the next drawing
      ...picture.layout,
      template: look,
      ...fit(),
    };
    await library.react(plot, data, layout, CONFIG);
    plot.ariaLabel = picture.reading;
    if (reading.textContent !== picture.reading) reading.textContent = picture.reading;
  }

  function complain(problem) {
    console.error(problem);
    if (library && plot.data) library.purge(plot);
    frame.hidden = true;
    el.querySelector(".atlas-problem")?.remove();
    const textContent = `This figure could not be drawn: ${problem?.message ?? problem}. Reload the page; if it stays, please report it.`;
    const sentence = make("p", { className: "atlas-problem", role: "alert", textContent });
    el.prepend(sentence);
  }

  const listeners = {
    "change:revision": () => mark("picture"),
    "change:cursor": () => mark("cursor"),
    "change:height": () => mark("size"),
  };
  for (const [event, listener] of Object.entries(listeners)) model.on(event, listener);

  let width = 0;
  const resizing = new ResizeObserver(() => {
    if (el.clientWidth && el.clientWidth !== width) {
      width = el.clientWidth;
      mark("size");
    } else if (stale() && !busy) {
      work(); // hidden for a moment, and back at the same width: what changed meanwhile is still to be painted
    }
  });
  resizing.observe(el);
  const theming = new MutationObserver(() => mark("look"));
  theming.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  // what the kernel drew after it had told the page its state, and before the page could listen, is lost
  model.send({ ask: "drawing", revision: model.get("revision") });

  return () => {
    alive = false;
    resizing.disconnect();
    theming.disconnect();
    for (const [event, listener] of Object.entries(listeners)) model.off(event, listener);
    if (library && plot.data) library.purge(plot);
  };
}

export default { render };
