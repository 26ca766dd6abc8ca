"""`${expressions}` of Camunda 7, Flowable and Activiti (JUEL, Jakarta Expression Language 2.2, 1.2) as FEEL.

What only reads and compares is translated. What calls Java (`bean.method(x)`) is refused: nothing of a file runs here
but FEEL.
"""

import re

TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<text>'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")"
    r"|(?P<name>[^\W\d]\w*)|(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/%<>!?:().\[\],]))"
)
WORDS = {"eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">=", "and": "&&", "or": "||", "not": "!"}
WORDS |= {"div": "/", "mod": "%"}
LEVELS = (("||",), ("&&",), ("==", "!=", "<", ">", "<=", ">="), ("+", "-"), ("*", "/", "%"))
UNREAD = "cannot be read as FEEL from “%(text)s” on"
MISSING = "cannot be read as FEEL: “%(sign)s” is missing before “%(text)s”"
VARIABLE = re.compile(r'"[^\W\d]\w*"')
METHODS = {  # (method, how many arguments) → FEEL
    ("getVariable", 0): "{0}", ("getVariableLocal", 0): "{0}", ("hasVariable", 0): "({0} != null)",
    ("equals", 1): "({0} = {1})", ("contains", 1): "list contains({0}, {1})", ("size", 0): "count({0})",
    ("isEmpty", 0): '({0} = null or {0} = "" or {0} = [])',
}  # fmt: skip
FEEL = {"||": "or", "&&": "and", "==": "="}


class NotTranslated(ValueError):
    """An expression that FEEL cannot say: the rule it breaks, and what that names."""

    def __init__(self, form: str, **told: object) -> None:
        super().__init__(form)
        self.form, self.told = form, told


def is_juel(text: str) -> bool:
    """Whether a text is one of these expressions, whole."""
    text = text.strip()
    return text[:2] in {"${", "#{"} and text.endswith("}") and not re.search(r"[$#]\{", text[2:])


def to_feel(text: str) -> str:
    """FEEL of an expression with its braces. Raises NotTranslated."""
    parts = _Parts(text.strip()[2:-1])
    feel = parts.choice()
    if parts.here:
        raise NotTranslated(UNREAD, text=parts.here)
    return feel


class _Parts:
    """A reader of the expression, one level of precedence a method."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            found = TOKEN.match(text, at)
            if not found or not found.lastgroup:
                raise NotTranslated(UNREAD, text=text[at:].strip())
            kind, word = found.lastgroup, found[found.lastgroup]
            self.tokens.append(("sign", WORDS[word]) if kind == "name" and word in WORDS else (kind, word))
            at = found.end()
        self.at = 0

    @property
    def here(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self, *wanted: str) -> str:
        word = self.here
        if word in wanted and self.tokens[self.at][0] == "sign":
            self.at += 1
            return word
        return ""

    def need(self, wanted: str) -> None:
        if not self.take(wanted):
            raise NotTranslated(MISSING, sign=wanted, text=self.here)

    def choice(self) -> str:
        asked = self.level(0)
        if not self.take("?"):
            return asked
        then = self.choice()
        self.need(":")
        return f"if {asked} then {then} else {self.choice()}"

    def level(self, depth: int) -> str:
        if depth == len(LEVELS):
            return self.single()
        left = self.level(depth + 1)
        while sign := self.take(*LEVELS[depth]):
            right = self.level(depth + 1)
            left = f"modulo({left}, {right})" if sign == "%" else f"{left} {FEEL.get(sign, sign)} {right}"
        return left

    def single(self) -> str:
        if self.take("!"):
            return f"not({self.single()})"
        if self.take("-"):
            return f"-{self.single()}"
        if self.here == "empty":
            self.at += 1
            value = self.single()
            return f'({value} = null or {value} = "" or {value} = [])'
        if self.take("("):
            inner = self.choice()
            self.need(")")
            return f"({inner})"
        return self.value()

    def value(self) -> str:
        if self.at == len(self.tokens):
            raise NotTranslated("cannot be read as FEEL: it ends too early")
        kind, word = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return word
        if kind == "text":
            inner = word[1:-1].replace("\\'", "'").replace('\\"', '"').replace('"', '\\"')
            return f'"{inner}"'
        if kind != "name":
            raise NotTranslated(UNREAD, text=word)
        return self.path(word)

    def call(self, name: str) -> str:
        """What a method does that FEEL can say: of the variables of a case, of texts and of lists."""
        given = [] if self.here == ")" else [self.choice()]
        while self.take(","):
            given.append(self.choice())
        self.need(")")
        holder, _dot, method = name.rpartition(".")
        if holder in {"execution", "task"}:
            holder, given = (given[0].strip('"'), []) if given and VARIABLE.fullmatch(given[0]) else ("", [""])
        form = METHODS.get((method, len(given)))
        if not holder or form is None:
            raise NotTranslated("calls a method: only FEEL is evaluated here")
        return form.format(holder, *given)

    def path(self, name: str) -> str:
        while sign := self.take(".", "[", "("):
            if sign == "(":
                name = self.call(name)
                continue
            if sign == ".":
                name = f"{name}.{self.tokens[self.at][1] if self.at < len(self.tokens) else ''}"
                self.at += 1
                continue
            kind, key = self.tokens[self.at] if self.at < len(self.tokens) else ("", "")
            self.at += 1
            self.need("]")
            if kind == "text":
                name = f'get value({name}, "{key[1:-1]}")'
            elif kind == "number":
                name = f"{name}[{int(key) + 1}]"
            else:
                raise NotTranslated("cannot be read as FEEL: an index that is computed")
        return name
