import { SimulatedQueue } from "../../../src/simulation/queue/simulated-queue.ts";
import { SimulatedDisk } from "../../../src/simulation/world/disk.ts";
import { undisturbed } from "../../../src/simulation/world/process.ts";
import { Random } from "../../../src/traffic/random.ts";
import { describeClickQueue } from "../../contract/click-queue.contract.ts";

describeClickQueue("the simulated queue", async (partitionCount) => {
  const disk = new SimulatedDisk(new Random(1));
  const open = () => {
    const queue = new SimulatedQueue(disk, undisturbed, { partitionCount, bytesMax: 1e9 });
    return { writer: queue, reader: queue };
  };
  const queue = {
    ...open(),
    async reopen() {
      Object.assign(queue, open());
    },
    async [Symbol.asyncDispose]() {},
  };
  return queue;
});
