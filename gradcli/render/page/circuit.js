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
