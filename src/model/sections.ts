/** Writing and reading the aligned sections of a click batch (click-batch-codec.ts). Little-endian. */

/** Grows by doubling; sections are aligned by `pad`. */
export class SectionWriter {
  private bytes: Uint8Array;
  private view: DataView;
  private at = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.at++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    this.view.setUint32(this.at, value, true);
    this.at += 4;
  }

  f64(value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.at, value, true);
    this.at += 8;
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** A typed array as it lies in memory (the machine is little-endian, as all that Node 24 runs on but s390x). */
  array(array: Float64Array | Uint32Array): void {
    this.raw(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    this.pad(8);
  }

  /** Numbers at the width they need. */
  unsigned(values: Uint32Array, width: 1 | 2 | 4): void {
    if (width === 4) this.array(values);
    else if (width === 1) this.raw(new Uint8Array(values));
    else this.raw(new Uint8Array(new Uint16Array(values).buffer));
    this.pad(8);
  }

  pad(alignment: number): void {
    const end = Math.ceil(this.at / alignment) * alignment;
    this.reserve(end - this.at);
    this.at = end;
  }

  finish(): Uint8Array {
    return this.bytes.subarray(0, this.at);
  }

  private reserve(count: number): void {
    if (this.at + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.at + count));
    grown.set(this.bytes.subarray(0, this.at));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}

/** Every length is checked against the bytes before memory is asked for; throws RangeErrors. */
export class SectionReader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private at = 0;

  constructor(bytes: Uint8Array) {
    // Views of numbers need aligned memory; what arrives unaligned is copied once. Either way the columns are plain
    // Uint8Arrays, also of a Buffer, whose `slice` would not copy.
    const aligned = bytes.byteOffset % 8 === 0;
    this.bytes = aligned
      ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
      : new Uint8Array(bytes);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
  }

  u8(): number {
    return this.bytes[this.take(1)]!;
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  f64(): number {
    return this.view.getFloat64(this.take(8), true);
  }

  raw(length: number): Uint8Array {
    const start = this.take(length);
    return this.bytes.subarray(start, start + length);
  }

  f64Array(length: number): Float64Array {
    const start = this.take(length * 8);
    return new Float64Array(this.bytes.buffer, this.bytes.byteOffset + start, length);
  }

  unsigned(length: number, width: number): Uint32Array {
    if (width !== 1 && width !== 2 && width !== 4)
      throw new RangeError(`click batch: number width ${width}`);
    const start = this.bytes.byteOffset + this.take(length * width);
    const { buffer } = this.bytes;
    let values: Uint32Array;
    if (width === 4) values = new Uint32Array(buffer, start, length);
    else if (width === 2) values = new Uint32Array(new Uint16Array(buffer, start, length));
    else values = new Uint32Array(new Uint8Array(buffer, start, length));
    this.pad(8);
    return values;
  }

  pad(alignment: number): void {
    this.take(Math.ceil(this.at / alignment) * alignment - this.at);
  }

  end(): void {
    const left = this.bytes.length - this.at;
    if (left > 0) throw new RangeError(`click batch: ${left} bytes too many`);
  }

  private take(count: number): number {
    const start = this.at;
    if (count > this.bytes.length - start) throw new RangeError("click batch ends early");
    this.at = start + count;
    return start;
  }
}
