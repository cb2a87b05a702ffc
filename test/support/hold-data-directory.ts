/** Opens the data directory given, says so and keeps it until it is killed. */
import { openDataDirectory } from "../../src/data-directory.ts";

const directory = await openDataDirectory(process.argv[2]!);
process.stdout.write(`${directory.path}\n`);
setInterval(() => directory.path, 60_000);
