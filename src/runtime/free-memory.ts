/** Bytes below which nothing is gained. */
const worthwhileBytes = 4_096;

/**
 * Gives back what an array holds outside the heap, at once; from here on it is empty, and so is every other view of its
 * buffer. Does nothing to a view of a part of a buffer, whose rest may be somebody's.
 *
 * Nobody has to: the garbage collector finds it too. But V8 marks the whole heap after every 64 MB that were asked for outside
 * of it, whatever became of them, which were a fifth of the CPU that a click cost (docs/decisions/0032).
 */
export function freeMemory(array: ArrayBufferView): void {
  const { buffer, byteLength } = array;
  if (byteLength < worthwhileBytes || byteLength !== buffer.byteLength) return;
  if (buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
}
