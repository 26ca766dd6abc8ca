"""What a county made goes into a pack file that is a whole pack; another county takes it with its own roles."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests.engines.cases.test_declaring import CHECK, FLOW, FLOWS, FORMS, REPORT, steps
from tests.engines.records.test_declaring import KIND, OWNER, WELL, kept, posted, well
from tests.fixtures import TOY, person
from tests.web.pages import browser, text, told

from shizhu.engines.cases.http.drawing import EMPTY
from shizhu.kernel import overlays, packs, testing
from shizhu.kernel.models import County, Declaration, EnabledPack, Grant
from shizhu.site import packchecks

pytestmark = pytest.mark.django_db
EXPORT, IMPORT = "/declarations/export", "/declarations/import"
ROWS = [f"registers/{WELL}", "forms/local.shui_jing_bao_xiu", "forms/local.hui_fang", f"flows/{FLOW}"]
TWINS = {"rules": "~1", "d.~1.+2": "address", "d.~1.+4": "same", "d.~1.within": "_town"}
ALIKE = [{"same": ["lei_xing"], "like": {"name": "address"}, "within": "_town"}]
NAMED = {"id": "wells", "zh": "水井", "en": "Wells"}


@pytest.fixture
def client(county: County) -> Client:
    """The administrator of 甲县, who has made the register 水井, two forms and a flow."""
    made = browser(person(county, "*", username="boss"))
    kept(made, {**well(KIND, OWNER), **TWINS, "g.lemonade.maker": ["view", "write"], "g.lemonade.taster": "view"})
    kept(made, REPORT, FORMS)
    kept(made, CHECK, FORMS)
    kept(made, steps(), FLOWS)
    return made


@pytest.fixture
def packed(client: Client) -> bytes:
    answer = client.post(EXPORT, {**NAMED, "row": ROWS})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip"), text(answer)
    return bytes(answer.content)


@pytest.fixture
def other(county: County) -> County:
    """乙县, where the toy pack is on too."""
    made = testing.made_up_county("990002")
    packs.sync([packs.read(TOY)])
    EnabledPack.objects.create(county=made, pack_id="lemonade")
    testing.Trial(packs.read(TOY), made).organisation("stand")
    packs.forget()
    return made


@pytest.fixture
def taker(other: County) -> Client:
    return browser(person(other, "*", username="taker"))


def unpacked(content: bytes, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        file.extractall(folder)
    return folder / "wells"


def bring(client: Client, content: bytes) -> Any:
    return client.post(IMPORT, {"do": "look", "file": SimpleUploadedFile("wells.zip", content)})


def take(client: Client, page: Any, *rows: str, **roles: str) -> Any:
    sent = {f"role.{name}": role for name, role in roles.items()}
    return client.post(IMPORT, {"do": "take", "sent": page.context["sent"], "row": rows or ROWS, **sent}, follow=True)


def test_the_file_is_a_whole_pack_that_passes_its_checks(packed: bytes, tmp_path: Path) -> None:
    pack = packs.read(unpacked(packed, tmp_path))
    assert packs.problems(pack, {"wells": pack}) + list(packchecks.of_pack(pack)) == []
    assert [(item.kind, item.key) for item in pack.declared] == [
        ("registers", "wells.shui_jing"), ("flows", "wells.shui_jing_wei_xiu"), ("forms", "wells.hui_fang"),
        ("forms", "wells.shui_jing_bao_xiu"),
    ]  # fmt: skip
    assert pack.body["roles"] == {
        "maker": {
            "name": {"zh": "制作员", "en": "Maker"},
            "verbs": ["cases.case.view", *(f"records.wells.shui_jing.{verb}" for verb in ("create", "edit", "view"))],
        },
        "taster": {
            "name": {"zh": "品尝员", "en": "Taster"}, "verbs": ["cases.case.view", "records.wells.shui_jing.view"],
        },
    }  # fmt: skip
    assert pack.body["engines"] == ["cases", "records"]
    assert pack.declared[0].body["x-shizhu"]["duplicates"] == ALIKE
    assert "kernel.organisation stand" in (tmp_path / "wells/README.md").read_text(encoding="utf-8")
    assert b"local." not in b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_the_same_choice_gives_the_same_bytes(client: Client, packed: bytes) -> None:
    assert client.post(EXPORT, {**NAMED, "row": ROWS}).content == packed


def test_unpacked_it_is_a_pack_that_shows_what_every_pack_must(packed: bytes, tmp_path: Path, county: County) -> None:
    wells = type("Wells", (testing.PackTests,), {"folder": unpacked(packed, tmp_path)})()
    wells.test_its_files_are_right()
    wells.test_its_names_are_in_two_languages()


def test_another_county_takes_it_with_its_own_roles(packed: bytes, taker: Client, other: County) -> None:
    before = testing.everything_kept()
    page = bring(taker, packed)
    assert [(line["key"], line["title"], line["is_there"]) for line in page.context["lines"]] == [
        (FLOW, "水井维修", False), ("local.hui_fang", "回访", False), ("local.shui_jing_bao_xiu", "水井报修", False),
        (WELL, "水井", False),
    ]  # fmt: skip
    assert testing.everything_kept() == before
    done = take(taker, page, maker="lemonade.taster", taster="lemonade.maker")
    assert told(done) == ["已导入 4 项，今后就是本县自建的了。"]
    here = Declaration.objects.filter(source="person", county=other)
    assert sorted(row.key for row in here) == sorted(row.rpartition("/")[2] for row in ROWS)
    flow = here.get(kind="flows").body["text"]
    assert 'candidateGroups="lemonade.taster"' in flow
    assert "wells" not in flow
    assert here.get(key=WELL).body["x-shizhu"]["duplicates"] == ALIKE
    assert sorted(Grant.objects.filter(county=other).values_list("role", "verb")) == [
        ("lemonade.maker", f"records.{WELL}.view"), ("lemonade.taster", f"records.{WELL}.create"),
        ("lemonade.taster", f"records.{WELL}.edit"), ("lemonade.taster", f"records.{WELL}.view"),
    ]  # fmt: skip
    assert overlays.problems(overlays.everything(other.pk)) == {}
    assert taker.get(f"/records/{WELL}/").status_code == 200


def test_a_flow_never_takes_the_name_of_a_drawing(packed: bytes, taker: Client, other: County) -> None:
    overlays.save(other.pk, "drawings", FLOW, {"text": EMPTY})
    page = bring(taker, packed)
    assert [line["key"] for line in page.context["lines"] if line["is_there"]] == [FLOW]
    before = testing.everything_kept(), list(Declaration.objects.order_by("pk").values())
    refused = take(taker, page, maker="lemonade.maker", taster="lemonade.maker")
    assert (refused.status_code, f"{FLOW} 已经有了，保留您现有的。" in text(refused)) == (422, True)
    assert (testing.everything_kept(), list(Declaration.objects.order_by("pk").values())) == before


def test_what_is_there_already_stays(packed: bytes, client: Client, county: County) -> None:
    page = bring(client, packed)
    assert all(line["is_there"] for line in page.context["lines"])
    before = testing.everything_kept(), list(Declaration.objects.order_by("pk").values())
    refused = take(client, page, maker="lemonade.maker", taster="lemonade.maker")
    assert (refused.status_code, "已经有了，保留您现有的。" in text(refused)) == (422, True)
    assert (testing.everything_kept(), list(Declaration.objects.order_by("pk").values())) == before


def test_what_would_not_be_in_order_here_is_not_taken(packed: bytes, taker: Client) -> None:
    page = bring(taker, packed)
    before = testing.everything_kept()
    for rows, roles, said in (
        (ROWS, {}, ": wells.maker: 没有这个角色"),
        (ROWS[3:], {"maker": "lemonade.maker", "taster": "lemonade.maker"}, ": local.hui_fang: 没有这个表单"),
        (["rules/local.x"], {}, "请选择要放进去的内容。"),
    ):  # fmt: skip
        refused = take(taker, page, *rows, **roles)
        assert (refused.status_code, said in text(refused)) == (422, True), text(refused)
    assert testing.everything_kept() == before


def zipped(**files: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, content in files.items():
            file.writestr(name.replace("__", "/").replace("_yaml", ".yaml"), content)
    return out.getvalue()


PACK = "id: wells\nname: {zh: 井, en: Wells}\nversion: 0.1.0\nengines: [records]\n"
REGISTER = """
title: {zh: 井, en: Well}
x-shizhu: {key: code, title: name, list: [code]}
properties:
  code: {type: string, title: {zh: 号, en: Code}}
  name: {type: string, title: {zh: "%s", en: Name}}
