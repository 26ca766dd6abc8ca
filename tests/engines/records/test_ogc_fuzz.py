"""schemathesis against our own definition: no address that it allows, and hardly any that it does not, makes a fault;
every answer is of a status, a media type and a shape that the definition names.

`make fuzz` runs the same for longer, and with other numbers each time.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import checks

from shizhu.kernel import access
from shizhu.kernel.models import County, Person, Token

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
EXAMPLES = int(os.environ.get("SHIZHU_FUZZ", "0"))
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
OURS = settings(
    max_examples=EXAMPLES or 2,  # of an operation, each collection having its own
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def headers(county: County, root: access.Actor, stall: Any) -> Iterator[dict[str, str]]:
    """Somebody who may do everything, by a token; a stall, so that there is something to find."""
    stall(kind="cart", seats=4, opened="2026-01-01", owner="张三丰", at=(100.5, 30.5), drinks=["tea"])
    digest = hashlib.sha256(b"sz_fuzz").hexdigest()
    Token.objects.create(person=Person.objects.get(username="root"), name="fuzz", digest=digest)
    for signal in (request_started, request_finished):  # the test's transaction is the requests' own
        signal.disconnect(close_old_connections)
    yield {"Authorization": "Bearer sz_fuzz"}
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def operations(headers: dict[str, str]) -> Iterator[Any]:
    schema: Any = schemathesis.openapi.from_wsgi("/ogc/api", get_wsgi_application(), headers=headers)
    for found in schema.get_all_operations():
        yield found.ok()


def test_no_answer_surprises(headers: dict[str, str]) -> None:
    seen, surprises = 0, []
    for operation in operations(headers):
        seen += 1

        @OURS
        @given(case=operation.as_strategy(), is_there=st.booleans())
        def asked(case: Any, is_there: bool) -> None:
            if is_there and "featureId" in (case.path_parameters or {}):
                case.path_parameters["featureId"] = "S001"
            answer = case.call(headers=headers)
            case.validate_response(answer, checks=CHECKS)

        try:
            asked()
        except* Exception as found:  # noqa: BLE001  # all that is found is told, not only the first
            surprises += [f"{operation.label}: {one}" for one in found.exceptions]
    assert not surprises, "\n\n".join(surprises)
    assert seen > 40
