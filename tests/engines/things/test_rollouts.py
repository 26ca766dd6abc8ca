"""Firmware and configuration come to devices wave by wave: two persons, exact states, files by credential."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from tests.engines.things.test_care import actor
from tests.engines.things.test_things_pages import jug
from tests.fixtures import person
from tests.web.pages import browser, text, told

from shizhu.engines.things import advancing, api, commanding, rollouts
from shizhu.engines.things.logic import waves
from shizhu.engines.things.logic.waves import Move, Wave
from shizhu.engines.things.models import (
    Command,
    CommandState,
    Device,
    Installed,
    Release,
    ReleaseKind,
    Rollout,
    ServiceRecord,
    Target,
)
from shizhu.kernel.models import County, OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)
FILE = b"\x7fELF" + bytes(range(256)) * 8
HASH = hashlib.sha256(FILE).hexdigest()


@pytest.fixture
def jugs(county: County) -> list[Device]:
    return [jug(county, f"J{number}", "101" if number < 3 else "102") for number in range(4)]


def firmware(client: Any, version: str = "1.1", **changed: Any) -> Any:
    sent = {
        "profile": "lemonade.jug", "name": "罐固件", "version": version, "notes": "修复", "sha256": HASH,
        "file": SimpleUploadedFile("jug.bin", FILE), **changed,
    }  # fmt: skip
    return client.post("/things/releases/new/firmware", sent, follow=True)


def configuration(county: County, version: str, seconds: int = 60) -> Release:
    who = actor(county, "things.*")
    wanted = rollouts.Wanted(ReleaseKind.CONFIGURATION, "lemonade.jug", "参数", version, values={"seconds": seconds})
    return rollouts.make(county.pk, wanted, rollouts.place(who, county.pk), who.person_id)


def proposed(
    county: County, release: Release, spec: str = "1, 50%, rest", confirm: int = 100, most: int = 0
) -> Rollout:
    who = actor(county, "things.*")
    planned = rollouts.plan(release, rollouts.devices(who, release), spec)
    return rollouts.propose(who, release, planned, confirm=confirm, most_failed=most)


def running(county: County, release: Release, **how: Any) -> Rollout:
    return rollouts.approve(actor(county, "things.*"), proposed(county, release, **how).pk)


def sent() -> list[str]:
    """Devices that are told something now."""
    return sorted(one.device for one in api.due_commands()[0])


def say(key: str, **said: Any) -> str:
    number = Target.objects.filter(device__key=key, command__isnull=False).latest("command_id").command_id
    return api.command_answered(key, orjson.dumps({"id": number, **said}), timezone.now())


def done(key: str, version: str) -> None:
    assert say(key, state="done", result={"version": version}) == ""


def states(rollout: Rollout) -> dict[str, str | None]:
    return dict(rollout.targets.values_list("device__key", "command__state"))


def has() -> dict[str, str]:
    return dict(Installed.objects.values_list("device__key", "release__version"))


# -- waves


@pytest.mark.parametrize(
    ("text", "total", "sizes"),
    [
        ("1, 10%, rest", 50, [1, 5, 44]),
        ("1，10%，其余", 5, [1, 1, 3]),
        ("3", 2, [2]),
        ("", 4, [4]),
        ("50%;50%", 3, [2, 1]),
    ],
)
def test_how_devices_are_divided(text: str, total: int, sizes: list[int]) -> None:
    assert waves.sizes(text, total) == sizes


@pytest.mark.parametrize("text", ["0", "101%", "half", "-1", "1.5"])
def test_waves_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="waves"):
        waves.sizes(text, 10)


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=6),
    st.integers(0, 6), st.integers(1, 100), st.integers(0, 100),
)  # fmt: skip
def test_no_wave_begins_before_the_one_before_is_confirmed_nor_while_too_many_failed(
    told: list[tuple[int, int, int]], begun: int, confirm: int, most: int
) -> None:
    going = [Wave(size, min(ok, size), min(bad, size - min(ok, size))) for size, ok, bad in told]
    begun = min(begun, len(going))
    move = waves.move(going, begun, confirm=confirm, most_failed=most)
    shares = [(100 * one.done / one.size, 100 * one.failed / one.size) for one in going[:begun]]
    if move is Move.BEGIN:
        assert begun < len(going)
        assert all(failed <= most for _, failed in shares)
        assert not shares or shares[-1][0] >= confirm
    assert (move is Move.FAILED) == any(failed > most for _, failed in shares)
    if move is Move.FINISH:
        assert all(one.done + one.failed == one.size for one in going)
    if move is Move.WAIT:  # somebody may still say something
        assert any(one.done + one.failed < one.size for one in going[:begun])


# -- releases


def test_a_firmware_is_kept_with_its_hash_and_a_wrong_one_is_not(county: County, jugs: list[Device]) -> None:
    client = browser(person(county, "things.*"))
    for changed, why in (
        ({"sha256": "0" * 64}, "与厂家给出的不符"),
        ({"file": SimpleUploadedFile("x.bin", b"")}, "请选择不为空"),
        ({"version": "1 1"}, "version"),
        ({"profile": "lemonade.cup"}, "declares under updates no firmware"),
    ):
        assert why in told(firmware(client, **changed))[0]
    assert Release.objects.count() == 0
    page = firmware(client)
    release = Release.objects.get()
    assert (release.file.size, release.file.sha256, str(release)) == (len(FILE), HASH, "罐固件 1.1")
    assert [part for part in (HASH, "1.1", "水罐", "修复") if part not in text(page)] == []
    assert "is there already" in told(firmware(client))[0]
    assert Release.objects.count() == 1


def test_a_configuration_has_the_values_that_its_profile_declares(county: County, jugs: list[Device]) -> None:
    client = browser(person(county, "things.*"))
    asked = {"profile": "lemonade.jug", "name": "参数", "version": "c1", "p-seconds": "1"}
    page = client.post("/things/releases/new/configuration", asked, follow=True)
    assert told(page) == ["没有保存：seconds: 1 is less than the minimum of 5"]
    client.post("/things/releases/new/configuration", {**asked, "p-seconds": "60"})
    assert Release.objects.get().values == {"seconds": 60}


# -- rollouts


def test_each_wave_waits_for_the_one_before(county: County, jugs: list[Device]) -> None:
    release = configuration(county, "c1")
    rollout = proposed(county, release)
    assert (sent(), states(rollout)) == ([], dict.fromkeys(("J0", "J1", "J2", "J3")))
    rollouts.approve(actor(county, "things.*"), rollout.pk)
    outgoing = api.due_commands()[0]
    message = orjson.loads(outgoing[0].payload)
    assert (outgoing[0].device, message["command"], message["parameters"]) == (
        "J0", "apply_configuration", {"name": "参数", "version": "c1", "values": {"seconds": 60}},
    )  # fmt: skip
    say("J0", state="acknowledged")
    assert sent() == []
    done("J0", "c1")
    assert sent() == ["J1", "J2"]
    done("J2", "c1")
    assert sent() == []  # all of the wave must have it
    done("J1", "c1")
    assert sent() == ["J3"]
    done("J3", "c1")
    rollout.refresh_from_db()
    assert (rollout.state, rollout.begun, has()) == ("done", 3, dict.fromkeys(("J0", "J1", "J2", "J3"), "c1"))
    rows = ServiceRecord.objects.order_by("device__key").values_list(
        "device__key", "kind", "before", "after", "rollout"
    )
    assert list(rows) == [(f"J{number}", "setting", "", "参数 c1", rollout.pk) for number in range(4)]
    told_of = OutboxEvent.objects.filter(envelope__type="things.rollout.changed").order_by("id")
    assert [(row.envelope["data"]["state"], row.envelope["data"]["wave"]) for row in told_of] == [
        ("proposed", 0), ("running", 0), ("running", 1), ("running", 2), ("running", 3), ("done", 3),
    ]  # fmt: skip


def test_it_stops_by_itself_when_too_many_fail_and_takes_back_what_nobody_received(
    county: County, jugs: list[Device]
) -> None:
    rollout = running(county, configuration(county, "c1"), spec="3, rest", confirm=60, most=34)
    assert sent() == ["J0", "J1", "J2"]
    assert say("J0", state="failed", result={"reason": "flash"}) == ""
    rollout.refresh_from_db()
    assert rollout.state == "running"  # one of three is not too many
    say("J1", state="acknowledged")
    assert say("J1", state="done", result={"version": "c0"}) == ""  # it says that it has another
    rollout.refresh_from_db()
    assert (rollout.state, rollout.why, rollout.begun) == ("halted", "failed", 1)
    assert states(rollout) == {"J0": "failed", "J1": "failed", "J2": "cancelled", "J3": None}
    assert (sent(), has()) == ([], {})
    counted = [(wave.size, wave.done, wave.failed) for wave in advancing.waves(rollout)]
    assert counted == [(3, 0, 2), (1, 0, 0)]  # what was taken back has not failed
    done("J2", "c1")  # it had begun before the word reached it: what it has is told, and nothing else changes
    assert (states(rollout)["J2"], has(), ServiceRecord.objects.count()) == ("cancelled", {"J2": "c1"}, 1)
    done("J2", "c1")
    assert ServiceRecord.objects.count() == 1


def test_a_silent_device_fails_by_its_own_time_and_enough_stops_it(county: County, jugs: list[Device]) -> None:
    rollout = running(county, configuration(county, "c1"), spec="2, rest", confirm=100, most=100)
    assert sent() == ["J0", "J1"]
    done("J0", "c1")
    Command.objects.filter(device__key="J1").update(expires=timezone.now())
    assert api.due_commands() == ([], 0.0)
    rollout.refresh_from_db()
    assert (rollout.state, rollout.why, states(rollout)) == (
        "halted", "unconfirmed", {"J0": "done", "J1": "timed_out", "J2": None, "J3": None},
    )  # fmt: skip


def test_paused_begins_no_wave_and_stopped_takes_back(county: County, jugs: list[Device]) -> None:
    rollout, who = running(county, configuration(county, "c1")), actor(county, "things.*")
    assert sent() == ["J0"]
    rollouts.pause(who, rollout.pk)
    done("J0", "c1")
    assert sent() == []
    rollouts.resume(who, rollout.pk)
    assert sent() == ["J1", "J2"]
    say("J1", state="acknowledged")
    rollouts.stop(who, rollout.pk)
    assert states(rollout) == {"J0": "done", "J1": "acknowledged", "J2": "cancelled", "J3": None}
    done("J1", "c1")  # who has begun finishes
    rollout.refresh_from_db()
    assert (rollout.state, states(rollout)["J1"], has()) == ("stopped", "done", {"J0": "c1", "J1": "c1"})
    for do in (rollouts.pause, rollouts.resume, rollouts.stop, rollouts.approve):
        with pytest.raises(rollouts.RolloutRefused):
            do(who, rollout.pk)


def test_rolled_back_each_device_gets_what_it_had(county: County, jugs: list[Device]) -> None:
    old, new = configuration(county, "c1", 60), configuration(county, "c2", 30)
    for release in (old, new):
        rollout = running(county, release, spec="rest", confirm=50, most=50)
        sent()
        for key in ("J0", "J1", "J2", "J3")[: 4 if release == old else 2]:
            done(key, release.version)
    assert (rollout.pk, has()) == (Rollout.objects.latest("pk").pk, {"J0": "c2", "J1": "c2", "J2": "c1", "J3": "c1"})
    back = rollouts.undo(actor(county, "things.*"), rollout.pk)
    rollout.refresh_from_db()
    assert (rollout.state, back.state, back.undoes) == ("stopped", "proposed", rollout)
    assert sent() == []
    rollouts.approve(actor(county, "things.*"), back.pk)
    assert sent() == ["J0", "J1"]
    for key in ("J0", "J1"):
        done(key, "c1")
    assert has() == dict.fromkeys(("J0", "J1", "J2", "J3"), "c1")
    last = ServiceRecord.objects.filter(device__key="J0").values_list("before", "after").first()
    assert last == ("参数 c2", "参数 c1")
    with pytest.raises(rollouts.RolloutRefused):
        rollouts.undo(actor(county, "things.*"), rollout.pk)


def test_progress_goes_forward_whatever_order_it_is_heard_in(county: County, jugs: list[Device]) -> None:
    running(county, configuration(county, "c1"))
    sent()
    heard = []
    for stage, percent in (("downloading", 40), ("downloading", 10), ("verified", None), ("downloading", 90), ("x", 1)):
        say("J0", state="acknowledged", stage=stage, **({} if percent is None else {"percent": percent}))
        heard.append(Command.objects.get(device__key="J0").progress)
    assert heard == [{"stage": "downloading", "percent": 40}] * 2 + [{"stage": "verified", "percent": 0}] * 3
    done("J0", "c1")
    say("J0", state="acknowledged", stage="installing")
    assert Command.objects.get(device__key="J0").state == CommandState.DONE


def test_one_thing_at_a_time_reaches_a_device(county: County, jugs: list[Device]) -> None:
    one, two = configuration(county, "c1"), configuration(county, "c2")
    waiting = proposed(county, two)
    running(county, one)
    with pytest.raises(rollouts.RolloutRefused, match="is under way to it"):
        proposed(county, two)
    with pytest.raises(rollouts.RolloutRefused, match="is under way to it"):
        rollouts.approve(actor(county, "things.*"), waiting.pk)
    batch = Command.objects.get().batch
    with pytest.raises(api.CommandRefused):  # a rollout is stopped as a whole
        commanding.cancel(actor(county, "things.*"), batch)
    assert (sent(), Rollout.objects.filter(state="running").count()) == (["J0"], 1)


def test_it_needs_a_second_person_with_rights_on_every_device(county: County, jugs: list[Device]) -> None:
    one, far = actor(county, "things.*"), actor(county, "things.*", in_area="101")
    release = configuration(county, "c1")
    planned = rollouts.plan(release, jugs, "rest")
    with pytest.raises(PermissionDenied):
        rollouts.propose(far, release, planned, confirm=100, most_failed=0)
    assert Rollout.objects.count() == 0
    rollout = rollouts.propose(one, release, planned, confirm=100, most_failed=0)
    for nobody in (one, far, actor(county, "things.thing.view", "things.command.send")):
        with pytest.raises(PermissionDenied):
            rollouts.approve(nobody, rollout.pk)
    for do in (rollouts.pause, rollouts.stop, rollouts.undo):
        with pytest.raises(PermissionDenied):
            do(far, rollout.pk)
    rollout.refresh_from_db()
    assert (rollout.state, sent()) == ("proposed", [])


# -- pages


def test_the_pages_of_a_rollout(county: County, jugs: list[Device]) -> None:
    one, two = browser(person(county, "things.*", username="one")), browser(person(county, "things.*", username="two"))
    firmware(one)
    release = Release.objects.get()
    address = f"/things/releases/{release.pk}/rollout"
    keys = ["J0", "J1", "J3"]
    asked = {"device": keys, "waves": "1, rest", "confirm": "100", "most_failed": "0"}
    dry = one.post(address, {**asked, "do": "plan"})
    assert [(item.device.key, item.wave) for item in dry.context["planned"]] == [("J0", 0), ("J1", 1), ("J3", 1)]
    assert [part for part in (HASH, "update_firmware", "/things/download/") if part not in text(dry)] == []
    assert "waves" in told(one.post(address, {**asked, "waves": "many", "do": "plan"}))[0]
    assert (Rollout.objects.count(), Command.objects.count()) == (0, 0)
    page = one.post(address, {**asked, "do": "propose"}, follow=True)
    rollout = Rollout.objects.get()
    decide = f"/things/rollouts/{rollout.pk}/decide"
    assert "同意并开始" not in text(page)
    assert one.post(decide, {"do": "approve"}).status_code == 403
    two.post(decide, {"do": "approve"})
    assert sent() == ["J0"]
    say("J0", state="acknowledged", stage="downloading", percent=40)
    page = two.get(f"/things/rollouts/{rollout.pk}/")
    assert [part for part in ("正在下载", "40 %", "模拟", "等待所在批次", "批次 2") if part not in text(page)] == []
    say("J0", state="failed", result={"reason": "flash worn out"})
    page = two.get(f"/things/rollouts/{rollout.pk}/")
    assert [part for part in ("已自动停止", "flash worn out", "0 / 3") if part not in text(page)] == []
    listed = text(two.get("/things/releases/"))
    assert [part for part in ("罐固件 1.1", "已自动停止", "水罐") if part not in listed] == []


def test_who_may_not_sees_and_changes_nothing(county: County, jugs: list[Device]) -> None:
    release = configuration(county, "c1")
    keys = {jug.pk for jug in jugs if jug.key != "J3"}
    who = actor(county, "things.*")
    east = [one for one in rollouts.devices(who, release) if one.pk in keys]
    rollout = rollouts.propose(who, release, rollouts.plan(release, east, "rest"), confirm=100, most_failed=0)
    stranger, viewer = browser(person(county, "cases.*")), browser(person(county, "things.thing.view"))
    far = browser(person(county, "things.*", in_area="102"))
    assert [stranger.get(f"/things/{page}").status_code for page in ("releases/", f"rollouts/{rollout.pk}/")] == [
        403
    ] * 2
    assert far.get(f"/things/rollouts/{rollout.pk}/").status_code == 404
    assert far.get("/things/releases/").context["rollouts"] == []
    assert far.post(f"/things/rollouts/{rollout.pk}/decide", {"do": "stop"}).status_code == 404
    assert far.post(f"/things/releases/{release.pk}/rollout", {"device": ["J0"], "do": "propose"}).status_code == 200
    for page in ("releases/new/firmware", f"releases/{release.pk}/withdraw", f"releases/{release.pk}/rollout"):
        assert viewer.post(f"/things/{page}").status_code == 403
    assert viewer.post(f"/things/rollouts/{rollout.pk}/decide", {"do": "approve"}).status_code == 403
    release.refresh_from_db()
    rollout.refresh_from_db()
    assert (release.withdrawn_at, rollout.state, Rollout.objects.count()) == (None, "proposed", 1)


# -- download


def test_the_file_goes_to_who_was_told_to_take_it_in_parts_and_to_nobody_else(
    county: County, jugs: list[Device], client: Any
) -> None:
    firmware(browser(person(county, "things.*")))
    release = Release.objects.get()
    for one in jugs:
        api.register(
            api.Registration(one.key, one.profile, one.thing.name, one.thing.organisation, one.thing.area, None),
            "123456",
        )
    address = f"/things/download/{release.pk}"

    def get(key: str, secret: str = "123456", **headers: str) -> tuple[int, bytes, Any]:
        shown = "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()
        answer = client.get(address, headers={"authorization": shown, **headers})
        body = answer.getvalue()
        answer.close()
        return answer.status_code, body, answer.headers

    assert [get("J0")[0], client.get(address).status_code] == [403, 401]  # nothing was begun
    running(county, release)
    sent()
    status, body, headers = get("J0")
    assert (status, body, headers["ETag"]) == (200, FILE, f'"{HASH}"')
    assert headers["Repr-Digest"] == f"sha-256=:{base64.b64encode(hashlib.sha256(FILE).digest()).decode()}:"
    for asked, part, where in (
        ("bytes=0-99", FILE[:100], f"bytes 0-99/{len(FILE)}"),
        ("bytes=2000-", FILE[2000:], f"bytes 2000-{len(FILE) - 1}/{len(FILE)}"),
        ("bytes=-10", FILE[-10:], f"bytes {len(FILE) - 10}-{len(FILE) - 1}/{len(FILE)}"),
    ):
        status, body, headers = get("J0", range=asked)
        assert (status, body, headers["Content-Range"], headers["Content-Length"]) == (206, part, where, str(len(part)))
    assert (get("J0", range="bytes=9999-")[0], get("J0", range="bytes=5-2")[0]) == (416, 200)
    assert get("J0", **{"range": "bytes=0-9", "if-range": '"another"'})[:2] == (200, FILE)
    assert [get("J1")[0], get("J0", "654321")[0], get("X")[0]] == [403, 401, 401]
    assert browser(person(county, "things.*")).get(address).status_code == 401
    done("J0", "1.1")
    assert get("J0")[0] == 403


def test_the_time_to_answer_begins_with_the_wave(county: County, jugs: list[Device]) -> None:
    rollout = proposed(county, configuration(county, "c1"))
    Rollout.objects.update(asked_at=timezone.now() - timedelta(days=30))
    rollouts.approve(actor(county, "things.*"), rollout.pk)
    assert sent() == ["J0"]
    assert Command.objects.get().expires > timezone.now() + timedelta(hours=5)
