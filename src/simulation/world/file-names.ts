/** The files that devices keep on the simulated disk. */
export const fileNames = {
  queue: "queue.log",
  mark: "queue.mark",
  storeLog: "store.log",
  snapshot: "store.snapshot",
  newSnapshot: "store.snapshot.new",
  config: "config.json",
  newConfig: "config.json.new",
  order: "order.log",
} as const;
