/** Loaded before a program of somebody else: gives it the client as the package would, from the sources. */
import { registerHooks } from "node:module";

const source = new URL("../../src/client/client.ts", import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === "clicktally/client"
      ? { url: source, format: "module-typescript", shortCircuit: true }
      : next(specifier, context),
});
