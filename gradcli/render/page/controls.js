// What the reader does: answers, other inputs, and moving from step to step.

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
  const isPressed = tagName === "BUTTON" || tagName === "SUMMARY" || type === "checkbox";
  if (event.key === " " && isPressed) return;
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
  const smallest = window.innerWidth < NARROW ? 1 : SMALLEST;
  svg.style.minWidth = `${smallest * svg.width.baseVal.value}px`;
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
