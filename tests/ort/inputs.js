// SPDX-License-Identifier: Apache-2.0
// Inputs for a model: the input_k.pb files of a folder, or random ones from a seed.
'use strict';
const fs = require('fs');
const path = require('path');
const ort = require('onnxruntime-node');
const { readTensorFile } = require('./tensor_pb.js');

// Feeds from FOLDER/input_0.pb ...: by the tensor's name where the model has an input called so,
// else in the order of the model's inputs.
function fromFolder(folder, metadata) {
  const files = fs.readdirSync(folder).filter((file) => /^input_\d+\.pb$/.test(file));
  files.sort((a, b) => parseInt(a.slice(6), 10) - parseInt(b.slice(6), 10));
  const read = files.map((file) => readTensorFile(path.join(folder, file)));
  const names = new Set(metadata.map((input) => input.name));
  const byName = read.every(({ name }) => names.has(name)) &&
    new Set(read.map(({ name }) => name)).size === read.length;
  const feeds = {};
  read.forEach(({ name, tensor }, k) => {
    if (!byName && k >= metadata.length)
      throw new Error(`${folder} has ${read.length} inputs, the model ${metadata.length}`);
    feeds[byName ? name : metadata[k].name] = tensor;
  });
  return feeds;
}

// mulberry32: 32 bits of state, uniform in [0, 1).
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// The bits of a float16 nearest to x, for 2^-14 <= |x| < 2^15 and 0.
function toHalf(x) {
  const sign = x < 0 ? 0x8000 : 0;
  const magnitude = Math.abs(x);
  if (magnitude < 2 ** -14) return sign;
  const exponent = Math.floor(Math.log2(magnitude));
  return sign + ((exponent + 15) << 10) + Math.round((magnitude / 2 ** exponent - 1) * 1024);
}

const MAKE = {
  float32: [Float32Array, (uniform) => uniform() * 2 - 1],
  float64: [Float64Array, (uniform) => uniform() * 2 - 1],
  float16: [Uint16Array, (uniform) => toHalf(uniform() * 2 - 1)],
  bool: [Uint8Array, (uniform) => (uniform() < 0.5 ? 0 : 1)],
  uint8: [Uint8Array, (uniform) => Math.floor(uniform() * 8)],
  int8: [Int8Array, (uniform) => Math.floor(uniform() * 8)],
  uint16: [Uint16Array, (uniform) => Math.floor(uniform() * 8)],
  int16: [Int16Array, (uniform) => Math.floor(uniform() * 8)],
  uint32: [Uint32Array, (uniform) => Math.floor(uniform() * 8)],
  int32: [Int32Array, (uniform) => Math.floor(uniform() * 8)],
  uint64: [BigUint64Array, (uniform) => BigInt(Math.floor(uniform() * 8))],
  int64: [BigInt64Array, (uniform) => BigInt(Math.floor(uniform() * 8))],
};

// Floats in [-1, 1), integers in 0..7 (they are often indices). A symbolic dimension takes its
// value from `dims`, else 1 when it leads a shape and 4 elsewhere; one name has one value.
function random(metadata, seed, dims) {
  const uniform = generator(seed);
  const known = { ...dims };
  const feeds = {};
  for (const { name, type, shape, isTensor } of metadata) {
    if (!isTensor) throw new Error(`input ${name} is no tensor`);
    const sizes = shape.map((dim, axis) => {
      if (typeof dim === 'number' && dim >= 0) return dim;
      const fallback = axis === 0 ? 1 : 4;
      if (typeof dim !== 'string' || dim === '') return fallback;
      if (!(dim in known)) known[dim] = fallback;
      return known[dim];
    });
    const count = sizes.reduce((product, size) => product * size, 1);
    if (type === 'string') {
      feeds[name] = new ort.Tensor(type, Array.from({ length: count }, (_, i) => `s${i % 8}`), sizes);
      continue;
    }
    if (!(type in MAKE)) throw new Error(`input ${name} has type ${type}, which is not made here`);
    const [ArrayType, next] = MAKE[type];
    const data = new ArrayType(count);
    for (let i = 0; i < count; i++) data[i] = next(uniform);
    feeds[name] = new ort.Tensor(type, data, sizes);
  }
  return feeds;
}

// The same shapes and integers as `feeds`, with new float32 values over four times the range: some
// networks answer a calm input with rounding noise around zero, which tells nothing.
function varied(feeds, seed) {
  const uniform = generator(seed);
  const changed = {};
  for (const [name, tensor] of Object.entries(feeds)) {
    if (tensor.type !== 'float32') {
      changed[name] = tensor;
      continue;
    }
    let low = 0;
    let high = 0;
    for (const value of tensor.data) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    const data = tensor.data.map(() => 4 * (low + (high - low) * uniform()));
    changed[name] = new ort.Tensor(tensor.type, data, tensor.dims);
  }
  return changed;
}

module.exports = { fromFolder, random, varied, generator, toHalf };
