"""Puts enterprises into a running stack by COPY: `python -m bench.seeding ROWS`, all in one process."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from typing import Any

import django

REGISTER = "innovation.enterprise"
PLACES = [
    "南宾",
    "西沱",
    "黄水",
    "悦崃",
    "临溪",
    "马武",
    "沙子",
    "王场",
    "沿溪",
    "龙沙",
    "鱼池",
    "三河",
    "大歇",
    "桥头",
    "万朝",
    "冷水",
    "石家",
    "枫木",
    "黎场",
    "三星",
    "六塘",
    "三益",
    "王家",
    "河嘴",
    "中益",
    "洗新",
    "龙潭",
    "新乐",
    "金铃",
    "金竹",
]
WORDS = [
    "莼菜",
    "黄连",
    "辣椒",
    "长江",
    "巴渝",
    "土家",
    "山水",
    "林海",
    "天麻",
    "兔业",
    "中药",
    "电子",
    "机械",
    "新材",
    "环保",
    "云谷",
    "数据",
    "光伏",
    "生态",
    "文旅",
    "食品",
    "酒业",
    "种业",
    "冷链",
    "物流",
    "建材",
    "纺织",
    "茶业",
    "蜂业",
    "菌业",
]
KINDS = ["科技", "实业", "农业", "发展", "制造", "服务", "电商", "生物", "信息", "工程"]
ENDS = ["有限公司", "有限责任公司", "专业合作社", "股份有限公司", "厂"]
COLUMNS = (
    "county_id, register, key, data, title, sort_key, organisation_id, area_id, state, source, is_simulated, created, "
    "updated, version, search"
)


def rows(many: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """(key, data) of invented enterprises, always the same."""
    dice = random.Random(7)
    for number in range(many):
        name = f"{dice.choice(PLACES)}{dice.choice(WORDS)}{dice.choice(WORDS)}{dice.choice(KINDS)}{dice.choice(ENDS)}"
        key = f"91500240MB{number:08}"
        yield key, {
            "credit_code": key, "name": name, "kind": dice.choice(["technology", "high_tech"]),
            "industry": dice.choice(["equipment", "materials", "food", "medicine", "agriculture", "information"]),
            "scale": dice.choice(["above", "below"]), "employees": dice.randrange(1, 900),
            "recognised": f"20{dice.randrange(10, 26)}-0{dice.randrange(1, 10)}-15",
            "address": f"{dice.choice(PLACES)}镇{dice.choice(WORDS)}路{dice.randrange(1, 999)}号",
            "phone": f"138{dice.randrange(10**8):08}",
            "certificate": f"BM{number:08}", "valid_until": "2030-01-15",
        }  # fmt: skip


def seed(many: int) -> None:
    """History is not written: a million rows that nobody changed have none to measure."""
    from django.db import connection  # noqa: PLC0415  # Django must be set up first
    from psycopg.types.json import Jsonb  # noqa: PLC0415

    from shizhu.engines.records import searching  # noqa: PLC0415
    from shizhu.engines.records.catalogue import register_of  # noqa: PLC0415
    from shizhu.engines.records.models import Record  # noqa: PLC0415
    from shizhu.kernel.models import Area, County, Organisation  # noqa: PLC0415
    from shizhu.kernel.text import sort_key  # noqa: PLC0415

    county = County.objects.get()
    register = register_of(REGISTER, county.pk)
    top = Organisation.objects.get(county=county, code=county.pk)
    towns = list(Area.objects.filter(county=county, level=Area.Level.TOWN))
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("DROP INDEX record_search")
        with cursor.copy(f"COPY records_record ({COLUMNS}) FROM STDIN") as copy:
            for number, (key, data) in enumerate(rows(many)):
                area = towns[number % len(towns)]
                row = Record(register=REGISTER, key=key, title=data["name"], data=data, area=area)
                copy.write_row((
                    county.pk, REGISTER, key, Jsonb(data), row.title, sort_key(row.title), top.pk, area.pk, "active",
                    "demo", True, "2026-01-01", "2026-01-01", 1, searching.vector(register, row),
                ))  # fmt: skip
        cursor.execute("CREATE INDEX record_search ON records_record USING gin (search)")
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE records_record")


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "shizhu.site.settings"
    django.setup(set_prefix=False)
    seed(int(sys.argv[1]))
