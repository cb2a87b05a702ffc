/** The next page of an answer, asked for with its cursor as it is or as nobody gave it out. */

import type { Random } from "../../../src/traffic/random.ts";
import type { Answer } from "./exchange.ts";
import type { GeneratedRequest } from "./requests.ts";

type Plain = string | number | null;

const hostileParts: readonly Plain[] = [
  -1,
  0,
  1.5,
  2 ** 31,
  2 ** 32,
  2 ** 53 - 1,
  -(2 ** 53) + 1,
  1e300,
  null,
  "",
  "\u0000",
  "\ud800",
  "x".repeat(3000),
];

/** Undefined where the answer has no next page. */
export function nextPage(
  request: GeneratedRequest,
  answer: Answer,
  random: Random,
): GeneratedRequest | undefined {
  if (request.method !== "GET" || answer.status !== 200) return undefined;
  const [cursor] = /(?<="next_cursor":")[\w-]+/.exec(answer.body.toString()) ?? [];
  if (cursor === undefined) return undefined;
  const [path, query = ""] = request.target.split("?");
  const others = query.split("&").filter((pair) => !pair.startsWith("cursor="));
  const forged = random.chance(0.3) ? cursor : forge(cursor, random);
  return { ...request, target: `${path}?${[...others, `cursor=${forged}`].join("&")}` };
}

/** The version and the hash of the query stay, so that what follows is looked at. */
function forge(cursor: string, random: Random): string {
  const content = JSON.parse(Buffer.from(cursor, "base64url").toString()) as Plain[];
  const at = random.between(2, content.length - 1);
  content[at] = random.pick(hostileParts);
  if (random.chance(0.1)) content.push(random.pick(hostileParts));
  return Buffer.from(JSON.stringify(content)).toString("base64url");
}
