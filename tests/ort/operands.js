// SPDX-License-Identifier: Apache-2.0
// Inputs of one-node models: how they are made, and written for and read from either program.
'use strict';
const fs = require('fs');
const { fromHalf } = require('./compare.js');
const { generator, toHalf } = require('./inputs.js');

// Text syntax and ONNX Runtime's name, number in TensorProto, array.
const TYPES = {
  float: ['float32', 1, Float32Array],
  uint8: ['uint8', 2, Uint8Array],
  int8: ['int8', 3, Int8Array],
  uint16: ['uint16', 4, Uint16Array],
  int16: ['int16', 5, Int16Array],
  int32: ['int32', 6, Int32Array],
  int64: ['int64', 7, BigInt64Array],
  string: ['string', 8, Array],
  bool: ['bool', 9, Uint8Array],
  float16: ['float16', 10, Uint16Array],
  double: ['float64', 11, Float64Array],
  uint32: ['uint32', 12, Uint32Array],
  uint64: ['uint64', 13, BigUint64Array],
  uint4: ['uint4', 21, Uint8Array],
  int4: ['int4', 22, Int8Array],
};
const BIG = new Set(['int64', 'uint64']);

function operand(dtype, dims, list) {
  const [name, number, ArrayType] = TYPES[dtype];
  const convert = (v) => (BIG.has(dtype) ? BigInt(v) : dtype === 'float16' ? toHalf(v) : v);
  return { dtype, ort: name, number, dims, array: ArrayType.from(list, convert), fixed: false };
}

// Elements listed: of([2, 2], 'int32', [1, 2, 3, 4]); dims [] is a scalar.
const of = (dims, dtype, list) => operand(dtype, dims, list);

// Elements from a seed: floats in [-scale, scale), integers in [low, high].
let seed = 1;
function draw(dims, next) {
  const uniform = generator(seed++);
  return Array.from({ length: dims.reduce((n, d) => n * d, 1) }, () => next(uniform()));
}
const real = (dims, dtype = 'float', scale = 1) =>
  operand(dtype, dims, draw(dims, (u) => (u * 2 - 1) * scale));
const whole = (dims, dtype, low, high) =>
  operand(dtype, dims, draw(dims, (u) => low + Math.floor(u * (high - low + 1))));
const positive = (dims, dtype = 'float', low = 0.01, high = 0.1) =>
  operand(dtype, dims, draw(dims, (u) => low + u * (high - low)));

// The same as an initializer.
const fixed = (x) => ({ ...x, fixed: true });

const float = (value) => ({ float: value });
const floats = (list) => ({ floats: list });
const strings = (list) => ({ strings: list });

// The elements in text syntax.
function text(x) {
  return Array.from(x.array, (v) => (x.dtype === 'string' ? JSON.stringify(v)
    : x.dtype === 'float16' ? String(fromHalf(v)) : String(v))).join(', ');
}

function varint(value) {
  const bytes = [];
  for (let v = BigInt(value); ; v >>= 7n) {
    bytes.push(Number(v & 0x7fn) | (v >= 0x80n ? 0x80 : 0));
    if (v < 0x80n) return Buffer.from(bytes);
  }
}

function field(number, payload) {
  return Buffer.concat([varint((number << 3) | 2), varint(payload.length), payload]);
}

// A serialized TensorProto.
function writeTensor(name, x) {
  const parts = x.dims.map((d) => Buffer.concat([varint(8), varint(d)]));
  parts.push(Buffer.concat([varint(16), varint(x.number)]), field(8, Buffer.from(name)));
  if (x.dtype === 'string') parts.push(...x.array.map((s) => field(6, Buffer.from(s))));
  else parts.push(field(9, Buffer.from(x.array.buffer, x.array.byteOffset, x.array.byteLength)));
  return Buffer.concat(parts);
}

const NUMPY = {
  '<f4': Float32Array, '<f8': Float64Array, '<f2': Uint16Array, '|u1': Uint8Array, '|i1': Int8Array,
  '|b1': Uint8Array, '<u2': Uint16Array, '<i2': Int16Array, '<i4': Int32Array, '<u4': Uint32Array,
  '<i8': BigInt64Array, '<u8': BigUint64Array,
};

// { dims, data } of a .npy file; strings are numpy's '<U'.
function readArray(file) {
  const bytes = fs.readFileSync(file);
  const start = 10 + bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, start);
  const descr = /'descr': '([^']*)'/.exec(header)[1];
  const dims = /'shape': \(([^)]*)\)/.exec(header)[1].split(',').filter((d) => d.trim()).map(Number);
  const payload = new Uint8Array(bytes.subarray(start));
  if (/^<U/.test(descr)) {
    const width = Number(descr.slice(2));
    const count = dims.reduce((n, d) => n * d, 1);
    const codes = new Uint32Array(payload.buffer);
    const data = Array.from({ length: count }, (_, i) =>
      String.fromCodePoint(...codes.subarray(i * width, (i + 1) * width)).replace(/\0+$/, ''));
    return { dims, data };
  }
  if (!(descr in NUMPY)) throw new Error(`${file}: elements of type ${descr} are not read here`);
  const data = Array.from(new NUMPY[descr](payload.buffer));
  return { dims, data: descr === '<f2' ? data.map(fromHalf) : data };
}

// The same of ONNX Runtime's tensor.
function values(tensor) {
  const data = Array.from(tensor.data);
  return { dims: Array.from(tensor.dims), data: tensor.type === 'float16' ? data.map(fromHalf) : data };
}

module.exports = { of, real, whole, positive, fixed, float, floats, strings, text, writeTensor, readArray, values };
