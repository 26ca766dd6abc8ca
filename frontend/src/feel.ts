// What Python calls inside V8: one JSON request in, one JSON answer out. Errors are answers, never exceptions.
import {
  FeelDate, FeelDateTime, FeelDuration, FeelTime,
  dateAndTime, duration, evaluate, isFunction, parseDate, parseExpression, parseTime, parseUnaryTests, unaryTest,
} from "feelin";

import { decide, type Model } from "./dmn";
import { withRanges } from "./feel-ranges";

type Context = Record<string, unknown>;
type Verb = "evaluate" | "test" | "check" | "check test" | "decide";
type Request = { verb: Verb; expression: string; context: Context };
type Found = { type: string; message: string; position: number };

const TAG = "@feel"; // { "@feel": [kind, ISO 8601 text] } stands for what JSON has no type for
const READERS: Record<string, (text: string) => unknown> = {
  "date": parseDate, "time": parseTime, "date and time": dateAndTime, "duration": duration,
};
const KINDS: [new (...given: never[]) => { iso: string }, string][] = [
  [FeelDate, "date"], [FeelTime, "time"], [FeelDateTime, "date and time"], [FeelDuration, "duration"],
];

const MADE = new Set(["Key", "ParameterName", "Name"]); // names that an expression gives
const CALLED = new Set(["VariableName", "PathExpression"]);
const OPEN = new Set(["FilterExpression", "Type"]);
const KNOWN = ["?", "item", "partial"];
const WIDE = /[＞＜＝＋－＊／，；：！]/; // signs of a Chinese keyboard
const dense = (name: string) => name.replace(/\s+/g, "");

const untag = (_key: string, value: unknown): unknown => {
  const tagged = (value as { [TAG]?: [string, string] } | null)?.[TAG];
  return tagged ? READERS[tagged[0]]?.(tagged[1]) ?? null : value;
};

// Not an arrow: JSON.stringify has called toJSON before, the untouched value stands in `this`.
function tag(this: Context, key: string, value: unknown): unknown {
  const raw = this[key];
  const kind = KINDS.find(([type]) => raw instanceof type);
  if (kind) return { [TAG]: [kind[1], (raw as { iso: string }).iso] };
  return typeof raw === "function" || isFunction(raw) ? null : value;
}

// Python counts code points, JavaScript UTF-16 units.
const codePoints = (text: string, units: number): number => [...text.slice(0, units)].length;

const VERBS: Record<Verb, (expression: string, context: Context) => object> = {
  "evaluate": (expression, context) => evaluate(expression, withRanges(expression, context)),
  "test": (expression, context) => unaryTest(expression, withRanges(expression, context)),
  "check": (expression, names) => firstError(parseExpression(expression, nested(names), undefined), expression, names),
  "check test": (expression, names) => firstError(parseUnaryTests(expression, nested(names), undefined), expression, names),
  "decide": (asked, { model, given }) => decide(model as Model, asked, given as Context),
};

/** A context in which each name holds that context again: a path may lead to any. */
function nested(names: Context): Context {
  const all: Context = {};
  for (const name of Object.keys(names)) all[name] = all;
  return all;
}

/** Names used that neither FEEL has, nor the expression makes itself, nor are given: functions called, and all others. */
function unknown(tree: ReturnType<typeof parseExpression>, expression: string, given: Context): { calls: string[]; names: string[] } {
  const made = new Set([...Object.keys(given), ...KNOWN].map(dense));
  const called: string[] = [];
  const named: string[] = [];
  let open = 0; // inside a filter or a type: names of what is filtered, and of types
  tree.iterate({
    enter: ({ name, from, to, node }) => {
      if (MADE.has(name)) made.add(dense(expression.slice(from, to)));
      const callee = name === "FunctionInvocation" ? node.firstChild : null;
      if (callee && CALLED.has(callee.name)) called.push(expression.slice(callee.from, callee.to));
      open += OPEN.has(name) ? 1 : 0;
      if (name === "VariableName" && !open) named.push(expression.slice(from, to));
    },
    leave: ({ name }) => void (open -= OPEN.has(name) ? 1 : 0),
  });
  const isUnknown = (name: string) => !made.has(dense(name)) && !made.has(dense(name.split(".")[0])) && (value(name) ?? null) === null;
  return { calls: called.filter(isUnknown), names: named.filter(isUnknown) };
}

function value(name: string): unknown {
  try {
    return evaluate(name, {}).value;
  } catch {
    return null; // a name that is none without its context
  }
}

function firstError(tree: ReturnType<typeof parseExpression>, expression: string, given: Context): object {
  const errors: number[] = [];
  let compared = -1; // where the last comparison sign ended
  tree.iterate({
    enter: ({ type, name, from, to }) => {
      // The parser takes `a == b` for a comparison with the test `= b`, and evaluates it to null.
      const isDoubled = name === "CompareOp" && compared >= 0 && expression.slice(compared, from).trim() === "";
      if (type.isError || isDoubled) errors.push(from);
      if (name === "CompareOp") compared = to;
      // It takes `a ＞ 5` for one name, which nothing has.
      const wide = name === "VariableName" ? expression.slice(from, to).search(WIDE) : -1;
      if (wide >= 0 && !Object.keys(given).some((one) => dense(one) === dense(expression.slice(from, to)))) errors.push(from + wide);
    },
  });
  if (errors.length === 0) return unknown(tree, expression, given);
  const at = errors[0] + expression.slice(errors[0]).search(/\S|$/);
  return { error: { message: "", position: codePoints(expression, at), is_syntax: true } };
}

function run(text: string): string {
  const { verb, expression, context } = JSON.parse(text, text.includes(TAG) ? untag : undefined) as Request;
  try {
    const { warnings, ...rest } = VERBS[verb](expression, context) as { warnings?: object[] };
    const found = (warnings ?? []).map((warning) => {
      const { type, message, position } = warning as Omit<Found, "position"> & { position: { from: number } };
      return { type, message, position: codePoints(expression, position.from) };
    });
    return JSON.stringify({ ...rest, warnings: found }, tag);
  } catch (thrown) {
    const { message, position } = thrown as { message: string; position?: { from: number } };
    const at = position ? codePoints(expression, position.from) : null;
    return JSON.stringify({ error: { message, position: at, is_syntax: at !== null } });
  }
}

(globalThis as unknown as { feel: typeof run }).feel = run;
