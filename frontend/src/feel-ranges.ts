// Functions on ranges (DMN 1.3, 10.3.4.10) that feelin names but does not compute.
import { FeelFunction, evaluate, isRange } from "feelin";

type Context = Record<string, unknown>;
type Bounds = { start: unknown; end: unknown; from: boolean; to: boolean };

const is = (sign: string, one: unknown, other: unknown) => evaluate(`a ${sign} b`, { a: one, b: other }).value === true;
const below = (one: unknown, other: unknown) => is("<", one, other);
const same = (one: unknown, other: unknown) => is("=", one, other);

/** The bounds of a range; a point is the range of itself, so that one rule does for both. */
const range = (value: unknown): Bounds => isRange(value)
  ? { start: value.start, end: value.end, from: value["start included"], to: value["end included"] }
  : { start: value, end: value, from: true, to: true };
const beginsIn = (one: Bounds, other: Bounds) => below(other.start, one.start) || (same(one.start, other.start) && (other.from || !one.from));
const endsIn = (one: Bounds, other: Bounds) => below(one.end, other.end) || (same(one.end, other.end) && (other.to || !one.to));
const startsTogether = (one: Bounds, other: Bounds) => one.from === other.from && same(one.start, other.start);
const endsTogether = (one: Bounds, other: Bounds) => one.to === other.to && same(one.end, other.end);
const beginsFirst = (one: Bounds, other: Bounds) => below(one.start, other.start) || (same(one.start, other.start) && one.from && !other.from);
const reaches = (one: Bounds, other: Bounds) => below(other.start, one.end) || (same(one.end, other.start) && one.to && other.from);

const finishes = (one: Bounds, other: Bounds) => endsTogether(one, other) && beginsIn(one, other);
const starts = (one: Bounds, other: Bounds) => startsTogether(one, other) && endsIn(one, other);
const overlapsBefore = (one: Bounds, other: Bounds) => beginsFirst(one, other) && reaches(one, other) && endsIn(one, other);
const RULES: Record<string, (one: Bounds, other: Bounds) => boolean> = {
  "overlaps before": overlapsBefore,
  "overlaps after": (one, other) => overlapsBefore(other, one),
  "finishes": finishes,
  "finished by": (one, other) => finishes(other, one),
  "during": (one, other) => beginsIn(one, other) && endsIn(one, other),
  "starts": starts,
  "started by": (one, other) => starts(other, one),
  "coincides": (one, other) => startsTogether(one, other) && endsTogether(one, other),
};
const NAMED = new RegExp(`\\b(${Object.keys(RULES).join("|")})\\s*\\(`, "g");
const POINTS = /^(finish|start|during|coincides)/;

const made = (name: string) => new FeelFunction((...args: unknown[]) => {
  const [one, other] = args;
  const fits = args.length === 2 && args.every((arg) => arg !== null && arg !== undefined)
    && (POINTS.test(name) || args.every((arg) => isRange(arg)));
  return fits ? RULES[name](range(one), range(other)) : null;
}, ["range1", "range2"]);

/** The context of an expression, with those of the functions that it calls. */
export function withRanges(expression: string, context: Context): Context {
  const names = [...new Set([...expression.matchAll(NAMED)].map(([, name]) => name))].filter((name) => !(name in context));
  return names.length ? { ...Object.fromEntries(names.map((name) => [name, made(name)])), ...context } : context;
}
