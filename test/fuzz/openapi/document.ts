/** The parts of /openapi.json that requests are made from and answers are held against. */

import type { XSchema } from "typebox/schema";

export type JsonSchema = XSchema & {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
};

export interface Parameter {
  readonly in: "query" | "path";
  readonly name: string;
  readonly required: boolean;
  readonly schema: JsonSchema;
}

type Content = Readonly<Record<string, { readonly schema: JsonSchema }>>;

export interface Operation {
  /** Upper case. */
  readonly method: string;
  /** With `{name}` for its parameters. */
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body: { readonly required: boolean; readonly content: Content } | undefined;
  /** By status: `200`, `4XX`. */
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

interface Document {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          {
            readonly parameters?: readonly Parameter[];
            readonly requestBody?: Operation["body"];
            readonly responses: Operation["responses"];
          }
        >
      >
    >
  >;
}

export function operationsOf(document: unknown): Operation[] {
  return Object.entries((document as Document).paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { parameters = [], requestBody, responses }]) => ({
      method: method.toUpperCase(),
      path,
      parameters,
      body: requestBody,
      responses,
    })),
  );
}

/** What is documented for a status: by itself, or by its class. */
export function responseFor({ responses }: Operation, status: number) {
  return responses[String(status)] ?? responses[`${Math.floor(status / 100)}XX`];
}
