// What a step looks like: in the picture, in words, and in the code.

// ---------------------------------------------------------------- numbers as text

const SMALLEST = 0.8; // of its size, to which a wide picture is shrunk before it scrolls
const NARROW = 640; // pixels of a window in which it is not shrunk
const MOST_IN_PICTURE = 3;
const MOST_IN_WORDS = 12;

// A number as a person draws it. What was rounded to a whole number keeps its zeros, and what would
// be rounded to nothing is written as 4.1e-3.
function short(x) {
  if (!Number.isFinite(x)) return odd(x);
  if (Number.isInteger(x) && Math.abs(x) < 1e6) return String(x + 0 || 0);
  if (Math.abs(x) >= 1e6) return x.toExponential(2).replace("e+", "e");
  if (Math.abs(x) < 10 ** -data.decimals) return x.toExponential(1);
  const rounded = x.toFixed(data.decimals);
  return Number(rounded) === x ? String(x) : rounded;
}

function long(x) {
  return Number.isFinite(x) ? String(Number(x.toPrecision(6)) || 0) : odd(x);
}

function odd(x) {
  return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
}

function shapeOf(nested) {
  return Array.isArray(nested) ? [nested.length, ...shapeOf(nested[0] ?? 0)] : [];
}

// Whether two numbers have one shape; an operand that was broadcast has not that of its gate.
function isOfShape(one, other) {
  return String(shapeOf(one)) === String(shapeOf(other));
}

function written(number, write, most) {
  if (!Array.isArray(number)) return write(number);
  if (flat(number).length > most) return `(${shapeOf(number).join(", ")})`;
  return `[${number.map((part) => written(part, write, most)).join(", ")}]`;
}

const inPicture = (number) => (number === null ? "" : written(number, short, MOST_IN_PICTURE));
const inWords = (number) => (number === null ? "" : written(number, long, MOST_IN_WORDS));
const factor = (text) => (text.startsWith("-") ? `(${text})` : text);

// ---------------------------------------------------------------- drawing

function put(element, number, text) {
  if (!element || drawn.get(element) === number) return;
  drawn.set(element, number);
  element.textContent = text;
  if (number === null) element.removeAttribute("data-exact");
  else element.setAttribute("data-exact", JSON.stringify(each(number, (x) =>
    (Number.isFinite(x) ? x : odd(x)))));
}

function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  return made;
}

function draw() {
  const step = steps[state.step];
  data.nodes.forEach((node) => {
    const value = isComputed(node) ? state.numbers.value.get(node.id) : null;
    const gradient = gradientSoFar(node);
    put(byId(`${node.id}-value`), value, inPicture(value));
    put(byId(`${node.id}-gradient`), gradient, inPicture(gradient));
    byId(node.id)?.classList.toggle("lit", node === step.node);
    const cells = byId(`${node.id}-row`)?.cells;
    if (cells) {
      put(cells[3], value, inWords(value));
      put(cells[4], gradient, inWords(gradient));
    }
  });
  data.wires.forEach((wire) => {
    const contribution = arrived(nodes.get(wire.source)).includes(wire)
      ? state.numbers.contribution.get(wire.id) : null;
    put(byId(`${wire.id}-contribution`), contribution, inPicture(contribution));
    byId(wire.id)?.classList.toggle("lit", step.wires.includes(wire));
  });
  drawCode(step);
  drawStep(step);
  drawControls();
}

function drawCode(step) {
  const box = byId("code");
  [...box.querySelectorAll(".lit")].forEach((item) => {
    item.classList.remove("lit");
    item.removeAttribute("aria-current");
  });
  linesOf(step).forEach(([, k]) => {
    box.children[k].classList.add("lit");
    box.children[k].setAttribute("aria-current", "step");
  });
  const lit = box.querySelector(".lit");
  if (lit) box.scrollTop = lit.offsetTop - box.offsetTop - box.clientHeight / 2;
  else if (step.kind === "inputs") box.scrollTop = 0;
}

// The lines of code of a step, with their places.
function linesOf(step) {
  return data.code.map((line, k) => [line, k]).filter(([line]) =>
    line.node === step.node?.id && step.kind === (line.wire ? "backward" : "forward"));
}

function nameOf(node) {
  return data.names[node.id] ?? node.name;
}

function slopeName(node) {
  return `d${nameOf(node).replaceAll("][", ", ")}`;
}

function title(step) {
  if (step.kind === "inputs") return "The inputs have their values";
  if (step.kind === "seed") return `Backwards: the gradient of ${nameOf(step.node)} itself`;
  return `${step.kind === "forward" ? "Forwards" : "Backwards"} through ${step.node.label}`;
}

