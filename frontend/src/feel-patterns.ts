// Regular expressions of XPath (XQuery and XPath Functions 3.1, 5.6; XML Schema 1.1 part 2, appendix G), which FEEL
// matches, replaces and splits by (DMN 1.3, 10.3.4.3), as those of JavaScript.

const LETTER = ":A-Z_a-z\\xC0-\\xD6\\xD8-\\xF6\\xF8-\\u{2FF}\\u{370}-\\u{37D}\\u{37F}-\\u{1FFF}\\u{200C}-\\u{200D}\\u{2070}-\\u{218F}"
  + "\\u{2C00}-\\u{2FEF}\\u{3001}-\\u{D7FF}\\u{F900}-\\u{FDCF}\\u{FDF0}-\\u{FFFD}\\u{10000}-\\u{EFFFF}"; // begins a name in XML
const KINDS: Record<string, string> = {
  d: "\\p{Nd}", w: "[^\\p{P}\\p{Z}\\p{C}]", s: "[ \\t\\n\\r]", i: `[${LETTER}]`, c: `[${LETTER}\\-.0-9\\xB7\\u{300}-\\u{36F}\\u{203F}-\\u{2040}]`,
};
const SIGNS: Record<string, string> = { n: "\n", r: "\r", t: "\t" };
const BLOCKS: Record<string, string> = { // the names of blocks JavaScript does not know, of scripts written here
  "BasicLatin": "\\0-\\x7F", "Latin-1Supplement": "\\x80-\\xFF", "LatinExtended-A": "\\u{100}-\\u{17F}", "Greek": "\\u{370}-\\u{3FF}",
  "GreekandCoptic": "\\u{370}-\\u{3FF}", "Cyrillic": "\\u{400}-\\u{4FF}", "CJKSymbolsandPunctuation": "\\u{3000}-\\u{303F}",
  "CJKUnifiedIdeographs": "\\u{4E00}-\\u{9FFF}", "HalfwidthandFullwidthForms": "\\u{FF00}-\\u{FFEF}",
};
const CATEGORY = /^(L[ultmo]?|M[nce]?|N[dlo]?|P[cdseifo]?|Z[slp]?|S[mcko]?|C[cfon]?)$/;

const literal = (sign: string) => `\\u{${sign.codePointAt(0)!.toString(16)}}`;
const wrong = (what: string): never => {
  throw new SyntaxError(what);
};

class Reader {
  private at = 0;
  private groups: boolean[] = []; // of each group begun, whether it has ended

  constructor(private signs: string[], private isDotAll: boolean) {}

  read(): string {
    let made = "";
    const open: number[] = [];
    while (this.at < this.signs.length) {
      const sign = this.signs[this.at++];
      switch (sign) {
        case "\\": made += this.escaped(false); break;
        case "[": made += this.characters(); break;
        case ".": made += this.isDotAll ? "." : "[^\\n\\r]"; break;
        case "(": {
          const isPlain = this.signs[this.at] === "?" && this.signs[this.at + 1] === ":";
          if (!isPlain && this.signs[this.at] === "?") wrong("(?");
          open.push(isPlain ? -1 : this.groups.push(false) - 1);
          made += isPlain ? "(?:" : "(";
          this.at += isPlain ? 2 : 0;
          break;
        }
        case ")": {
          const group = open.pop();
          if (group !== undefined && group >= 0) this.groups[group] = true;
          made += ")";
          break;
        }
        default: made += /[$*+?^{|},\d]/.test(sign) || sign === "]" ? sign : literal(sign);
      }
    }
    return made;
  }

  private escaped(isInClass: boolean): string {
    const sign = this.signs[this.at++] ?? wrong("\\");
    if (/[1-9]/.test(sign) && !isInClass) return this.backwards(sign);
    if (sign === "p" || sign === "P") return this.property(sign);
    if (sign in SIGNS) return literal(SIGNS[sign]);
    if (sign in KINDS) return KINDS[sign];
    if (sign.toLowerCase() in KINDS) return `[^${KINDS[sign.toLowerCase()]}]`;
    return /[\\|.?*+(){}\-[\]^$]/.test(sign) ? literal(sign) : wrong(`\\${sign}`);
  }

