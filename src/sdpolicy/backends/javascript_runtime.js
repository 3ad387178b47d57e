// The JavaScript engine: primitives on float64 and the loop that steps a generated model. It knows no page.
// It is held to sdpolicy/primitives.py and backends/python.py: the same operations in the same order.
(function (root) {
  "use strict";

  const SMALL = 1e-6;

  // Math.pow is slow: squares, small whole powers and roots go a shorter way, right to a few last bits.
  function power(a, b) {
    if (b === 2) return a * a;
    if (b === 0.5 && a > 0) return Math.sqrt(a);
    if (b === 4) return a * a * (a * a);
    if (b === 3) return a * a * a;
    if (b === 1) return a;
    if (a === 1 || (a === -1 && (b === Infinity || b === -Infinity))) return 1; // as C's pow, unlike Math.pow
    return Math.pow(a, b);
  }

  function integer(x) {
    return Math.trunc(x) + 0; // no negative zero
  }

  function quantum(a, b) {
    return b < SMALL ? a : b * integer(a / b);
  }

  function xidz(a, b, x) {
    return Math.abs(b) < SMALL ? x : a / b;
  }

  function mix(word) {
    let w = word;
    w ^= w >>> 16;
    w = Math.imul(w, 0x85ebca6b);
    w ^= w >>> 13;
    w = Math.imul(w, 0xc2b2ae35);
    return w ^ (w >>> 16);
  }

  function word(x) {
    // A whole number modulo 2**32, also beyond 2**53, where ToInt32 of a float64 is still exact.
    return Math.floor(x + 0.5) | 0;
  }

  function noise(stream, step) {
    if (!Number.isFinite(stream) || !Number.isFinite(step)) return NaN;
    const s = word(stream);
    const n = word(step);
    const first = mix(s ^ mix((n + 0x9e3779b9) | 0));
    const second = mix(((first + 0x7f4a7c15) | 0) ^ s);
    return ((first >>> 5) * 67108864 + (second >>> 6)) / 9007199254740992;
  }

  const minimum = (a, b) => (a < b || a !== a ? a : b);
  const maximum = (a, b) => (a > b || a !== a ? a : b);

  // xs[j] <= x < xs[j + 1] for what is returned; -1 before the first point.
  function segment(xs, x) {
    let low = 0;
    let high = xs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (x < xs[middle]) high = middle;
      else low = middle + 1;
    }
    return low - 1;
  }

  function curve(xs, ys) {
    const slopes = new Float64Array(Math.max(xs.length - 1, 0));
    for (let j = 0; j < slopes.length; j += 1) {
      slopes[j] = xs[j + 1] !== xs[j] ? (ys[j + 1] - ys[j]) / (xs[j + 1] - xs[j]) : 0;
    }
    return { xs: Float64Array.from(xs), ys: Float64Array.from(ys), slopes };
  }

  function extrapolate(table, x) {
    if (x !== x) return x;
    const { xs, ys, slopes } = table;
    if (xs.length === 1) return ys[0];
    const j = Math.min(Math.max(segment(xs, x), 0), xs.length - 2);
    return slopes[j] * (x - xs[j]) + ys[j];
  }

  function linear(table, x) {
    const { xs, ys } = table;
    if (x <= xs[0]) return ys[0];
    if (x >= xs[xs.length - 1]) return ys[xs.length - 1];
    return extrapolate(table, x);
  }

  function backward(table, x) {
    return x !== x ? x : table.ys[Math.max(segment(table.xs, x), 0)];
  }

  function forward(table, x) {
    if (x !== x) return x;
    const { xs, ys } = table;
    let low = 0;
    let high = xs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (xs[middle] < x) low = middle + 1;
      else high = middle;
    }
    return ys[Math.min(low, ys.length - 1)];
  }

  const COMBINE = { sum: (a, b) => a + b, prod: (a, b) => a * b, min: minimum, max: maximum };

  // The values of body over all positions, first axis outermost, combined from left to right.
  function reduce(op, sizes, body) {
    const combine = COMBINE[op];
    const at = sizes.map(() => 0);
    const count = sizes.reduce((a, b) => a * b, 1);
    let result = body(...at);
    for (let k = 1; k < count; k += 1) {
      for (let axis = sizes.length - 1; axis >= 0; axis -= 1) {
        at[axis] += 1;
        if (at[axis] < sizes[axis]) break;
        at[axis] = 0;
      }
      result = combine(result, body(...at));
    }
    return result;
  }

  const rt = {
    pow: power,
    min: minimum,
    max: maximum,
    zidz: (a, b) => xidz(a, b, 0),
    xidz,
    modulo: (a, b) => a - quantum(a, b),
    quantum,
    integer,
    noise,
    abs: Math.abs,
    exp: Math.exp,
    ln: Math.log,
    sqrt: Math.sqrt,
    sin: Math.sin,
    cos: Math.cos,
    tan: Math.tan,
    arcsin: Math.asin,
    arccos: Math.acos,
    arctan: Math.atan,
    sinh: Math.sinh,
    cosh: Math.cosh,
    tanh: Math.tanh,
    linear,
    extrapolate,
    backward,
    forward,
    reduce,
  };

  // Fixed-step methods: a[i] and b hold [weight, stage] pairs, zero weights left out.
  const METHODS = {
    euler: { a: [[]], c: [0], b: [[1, 0]] },
    rk2: { a: [[], [[1, 0]]], c: [0, 1], b: [[1 / 2, 0], [1 / 2, 1]] },
    rk4: {
      a: [[], [[1 / 2, 0]], [[1 / 2, 1]], [[1, 2]]],
      c: [0, 1 / 2, 1 / 2, 1],
      b: [[1 / 6, 0], [1 / 3, 1], [1 / 3, 2], [1 / 6, 3]],
    },
  };

  // y + h * (w0*k0 + w1*k1 + ...), the sum taken from left to right.
  function advance(y, h, weights, slopes, out) {
    for (let i = 0; i < y.length; i += 1) {
      let total = weights[0][0] * slopes[weights[0][1]][i];
      for (let j = 1; j < weights.length; j += 1) total = total + weights[j][0] * slopes[weights[j][1]][i];
      out[i] = y[i] + h * total;
    }
  }

  // The delay lines of DELAY FIXED, one for each flat element.
  function rings(delays, step) {
    const count = delays.length / 2;
    const out = delays.slice(count);
    const lines = [];
    const at = [];
    for (let i = 0; i < count; i += 1) {
      const length = Number.isFinite(delays[i]) ? Math.max(1, Math.floor(delays[i] / step + 0.5)) : 1;
      lines.push(new Float64Array(length).fill(out[i]));
      at.push(0);
    }
    function push(inputs) {
      for (let i = 0; i < count; i += 1) {
        lines[i][at[i]] = inputs[i];
        at[i] = (at[i] + 1) % lines[i].length;
        out[i] = lines[i][at[i]];
      }
    }
    return { out, push };
  }

  // The first entry of the row, in running order, that is not finite; null when all are.
  function trouble(row, width, order, time) {
    let sum = 0;
    for (let i = 0; i < width; i += 1) sum += row[i];
    if (Number.isFinite(sum)) return null;
    for (const [name, start, size] of order) {
      for (let element = 0; element < size; element += 1) {
        if (!Number.isFinite(row[start + element])) return { quantity: name, element, time };
      }
    }
    return null;
  }

  // Make tables ready: { id: [[xs, ys], ...] } becomes { id: [curve, ...] }.
  function prepare(tables) {
    const ready = {};
    for (const [id, curves] of Object.entries(tables)) ready[id] = curves.map(([xs, ys]) => curve(xs, ys));
    return ready;
  }

  // A model made ready to run: make is the generated function, plan says where things stand.
  function kernel(make, plan) {
    const sizes = plan.sizes;
    const originals = prepare(plan.tables);
    const curves = prepare(plan.tables); // what the model reads: its own points, or those of the run's tables
    const model = make(rt, curves);
    let changed = [];

    function load(tables) {
      for (const id of changed) originals[id].forEach((own, i) => Object.assign(curves[id][i], own));
      changed = Object.keys(tables ?? {});
      for (const id of changed) tables[id].forEach(([xs, ys], i) => Object.assign(curves[id][i], curve(xs, ys)));
    }

    // Run once. Returns rows of `width` values (hidden quantities after the model's own) at the saved times.
    function run(parameters, grid, method, tables) {
      load(tables);
      const scheme = METHODS[method];
      const saved = Math.floor(grid.steps / grid.every) + 1;
      const values = new Float64Array(saved * sizes.row).fill(NaN);
      const c = new Float64Array(sizes.constants);
      const k = new Float64Array(sizes.initials);
      const h = new Float64Array(sizes.held);
      const row = new Float64Array(sizes.row);
      const delays = new Float64Array(2 * sizes.rings);
      const inputs = new Float64Array(sizes.rings);
      let y = new Float64Array(sizes.states);
      let next = new Float64Array(sizes.states);
      let memory = new Float64Array(sizes.memories);
      let update = new Float64Array(sizes.memories);
      const stage = new Float64Array(sizes.states);
      const slopes = scheme.b.map(() => new Float64Array(sizes.states));
      model.constants(Float64Array.from(parameters), c);
      model.startup(c, k, y, memory, delays, grid.start);
      const ring = rings(delays, grid.step);
      for (let n = 0; n <= grid.steps; n += 1) {
        const time = grid.start + n * grid.step;
        model.held(c, k, memory, h, time);
        model.running(c, k, h, y, memory, ring.out, time, time, slopes[0], row, update, inputs);
        const found = trouble(row, sizes.visible, plan.order, time);
        if (found) return { values, trouble: found };
        if (n % grid.every === 0) values.set(row, (n / grid.every) * sizes.row);
        if (n === grid.steps) break;
        for (let i = 1; i < scheme.b.length; i += 1) {
          advance(y, grid.step, scheme.a[i], slopes, stage);
          const at = time + scheme.c[i] * grid.step;
          model.flows(c, k, h, stage, memory, ring.out, at, time, slopes[i]);
        }
        advance(y, grid.step, scheme.b, slopes, next);
        [y, next] = [next, y];
        [memory, update] = [update, memory];
        ring.push(inputs);
      }
      return { values, trouble: null };
    }

    // The equations one by one, with the tables of a run; good until the next run.
    function parts(tables) {
      load(tables);
      return model.parts;
    }

    return { run, plan, parts };
  }

  root.sdpolicyEngine = { kernel, METHODS, rt };
})(typeof globalThis === "undefined" ? self : globalThis);