function drawStep(step) {
  const asked = isAsked();
  const told = [];
  if (step.kind === "inputs") told.push(...inputLines());
  if (step.kind === "forward") told.push(...forwardLines(step, asked));
  if (step.kind === "seed") {
    told.push([slopeName(step.node), [inWords(gradientSoFar(step.node))]]);
  }
  if (step.kind === "backward") told.push(...backwardLines(step, asked));
  byId("what").textContent = title(step);
  const list = element("dl");
  told.forEach(([term, lines]) => {
    const group = element("div");
    group.append(element("dt", term), ...lines.map((line) => element("dd", line)));
    list.append(group);
  });
  byId("step").replaceChildren(list, ...(asked ? [quizForm()] : []));
  const summary = asked ? questions().map((q) => `What is ${q.name}?`).join(" ")
    : told.map(([term, lines]) => `${term}: ${lines.at(-1)}`).join("; ");
  byId("place").textContent = `Step ${state.step + 1} of ${steps.length}: ${title(step).toLowerCase()}`;
  byId("said").textContent = `Step ${state.step + 1} of ${steps.length}. ${title(step)}. ${summary}`;
}

function inputLines() {
  return data.nodes.filter((node) => node.role === "input")
    .map((node) => [nameOf(node), [inWords(state.numbers.value.get(node.id))]]);
}

function forwardLines(step, asked) {
  const operands = step.wires.map((wire) => {
    const source = nodes.get(wire.source);
    return `${nameOf(source)} = ${inWords(state.numbers.value.get(source.id))}`;
  });
  const lines = [linesOf(step)[0][0].text, operands.join(", ")].filter(Boolean);
  const value = asked ? "?" : inWords(state.numbers.value.get(step.node.id));
  const told = [[`${nameOf(step.node)} = ${value}`, lines]];
  if (!asked) {
    step.wires.filter((wire) => state.numbers.local.get(wire.id) !== null).forEach((wire) => {
      told.push([`local gradient by ${nameOf(nodes.get(wire.source))}`, [slope(wire)]]);
    });
  }
  return told;
}

function slope(wire) {
  const number = localText(wire);
  const formula = data.formulas[wire.id];
  return formula === undefined || formula === number ? number : `${formula} = ${number}`;
}

// The local gradient as a number; of an array that is the same all over, that number.
function localText(wire) {
  const formula = data.formulas[wire.id];
  const isOne = formula !== undefined && numberOf(formula) !== null;
  return isOne ? formula : inWords(state.numbers.local.get(wire.id));
}

function backwardLines(step, asked) {
  const upstream = state.numbers.gradient.get(step.node.id);
  const told = [[`upstream gradient ${slopeName(step.node)}`, [inWords(upstream)]]];
  step.wires.forEach((wire) => {
    const source = nodes.get(wire.source);
    const part = asked ? "?" : inWords(state.numbers.contribution.get(wire.id));
    const local_ = state.numbers.local.get(wire.id);
    const lines = linesOf(step).map(([line]) => line).filter((line) => line.wire === wire.id)
      .map((line) => line.text);
    if (local_ !== null) lines.push(`local gradient ${slope(wire)}`);
    const product = `${factor(inWords(upstream))} × ${factor(localText(wire))}`;
    const isSummed = !isOfShape(state.numbers.contribution.get(wire.id), upstream);
    if (local_ === null) lines.push(`contribution ${part}`);
    else if (isSummed) lines.push(`sum of upstream × local = sum(${product}) = ${part}`);
    else lines.push(`upstream × local = ${product} = ${part}`);
    if (!asked && leaving.get(source.id).length > 1) lines.push(runningSum(source, wire));
    told.push([`to ${nameOf(source)}`, lines]);
  });
  return told;
}

// The contributions to a fork up to a wire, and their sum.
function runningSum(source, until) {
  const all = leaving.get(source.id).filter((wire) => wire.contribution !== null);
  const wires = inOrder(arrived(source));
  const parts = wires.slice(0, wires.indexOf(until) + 1)
    .map((wire) => state.numbers.contribution.get(wire.id));
  const total = parts.length === all.length
    ? state.numbers.gradient.get(source.id) : parts.reduce(sum);
  const terms = parts.map((part, k) => (k ? factor(inWords(part)) : inWords(part)));
  const equals = parts.length > 1 ? `${terms.join(" + ")} = ` : "";
  return `${slopeName(source)} so far: ${equals}${inWords(total)}`
    + ` (${parts.length} of ${all.length} branches)`;
}

// Wires in the order in which their contributions come back.
function inOrder(wires) {
  return [...wires].sort((a, b) =>
    backwardAt.get(a.target) - backwardAt.get(b.target) || a.operand - b.operand);
}

function drawControls() {
  const isFirst = state.step === 0;
  const isLast = state.step === steps.length - 1;
  byId("slider").value = String(state.step);
  byId("slider").setAttribute("aria-valuetext", `step ${state.step + 1} of ${steps.length}`);
  // Not `disabled`, which would take the focus away from under the reader's finger.
  [["first", isFirst], ["back", isFirst], ["next", isLast], ["last", isLast]].forEach(([id, off]) =>
    byId(id).setAttribute("aria-disabled", String(off)));
  byId("play").textContent = state.timer === null ? "Play" : "Pause";
  byId("play").setAttribute("aria-pressed", String(state.timer !== null));
}
