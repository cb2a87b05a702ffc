/**
 * Filters (RSQL) as the picker has them: conditions of which all must hold. A text that says more than that, an `or`
 * for one, stays what it is, a text.
 */

export interface Condition {
  readonly field: string;
  /** What is said of the values: the field has one of them, or none of them. */
  readonly isNot: boolean;
  /** None: the field is missing; with `isNot`, it is there. */
  readonly values: readonly string[];
}

/** A request's head may have 16 KB, and a filter 8 KB; what is beside the values has room too. */
const addressLengthMax = 6_000;
const encodedCommaLength = 3;
const unreserved = /^[^"'();,=!~<>\s]+$/;
const comparison =
  /\s*((?:ad\.)?[a-z][a-z0-9_]*)\s*(==|!=|=in=|=out=|=null=)\s*(\((?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^"'()])*\)|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^"'();,=!~<>\s]+)\s*(;|$)/y;
const listed = /\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^"'();,=!~<>\s]+)\s*(,|$)/y;

/** Undefined where the text is no list of conditions. */
export function parseConditions(text: string): readonly Condition[] | undefined {
  if (text.trim() === "") return [];
  const conditions: Condition[] = [];
  comparison.lastIndex = 0;
  for (let at = 0; at < text.length; at = comparison.lastIndex) {
    const match = comparison.exec(text);
    if (!match) return undefined;
    const [, field, operator, argument, end] = match;
    const condition = conditionOf(field!, operator!, argument!);
    if (!condition) return undefined;
    conditions.push(condition);
    if (end === ";" && comparison.lastIndex === text.length) return undefined;
  }
  return conditions;
}

function conditionOf(field: string, operator: string, argument: string): Condition | undefined {
  if (operator === "=null=") {
    if (argument !== "true" && argument !== "false") return undefined;
    return { field, isNot: argument === "false", values: [] };
  }
  const isNot = operator === "!=" || operator === "=out=";
  if (!argument.startsWith("(")) return { field, isNot, values: [unquote(argument)] };
  if (operator === "==" || operator === "!=") return undefined;
  const values = listOf(argument.slice(1, -1));
  return values && { field, isNot, values };
}

function listOf(text: string): string[] | undefined {
  const values: string[] = [];
  listed.lastIndex = 0;
  for (let at = 0; at < text.length; at = listed.lastIndex) {
    const match = listed.exec(text);
    if (!match || (match[2] === "," && listed.lastIndex === text.length)) return undefined;
    values.push(unquote(match[1]!));
  }
  return values.length > 0 ? values : undefined;
}

function unquote(text: string): string {
  return /^["']/.test(text) ? text.slice(1, -1).replaceAll(/\\(.)/gs, "$1") : text;
}

export function formatConditions(conditions: readonly Condition[]): string {
  return conditions.map(formatCondition).join(";");
}

function formatCondition({ field, isNot, values }: Condition): string {
  if (values.length === 0) return `${field}=null=${!isNot}`;
  const texts = values.map(quote);
  if (texts.length === 1) return `${field}${isNot ? "!=" : "=="}${texts[0]}`;
  return `${field}${isNot ? "=out=" : "=in="}(${texts.join(",")})`;
}

function quote(value: string): string {
  return unreserved.test(value) ? value : `"${value.replaceAll(/["\\]/g, "\\$&")}"`;
}

/** What holds of a cell of a table: the field has its value, or is missing as it is there. */
export function conditionOfCell(field: string, value: string | null): Condition {
  return { field, isNot: false, values: value === null ? [] : [value] };
}

/** Both a filter text and conditions. */
export function narrowed(filter: string, conditions: readonly Condition[]): string {
  const known = parseConditions(filter);
  if (known) return formatConditions([...known, ...conditions]);
  if (conditions.length === 0) return filter;
  return `(${filter});${formatConditions(conditions)}`;
}

/** Those of the values, from the first on, with which a condition stays as short as a filter in an address may be. */
export function valuesThatFit(
  values: readonly string[],
  lengthMax = addressLengthMax,
): readonly string[] {
  let length = 0;
  const end = values.findIndex((value) => {
    length += encodeURIComponent(quote(value)).length + encodedCommaLength;
    return length > lengthMax;
  });
  return end === -1 ? values : values.slice(0, end);
}

/** In words, as a chip says it. */
export function describeCondition({ field, isNot, values }: Condition): string {
  if (values.length === 0) return isNot ? `${field} is there` : `${field} is missing`;
  const shown = values.length > 3 ? [...values.slice(0, 2), `${values.length - 2} more`] : values;
  const [last, ...others] = shown.toReversed();
  const list = others.length > 0 ? `${others.toReversed().join(", ")} or ${last}` : last;
  return `${field} ${isNot ? "is not" : "is"} ${list}`;
}
