// SPDX-License-Identifier: Apache-2.0
// How far one tensor is from another.
'use strict';

// Largest error relative to the largest reference element, per element type; others must be equal.
// Below FLOOR the largest reference element counts as FLOOR: results that small come out of sums of
// much larger terms, so that their float32 rounding error is absolute.
const FLOOR = 1e-3;
const TOLERANCE = { float32: 1e-4, float64: 1e-4, float16: 1e-2 };

function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent ? sign * 2 ** (exponent - 15) * (1 + fraction / 1024) : sign * 2 ** -24 * fraction;
}

// Returns { ok, error, sqnr, why }: error relative to max |reference| (Infinity when the tensors
// cannot be compared element by element), sqnr in dB.
function compare(reference, other) {
  const bad = (why) => ({ ok: false, error: Infinity, sqnr: -Infinity, why });
  if (reference.type !== other.type) return bad(`type ${other.type}, expected ${reference.type}`);
  if (reference.dims.join() !== other.dims.join())
    return bad(`shape [${other.dims}], expected [${reference.dims}]`);
  const a = reference.data;
  const b = other.data;
  if (!(reference.type in TOLERANCE)) {
    for (let i = 0; i < a.length; i++)
      if (a[i] !== b[i]) return bad(`element ${i} is ${b[i]}, expected ${a[i]}`);
    return { ok: true, error: 0, sqnr: Infinity, why: '' };
  }
  const value = reference.type === 'float16' ? fromHalf : (x) => x;
  let largest = 0;
  let worst = 0;
  let where = 0;
  let signal = 0;
  let noise = 0;
  for (let i = 0; i < a.length; i++) {
    const x = value(a[i]);
    const y = value(b[i]);
    if (x === y || (Number.isNaN(x) && Number.isNaN(y))) {
      if (Number.isFinite(x)) {
        signal += x * x;
        largest = Math.max(largest, Math.abs(x));
      }
      continue;
    }
    if (!Number.isFinite(x) || !Number.isFinite(y)) return bad(`element ${i} is ${y}, expected ${x}`);
    const difference = Math.abs(x - y);
    signal += x * x;
    noise += difference * difference;
    largest = Math.max(largest, Math.abs(x));
    if (difference > worst) [worst, where] = [difference, i];
  }
  const error = worst === 0 ? 0 : worst / Math.max(largest, FLOOR);
  const limit = TOLERANCE[reference.type];
  return {
    ok: error <= limit,
    error,
    sqnr: noise === 0 ? Infinity : 10 * Math.log10(signal / noise),
    why: error <= limit ? '' : `element ${where} is ${value(b[where])}, expected ${value(a[where])}`,
  };
}

module.exports = { compare };
