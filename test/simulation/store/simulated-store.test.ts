import { SimulatedStore } from "../../../src/simulation/store/simulated-store.ts";
import { SimulatedDisk } from "../../../src/simulation/world/disk.ts";
import { undisturbed } from "../../../src/simulation/world/process.ts";
import { Random } from "../../../src/traffic/random.ts";
import { describeClickStore } from "../../contract/click-store.contract.ts";

const disks = new Map<string, SimulatedDisk>();

describeClickStore("the simulated store", async (directory) => {
  let disk = disks.get(directory);
  if (!disk) disks.set(directory, (disk = new SimulatedDisk(new Random(1))));
  return await SimulatedStore.open(disk, undisturbed);
});
