// SPDX-License-Identifier: Apache-2.0
// How far the tensors that one model gives are from those of another.
'use strict';

// Largest error allowed relative to the largest reference element; other types must be equal.
const TOLERANCE = { float32: 1e-4, float64: 1e-4, float16: 1e-2 };
// Below this the largest reference element counts as this: results that small are what is left of
// sums of much larger terms, so that their rounding error is absolute (a sigmoid's is about 1e-7).
const FLOOR = 1e-3;

function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent ? sign * 2 ** (exponent - 15) * (1 + fraction / 1024) : sign * 2 ** -24 * fraction;
}

// Collects one output over several input sets; error and SQNR are those of all sets together.
class Comparison {
  constructor() {
    this.mismatch = ''; // why the tensors cannot be compared element by element
    this.largest = FLOOR;
    this.worst = 0;
    this.where = '';
    this.signal = 0;
    this.noise = 0;
    this.limit = 0;
  }

  add(reference, other) {
    const { type, data: a } = reference;
    const b = other.data;
    if (type !== other.type) this.reject(`type ${other.type}, expected ${type}`);
    else if (reference.dims.join() !== other.dims.join())
      this.reject(`shape [${other.dims}], expected [${reference.dims}]`);
    else if (type in TOLERANCE) this.addFloats(a, b, type === 'float16' ? fromHalf : (x) => x, TOLERANCE[type]);
    else for (let i = 0; i < a.length; i++)
      if (a[i] !== b[i]) return this.reject(`element ${i} is ${b[i]}, expected ${a[i]}`);
  }

  addFloats(a, b, value, limit) {
    this.limit = limit;
    for (let i = 0; i < a.length; i++) {
      const x = value(a[i]);
      const y = value(b[i]);
      if (Object.is(x, y)) {
        if (!Number.isFinite(x)) continue;
      } else if (!Number.isFinite(x) || !Number.isFinite(y)) {
        return this.reject(`element ${i} is ${y}, expected ${x}`);
      }
      const difference = Math.abs(x - y);
      this.signal += x * x;
      this.noise += difference * difference;
      this.largest = Math.max(this.largest, Math.abs(x));
      if (difference > this.worst) {
        this.worst = difference;
        this.where = `element ${i} is ${y}, expected ${x}`;
      }
    }
  }

  reject(why) {
    this.mismatch = this.mismatch || why;
  }

  // { ok, error (Infinity: not comparable), sqnr in dB, why it is not ok }
  result() {
    if (this.mismatch) return { ok: false, error: Infinity, sqnr: -Infinity, why: this.mismatch };
    const error = this.worst / this.largest;
    const sqnr = this.noise === 0 ? Infinity : 10 * Math.log10(this.signal / this.noise);
    return { ok: error <= this.limit, error, sqnr, why: error <= this.limit ? '' : this.where };
  }
}

module.exports = { Comparison, fromHalf };
