// DMN 1.3 (OMG formal/2021-02) on feelin: decisions with their requirements, decision tables with every hit policy, boxed
// expressions, business knowledge models and decision services. The model is JSON, read from the file by Python.
import {
  FeelDate, FeelDateTime, FeelDuration, FeelFunction, FeelTime, dateAndTime, evaluate, isFunction, isRange, unaryTest,
} from "feelin";

import { withRanges } from "./feel-ranges";

type Context = Record<string, unknown>;
type Named = { name: string; type?: string };
type Clause = { test?: string; values?: string; type?: string };
type Output = Named & { values?: string; default?: string };
type Rule = { tests: string[]; outputs: string[]; types?: (string | null)[] }; // types of the outputs of this rule
type Expression = { id?: string; type?: string } & (
  | { kind: "literal"; text: string }
  | { kind: "table"; policy: string; aggregation?: string; inputs: Clause[]; outputs: Output[]; rules: Rule[] }
  | { kind: "context"; entries: (Partial<Named> & { body: Expression })[] }
  | { kind: "invocation"; called: Expression; bindings: (Named & { body: Expression | null })[] }
  | { kind: "list"; items: Expression[] }
  | { kind: "relation"; columns: Named[]; rows: Expression[][] }
  | { kind: "function"; language: string; parameters: Named[]; body: Expression | null }
  | { kind: "conditional"; when: Expression; then: Expression; else: Expression }
  | { kind: "filter"; of: Expression; match: Expression }
  | { kind: "for" | "some" | "every"; variable: string; of: Expression; body: Expression }
);
type Requires = { requires: string[]; knows: string[]; far?: Record<string, string> }; // id → name of the import
type Decision = Named & Requires & { id: string; body: Expression | null };
type Knowledge = Named & Requires & { id: string; logic?: string; language: string; parameters: Named[]; body: Expression | null };
type Service = Named & { id: string; outputs: string[]; inputs: string[] };
type Item = {
  base?: string; isMany?: boolean; allowed?: string; constraint?: string; parts?: Named[];
  isFunction?: boolean; parameters?: Named[]; result?: string;
};
export type Model = {
  items: Record<string, Item>;
  inputs: (Named & { id: string })[];
  decisions: Decision[];
  knowledge: Knowledge[];
  services: Service[];
};
export type Fault = { element: string; message: string };
type Hit = { element: string; rules: number[] };
export type Answer = { value: unknown; decisions: Context; hits: Hit[]; faults: Fault[] };