required: [code, name]
"""


def broken_inside() -> bytes:
    """A zip file whose first member does not unpack."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("pack.yaml", PACK)
    content = bytearray(out.getvalue())
    at = 30 + len("pack.yaml")
    content[at : at + 6] = b"\xff" * 6
    return bytes(content)


UNREADABLE = [
    (broken_inside(), "这不是含 UTF-8 文本的 zip 文件。"),
    (zipped(pack_yaml=PACK, registers__x_yaml=REGISTER % r"a\0b"), "其中有的文件不是可读的 YAML。"),
    (zipped(pack_yaml=PACK, registers__x_yaml=REGISTER % r"a\ud800b"), "其中有的文件不是可读的 YAML。"),
    (b"no zip", "这不是含 UTF-8 文本的 zip 文件。"),
    (zipped(readme_yaml="x: 1"), "其中没有 pack.yaml，或它不合规。"),
    (zipped(pack_yaml="id: WELLS"), "其中没有 pack.yaml，或它不合规。"),
    (zipped(pack_yaml=PACK), "其中没有县里可以导入的内容"),
    (zipped(pack_yaml=PACK, registers__x_yaml="a: [unclosed"), "其中有的文件不是可读的 YAML。"),
    (zipped(pack_yaml=PACK, registers__x_yaml="a: &a [1]\nb: [*a, *a]"), "其中有的文件不是可读的 YAML。"),
    (zipped(pack_yaml=PACK, **{f"f{n}_yaml": "" for n in range(200)}), "其中的文件超过 200 个或 2 MB。"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "said"), UNREADABLE)
