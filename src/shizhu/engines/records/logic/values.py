"""Values of a row: their one written form, and what is wrong with them in plain Chinese and English."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any
from uuid import UUID

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

from shizhu.engines.records.logic import conditions, quick
from shizhu.engines.records.logic.register import Body, Field, Kind, Names, Register, discriminator
from shizhu.lib.checks import is_credit_code, is_resident_number

Data = dict[str, Any]
CHECKS: Mapping[str, tuple[Callable[[str], bool], Names]] = {  # x-shizhu-check: the test, what it tests
    "gb32100": (is_credit_code, {"zh": "统一社会信用代码", "en": "unified social credit code"}),
    "gb11643": (is_resident_number, {"zh": "公民身份号码", "en": "resident identity number"}),
}
WAS = "_was"  # in a changed row: which row it was before, so that values its writer may not see stay
FORMATS: Mapping[str, Names] = {
    "date": {"zh": "日期，如 2026-01-31", "en": "a date such as 2026-01-31"},
    "date-time": {
        "zh": "带时区的时间，如 2026-01-31T08:00:00+08:00",
        "en": "a time with zone such as 2026-01-31T08:00Z",
    },
    "email": {"zh": "电子邮箱地址", "en": "an e-mail address"},
    "uuid": {"zh": "附件编号", "en": "the id of an attachment"},
    "uri": {"zh": "网址，如 https://example.org", "en": "an address such as https://example.org"},
}
TYPES: Mapping[str, Names] = {
    "string": {"zh": "文字", "en": "text"},
    "number": {"zh": "数字", "en": "a number"},
    "integer": {"zh": "整数", "en": "a whole number"},
    "boolean": {"zh": "是或否", "en": "yes or no"},
    "array": {"zh": "列表", "en": "a list"},
    "object": {"zh": "一组字段", "en": "a group of fields"},
}
MESSAGES: Mapping[str, Names] = {  # rule: what to say; {limit} is the rule's own value
    "required": {"zh": "必填", "en": "is required"},
    "dependentRequired": {"zh": "必填", "en": "is required"},
    "const": {"zh": "应为 {limit}", "en": "must be {limit}"},
    "type": {"zh": "应填{limit}", "en": "must be {limit}"},
    "enum": {"zh": "只能是：{limit}", "en": "must be one of {limit}"},
    "pattern": {"zh": "格式不对{example}", "en": "has the wrong form{example}"},
    "format": {"zh": "应为{limit}", "en": "must be {limit}"},
    "minLength": {"zh": "至少 {limit} 个字符", "en": "needs at least {limit} characters"},
    "maxLength": {"zh": "最多 {limit} 个字符", "en": "may have at most {limit} characters"},
    "minimum": {"zh": "不能小于 {limit}", "en": "must not be below {limit}"},
    "maximum": {"zh": "不能大于 {limit}", "en": "must not be above {limit}"},
    "exclusiveMinimum": {"zh": "应大于 {limit}", "en": "must be above {limit}"},
    "exclusiveMaximum": {"zh": "应小于 {limit}", "en": "must be below {limit}"},
    "multipleOf": {"zh": "应为 {limit} 的整数倍", "en": "must be a multiple of {limit}"},
    "minItems": {"zh": "至少 {limit} 项", "en": "needs at least {limit} items"},
    "maxItems": {"zh": "最多 {limit} 项", "en": "may have at most {limit} items"},
    "uniqueItems": {"zh": "有重复的项", "en": "has an item twice"},
    "additionalProperties": {"zh": "没有这个字段", "en": "is no field of this register"},
    "x-shizhu-check": {"zh": "不是有效的{limit}，请核对", "en": "is not a valid {limit}; check each character"},
    "unevaluatedProperties": {"zh": "此处没有这个字段", "en": "is no field here"},
    "x-shizhu-computed": {"zh": "算不出来，请核对用到的数值", "en": "cannot be computed; check what it is made of"},
    "x-shizhu-ref": {"zh": "在{limit}中找不到", "en": "is not found in {limit}"},
    "characters": {"zh": "含有不能保存的字符", "en": "has a character that cannot be kept"},
    "finite": {"zh": "应为有限的数", "en": "must be a finite number"},
    "large": {"zh": "绝对值不能大于 {limit}", "en": "must not be farther from 0 than {limit}"},
    "unique": {"zh": "已被使用", "en": "is used already"},
    "x-shizhu.unique": {"zh": "已有相同的{limit}", "en": "another record has the same {limit}"},
    "merged": {"zh": "已并入另一条记录，请撤销合并", "en": "was merged into another record; undo the merge"},
    "merged.later": {"zh": "之后又被合并，请先撤销后一次合并", "en": "was merged itself since; undo that merge first"},
    "merged.moving": {
        "zh": "引用还在转移，请稍后再试",
        "en": "is still having what refers to it moved; try again in a while",
    },
    "merged.unique": {
        "zh": "{limit}中引用这两条的记录合并后会重复，请先处理",
        "en": "records of {limit} that refer to both would be the same; settle these first",
    },
    "constant": {"zh": "登记后不能修改", "en": "cannot be changed once registered"},
    "geometry": {
        "zh": "应为有效的{limit}，坐标为 WGS 84 或 CGCS2000 经度、纬度",
        "en": "must be a valid {limit} in WGS 84 degrees",
    },
    "state": {"zh": "没有这个状态", "en": "is no state of this register"},
    "x-shizhu.transitions": {"zh": "此时只能变为：{limit}", "en": "may only become {limit} from here"},
    "x-shizhu-file": {
        "zh": "没有这个附件，或不是您上传的",
        "en": "is no attachment of this record, and none you uploaded",
    },
    "x-shizhu-file.types": {"zh": "只能是 {limit}", "en": "must be {limit}"},
    "x-shizhu-file.size": {"zh": "不能超过 {limit} MB", "en": "may have at most {limit} MB"},
    "masked": {"zh": "没有可查看的隐去内容", "en": "has nothing here that is masked"},
    "withdrawn": {"zh": "已注销，先恢复再修改", "en": "is withdrawn; restore it before changing it"},
    "ambiguous": {"zh": "有多个同名的，请改填编号：{limit}", "en": "means more than one; write the code: {limit}"},
    "twice": {
        "zh": "与第 {limit} 行重复，不能有两行相同",
        "en": "stands in row {limit} too; it may stand in one row only",
    },
    "rounded": {
        "zh": "Excel 已把这个长数字四舍五入，请把该列设为文本格式后重新填写",
        "en": "was rounded by Excel; make the column a text and write it again",
    },
    "right": {"zh": "您没有{limit}的权限", "en": "is nothing you have the right to {limit}"},
    "stale": {"zh": "选中之后已被他人修改，请再看一遍", "en": "was changed by somebody since; look at it again"},
    "place": {"zh": "本县找不到", "en": "is not found in this county"},
}
SHAPES = {
    "Point": {"zh": "点", "en": "Point"}, "LineString": {"zh": "线", "en": "LineString"},
    "Polygon": {"zh": "面", "en": "Polygon"},
}  # fmt: skip
OTHER: Names = {"zh": "不符合规则 {rule}", "en": "breaks the rule {rule}"}
LARGEST = 2**53 - 1  # the largest whole number that every reader of JSON takes as it is
KEY = re.compile(r"[^\s/?#%]+")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: path of the field, its value as text, the rule, and the message {zh, en}."""

    path: str
    value: str
    rule: str
    message: Names

    def __str__(self) -> str:
        return f"{self.path}: {self.value}: {self.message['en']}"


