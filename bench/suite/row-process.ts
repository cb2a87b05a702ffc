/** A row of the benchmarks in a process of its own, see run-row.ts. Its argument is a RowTask as JSON; samples go to its parent. */
import type { RowContext } from "./context.ts";
import type { Sample } from "./figures.ts";
import type { RowTask } from "./run-row.ts";

const { name, quick, rounds, history } = JSON.parse(process.argv[2]!) as RowTask;
// Whoever started this is gone: neither this nor anything that it started is of use.
process.on("disconnect", () => process.kill(-process.pid, "SIGKILL"));
const { measure } = (await import(`../${name}.ts`)) as {
  measure(context: RowContext): Promise<void>;
};
const tell = (text: string): void => console.error(`${name}: ${text}`);
const failed: string[] = [];
await measure({
  quick,
  rounds,
  history,
  note: (figure, server, value, place) => {
    // Where nothing came that could be timed.
    if (!Number.isFinite(value)) tell(`${figure} of ${server} has no value`);
    else process.send!({ figure, server, value, ...place } satisfies Sample);
  },
  attempt: async (what, work) => {
    tell(what);
    try {
      await work();
    } catch (error) {
      console.error(error);
      failed.push(what);
    }
  },
  tell,
});
if (failed.length > 0) {
  tell(`failed: ${failed.join("; ")}`);
  process.exitCode = 1;
}
process.removeAllListeners("disconnect");
process.disconnect();
