// SPDX-License-Identifier: Apache-2.0
// Serialized TensorProtos (the input_k.pb of test data sets) from and to ONNX Runtime's tensors.
'use strict';
const fs = require('fs');
const ort = require('onnxruntime-node');

// data_type -> ONNX Runtime's name, the array that holds it, bytes per element.
const TYPES = {
  1: ['float32', Float32Array, 4],
  2: ['uint8', Uint8Array, 1],
  3: ['int8', Int8Array, 1],
  4: ['uint16', Uint16Array, 2],
  5: ['int16', Int16Array, 2],
  6: ['int32', Int32Array, 4],
  7: ['int64', BigInt64Array, 8],
  8: ['string', Array, 0],
  9: ['bool', Uint8Array, 1],
  10: ['float16', Uint16Array, 2],
  11: ['float64', Float64Array, 8],
  12: ['uint32', Uint32Array, 4],
  13: ['uint64', BigUint64Array, 8],
};

// The fields of one protobuf message as [number, value]; length-delimited values are Buffers.
function* fields(buffer) {
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (at >= buffer.length) throw new Error('the message ends inside a number');
      const byte = buffer[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new Error('a number is longer than ten bytes');
  };
  const take = (size) => {
    if (size > buffer.length - at) throw new Error('the message ends inside a field');
    at += size;
    return buffer.subarray(at - size, at);
  };
  while (at < buffer.length) {
    const key = varint();
    const wire = Number(key & 7n);
    const number = Number(key >> 3n);
    if (wire === 0) yield [number, varint()];
    else if (wire === 1) yield [number, take(8)];
    else if (wire === 2) yield [number, take(Number(varint()))];
    else if (wire === 5) yield [number, take(4)];
    else throw new Error(`wire type ${wire} is not used by ONNX`);
  }
}

function* varints(value) {
  if (!Buffer.isBuffer(value)) {
    yield value;
    return;
  }
  let at = 0;
  while (at < value.length) {
    let number = 0n;
    let shift = 0n;
    let byte;
    do {
      byte = value[at++];
      number |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
    } while (byte >= 0x80 && at < value.length);
    yield BigInt.asUintN(64, number);
  }
}

function* fixed(value, size, read) {
  for (let at = 0; at + size <= value.length; at += size) yield read.call(value, at);
}

// Returns { name, tensor }.
function parse(buffer) {
  const dims = [];
  const typed = [];
  let dataType = 0;
  let name = '';
  let raw = null;
  for (const [number, value] of fields(buffer)) {
    if (number === 1) for (const dim of varints(value)) dims.push(Number(dim));
    else if (number === 2) dataType = Number(value);
    else if (number === 4) typed.push(...fixed(value, 4, Buffer.prototype.readFloatLE));
    else if (number === 5) for (const v of varints(value)) typed.push(Number(BigInt.asIntN(32, v)));
    else if (number === 6) typed.push(value.toString('utf8'));
    else if (number === 7) for (const v of varints(value)) typed.push(BigInt.asIntN(64, v));
    else if (number === 8) name = value.toString('utf8');
    else if (number === 9) raw = value;
    else if (number === 10) typed.push(...fixed(value, 8, Buffer.prototype.readDoubleLE));
    else if (number === 11) for (const v of varints(value)) typed.push(v);
    else if (number === 14 && value !== 0n) throw new Error('external data is not read here');
  }
  if (!(dataType in TYPES)) throw new Error(`data type ${dataType} is not read here`);
  const [type, ArrayType, size] = TYPES[dataType];
  const count = dims.reduce((product, dim) => product * dim, 1);
  let data;
  if (raw && type !== 'string') {
    if (raw.length !== count * size)
      throw new Error(`raw_data has ${raw.length} bytes, [${dims}] of ${type} takes ${count * size}`);
    const copy = new Uint8Array(raw); // aligned
    data = new ArrayType(copy.buffer, 0, count);
  } else {
    if (typed.length !== count)
      throw new Error(`${typed.length} elements, [${dims}] takes ${count}`);
    const big = ArrayType === BigInt64Array || ArrayType === BigUint64Array;
    if (type === 'string') data = typed;
    else data = ArrayType.from(typed, (v) => (big ? BigInt(v) : Number(v)));
  }
  return { name, tensor: new ort.Tensor(type, data, dims) };
}

function readTensorFile(path) {
  try {
    return parse(fs.readFileSync(path));
  } catch (error) {
    throw new Error(`${path}: ${error.message}`);
  }
}

function varint(number) {
  const bytes = [];
  let rest = BigInt(number);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

function* delimited(field, content) {
  yield varint(field * 8 + 2);
  yield varint(content.length);
  yield content;
}

function writeTensorFile(path, tensor) {
  const dataType = Object.keys(TYPES).find((number) => TYPES[number][0] === tensor.type);
  if (!dataType) throw new Error(`${path}: type ${tensor.type} is not written here`);
  const parts = [...delimited(1, Buffer.concat(tensor.dims.map(varint))), varint(2 * 8), varint(dataType)];
  const { data } = tensor;
  if (tensor.type === 'string') for (const text of data) parts.push(...delimited(6, Buffer.from(text)));
  else parts.push(...delimited(9, Buffer.from(data.buffer, data.byteOffset, data.byteLength)));
  fs.writeFileSync(path, Buffer.concat(parts));
}

module.exports = { readTensorFile, writeTensorFile };
