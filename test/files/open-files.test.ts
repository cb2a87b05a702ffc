import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { it } from "node:test";

it("how many files may be open is what the process was given", () => {
  const module = resolve(import.meta.dirname, "../../src/files/open-files.ts");
  const script = `import { openFilesMax } from ${JSON.stringify(module)}; console.log(openFilesMax())`;
  const command = 'ulimit -n 777 && exec "$0" --input-type=module -e "$1"';
  const told = execFileSync("bash", ["-c", command, process.execPath, script], {
    encoding: "utf8",
  });
  assert.equal(told.trim(), "777");
});
