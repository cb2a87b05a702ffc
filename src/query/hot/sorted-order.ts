const digitBits = 11;
const digitCount = 1 << digitBits;
const digitMask = digitCount - 1;

/**
 * The order that sorts rows by `major`, then `minor`, ascending; both hold whole numbers from 0. Least significant
 * digit radix sort: a few passes over memory in sequence, many times faster than a comparison sort.
 */
export function sortedOrder(rowCount: number, major: Int32Array, minor: Int32Array): Int32Array {
  let order = new Int32Array(rowCount);
  let spare = new Int32Array(rowCount);
  for (let row = 0; row < rowCount; row++) order[row] = row;
  for (const column of [minor, major]) {
    for (let shift = 0; shift < highestBit(column, rowCount); shift += digitBits) {
      sortByDigit(column, shift, order, spare);
      [order, spare] = [spare, order];
    }
  }
  return order;
}

/** How many bits the highest value has. */
function highestBit(column: Int32Array, rowCount: number): number {
  let union = 0;
  for (let row = 0; row < rowCount; row++) union |= column[row]!;
  return 32 - Math.clz32(union);
}

/** Stable. */
function sortByDigit(
  column: Int32Array,
  shift: number,
  order: Int32Array,
  sorted: Int32Array,
): void {
  const places = new Int32Array(digitCount);
  const rowCount = order.length;
  for (let i = 0; i < rowCount; i++) places[(column[order[i]!]! >>> shift) & digitMask]!++;
  let place = 0;
  for (let digit = 0; digit < digitCount; digit++) {
    const count = places[digit]!;
    places[digit] = place;
    place += count;
  }
  for (let i = 0; i < rowCount; i++) {
    const row = order[i]!;
    sorted[places[(column[row]! >>> shift) & digitMask]!++] = row;
  }
}
