/**
 * Counts the bytes of the typed arrays that a piece of code makes, whether or not they are ever touched or given back:
 * the same on every run, which the memory of a process is not.
 */

type TypedArrayConstructor = typeof Uint8Array | typeof Uint32Array;

const names = ["Uint8Array", "Uint16Array", "Uint32Array", "Int16Array", "Float64Array"] as const;

export function allocatedBytes(run: () => void): number {
  let bytes = 0;
  const globals = globalThis as unknown as Record<string, TypedArrayConstructor>;
  const originals = names.map((name) => [name, globals[name]!] as const);
  try {
    for (const [name, original] of originals) {
      globals[name] = new Proxy(original, {
        construct(target, args: unknown[], newTarget) {
          const made = Reflect.construct(target, args, newTarget) as Uint8Array;
          // A view of memory that is there already takes none.
          if (!(args[0] instanceof ArrayBuffer)) bytes += made.byteLength;
          return made;
        },
      });
    }
    run();
  } finally {
    for (const [name, original] of originals) globals[name] = original;
  }
  return bytes;
}
