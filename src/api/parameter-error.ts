import type { FastifyError } from "fastify";
import { CodedError } from "../model/errors.ts";

const partNames: Readonly<Record<string, string>> = {
  querystring: "query parameter",
  body: "member of the body",
  params: "part of the path",
};

/** What a route's schema refused: `invalid_parameter` with the parameter as the field. */
export function parameterError({
  validation,
  validationContext = "querystring",
}: FastifyError): CodedError {
  const { keyword, params, instancePath, message = "is wrong" } = validation![0]!;
  const part = partNames[validationContext] ?? validationContext;
  const path = instancePath
    .slice(1)
    .replaceAll("/", ".")
    .replaceAll("~1", "/")
    .replaceAll("~0", "~");
  const invalid = (field: string, what: string) =>
    new CodedError("invalid_parameter", what, { field });
  switch (keyword) {
    case "additionalProperties": {
      const field = String(params["additionalProperty"]);
      return invalid(field, `there is no ${part} ${field} here`);
    }
    case "required": {
      const field = String(params["missingProperty"]);
      return invalid(field, `the ${part} ${field} is missing`);
    }
    case "const":
      return invalid(path, `${part} ${path}: must be ${String(params["allowedValue"])}`);
    case "type":
      if (path === "")
        return new CodedError("invalid_parameter", `the ${validationContext} ${message}`);
      // A query's values are texts, unless a name comes twice.
      return invalid(
        path,
        `${part} ${path}: ${validationContext === "querystring" ? "give it once only" : message}`,
      );
    default:
      return invalid(path, `${part} ${path}: ${message}`);
  }
}
