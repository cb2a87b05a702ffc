/**
 * Filters as text: RSQL.
 *
 *     or         = and *( "," and )
 *     and        = constraint *( ";" constraint )
 *     constraint = "(" or ")" / field operator argument
 *     field      = name / "ad." name            name = [a-z][a-z0-9_]*
 *     argument   = value                        for ==, !=
 *                / value / "(" value *( "," value ) ")"   for =in=, =out=
 *                / "true" / "false"             for =null=
 *     value      = 1*unreserved / quoted        unreserved = all but " ' ( ) ; , = ! ~ < > and white space
 *     quoted     = "…" / '…', in which \ takes the next character as it is
 *
 * White space may stand between tokens. Every error is a CodedError `invalid_filter` whose details name the
 * `position` (from 0), what was `found` there and what was `expected`.
 */

import { CodedError } from "./errors.ts";
import type { Comparison, ComparisonOperator, Filter } from "./filter.ts";

/** UTF-8 bytes. */
export const filterBytesMax = 8192;
/** Parentheses within each other. */
const filterDepthMax = 32;
const filterComparisonsMax = 256;
/** Values of all comparisons together. */
const filterValuesMax = 1000;

const operators: readonly ComparisonOperator[] = ["==", "!=", "=in=", "=out=", "=null="];
const operatorPattern = /=[A-Za-z]*=|![=~]?|~=?|[<>]=?|=/y;
const unreservedPattern = /[^"'();,=!~<>\s]+/y;
const fieldPattern = /^(?:ad\.)?[a-z][a-z0-9_]*$/;

/** The tree of a filter text; `and` in `and` and `or` in `or` are one node. */
export function parseFilter(text: string): Filter {
  if (text.length > filterBytesMax || Buffer.byteLength(text) > filterBytesMax) {
    throw new CodedError("invalid_filter", `filter is longer than ${filterBytesMax} bytes`, {
      field: "filter",
      details: { length_max: filterBytesMax },
    });
  }
  return new Parser(text).parse();
}

class Parser {
  private readonly text: string;
  private at = 0;
  private depth = 0;
  private comparisonCount = 0;
  private valueCount = 0;

  constructor(text: string) {
    this.text = text;
  }

  parse(): Filter {
    const filter = this.parseOr();
    if (this.at < this.text.length) throw this.unexpected("';', ',' or the end");
    return filter;
  }

  private parseOr(): Filter {
    const operands = [this.parseAnd()];
    while (this.take(",")) operands.push(this.parseAnd());
    return joined("or", operands);
  }

  private parseAnd(): Filter {
    const operands = [this.parseConstraint()];
    while (this.take(";")) operands.push(this.parseConstraint());
    return joined("and", operands);
  }

  private parseConstraint(): Filter {
    if (!this.take("(")) return this.parseComparison();
    if (++this.depth > filterDepthMax)
      throw this.beyond("depth_max", filterDepthMax, "nested parentheses");
    const filter = this.parseOr();
    this.expect(")", "';', ',' or ')'");
    this.depth--;
    return filter;
  }

  private parseComparison(): Comparison {
    this.skipSpace();
    const fieldAt = this.at;
    const field = this.match(unreservedPattern);
    if (field === undefined) throw this.unexpected("a field name or '('");
    if (!fieldPattern.test(field)) {
      throw this.refused(
        fieldAt,
        `'${field}'`,
        "a field name (a-z, 0-9, _; ad.NAME for an attribute)",
      );
    }
    if (++this.comparisonCount > filterComparisonsMax) {
      throw this.beyond("comparisons_max", filterComparisonsMax, "comparisons");
    }
    const operator = this.parseOperator();
    return { kind: "comparison", field, operator, values: this.parseArgument(operator) };
  }

  private parseOperator(): ComparisonOperator {
    this.skipSpace();
    const operatorAt = this.at;
    const known = `one of the operators ${operators.join(" ")}`;
    const found = this.match(operatorPattern);
    if (found === undefined) throw this.unexpected(known);
    const operator = operators.find((candidate) => candidate === found);
    if (!operator) throw this.refused(operatorAt, `'${found}'`, known);
    return operator;
  }

  private parseArgument(operator: ComparisonOperator): string[] {
    if (operator === "==" || operator === "!=") return [this.parseValue("a value")];
    if (operator === "=null=") {
      this.skipSpace();
      const valueAt = this.at;
      const value = this.parseValue("true or false");
      if (value !== "true" && value !== "false")
        throw this.refused(valueAt, `'${value}'`, "true or false");
      return [value];
    }
    if (!this.take("(")) return [this.parseValue("a value or '('")];
    const values = [this.parseValue("a value")];
    while (this.take(",")) values.push(this.parseValue("a value"));
    this.expect(")", "',' or ')'");
    return values;
  }

  private parseValue(expected: string): string {
    this.skipSpace();
    const quote = this.text[this.at];
    const value =
      quote === '"' || quote === "'" ? this.parseQuoted(quote) : this.match(unreservedPattern);
    if (value === undefined) throw this.unexpected(expected);
    if (++this.valueCount > filterValuesMax)
      throw this.beyond("values_max", filterValuesMax, "values");
    return value;
  }

  private parseQuoted(quote: string): string {
    let value = "";
    for (let i = this.at + 1; i < this.text.length; i++) {
      const character = this.text[i]!;
      if (character === quote) {
        this.at = i + 1;
        return value;
      }
      if (character === "\\") i++;
      value += this.text[i] ?? "";
    }
    throw this.refused(this.at, "a quote that is not closed", `a closing ${quote}`);
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  private take(character: string): boolean {
    this.skipSpace();
    if (this.text[this.at] !== character) return false;
    this.at++;
    this.skipSpace();
    return true;
  }

  private expect(character: string, expected: string): void {
    if (!this.take(character)) throw this.unexpected(expected);
  }

  private skipSpace(): void {
    while (/\s/.test(this.text.charAt(this.at))) this.at++;
  }

  private unexpected(expected: string): CodedError {
    const character = this.text.codePointAt(this.at);
    const found = character === undefined ? "the end" : `'${String.fromCodePoint(character)}'`;
    return this.refused(this.at, found, expected);
  }

  private refused(position: number, found: string, expected: string): CodedError {
    return new CodedError(
      "invalid_filter",
      `filter, position ${position}: found ${found}, expected ${expected}`,
      {
        field: "filter",
        details: { position, found, expected },
      },
    );
  }

  private beyond(bound: string, most: number, what: string): CodedError {
    return new CodedError(
      "invalid_filter",
      `filter, position ${this.at}: more than ${most} ${what}`,
      {
        field: "filter",
        details: { position: this.at, [bound]: most },
      },
    );
  }
}

/** One node for operands of the same kind, so that equal filters have equal trees however they were grouped. */
function joined(kind: "and" | "or", operands: readonly Filter[]): Filter {
  if (operands.length === 1) return operands[0]!;
  return {
    kind,
    operands: operands.flatMap((operand) => (operand.kind === kind ? operand.operands : [operand])),
  };
}

/** Canonical text: `parseFilter` of it gives an equal tree. Shown in answers and used as a key. */
export function formatFilter(filter: Filter): string {
  if (filter.kind === "comparison") return formatComparison(filter);
  const separator = filter.kind === "and" ? ";" : ",";
  return filter.operands
    .map((operand) =>
      filter.kind === "and" && operand.kind === "or"
        ? `(${formatFilter(operand)})`
        : formatFilter(operand),
    )
    .join(separator);
}

function formatComparison({ field, operator, values }: Comparison): string {
  const texts = values.map(formatValue);
  const isSet = operator === "=in=" || operator === "=out=";
  return `${field}${operator}${isSet ? `(${texts.join(",")})` : texts[0]}`;
}

function formatValue(value: string): string {
  unreservedPattern.lastIndex = 0;
  if (unreservedPattern.exec(value)?.[0] === value) return value;
  return `"${value.replaceAll(/["\\]/g, "\\$&")}"`;
}