def problem(path: str, value: object, rule: str, limit: object = "", *, example: object = None) -> Problem:
    """A problem by a rule of `MESSAGES`; `limit` may be {zh, en}."""
    limit = SHAPES.get(str(limit), limit) if rule == "geometry" else limit
    shown = limit if isinstance(limit, Mapping) else {"zh": str(limit), "en": str(limit)}
    examples = (
        {"zh": f"，例如 {example}", "en": f", such as {example}"} if example is not None else {"zh": "", "en": ""}
    )
    message = {
        language: text.format(limit=shown[language], example=examples[language], rule=rule)
        for language, text in MESSAGES.get(rule, OTHER).items()
    }
    return Problem(path, str(value)[:200], rule, message)


def canonical(register: Register, data: Body) -> Data:
    """The one written form: no nulls, no empty groups, times as fixed-width UTC text, whole numbers as integers.

    What has no such form stays as it is, for `problems` to name.
    """
    return _canonical(register.fields, data)


def _canonical(fields: Mapping[str, Field], data: Body) -> Data:
    made = {name: _value(fields[name], value) if name in fields else value for name, value in data.items()}
    return {name: value for name, value in made.items() if value is not None and value not in ({}, [])}


def merged(register: Register, data: Body, changes: Body) -> Data:
    """Data with changes laid over it, field by field; in a group part by part. None takes a value away.

    Rows come whole; one that says which it was (`_was`) keeps the private values it does not name. What does not apply
    any more goes, unless it is among the changes.
    """
    both = canonical(register, _merged(register.fields, data, changes))
    return conditions.pruned(register, both, changes)


