/**
 * Schemas are compiled when they are first needed, and not all at the start: a service that starts anew after its death
 * answers some tenths of a second sooner, and most routes are never asked in a life.
 */

import buildValidators from "@fastify/ajv-compiler";
import type { BuildCompilerFromPool } from "@fastify/ajv-compiler";
import buildSerializers from "@fastify/fast-json-stringify-compiler";
import type { Serializer, SerializerFactory } from "@fastify/fast-json-stringify-compiler";

type Validate = ReturnType<ReturnType<BuildCompilerFromPool>>;

const validatorsOf = buildValidators();
const serializersOf = buildSerializers();

const buildValidator: BuildCompilerFromPool = (schemas, options) => {
  const compile = validatorsOf(schemas, options);
  return (route) => {
    let compiled: Validate | undefined;
    const validate = (data: unknown): unknown => {
      compiled ??= compile(route);
      const isValid = compiled(data);
      // Fastify looks for them here.
      validate.errors = compiled.errors;
      return isValid;
    };
    validate.errors = undefined as Validate["errors"];
    return validate as Validate;
  };
};

const buildSerializer: SerializerFactory = (schemas, options) => {
  const compile = serializersOf(schemas, options);
  return (route) => {
    let compiled: Serializer | undefined;
    return (answer) => (compiled ??= compile(route))(answer);
  };
};

/** For Fastify's `schemaController`. A schema that can't be compiled is told by its first request, and not at the start. */
export const lateCompilers: {
  readonly buildValidator: BuildCompilerFromPool;
  readonly buildSerializer: SerializerFactory;
} = { buildValidator, buildSerializer };
