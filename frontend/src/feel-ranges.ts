// Functions on ranges (DMN 1.3, 10.3.4.10), of which feelin computes some, and none by the names of its parameters.
import { FeelFunction, evaluate, isRange } from "feelin";

type Context = Record<string, unknown>;
type Bounds = { start: unknown; end: unknown; from: boolean; to: boolean };

const is = (sign: string, one: unknown, other: unknown) => evaluate(`a ${sign} b`, { a: one, b: other }).value === true;
const below = (one: unknown, other: unknown) => is("<", one, other);
const same = (one: unknown, other: unknown) => is("=", one, other);
const isOpen = (end: unknown) => end === null; // a range without an end on this side

/** The bounds of a range; a point is the range of itself, so that one rule does for both. */
const range = (value: unknown): Bounds => isRange(value)
  ? { start: value.start, end: value.end, from: value["start included"], to: value["end included"] }
  : { start: value, end: value, from: true, to: true };
const beginsIn = (one: Bounds, other: Bounds) =>
  isOpen(other.start) || below(other.start, one.start) || (same(one.start, other.start) && (other.from || !one.from));
const endsIn = (one: Bounds, other: Bounds) =>
  isOpen(other.end) || below(one.end, other.end) || (same(one.end, other.end) && (other.to || !one.to));
const startsTogether = (one: Bounds, other: Bounds) => one.from === other.from && same(one.start, other.start);
const endsTogether = (one: Bounds, other: Bounds) => one.to === other.to && same(one.end, other.end);
const beginsFirst = (one: Bounds, other: Bounds) => below(one.start, other.start) || (same(one.start, other.start) && one.from && !other.from);
const reaches = (one: Bounds, other: Bounds) =>
  isOpen(one.end) || isOpen(other.start) || below(other.start, one.end) || (same(one.end, other.start) && one.to && other.from);

const before = (one: Bounds, other: Bounds) => !reaches(one, other);
const meets = (one: Bounds, other: Bounds) => same(one.end, other.start) && one.to && other.from;
const during = (one: Bounds, other: Bounds) => beginsIn(one, other) && endsIn(one, other);
const finishes = (one: Bounds, other: Bounds) => endsTogether(one, other) && beginsIn(one, other);
const starts = (one: Bounds, other: Bounds) => startsTogether(one, other) && endsIn(one, other);
const overlapsBefore = (one: Bounds, other: Bounds) => beginsFirst(one, other) && reaches(one, other) && endsIn(one, other);
type Rule = (one: Bounds, other: Bounds) => boolean;
const turned = (rule: Rule): Rule => (one, other) => rule(other, one);
type Kinds = "all" | "range first" | "range last" | "ranges"; // what may be a point: both, the last, the first, neither
const RULES: Record<string, [Kinds, Rule]> = {
  "before": ["all", before],
  "after": ["all", turned(before)],
  "meets": ["ranges", meets],
  "met by": ["ranges", turned(meets)],
  "overlaps": ["ranges", (one, other) => reaches(one, other) && reaches(other, one)],
  "overlaps before": ["ranges", overlapsBefore],
  "overlaps after": ["ranges", turned(overlapsBefore)],
  "finishes": ["range last", finishes],
  "finished by": ["range first", turned(finishes)],
  "includes": ["range first", turned(during)],
  "during": ["range last", during],
  "starts": ["range last", starts],
  "started by": ["range first", turned(starts)],
  "coincides": ["all", (one, other) => startsTogether(one, other) && endsTogether(one, other)],
};
const NAMED = new RegExp(`\\b(${Object.keys(RULES).join("|")})\\s*\\(`, "g");

/** A function of two values in their order, or by name: `point1` and `point2`, `range1` and `range2`, `point` and `range`. */
class RangeFunction extends FeelFunction {
  constructor(private name: string) {
    super((...args: unknown[]) => this.compute(args), ["range1", "range2"]);
  }

  invoke(given: Context | unknown[]): unknown {
    if (Array.isArray(given)) return super.invoke(given);
    const names = Object.keys(given);
    const known = [["point1", "point2"], ["range1", "range2"], ["point", "range"]].find((pair) =>
      names.length === 2 && pair.every((name) => names.includes(name)));
    const [kinds] = RULES[this.name];
    const order = !known || known[0] !== "point" ? known : kinds === "range first" ? ["range", "point"] : kinds === "range last" ? known : names;
    return order ? this.compute(order.map((name) => given[name])) : null;
  }

  private compute(args: unknown[]): boolean | null {
    const [kinds, rule] = RULES[this.name];
    const isTold = args.length === 2 && args.every((one) => one !== null && one !== undefined);
    const [first, last] = args.map((one) => isRange(one));
    const fits = { "all": true, "range first": first, "range last": last, "ranges": first && last }[kinds];
    if (!isTold || !fits) return null;
    const [one, other] = args.map(range);
    const ends = [one.start, one.end, other.start, other.end].filter((end) => !isOpen(end));
    return new Set(ends.map((end) => Object(end).constructor)).size > 1 ? null : rule(one, other);
  }
}

/** The context of an expression, with those of the functions that it calls. */
export function withRanges(expression: string, context: Context): Context {
  const names = [...new Set([...expression.matchAll(NAMED)].map(([, name]) => name))].filter((name) => !(name in context));
  return names.length ? { ...Object.fromEntries(names.map((name) => [name, new RangeFunction(name)])), ...context } : context;
}