def test_what_is_no_pack_file_is_refused_with_the_reason(client: Client, content: bytes, said: str) -> None:
    before = testing.everything_kept()
    page = bring(client, content)
    assert (page.status_code, said in text(page)) == (422, True), text(page)
    assert client.post(IMPORT, {"do": "take", "sent": "[1]"}).status_code == 422
    assert testing.everything_kept() == before


SENT = '{"id": "a", "name": {"zh": "甲", "en": "A"}, "roles": %s, "bodies": [["%s", "local.x", %s]]}'
CRAFTED = [
    SENT % ("{}", "flows", '{"text": 5}'),
    SENT % ("{}", "registers", "5"),
    SENT % ('{"r": {"name": {"zh": "员", "en": "R"}, "verbs": 5}}', "registers", '{"title": "a"}'),
    SENT % ('{"r": {}}', "registers", '{"title": "a"}'),
    SENT % ("{}", "registers", r'{"title": "a\u0000b"}'),
    SENT % ("{}", "registers", r'{"title": "a\ud800b"}'),
    "{}",
]


@pytest.mark.parametrize("sent", CRAFTED)
def test_what_no_preview_sent_is_not_taken(client: Client, sent: str) -> None:
    before = testing.everything_kept()
    page = client.post(IMPORT, {"do": "take", "sent": sent, "row": ["registers/local.x", "flows/local.x"]})
    assert (page.status_code, "其中没有 pack.yaml，或它不合规。" in text(page)) == (422, True)
    assert testing.everything_kept() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"id": "Wells"}, "小写字母、数字和下划线，以字母开头"),
        ({"id": "local"}, "小写字母、数字和下划线，以字母开头"),
        ({"en": ""}, "请给出中英文名称。"),
        ({"row": []}, "请选择要放进去的内容。"),
        ({"row": ROWS[3:]}, ": local.hui_fang: 没有这个表单"),
    ],
)
def test_a_pack_that_would_not_pass_is_not_handed_on(client: Client, words: dict[str, Any], said: str) -> None:
    page = client.post(EXPORT, {**NAMED, "row": ROWS, **words})
    assert page.status_code == 422
    assert said in text(page), text(page)


def test_added_fields_and_what_is_withdrawn_stay_at_home(client: Client) -> None:
    kept(client, posted({"id": "+1", "zh": "备案号", "kind": "text"}), "/declarations/fields/lemonade.stall/")
    client.post(f"/declarations/flows/{FLOW}/withdraw")
    page = client.get(EXPORT)
    assert [str(row) for row, _title, _is, _why in page.context["lines"]] == sorted(ROWS[:3])
    assert "领域包互不相知" in text(page)


def test_nobody_else_hands_on_or_takes(client: Client, packed: bytes, county: County) -> None:
    clerk = browser(person(county, "records.*", username="clerk"))
    for address in (EXPORT, IMPORT):
        assert clerk.get(address).status_code == clerk.post(address, NAMED).status_code == 403
    assert bring(clerk, packed).status_code == 403
