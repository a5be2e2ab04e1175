"use strict";

// The circuit stepped through: forwards a gate at a time, then backwards. `data` is what JSON holds
// of the circuit, its code, and a program of numbers that evaluator.js runs when an input changes.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const nodes = new Map(data.nodes.map((node) => [node.id, node]));
const gates = data.nodes.filter((node) => node.role === "stage" || node.role === "output");
const entering = grouped(data.wires, "target");
const leaving = grouped(data.wires, "source");
const steps = allSteps();
const forwardAt = placesOf("forward");
const backwardAt = placesOf("backward");
const seedAt = steps.findIndex((step) => step.kind === "seed");
const drawn = new Map(); // what stands at each place, so that only what changes is drawn
const state = { step: 0, quiz: false, answered: new Set(), timer: null, numbers: given() };

// ---------------------------------------------------------------- steps

function grouped(wires, end) {
  const groups = new Map(data.nodes.map((node) => [node.id, []]));
  wires.forEach((wire) => groups.get(wire[end]).push(wire));
  return groups;
}

function allSteps() {
  const forwards = gates.map((node) => ({ kind: "forward", node, wires: entering.get(node.id) }));
  const output = nodes.get(data.output);
  const backwards = [...gates].reverse().map((node) => ({
    kind: "backward", node, wires: entering.get(node.id).filter((w) => w.contribution !== null),
  })).filter((step) => step.wires.length);
  const start = { kind: "inputs", node: null, wires: [] };
  if (!backwards.length) return [start, ...forwards];
  return [start, ...forwards, { kind: "seed", node: output, wires: [] }, ...backwards];
}

// The steps of one kind, by node.
function placesOf(kind) {
  return new Map(steps.map((step, k) => [step, k]).filter(([step]) => step.kind === kind)
    .map(([step, k]) => [step.node.id, k]));
}

// How many steps show their numbers: all up to this one, or to the one before an open question.
function shownSteps() {
  return state.step + (isAsked() ? 0 : 1);
}

function isAsked() {
  return state.quiz && questions().length > 0 && !state.answered.has(state.step);
}

function isComputed(node) {
  return (forwardAt.get(node.id) ?? -1) < shownSteps();
}

// The wires out of a node along which a contribution has come back.
function arrived(node) {
  const shown = shownSteps();
  return leaving.get(node.id).filter((wire) =>
    wire.contribution !== null && backwardAt.get(wire.target) < shown);
}

// ---------------------------------------------------------------- numbers

// The numbers as they were computed when the page was made.
function given() {
  return {
    isGiven: true,
    value: new Map(data.nodes.map((node) => [node.id, revived(node.value)])),
    gradient: new Map(data.nodes.map((node) => [node.id, revived(node.gradient)])),
    contribution: new Map(data.wires.map((wire) => [wire.id, revived(wire.contribution)])),
    local: new Map(data.wires.map((wire) => [wire.id, revived(wire.local_gradient)])),
  };
}

// The numbers at other inputs, by running the circuit here.
function computed(inputs) {
  const { program, values: places, contributions, locals, seeds } = data.evaluator;
  const values = forward(program, inputs);
  const start = {};
  flat(seeds).forEach((n, k) => { start[n] = flat(revived(data.upstream))[k]; });
  const gradients = backward(program, values, start);
  const numbers = {
    isGiven: false, value: new Map(), gradient: new Map(), contribution: new Map(), local: new Map(),
  };
  data.nodes.forEach((node) => {
    numbers.value.set(node.id, node.id in places
      ? each(places[node.id], (n) => values[n]) : revived(node.value));
  });
  data.wires.forEach((wire) => {
    numbers.contribution.set(wire.id, wire.id in contributions
      ? each(contributions[wire.id], (n) => gradients[n]) : null);
    const isGate = (n) => program[n]?.[0] === nodes.get(wire.target).gate;
    const at = locals[wire.id];
    numbers.local.set(wire.id, at !== undefined && wire.contribution !== null
      && flat(at).every(isGate) ? each(at, (n) => local(program, values, n, wire.operand)) : null);
  });
  data.nodes.forEach((node) => {
    const parts = leaving.get(node.id).map((wire) => numbers.contribution.get(wire.id))
      .filter((part) => part !== null);
    numbers.gradient.set(node.id, node.id === data.output ? revived(data.upstream)
      : parts.length && node.gradient !== null ? parts.reduce(sum) : null);
  });
  return numbers;
}

function revived(number) {
  if (Array.isArray(number)) return number.map(revived);
  return number === null ? null : Number(number);
}

function each(nested, make) {
  return Array.isArray(nested) ? nested.map((part) => each(part, make)) : make(nested);
}

function flat(nested) {
  return [nested].flat(Infinity);
}

