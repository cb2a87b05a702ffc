/**
 * The combinations of dimension keys that occur in one minute, coded 0, 1, 2 … A filter is evaluated once a
 * combination instead of once a row. Open addressing.
 */
export class CombinationTable {
  /** Dimension names, the order of the keys of a combination. */
  readonly names: readonly string[];
  size = 0;
  /** Keys of combination c: `keys[c * names.length ..]`. */
  keys: Int32Array;
  /** 1 + code, 0 = empty. */
  private slots: Int32Array;

  constructor(names: readonly string[]) {
    this.names = names;
    this.keys = new Int32Array(8 * names.length);
    this.slots = new Int32Array(16);
  }

  get bytes(): number {
    return this.keys.byteLength + this.slots.byteLength;
  }

  /** Forgets all; codes that were given mean nothing any more. */
  clear(): void {
    this.size = 0;
    this.keys = new Int32Array(8 * this.names.length);
    this.slots = new Int32Array(16);
  }

  /** The code of a row's keys; a column that is missing holds 0 in every row. */
  codeOf(columns: readonly (Int32Array | undefined)[], row: number): number {
    const width = columns.length;
    let hash = 0;
    for (let i = 0; i < width; i++)
      hash = mixed(hash, columns[i] === undefined ? 0 : columns[i]![row]!);
    const mask = this.slots.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (let code = this.slots[slot]!; code !== 0; code = this.slots[slot]!) {
      if (this.equals(code - 1, columns, row)) return code - 1;
      slot = (slot + 1) & mask;
    }
    return this.append(columns, row, slot);
  }

  private equals(code: number, columns: readonly (Int32Array | undefined)[], row: number): boolean {
    const width = columns.length;
    const at = code * width;
    for (let i = 0; i < width; i++) {
      if (this.keys[at + i] !== (columns[i] === undefined ? 0 : columns[i]![row]!)) return false;
    }
    return true;
  }

  private append(columns: readonly (Int32Array | undefined)[], row: number, slot: number): number {
    const width = columns.length;
    const code = this.size++;
    if ((code + 1) * width > this.keys.length) {
      const grown = new Int32Array(this.keys.length * 2);
      grown.set(this.keys);
      this.keys = grown;
    }
    for (let i = 0; i < width; i++) this.keys[code * width + i] = columns[i]?.[row] ?? 0;
    this.slots[slot] = code + 1;
    if (this.size * 2 > this.slots.length) this.growSlots();
    return code;
  }

  private growSlots(): void {
    const width = this.names.length;
    this.slots = new Int32Array(this.slots.length * 2);
    const mask = this.slots.length - 1;
    for (let code = 0; code < this.size; code++) {
      let hash = 0;
      for (let i = 0; i < width; i++) hash = mixed(hash, this.keys[code * width + i]!);
      let slot = (hash ^ (hash >>> 15)) & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = code + 1;
    }
  }
}

function mixed(hash: number, key: number): number {
  return Math.imul(hash ^ key, 0x9e3779b1) ^ (hash >>> 13);
}