  /** `\12` is group 12 where there are so many, else group 1 and a 2. */
  private backwards(first: string): string {
    let number = first;
    while (/^\d$/.test(this.signs[this.at] ?? "") && Number(number + this.signs[this.at]) <= this.groups.length) number += this.signs[this.at++];
    return this.groups[Number(number) - 1] ? `(?:\\${number})` : wrong(`\\${number}`);
  }

  private property(sign: string): string {
    const end = this.signs.indexOf("}", this.at);
    const name = this.signs.slice(this.at + 1, end).join("");
    if (this.signs[this.at] !== "{" || end < 0) wrong(`\\${sign}`);
    this.at = end + 1;
    if (CATEGORY.test(name)) return `\\${sign}{${name}}`;
    const block = name.startsWith("Is") ? BLOCKS[name.slice(2)] : undefined;
    return block ? `[${sign === "P" ? "^" : ""}${block}]` : wrong(name);
  }

  /** `[…]`, of which another may be taken away at the end: `[a-z-[aeiou]]`. */
  private characters(): string {
    const isNot = this.signs[this.at] === "^";
    this.at += isNot ? 1 : 0;
    const parts: string[] = [];
    let less = "";
    for (let isFirst = true; this.signs[this.at] !== "]" || isFirst; isFirst = false) {
      const sign = this.signs[this.at++] ?? wrong("[");
      if (sign === "[" || sign === "]") wrong(sign);
      if (sign === "-" && this.signs[this.at] === "[" && parts.length) {
        this.at++;
        less = this.characters();
        if (this.signs[this.at] !== "]") wrong("]");
        break;
      }
      const from = sign === "\\" ? this.escaped(true) : literal(sign);
      const isRange = this.signs[this.at] === "-" && !"[]".includes(this.signs[this.at + 1] ?? "]");
      if (!isRange || !from.startsWith("\\u{")) {
        parts.push(from);
        continue;
      }
      this.at++;
      const end = this.signs[this.at++];
      const to = end === "\\" ? this.escaped(true) : literal(end);
      parts.push(to.startsWith("\\u{") ? `${from}-${to}` : wrong(`${from}-${to}`));
    }
    this.at++;
    const all = `[${isNot ? "^" : ""}${parts.join("")}]`;
    return less ? `[${all}--${less}]` : all;
  }
}

/** The regular expression of JavaScript for one of XPath and its flags (`s`, `m`, `i`, `x`, `q`), null if there is none. */
export function pattern(text: string, flags: string): RegExp | null {
  try {
    if (/[^smixq]/.test(flags)) return null;
    const has = (flag: string) => flags.includes(flag);
    const own = ["i", ...(has("q") ? [] : ["m", "s"])].filter(has).join("");
    if (has("q")) return new RegExp([...text].map(literal).join(""), `gv${own}`);
    const dense = has("x") ? text.replace(/(\[(?:\\.|[^\]\\])*\])|\s+/g, (_, kept: string | undefined) => kept ?? "") : text;
    return new RegExp(new Reader([...dense], has("s")).read(), `gv${own}`);
  } catch {
    return null;
  }
}

/** The text with each match replaced: `$1` is what a group matched, `\$` and `\\` are signs. Null for another `$` or `\`. */
export function replaced(input: string, text: string, by: string, flags: string): string | null {
  const found = pattern(text, flags);
  if (!found || (!flags.includes("q") && !/^(\\[\\$]|\$\d|[^\\$])*$/u.test(by))) return null;
  return input.replace(found, (...match: unknown[]) => {
    const groups = match.slice(0, match.findIndex((one) => typeof one === "number")) as (string | undefined)[];
    if (flags.includes("q")) return by;
    return by.replace(/\\([\\$])|\$(\d+)/g, (_, sign: string | undefined, digits: string) => {
      if (sign) return sign;
      let size = digits.length; // the longest number there is a group of
      while (size > 1 && Number(digits.slice(0, size)) >= groups.length) size--;
      return (groups[Number(digits.slice(0, size))] ?? "") + digits.slice(size);
    });
  });
}

/** The parts of a text between the matches; null if the pattern is none. */
export function parted(input: string, text: string): string[] | null {
  const found = pattern(text, "");
  if (!found) return null;
  const parts: string[] = [];
  let from = 0;
  for (const match of input.matchAll(found)) {
    if (match[0] === "" && (match.index === 0 || match.index === input.length)) continue; // between signs, not around them
    parts.push(input.slice(from, match.index));
    from = match.index + match[0].length;
  }
  return [...parts, input.slice(from)];
}
