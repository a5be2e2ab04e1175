// Backpropagation over rows of the gate table, which stand in GATES by name.

const inf = Infinity;
const nan = NaN;
const isTrue = (c) => c === true || (c !== false && c !== 0);

// A program is a list of nodes: a number, null for an input, or [gate, operand, operand, ...].
// The operands of a node stand before it.

function forward(program, inputs) {
  const values = [];
  program.forEach((node, n) => {
    if (node === null) values.push(inputs[n]);
    else if (!Array.isArray(node)) values.push(Number(node));
    else values.push(Number(GATES[node[0]].value(node.slice(1).map((k) => values[k]))));
  });
  return values;
}

// Visit the nodes in reverse order; hand each gate's gradient on to its operands. `seeds` has the
// gradients of the outputs by node.
function backward(program, values, seeds) {
  const gradients = program.map((_, n) => seeds[n] ?? 0);
  for (let n = program.length - 1; n >= 0; n -= 1) {
    if (!Array.isArray(program[n]) || gradients[n] === 0) continue;
    program[n].slice(1).forEach((operand, k) => {
      const slope = local(program, values, n, k);
      const isNothing = GATES[program[n][0]].isRouted && !slope;
      gradients[operand] += isNothing ? 0 : gradients[n] * slope;
    });
  }
  return gradients;
}

// The local gradient of gate n by its operand number k.
function local(program, values, n, k) {
  const [gate, ...operands] = program[n];
  const row = GATES[gate];
  const slope = row.local[row.local.length === 1 ? 0 : k];
  return Number(slope(operands.map((at) => values[at]), values[n], k));
}

// What no row has a text for.

const $abs = Math.abs;
const $exp = Math.exp;
const $expm1 = Math.expm1;
const $exp2 = (x) => 2 ** x;
const $log = Math.log;
const $log1p = Math.log1p;
const $log2 = Math.log2;
const $log10 = Math.log10;
const $sqrt = Math.sqrt;
const $cbrt = Math.cbrt;
const $floor = Math.floor;
const $ceil = Math.ceil;
const $sin = Math.sin;
const $cos = Math.cos;
const $tan = Math.tan;
const $asin = Math.asin;
const $acos = Math.acos;
const $atan = Math.atan;
const $atan2 = Math.atan2;
const $sinh = Math.sinh;
const $cosh = Math.cosh;
const $tanh = Math.tanh;
const $asinh = Math.asinh;
const $acosh = Math.acosh;
const $atanh = Math.atanh;
const $max = (xs) => Math.max(...xs);
const $min = (xs) => Math.min(...xs);

// IEEE 754: 1 to any power is 1, and so is -1 to an infinite one.
function $pow(x, y) {
  return x === 1 || (x === -1 && Math.abs(y) === inf) ? 1 : x ** y;
}

// Halves go to the even number.
function $round(x) {
  const down = Math.floor(x);
  const rest = x - down;
  if (rest === 0.5) return down % 2 === 0 ? down : down + 1;
  return rest < 0.5 ? down : down + 1;
}

// The length, from the largest side so that no square overflows.
function $hypot(xs) {
  const longest = Math.max(...xs.map(Math.abs));
  if (!(longest > 0 && longest < inf)) return longest;
  return longest * Math.sqrt(xs.reduce((sum, x) => sum + (x / longest) ** 2, 0));
}

function $logsumexp(xs) {
  const top = Math.max(...xs);
  if (!Number.isFinite(top)) return top;
  const at = xs.indexOf(top);
  return top + Math.log1p(xs.reduce((sum, x, k) => (k === at ? sum : sum + Math.exp(x - top)), 0));
}

// Of [out, x0, x1, ...] the number of the first x that is out; -1 if none.
function $winner([out, ...xs]) {
  return xs.findIndex((x) => x === out || Number.isNaN(x));
}

// erf by its power series near 0, erfc by its continued fraction in the tail.
function $erf(x) {
  if (Math.abs(x) > 2.5) return Math.sign(x) * (1 - $erfc(Math.abs(x)));
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n += 1) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

function $erfc(x) {
  return x > 1 ? Math.exp(-x * x) * $erfcx(x) : 1 - $erf(x);
}

function $erfcx(x) {
  if (!(x > 1)) return Math.exp(x * x) * $erfc(x);
  let fraction = 0;
  for (let k = 200; k > 0; k -= 1) fraction = k / 2 / (x + fraction);
  return 1 / ((x + fraction) * Math.sqrt(Math.PI));
}

// By Newton's steps on erfc, from where the tail would be alone.
function $erfinv(y) {
  if (Math.abs(y) >= 1) return Math.abs(y) === 1 ? y * inf : nan;
  const rest = 1 - Math.abs(y);
  let x = rest > 0.5 ? 0.886 * Math.abs(y) : Math.sqrt(-Math.log(rest * Math.sqrt(Math.PI)));
  for (let n = 0; n < 40; n += 1) {
    const miss = rest > 0.5 ? Math.abs(y) - $erf(x) : $erfc(x) - rest;
    x += miss * 0.5 * Math.sqrt(Math.PI) * Math.exp(x * x);
  }
  return Math.sign(y) * x;
}

const $normcdf = (x) => 0.5 * $erfc(-x / Math.sqrt(2));

// Exact zeros at whole numbers, and half way between them.
function $sinpi(x) {
  const turn = x - 2 * $round(x / 2);
  return Math.sin(Math.PI * (Math.abs(turn) > 0.5 ? Math.sign(turn) - turn : turn));
}

const $cospi = (x) => $sinpi(0.5 - Math.abs(x - 2 * $round(x / 2)));

// Gamma and its relatives: recurrences to where the asymptotic series are exact (Abramowitz and
// Stegun 6.1.41, 6.4.11), reflection on the left.
const FAR = 20;
const BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510];

function $lgamma(x) {
  if (x <= 0) {
    if (x === Math.floor(x)) return inf;
    return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * x))) - $lgamma(1 - x);
  }
  let below = 1;
  let z = x;
  for (; z < FAR; z += 1) below *= z;
  const series = BERNOULLI.reduce(
    (sum, b, k) => sum + b / ((2 * k + 2) * (2 * k + 1) * z ** (2 * k + 1)), 0,
  );
  return (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series - Math.log(below);
}

function $gamma(x) {
  if (x === 0) return 1 / x;
  if (x < 0) return x === Math.floor(x) ? nan : Math.PI / (Math.sin(Math.PI * x) * $gamma(1 - x));
  return x > 171.7 ? inf : Math.exp($lgamma(x));
}

const $digamma = (x) => $polygamma(0, x);

const factorial = (m) => (m < 2 ? 1 : m * factorial(m - 1));

function $polygamma(n, x) {
  if (x <= 0 && x === Math.floor(x)) return nan;
  let near = 0; // what the recurrence adds on the way to where the series is exact
  let z = x;
  for (; z < FAR + n; z += 1) near += factorial(n) / z ** (n + 1);
  const far = BERNOULLI.reduce((sum, b, k) => {
    const m = 2 * k + 2;
    return sum + (b * factorial(m + n - 1)) / (factorial(m) * z ** (m + n));
  }, factorial(n) / (2 * z ** (n + 1)));
  const lead = n === 0 ? -Math.log(z) : factorial(n - 1) / z ** n;
  return (n % 2 === 0 ? -1 : 1) * (near + far + lead);
}