function sum(a, b) {
  return Array.isArray(a) ? a.map((part, k) => sum(part, b[k])) : a + b;
}

// The gradient of a node as far as it has arrived; null before anything has.
function gradientSoFar(node) {
  if (node.id === data.output) {
    return seedAt >= 0 && seedAt < shownSteps() ? state.numbers.gradient.get(node.id) : null;
  }
  const wires = arrived(node);
  const all = leaving.get(node.id).filter((wire) => wire.contribution !== null);
  if (!wires.length) return null;
  if (wires.length === all.length) return state.numbers.gradient.get(node.id);
  return wires.map((wire) => state.numbers.contribution.get(wire.id)).reduce(sum);
}

// ---------------------------------------------------------------- numbers as text

const SMALLEST = 0.8; // of its size, to which a wide picture is shrunk before it scrolls
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

function written(number, write, most) {
  if (!Array.isArray(number)) return write(number);
  if (flat(number).length > most) return `(${shapeOf(number).join(", ")})`;
  return `[${number.map((part) => written(part, write, most)).join(", ")}]`;
}

const inPicture = (number) => (number === null ? "" : written(number, short, MOST_IN_PICTURE));
const inWords = (number) => (number === null ? "" : written(number, long, MOST_IN_WORDS));
const factor = (number) => (inWords(number).startsWith("-") ? `(${inWords(number)})` : inWords(number));

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
  const number = inWords(state.numbers.local.get(wire.id));
  const formula = data.formulas[wire.id];
  return formula === undefined || formula === number ? number : `${formula} = ${number}`;
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
    lines.push(local_ !== null
      ? `upstream × local = ${factor(upstream)} × ${factor(local_)} = ${part}` : `contribution ${part}`);
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
  const terms = parts.map((part, k) => (k ? factor(part) : inWords(part)));
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

// ---------------------------------------------------------------- quiz

// What is asked at a step: numbers only, for arrays are not typed.
function questions() {
  const step = steps[state.step];
  const asked = step.kind === "forward"
    ? [{ name: nameOf(step.node), number: state.numbers.value.get(step.node.id) }]
    : step.kind !== "backward" ? []
      : step.wires.map((wire) => ({
        name: `the contribution to ${nameOf(nodes.get(wire.source))}`,
        number: state.numbers.contribution.get(wire.id),
      }));
  return asked.filter((question) => !Array.isArray(question.number));
}

// Right is what is drawn as the same, or as near as two digits.
function isRight(text, number) {
  const typed = numberOf(text);
  if (typed === null) return false;
  return Object.is(typed, number) || short(typed) === short(number)
    || Math.abs(typed - number) <= 0.01 * Math.abs(number);
}

function quizForm() {
  const form = element("form", undefined, { class: "quiz" });
  const said = element("p", "", { "aria-live": "polite" });
  questions().forEach((question, k) => {
    const row = element("div", undefined, { class: "ask" });
    row.append(
      element("label", `${question.name} =`, { for: `answer-${k}` }),
      element("input", undefined, { id: `answer-${k}`, type: "text", autocomplete: "off" }),
    );
    form.append(row);
  });
  const show = element("button", "Show", { type: "button" });
  const row = element("div", undefined, { class: "ask" });
  row.append(element("button", "Check", { type: "submit" }), show);
  form.append(row, said);
  show.addEventListener("click", reveal);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const wrong = questions().filter((question, k) => {
      const field = byId(`answer-${k}`);
      const isWrong = !isRight(field.value, question.number);
      field.setAttribute("aria-invalid", String(isWrong));
      return isWrong;
    });
    if (!wrong.length) reveal("Right. ");
    else said.textContent = `Not yet: ${wrong.map((question) => question.name).join(", ")}.`;
  });
  return form;
}

function reveal(praise) {
  state.answered.add(state.step);
  draw();
  byId("next").focus();
  if (typeof praise === "string") byId("said").textContent = praise + byId("said").textContent;
}

// ---------------------------------------------------------------- inputs

function numberOf(text) {
  const trimmed = text.trim().replace(/^[−–]/, "-").replace(",", ".");
  const isNumber = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(trimmed);
  return isNumber && Number.isFinite(Number(trimmed)) ? Number(trimmed) : null;
}

function listInputs() {
  const form = byId("inputs");
  if (data.evaluator === null) {
    form.append(element("p", `The numbers are fixed: ${data.whyFixed}.`));
    return;
  }
  data.evaluator.fields.forEach((field) => {
    const places = [];
    named(field.name, field.nodes, places);
    if (places.length > MOST_IN_WORDS) {
      form.append(element("p", `${field.name}: ${inWords(field.nodes)}, too many to type`));
      return;
    }
    places.filter(([, n]) => n !== null).forEach(([name, n]) => form.append(inputRow(name, n)));
  });
  const reset = element("button", "Reset", { type: "button", id: "reset" });
  reset.addEventListener("click", () => { fill(); change(); });
  const said = element("p", "", { id: "trouble", "aria-live": "polite" });
  form.append(reset, said);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", change);
  fill();
}