def _merged(fields: Mapping[str, Field], old: Body, new: Body) -> Data:
    both = {**old, **new}
    for name, value in new.items():
        item, before = fields.get(name), old.get(name)
        if item and item.kind == Kind.GROUP and isinstance(value, Mapping) and isinstance(before, Mapping):
            both[name] = _merged(item.parts, before, value)
        elif item and item.kind == Kind.ROWS and isinstance(value, list):
            both[name] = [_row(item, before or [], row) for row in value]
    return both


def _row(item: Field, before: Any, row: Any) -> Any:
    if not isinstance(row, Mapping):
        return row
    number, given = row.get(WAS), {name: value for name, value in row.items() if name != WAS}
    is_known = isinstance(before, list) and isinstance(number, int) and 0 <= number < len(before)
    return _keeping(item.parts, before[number], given) if is_known else given


def _keeping(fields: Mapping[str, Field], old: Body, new: Body) -> Data:
    """A row with the private values of the one it was."""
    made = {name: old[name] for name, item in fields.items() if item.privacy and name in old} | dict(new)
    for name, item in fields.items():
        before, value = old.get(name), new.get(name)
        if item.kind == Kind.GROUP and isinstance(before, Mapping) and isinstance(value, Mapping | None):
            made[name] = _keeping(item.parts, before, value or {})
        elif item.kind == Kind.ROWS and isinstance(value, list):
            made[name] = [_row(item, before, row) for row in value]
    return made


def _value(item: Field, value: Any) -> Any:
    if item.kind == Kind.GROUP and isinstance(value, Mapping):
        return _canonical(item.parts, value)
    if item.kind == Kind.ROWS and isinstance(value, list):
        return [_canonical(item.parts, row) if isinstance(row, Mapping) else row for row in value]
    if item.kind == Kind.TIME and isinstance(value, str):
        return time_text(value) or value
    if item.kind in {Kind.INTEGER, Kind.NUMBER} and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def time_text(value: str | datetime) -> str:
    """A moment as 27 characters of UTC text, which sort as times do; nothing if it is not a time with zone."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0") if moment.tzinfo else ""
    except (ValueError, OverflowError):
        return ""


def problems(register: Register, data: Body) -> tuple[Problem, ...]:
    """Everything wrong with a row in canonical form, by the register's schema."""
    unkeepable = list(_unkeepable(data, ""))
    if unkeepable:
        return tuple(unkeepable)
    is_good = _quick(register)(data)
    found = [] if is_good else [_told(e) for e in sorted(_validator(register).iter_errors(data), key=_place)]
    key = data.get(register.key_field, "")
    if not found and not KEY.fullmatch(str(key)):
        found.append(problem(register.key_field, key, "characters"))
    return tuple(found)


