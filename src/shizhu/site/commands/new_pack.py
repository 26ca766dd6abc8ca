"""`shizhu new-pack NAME`: a pack of one folder that passes its checks as it is, to go on from."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from shizhu.site.config import CLONE, Trouble

PACKS = CLONE / "src/shizhu/packs"
FILES = {
    "__init__.py": '''"""@en@ (@zh@): declarations, tests."""
''',
    "pack.yaml": """id: @name@
name: { zh: @zh@, en: @en@ }
version: 0.1.0
shizhu: ">=0.1,<0.2"
engines: [records, maps, plan]
roles:
  clerk:
    name: { zh: @zh@管理员, en: @en@ clerk }
    verbs: [records.@name@.*, maps.map.view, plan.plan.view]
""",
    "registers/site.yaml": """title: { zh: @zh@点位, en: @en@ site }
description: { zh: 在什么地方、由谁负责, en: "Where it is and who looks after it" }
x-shizhu:
  key: code
  title: name
  geometry: Point
  list: [code, name, kind, since]
  filters: [kind, since]
  time: since
properties:
  code: { type: string, pattern: "^S[0-9]{4}$", title: { zh: 编号, en: Code }, examples: [S0001] }
  name: { type: string, minLength: 2, maxLength: 60, title: { zh: 名称, en: Name } }
  kind:
    enum: [public, private]
    title: { zh: 类别, en: Kind }
    x-shizhu-labels: { public: { zh: 公办, en: Public }, private: { zh: 民办, en: Private } }
  since: { type: string, format: date, title: { zh: 启用日期, en: In use since } }
  keeper: { type: string, maxLength: 30, x-shizhu-class: personal, title: { zh: 负责人, en: Keeper } }
  note: { type: string, x-shizhu-lines: true, title: { zh: 备注, en: Note } }
required: [code, name, kind]
""",
    "indicators/public_sites.yaml": """title: { zh: 公办@zh@点位数, en: Public @en@ sites }
unit: 个
period: P1Y
direction: rising
inputs:
  public:
    title: { zh: 年末在用的公办点位, en: public sites in use on the last day }
    count: records
    of: @name@.site
    where: kind = 'public' AND since <= {end}
formula: public
example: { given: { public: 3 }, expect: 3 }
""",
    "tests/test_pack.py": '''"""The pack @name@ shows what every pack must."""

from shizhu.kernel.testing import PackTests


class Test@class@(PackTests):
    pass
''',
    "README.md": """# @name@ (@zh@)

**Works.** A register of sites (点位) with their place, and the number of public ones as a yearly indicator.

**By** no standard yet: name the one each file follows.

**Role.** `@name@.clerk` @zh@管理员: the register.

**Simulated.** Nothing.

**Next.** What else a pack may declare: `docs/how-to/write-a-pack.md`. Switch it on by `packs:` in
`counties/<code>/county.yaml`.
""",
}


def options(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("name", help="of the pack and its folder: small letters, digits and _")
    parser.add_argument("--zh", default="", help="its name in Chinese (default: the name)")
    parser.add_argument("--en", default="", help="its name in English (default: the name)")
    parser.add_argument("--into", type=Path, default=PACKS, help=f"the folder to make it in (default: {PACKS})")


def main(options: argparse.Namespace) -> int:
    """Make the folder."""
    name, folder = options.name, options.into / options.name
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise Trouble(f"the name {name!r} is not small letters, digits and _, a letter first: choose another")
    for text in (options.zh, options.en):
        if not re.fullmatch(r"[^\W_][\w ()（）-]*|", text):
            raise Trouble(f"the name {text!r} has signs in it: write it with letters, digits, spaces and - alone")
    if folder.exists():
        raise Trouble(f"{folder} is there already: choose another name")
    words = {"name": name, "zh": options.zh or name, "en": options.en or name.replace("_", " ").capitalize()}
    words["class"] = "".join(part.capitalize() for part in name.split("_"))
    for file, text in FILES.items():
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(re.sub("@([a-z]+)@", lambda found: words[found[1]], text), encoding="utf-8")
    print(f"{folder}: {', '.join(FILES)}\nCheck it: shizhu packcheck {folder}")
    return 0
