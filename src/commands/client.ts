/** The API from the shell. */

import { readFileSync } from "node:fs";
import { Option } from "commander";
import type { ErrorCode } from "../model/errors.ts";
import { CodedError } from "../model/errors.ts";

export type Parameters = Readonly<Record<string, string | undefined>>;

export interface RequestBody {
  readonly contentType: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Which service is asked, and as who. */
export interface ServiceAddress {
  readonly url: string;
  /** The API key. Absent: the one that the file CLICKTALLY_KEY_FILE holds, or none. */
  readonly key?: string | undefined;
}

export class ApiClient {
  private readonly url: string;
  private readonly authorization: Readonly<Record<string, string>>;

  constructor(service: ServiceAddress) {
    this.url = service.url;
    this.authorization = authorizationOf(service);
  }

  async get<Answer>(path: string, parameters: Parameters = {}): Promise<Answer> {
    const response = await this.request("GET", path, parameters, "application/json");
    return (await response.json()) as Answer;
  }

  async getText(path: string): Promise<string> {
    return await (await this.request("GET", path, {}, "text/plain")).text();
  }

  /** Lines of JSON, as they come. */
  async getLines(path: string, parameters: Parameters): Promise<ReadableStream<Uint8Array>> {
    const response = await this.request("GET", path, parameters, "application/x-ndjson");
    return response.body!;
  }

  async post<Answer>(
    path: string,
    parameters: Parameters = {},
    body?: RequestBody,
  ): Promise<Answer> {
    const response = await this.request("POST", path, parameters, "application/json", body);
    return (await response.json()) as Answer;
  }

  /** Members that are undefined are not sent. */
  postJson<Answer>(path: string, body: object): Promise<Answer> {
    const bytes = new TextEncoder().encode(JSON.stringify(body));
    return this.post<Answer>(path, {}, { contentType: "application/json", bytes });
  }

  /** The answer as CSV, with the cursor of the next page where there is one. */
  async getCsv(
    path: string,
    parameters: Parameters,
  ): Promise<{ csv: string; nextCursor: string | undefined }> {
    const response = await this.request("GET", path, parameters, "text/csv");
    const cursor = response.headers.get("x-clicktally-next-cursor");
    return {
      csv: await response.text(),
      nextCursor: cursor === null ? undefined : decodeURI(cursor),
    };
  }

  /** CodedError with the service's code where it refuses; an Error where nobody answers or it is not ours. */
  private async request(
    method: string,
    path: string,
    parameters: Parameters,
    accept: string,
    body?: RequestBody,
  ): Promise<Response> {
    const target = new URL(path, this.url);
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined) target.searchParams.set(name, value);
    }
    let response: Response;
    try {
      const headers = {
        accept,
        ...this.authorization,
        ...(body ? { "content-type": body.contentType } : {}),
      };
      response = await fetch(target, { method, headers, ...(body ? { body: body.bytes } : {}) });
    } catch (error) {
      throw new Error(`${this.url} does not answer`, { cause: error });
    }
    if (response.ok) return response;
    throw await refusal(response);
  }
}

/** What a service that refuses has said. */
export async function refusal(response: Response): Promise<Error> {
  const body = await response.text();
  try {
    const { code, detail, field } = JSON.parse(body) as {
      code: ErrorCode;
      detail: string;
      field?: string;
    };
    if (typeof code === "string" && typeof detail === "string") {
      return new CodedError(code, detail, field === undefined ? {} : { field });
    }
  } catch {
    // Not ours: a proxy's page.
  }
  return new Error(`${response.status} ${response.statusText}: ${body.slice(0, 300)}`);
}

/** The header that shows the key. CodedError `invalid_configuration` where its file can't be read. */
export function authorizationOf({ key = keyOfFile() }: ServiceAddress): Record<string, string> {
  return key === undefined ? {} : { authorization: `Bearer ${key}` };
}

function keyOfFile(): string | undefined {
  const path = process.env["CLICKTALLY_KEY_FILE"];
  if (path === undefined || path === "") return undefined;
  try {
    return readFileSync(path, "utf8").trim();
  } catch (cause) {
    const why = `CLICKTALLY_KEY_FILE can't be read: ${(cause as Error).message}`;
    throw new CodedError("invalid_configuration", why, { cause });
  }
}

/** Which service is asked. */
export function serviceUrlOption(): Option {
  return new Option("--url <url>", "of the running service")
    .env("CLICKTALLY_URL")
    .default("http://127.0.0.1:8080");
}

/** As who it is asked. */
export function keyOption(): Option {
  return new Option(
    "--key <key>",
    "API key of the service; a file that CLICKTALLY_KEY_FILE names keeps it out of the list of processes",
  ).env("CLICKTALLY_KEY");
}