def _unkeepable(value: object, path: str) -> Iterator[Problem]:
    """Values that PostgreSQL's JSON cannot hold, and numbers that not every reader of JSON takes (RFC 7493, 2.2)."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _unkeepable(item, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _unkeepable(item, f"{path}.{number}")
    elif isinstance(value, float) and not math.isfinite(value):
        yield problem(path, value, "finite")
    elif isinstance(value, int) and abs(value) > LARGEST:
        yield problem(path, value, "large", f"{LARGEST:,}")
    elif isinstance(value, str) and any(c == "\x00" or "\ud800" <= c <= "\udfff" for c in value):
        shown = value.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
        yield problem(path, shown, "characters")


def _place(error: ValidationError) -> str:
    return "/".join(str(part) for part in error.absolute_path)


def _told(error: ValidationError) -> Problem:
    declared: Body = error.schema if isinstance(error.schema, Mapping) else {}
    rule = str(error.validator)
    path = ".".join(str(part) for part in error.absolute_path)
    limit = _limit(rule, error.validator_value, declared)
    return problem(path, error.instance, rule, limit, example=next(iter(declared.get("examples", [])), None))


def _limit(rule: str, value: Any, declared: Body) -> object:
    """What the rule asks for, in words."""
    if rule == "enum":
        return {language: _labels(declared, language) for language in ("zh", "en")}
    if isinstance(value, Mapping):
        return ""
    if rule == "const":
        return {language: _labels({**declared, "enum": [value]}, language) for language in ("zh", "en")}
    if rule == "x-shizhu-check":
        return CHECKS[value][1]
    if rule in {"type", "format"}:
        return (TYPES if rule == "type" else FORMATS)[value]
    return value


def _labels(declared: Body, language: str) -> str:
    labels = declared.get("x-shizhu-labels", {})
    return "、".join(str(labels.get(str(value), {}).get(language, value)) for value in declared["enum"])


_formats = FormatChecker(formats=())


@_formats.checks("date", raises=ValueError)
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or date.fromisoformat(value).isoformat() == value


@_formats.checks("date-time")
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or bool(time_text(value))


@_formats.checks("email")
def _is_email(value: object) -> bool:
    return not isinstance(value, str) or bool(re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value))


@_formats.checks("uri")
def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or bool(re.fullmatch(r"https?://[^\s]+", value))


@_formats.checks("uuid", raises=ValueError)
def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or str(UUID(value)) == value


def _required(_validator: Any, wanted: list[str], value: Any, _schema: Any) -> Iterator[ValidationError]:
    for name in wanted if isinstance(value, Mapping) else ():
        if name not in value:
            yield ValidationError(f"{name} is missing", path=(name,), instance="")


def _dependent(_validator: Any, wanted: Body, value: Any, _schema: Any) -> Iterator[ValidationError]:
    for name, others in wanted.items() if isinstance(value, Mapping) else ():
        for other in others if name in value else ():
            if other not in value:
                yield ValidationError(f"{other} is missing", path=(other,), instance="")


def _known(_validator: Any, _allowed: bool, value: Any, schema: Any) -> Iterator[ValidationError]:
    there = conditions.applying(schema, value) if isinstance(value, Mapping) else frozenset()
    for name in value if isinstance(value, Mapping) else ():
        if name not in there:
            yield ValidationError(f"{name} is unknown", path=(name,), instance=value[name])


def _one_of(validator: Any, parts: list[Body], value: Any, schema: Any) -> Iterator[ValidationError]:
    """Only what the branch says that the discriminator chose; that it chooses none is the discriminator's fault."""
    if not isinstance(value, Mapping):
        return
    branch, name = conditions.chosen(parts, value), discriminator(schema)
    if branch is not None:
        yield from validator.descend(value, branch)
    elif name in value and value[name] in schema["properties"][name].get("enum", [value[name]]):
        yield ValidationError(f"{name} chooses no branch", path=(name,), instance=value[name], validator="enum",
            validator_value=(known := [part["properties"][name]["const"] for part in parts]),
            schema={**schema["properties"][name], "enum": known})  # fmt: skip
    elif name not in value and name not in schema.get("required", []):
        yield ValidationError(f"{name} is missing", path=(name,), instance="", validator="required")


def _check(_validator: Any, name: str, value: object, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and not CHECKS[name][0](value):
        yield ValidationError(f"{value!r} fails the check {name}")


def _multiple(_validator: Any, step: float, value: object, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, int | float) and not isinstance(value, bool) and not quick.is_multiple(value, step):
        yield ValidationError(f"{value!r} is no multiple of {step}")


_Validator = extend(  # type: ignore[no-untyped-call]  # jsonschema does not say its types
    Draft202012Validator,
    {
        "required": _required, "additionalProperties": _known, "unevaluatedProperties": _known, "oneOf": _one_of,
        "dependentRequired": _dependent, "x-shizhu-check": _check, "multipleOf": _multiple,
    },
)  # fmt: skip
_validators: dict[str, tuple[Body, Any, quick.Test]] = {}
_quick_formats = {name: partial(_formats.conforms, format=name) for name in _formats.checkers}
_quick_checks = {name: test for name, (test, _names) in CHECKS.items()}


def _validator(register: Register) -> Any:
    return _made(register)[1]


def _quick(register: Register) -> quick.Test:
    """Whether data surely obeys the schema; if not, only the validator knows."""
    return _made(register)[2]


def _made(register: Register) -> tuple[Body, Any, quick.Test]:
    kept = _validators.get(register.key)
    if kept is None or (kept[0] is not register.body and kept[0] != register.body):
        schema = register.schema
        test = quick.compiled(schema, _quick_formats, _quick_checks)
        kept = _validators[register.key] = register.body, _Validator(schema, format_checker=_formats), test
    return kept