const YEARS = /^-?P(?!T)(\d+Y)?(\d+M)?$/;
const isMonths = (value: unknown) => value instanceof FeelDuration && YEARS.test(value.iso);
const BUILT_IN: Record<string, (value: unknown) => boolean> = {
  "number": (value) => typeof value === "number",
  "string": (value) => typeof value === "string",
  "boolean": (value) => typeof value === "boolean",
  "date": (value) => value instanceof FeelDate,
  "time": (value) => value instanceof FeelTime,
  "date and time": (value) => value instanceof FeelDateTime,
  "days and time duration": (value) => value instanceof FeelDuration && (!isMonths(value) || value.iso === "P0M"),
  "years and months duration": isMonths,
  "context": (value) => isPlain(value),
  "list": Array.isArray,
  "function": isFunction,
  "range": isRange,
};
const ALIASES: Record<string, string> = {
  "dateTime": "date and time", "dayTimeDuration": "days and time duration",
  "yearMonthDuration": "years and months duration", "duration": "days and time duration",
};
const TYPED = /\binstance\s+of\b|\bfunction\s*\(/; // where a type may be named
const FUNCTION = /^\s*function\b/; // which may call itself
const NAMED = /^\s*(not)?\s*\(?([\p{L}_][\p{L}\p{N}_. ]*)\)?\s*$/u; // a cell that holds a name, or not(name)
const PRIORITISED = new Set(["PRIORITY", "OUTPUT ORDER"]);

function isPlain(value: unknown): value is Context {
  return Object.prototype.toString.call(value) === "[object Object]" && Object.getPrototypeOf(value) === Object.prototype;
}

function isEqual(one: unknown, other: unknown): boolean {
  return evaluate("a = b", { a: one, b: other }).value === true || (one === null && other === null);
}

/** One question to a model: what was decided is remembered, what went wrong is told. */
export class Run {
  hits: Hit[] = [];
  faults: Fault[] = [];
  private known = new Map<string, unknown>(); // by id: what inputs are given and decisions have said
  private functions = new Map<string, unknown>();
  private deciding = new Set<string>();

  constructor(private model: Model, given: Context, private path: string[] = []) {
    for (const input of model.inputs)
      this.known.set(input.id, this.coerce(given[input.name] ?? null, input.type, input.name));
    for (const decision of model.decisions) // a decision whose answer is given is not made again
      if (decision.name in given) this.known.set(decision.id, this.coerce(given[decision.name], decision.type, decision.name));
  }

  decide(id: string): unknown {
    if (this.known.has(id)) return this.known.get(id);
    const decision = this.model.decisions.find((one) => one.id === id);
    if (!decision) return null;
    if (this.deciding.has(id)) return this.fault(decision.name, "it requires itself");
    this.deciding.add(id);
    const found = decision.body ? this.value(decision.body, this.scope(decision)) : null;
    const value = this.coerce(found, decision.type, decision.name);
    this.known.set(id, value);
    this.deciding.delete(id);
    return value;
  }

  /** The outputs of a decision service: of one its value, of several a context. */
  serve(service: Service): unknown {
    const item = this.model.items[service.type ?? ""];
    for (const id of service.inputs) if (!this.known.has(id)) this.known.set(id, null); // it never decides its inputs
    const inputs = service.inputs.map((id) => this.known.get(id) ?? null);
    if (item?.isFunction && !this.fit(inputs, item.parameters ?? [], service.name)) return null;
    const named = service.outputs.map((id) => [this.name(id), this.decide(id)] as const);
    const value = named.length === 1 ? named[0][1] : Object.fromEntries(named);
    return this.coerce(value, item?.isFunction ? item.result : service.type, service.name);
  }

  /** What business knowledge makes of values of its parameters by name. */
  apply(of: Knowledge, given: Context): unknown {
    const made = this.called(of.id, of);
    return isFunction(made) ? (made as FeelFunction).invoke(of.parameters.map(({ name }) => given[name] ?? null)) : null;
  }

  said(): Context {
    const made = this.model.decisions.filter((one) => this.known.has(one.id)).reverse(); // its own hide what it imports
    return Object.fromEntries(made.map((one) => [one.name, this.known.get(one.id)]));
  }

  private name(id: string): string {
    return [...this.model.decisions, ...this.model.inputs].find((one) => one.id === id)?.name ?? id;
  }

  private scope(of: Requires): Context {
    return this.named(of, [...of.requires.map((id) => [id, this.name(id), this.decide(id)] as const), ...this.knowledge(of)]);
  }

  /** Values by name, those of an import in a context with its name. */
  private named({ far }: Requires, values: (readonly [string, string, unknown])[]): Context {
    const made: Context = {};
    for (const [id, name, value] of values) {
      const place = far?.[id];
      if (place) made[place] = { ...(made[place] as Context | undefined), [name]: value };
      else made[name] = value;
    }
    return made;
  }

  private knowledge(by: Requires): (readonly [string, string, unknown])[] {
    return by.knows.flatMap((id) => {
      const of = this.model.knowledge.find((one) => one.id === id) ?? this.model.services.find((one) => one.id === id);
      return of ? [[id, of.name, this.called(id, of)] as const] : [];
    });
  }

  private called(id: string, of: Knowledge | Service): unknown {
    if (!this.functions.has(id)) {
      this.functions.set(id, null); // while it is made: what it knows may know it
      this.functions.set(id, "outputs" in of ? this.service(of) : this.business(of));
    }
    return this.functions.get(id);
  }

  private business(of: Knowledge): unknown {
    const is = (type?: string) => this.model.items[type ?? ""]?.isFunction;
    const type = is(of.type) ? undefined : of.type; // what is no type of a function is that of its result
    const made = this.func(of.name, of.language, of.parameters, of.body, () => this.named(of, this.knowledge(of)), type);
    return [of.logic, of.type].filter(is).reduce((found, each) => this.coerce(found, each, of.name), made);
  }

  private service(of: Service): FeelFunction {
    const names = of.inputs.map((id) => this.name(id));
    return new FeelFunction((...args: unknown[]) => {
      if (args.length !== names.length) return this.fault(of.name, `takes ${names.length} values, not ${args.length}`);
      if (this.path.includes(of.id)) return this.fault(of.name, "it calls itself");
      const typed = of.inputs.map((id) => [...this.model.decisions, ...this.model.inputs].find((one) => one.id === id));
      if (!this.fit(args, typed.map((one, at) => ({ name: names[at], type: one?.type })), of.name)) return null;
      const inner = new Run(this.model, Object.fromEntries(names.map((name, at) => [name, args[at]])), [...this.path, of.id]);
      const value = inner.serve(of);
      this.faults.push(...inner.faults);
      this.hits.push(...inner.hits);
      return value;
    }, names);
  }

  private func(
    name: string, language: string, parameters: Named[], body: Expression | null, scope: () => Context, type?: string,
  ): unknown {
    if (language !== "FEEL" || !body) return this.fault(name, `a function in ${language} is not run here`);
    const names = parameters.map((one) => one.name);
    return new FeelFunction((...args: unknown[]) => {
      if (args.length !== names.length) return this.fault(name, `takes ${names.length} values, not ${args.length}`);
      if (!this.fit(args, parameters, name)) return null;
      const given = parameters.map((one, at) => [one.name, this.coerce(args[at] ?? null, one.type, `${name}.${one.name}`)]);
      return this.coerce(this.value(body, { ...scope(), ...Object.fromEntries(given) }), type, name);
    }, names);
  }

  /** Whether values are of the types of parameters: what is called with others is null. */
  private fit(values: unknown[], parameters: Named[], name: string): boolean {
    return parameters.every(({ name: parameter, type }, at) =>
      (values[at] ?? null) === null || this.coerce(values[at], type, `${name}.${parameter}`) !== null);
  }

  private fault(element: string, message: string): null {
    this.faults.push({ element, message });
    return null;
  }

  private text(text: string, scope: Context, element: string): unknown {
    try {
      const { value, warnings } = evaluate(text, withRanges(text, TYPED.test(text) ? { ...this.types(), ...scope } : scope));
      for (const { message } of warnings) this.fault(element, message);
      return value ?? null;
    } catch (thrown) {
      return this.fault(element, `${JSON.stringify(text)}: ${(thrown as Error).message}`);
    }
  }

  /** The types of the model, as FEEL asks them. */
  private types(): Context {
    const asked = (name: string) => ({
      conforms: (value: unknown) => this.coerce(value, name, name) !== null,
      isInstance: (value: unknown) => value !== null && this.conforms(value, name, true),
    });
    return Object.fromEntries(Object.keys(this.model.items).map((name) => [name, asked(name)]));
  }

  private passes(tests: string, value: unknown, scope: Context, element: string): boolean {
    if (tests.trim() === "-" || tests.trim() === "") return true;
    const name = typeof value === "boolean" ? NAMED.exec(tests) : null; // what it is compared with, not asked for
    const asked = name ? `${name[1] ?? ""}(? = (${name[2]}))` : tests;
    try {
      return unaryTest(asked, withRanges(asked, { ...scope, "?": value })).value === true;
    } catch (thrown) {
      this.fault(element, `${JSON.stringify(tests)}: ${(thrown as Error).message}`);
      return false;
    }
  }

  private value(of: Expression, scope: Context): unknown {
    return this.coerce(this.plain(of, scope), of.type, of.id ?? of.kind);
  }

  private plain(of: Expression, scope: Context): unknown {
    const element = of.id ?? of.kind;
    switch (of.kind) {
      case "literal": return this.text(of.text, scope, element);
      case "table": return this.table(of, scope, element);
      case "context": return this.context(of.entries, scope);
      case "list": return of.items.map((item) => this.value(item, scope));
      case "relation":
        return of.rows.map((row) => Object.fromEntries(
          of.columns.map(({ name, type }, at) => [name, this.coerce(this.value(row[at], scope), type, element)])));
      case "function": return this.func(element, of.language, of.parameters, of.body, () => scope);
      case "conditional": {
        const when = this.asked(of.when, scope, element);
        return when === undefined ? null : this.value(when ? of.then : of.else, scope);
      }
      case "invocation": return this.invoke(of, scope, element);
      case "filter": {
        const items = this.list(this.value(of.of, scope));
        const kept = items.map((item) => this.asked(of.match, { ...scope, ...(isPlain(item) ? item : {}), item }, element));
        return kept.includes(undefined) ? null : items.filter((_item, at) => kept[at]);
      }
      default: return this.iterate(of, scope);
    }
  }

  private list(value: unknown): unknown[] {
    return Array.isArray(value) ? value : value === null ? [] : [value];
  }

  /** What a question is answered with: true, false or null; undefined for what is no answer. */
  private asked(of: Expression, scope: Context, element: string): boolean | null | undefined {
    const value = this.value(of, scope);
    if (value === null || typeof value === "boolean") return value;
    this.fault(element, `${JSON.stringify(value)} is neither true nor false`);
    return undefined;
  }

  private iterate(of: Extract<Expression, { kind: "for" | "some" | "every" }>, scope: Context): unknown {
    const { of: over } = of; // `1..10` is no expression of its own, only what a `for` goes over
    const text = over.kind === "literal" ? { ...over, text: `for _one in ${over.text} return _one` } : over;
    const items = this.value(text, scope);
    if (items === null && of.kind !== "for") return null;
    const element = of.id ?? of.kind;
    const partial: unknown[] = [];
    for (const item of this.list(items)) {
      const inner = { ...scope, [of.variable]: item, partial: [...partial] };
      partial.push(of.kind === "for" ? this.value(of.body, inner) : this.asked(of.body, inner, element));
    }
    if (of.kind === "for") return partial;
    const stops = of.kind === "some";
    if (partial.includes(undefined)) return null;
    if (partial.includes(stops)) return stops;
    return partial.includes(null) ? null : !stops;
  }

  private context(entries: (Partial<Named> & { body: Expression })[], scope: Context): unknown {
    const made: Context = {};
    for (const { name, type, body } of entries) {
      const itself = name && FUNCTION.test(body.kind === "literal" ? body.text : body.kind)
        ? { [name]: new FeelFunction((...args: unknown[]) => (made[name] as FeelFunction).invoke(args), ["...args"]) } : {};
      const found = this.value(body, { ...scope, ...made, ...itself });
      const isMade = isFunction(found) && !this.model.items[type ?? ""]; // some editors give it the type of its answer
      const value = isMade ? found : this.coerce(found, type, name ?? "result");
      if (name === undefined) return value;
      made[name] = value;
    }
    return made;
  }

  private invoke(of: Extract<Expression, { kind: "invocation" }>, scope: Context, element: string): unknown {
    const called = this.value(of.called, scope);
    if (!isFunction(called)) return this.fault(element, "what is called is no function");
    const given = of.bindings.map(({ name, type, body }) =>
      [name, body ? this.coerce(this.value(body, scope), type, `${element}.${name}`) : null]);
    const value: unknown = (called as FeelFunction).invoke(Object.fromEntries(given));
    const failed = value as { warning?: string; template?: string } | null;
    return failed?.warning && failed.template ? this.fault(element, "its values do not fit its parameters") : value;
  }

  private table(of: Extract<Expression, { kind: "table" }>, scope: Context, element: string): unknown {
    const values = of.inputs.map((input) => {
      const found = this.text(input.test ?? "null", scope, element);
      const isOwn = input.type !== undefined && input.type in this.model.items; // of the others editors write any
      const value = isOwn ? this.coerce(found, input.type, element) : this.fitting(found, input.type) ?? found;
      const fits = !input.values || value === null || this.passes(input.values, value, scope, element);
      return fits ? value : this.fault(element, `${JSON.stringify(value)} is none of ${input.values}`);
    });
    const row = ({ tests }: Rule) => tests.every((test, at) => this.passes(test, values[at], scope, element));
    const matched = of.rules.map((rule, at) => ({ rule, at })).filter(({ rule }) => row(rule));
    const used = of.policy === "FIRST" ? matched.slice(0, 1) : matched;
    this.hits.push({ element, rules: used.map(({ at }) => at + 1) });
    const results = used.map(({ rule }) => this.outputs(of.outputs, rule.outputs, scope, element, rule.types));
    return this.picked(of, results, scope, element);
  }

  private outputs(outputs: Output[], texts: string[], scope: Context, element: string, types?: (string | null)[]): unknown {
    const values = outputs.map(({ name, type, values: known }, at) => {
      const found = texts[at]?.trim() ? this.coerce(this.text(texts[at], scope, element), types?.[at] ?? undefined, element) : null;
      const value = this.coerce(found, type, element);
      const fits = !known || value === null || this.passes(known, value, scope, element);
      return [name, fits ? value : this.fault(element, `${JSON.stringify(value)} is none of ${known}`)];
    });
    return outputs.length === 1 ? values[0][1] : Object.fromEntries(values);
  }

  private picked(of: Extract<Expression, { kind: "table" }>, results: unknown[], scope: Context, element: string): unknown {
    if (results.length === 0) {
      if (of.outputs.some((output) => output.default !== undefined))
        return this.outputs(of.outputs, of.outputs.map((output) => output.default ?? "null"), scope, element);
      return of.policy === "COLLECT" ? (of.aggregation === "COUNT" ? 0 : of.aggregation ? null : []) : null;
    }
    const ordered = PRIORITISED.has(of.policy) ? this.ranked(of.outputs, results, scope, element) : results;
    switch (of.policy) {
      case "FIRST": case "PRIORITY": return ordered[0];
      case "UNIQUE":
        return results.length === 1 ? results[0] : this.fault(element, `${results.length} rules match, and one may`);
      case "ANY":
        return results.every((one) => isEqual(one, results[0])) ? results[0] : this.fault(element, "the rules that match differ");
      case "COLLECT": return of.aggregation ? this.aggregated(of, ordered, element) : ordered;
      default: return ordered;
    }
  }

  private aggregated(of: Extract<Expression, { kind: "table" }>, results: unknown[], element: string): unknown {
    if (of.aggregation === "COUNT") return results.length;
    const over = (values: unknown[]) => this.text(`${of.aggregation!.toLowerCase()}(values)`, { values }, element);
    if (of.outputs.length === 1) return over(results);
    return Object.fromEntries(of.outputs.map(({ name }) => [name, over(results.map((one) => (one as Context)[name]))]));
  }

  /** By the place of each output in the list of its output values, the first output first (§8.2.10). */
  private ranked(outputs: Output[], results: unknown[], scope: Context, element: string): unknown[] {
    const lists = outputs.map(({ values }) => this.list(values ? this.text(`[${values}]`, scope, element) : null));
    const rank = (result: unknown) => outputs.map(({ name }, at) => {
      const value = outputs.length === 1 ? result : (result as Context)[name];
      const place = lists[at].findIndex((one) => isEqual(one, value));
      return place < 0 ? lists[at].length : place;
    });
    const ranked = results.map((result) => ({ result, places: rank(result) }));
    ranked.sort((one, other) => one.places.map((place, at) => place - other.places[at]).find((by) => by !== 0) ?? 0);
    return ranked.map(({ result }) => result);
  }

  /** A value as its type wants it (§10.3.2.9.4): itself, out of or in a list of one, a date at midnight, or null. */
  private coerce(value: unknown, type: string | undefined, element: string): unknown {
    if (value === undefined || value === null || type === undefined || type === "Any") return value ?? null;
    const item = this.model.items[type];
    const { $args } = value as { $args?: string[] }; // of a function that FEEL has
    if (item?.isFunction && typeof value === "function" && $args)
      return this.typed(new FeelFunction((...args: unknown[]) => value(...args) as unknown, $args), item, element);
    if (item?.isFunction && isFunction(value)) return this.typed(value as FeelFunction, item, element);
    return this.fitting(value, type) ?? this.fault(element, `it is not of type ${type}`);
  }

  /** The same; undefined where it is of another type. */
  private fitting(value: unknown, type: string | undefined): unknown {
    if (type === undefined || this.conforms(value, type)) return value;
    if (Array.isArray(value) && value.length === 1 && this.conforms(value[0], type)) return value[0];
    if (!Array.isArray(value) && this.conforms([value], type)) return [value];
    if (value instanceof FeelDate && this.conforms(dateAndTime(`${value.iso}T00:00:00Z`), type))
      return dateAndTime(`${value.iso}T00:00:00Z`);
    return undefined;
  }

  /** A function whose values and answer are of the types that a type of functions says. */
  private typed(of: FeelFunction, item: Item, element: string): FeelFunction {
    return new FeelFunction((...args: unknown[]) =>
      this.fit(args, item.parameters ?? [], element) ? this.coerce(of.invoke(args), item.result, element) : null,
    of.parameterNames);
  }

  /** Whether a value is of a type; `isLoose` asks for its kind alone, not for what is allowed. */
  private conforms(value: unknown, type: string, isLoose = false): boolean {
    const item = this.model.items[type];
    if (!item) {
      const known = BUILT_IN[ALIASES[type] ?? type];
      return known ? known(value) : true; // of a type nobody describes nothing is asked
    }
    if (item.isFunction) return isFunction(value) && this.isLike(value, item);
    if (!isLoose && item.constraint && !this.passes(item.constraint, value, {}, "type constraint")) return false;
    if (item.isMany) return Array.isArray(value) && value.every((one) => one === null || this.isOne(one, item, isLoose));
    return this.isOne(value, item, isLoose);
  }

  /** Whether a function takes and gives what a type of functions says, as far as it says itself. */
  private isLike(value: unknown, { parameters = [], result = "Any" }: Item): boolean {
    const text = `_f instance of function<${parameters.map(({ type }) => type ?? "Any").join(", ")}>->${result}`;
    return evaluate(text, { ...this.types(), _f: value }).value === true;
  }

  private isOne(value: unknown, item: Item, isLoose: boolean): boolean {
    if (item.parts)
      return isPlain(value) && item.parts.every(({ name, type }) =>
        name in value && (value[name] === null || !type || this.conforms(value[name], type, isLoose)));
    const allows = item.allowed ?? item.constraint; // what it allows stands for what its base does
    if (item.base && item.base !== "Any" && !this.conforms(value, item.base, isLoose || allows !== undefined)) return false;
    return isLoose || !item.allowed || this.passes(item.allowed, value, {}, "allowed values");
  }
}

/** Ask a model for a decision, a decision service or business knowledge, by its name or id. */
export function decide(model: Model, asked: string, given: Context): Answer {
  const run = new Run(model, given);
  const is = (one: { id: string; name: string }) => one.id === asked || one.name === asked;
  const service = model.services.find(is);
  const decision = model.decisions.find(is);
  const knowledge = service || decision ? undefined : model.knowledge.find(is);
  const value = service ? run.serve(service) : knowledge ? run.apply(knowledge, given) : run.decide(decision?.id ?? "");
  return { value, decisions: run.said(), hits: run.hits, faults: run.faults };
}
