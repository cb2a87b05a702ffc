/** Tries of one shrinking. */
const triesMax = 2000;

/** Leaves out halves, quarters and so on of an input as long as it still fails. */
export async function shrink(
  input: Uint8Array,
  fails: (candidate: Uint8Array) => Promise<boolean>,
): Promise<Uint8Array> {
  let smallest = input;
  let tries = 0;
  for (
    let size = Math.ceil(input.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < smallest.length && tries < triesMax; tries++) {
      const without = Uint8Array.from([
        ...smallest.subarray(0, at),
        ...smallest.subarray(at + size),
      ]);
      if (await fails(without)) smallest = without;
      else at += size;
    }
  }
  return smallest;
}
