"""`shizhu decide FILE`: what a DMN file decides of given facts."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from shizhu.lib import dmn, feel, markup
from shizhu.lib.dmn import tck
from shizhu.site.config import Trouble


def options(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("file", type=Path, help="a DMN file of 1.1 to 1.5, or a folder of the DMN TCK's test cases")
    parser.add_argument("--ask", action="append", default=[], metavar="NAME", help="a decision or decision service")
    parser.add_argument("--given", default="{}", metavar="JSON", help="values of input data by name, or - for stdin")


def main(options: argparse.Namespace) -> int:
    """Print the answers as JSON: value, rules that were hit, faults, by name. Exit code 1 if there was a fault."""
    if options.file.is_dir():
        return _conform(options.file)
    try:
        model = _model(options.file)
    except OSError as error:
        raise Trouble(f"{options.file} cannot be read ({error.strerror}): check the path") from error
    except dmn.DmnError as error:
        raise Trouble(f"{options.file}: {error}: mend it and call again") from error
    try:
        given = json.loads(sys.stdin.read() if options.given == "-" else options.given)
    except ValueError as error:
        raise Trouble(f"--given is no JSON ({error}): give an object of values by name") from error
    found = {}
    for name in options.ask or model.decisions:
        try:
            answer = dmn.decide(model, name, {**given, **dmn.facts(model, given)})
        except KeyError:
            known = ", ".join([*model.decisions, *model.services])
            raise Trouble(f"{options.file} has no decision {name}: it has {known}") from None
        except feel.FeelError as error:
            raise Trouble(f"{name}: {error}: check --given") from error
        found[name] = {"value": answer.value, "hits": answer.hits, "faults": answer.faults}
    print(json.dumps(found, ensure_ascii=False, indent=2, default=_written))
    return 1 if any(answer["faults"] for answer in found.values()) else 0


def _model(file: Path) -> dmn.Model:
    """The model of a file, which imports from its folder, as far as that can be read."""
    xml = file.read_bytes()
    return dmn.read_model(xml, *dmn.needed(xml, filter(None, map(_bytes, sorted(file.parent.glob("*.dmn"))))))


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _conform(folder: Path) -> int:
    """Run every test case of the DMN TCK below a folder: passed and failed by folder, each failure with its reason."""
    passed = total = whole = folders = 0
    for place in sorted({file.parent for file in folder.rglob("*.xml")}):
        outcomes = [one for file in sorted(place.glob("*.xml")) for one in _tested(file)]
        if not outcomes:
            continue
        good = sum(not why for _case, why in outcomes)
        print(f"{place.relative_to(folder)}：{len(outcomes)} 例，通过 {good}")
        for case, why in outcomes:
            if why:
                print(f"  未通过 {case}：{why}")
        passed, total, whole, folders = (
            passed + good,
            total + len(outcomes),
            whole + (good == len(outcomes)),
            folders + 1,
        )
    if not total:
        raise Trouble(f"{folder} holds no test cases of the DMN TCK: give its folder TestCases or one below")
    print(f"共 {total} 例，通过 {passed}，未通过 {total - passed}；{folders} 个文件夹，全部通过 {whole}")
    return 0 if passed == total else 1


def _tested(file: Path) -> list[tuple[str, str]]:
    """(case, why it failed or nothing) of a file of test cases; nothing of another file."""
    try:
        name, cases = tck.read(file.read_bytes())
    except (OSError, markup.MarkupError) as error:
        return [(file.name, f"读不出测试用例（{error}）")]
    if not cases:
        return []
    try:
        model = _model(file.parent / (name or f"{file.parent.name}.dmn"))
    except (OSError, dmn.DmnError) as error:
        return [(f"{case.id} {case.name}", f"读不出模型（{error}）") for case in cases]
    return [(f"{one.case.id} {one.case.name}", one.told) for one in (tck.run(model, case) for case in cases)]


def _written(value: object) -> str:
    """ISO 8601 of what JSON has no type for."""
    try:
        return feel.duration_text(value)
    except TypeError:
        return value.isoformat() if hasattr(value, "isoformat") else str(value)