function named(name, nested, places) {
  if (Array.isArray(nested)) nested.forEach((part, k) => named(`${name}[${k}]`, part, places));
  else places.push([name, nested]);
}

function inputRow(name, n) {
  const row = element("div", undefined, { class: "row" });
  row.append(
    element("label", name, { for: `input-${n}` }),
    element("input", undefined, {
      id: `input-${n}`, type: "text", inputmode: "decimal", autocomplete: "off", "data-node": n,
    }),
  );
  return row;
}

const fields = () => [...byId("inputs").querySelectorAll("input")];

function fill() {
  fields().forEach((field) => { field.value = String(Number(startOf(field))); });
}

function startOf(field) {
  return data.evaluator.start[field.dataset.node];
}

function change() {
  const inputs = { ...data.evaluator.start };
  Object.keys(inputs).forEach((n) => { inputs[n] = Number(inputs[n]); });
  const wrong = fields().filter((field) => {
    const number = numberOf(field.value);
    field.setAttribute("aria-invalid", String(number === null));
    if (number !== null) inputs[field.dataset.node] = number;
    return number === null;
  });
  byId("trouble").textContent = wrong.length ? "A number is needed, such as -0.5 or 1e-3." : "";
  if (wrong.length) return;
  const isGiven = fields().every((field) => numberOf(field.value) === Number(startOf(field)));
  state.numbers = isGiven ? given() : computed(inputs);
  state.answered.clear();
  draw();
}

// ---------------------------------------------------------------- moving

function go(step) {
  state.step = Math.min(Math.max(step, 0), steps.length - 1);
  draw();
  showGate();
}

// Bring the gate into sight, inside the picture only.
function showGate() {
  const box = document.querySelector(".picture");
  const gate = steps[state.step].node && byId(steps[state.step].node.id);
  if (!gate) return;
  const [outer, inner] = [box.getBoundingClientRect(), gate.getBoundingClientRect()];
  box.scrollBy(inner.left + inner.width / 2 - outer.left - outer.width / 2,
    inner.top + inner.height / 2 - outer.top - outer.height / 2);
}

function play() {
  if (state.timer !== null) {
    pause();
    return;
  }
  if (state.step === steps.length - 1) go(0);
  state.timer = setInterval(() => {
    if (isAsked() || state.step === steps.length - 1) pause();
    else go(state.step + 1);
  }, 1500);
  drawControls();
}

function pause() {
  clearInterval(state.timer);
  state.timer = null;
  drawControls();
}

const MOVES = {
  ArrowLeft: () => go(state.step - 1),
  ArrowRight: () => go(state.step + 1),
  Home: () => go(0),
  End: () => go(steps.length - 1),
  " ": play,
};

function onKey(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || !(event.key in MOVES)) return;
  const { tagName, type } = event.target;
  if (tagName === "INPUT" && type === "text") return;
  if (event.key === " " && (tagName === "BUTTON" || tagName === "SUMMARY" || type === "checkbox")) return;
  event.preventDefault();
  MOVES[event.key]();
}

function begin() {
  data.code.forEach((line, k) => {
    const isTurn = line.wire && !data.code[k - 1]?.wire;
    byId("code").append(element("li", line.text, isTurn ? { class: "turn" } : {}));
  });
  data.nodes.forEach((node) => {
    const row = element("tr", undefined, { id: `${node.id}-row` });
    row.append(element("th", nameOf(node), { scope: "row" }), element("td", node.label),
      element("td", node.expression), element("td", "", { class: "value" }),
      element("td", "", { class: "gradient" }));
    byId("numbers").tBodies[0].append(row);
  });
  listInputs();
  const svg = document.querySelector(".picture svg");
  svg.style.minWidth = `${SMALLEST * svg.width.baseVal.value}px`;
  byId("slider").max = String(steps.length - 1);
  byId("slider").addEventListener("input", (event) => go(Number(event.target.value)));
  byId("first").addEventListener("click", MOVES.Home);
  byId("back").addEventListener("click", MOVES.ArrowLeft);
  byId("next").addEventListener("click", MOVES.ArrowRight);
  byId("last").addEventListener("click", MOVES.End);
  byId("play").addEventListener("click", play);
  byId("quiz").addEventListener("change", (event) => {
    state.quiz = event.target.checked;
    state.answered.clear();
    draw();
  });
  document.addEventListener("keydown", onKey);
  draw();
}

begin();
