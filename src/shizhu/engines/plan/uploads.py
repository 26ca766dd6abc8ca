"""Plans that people send from the browser: kept, read by a job page by page, and told how it went."""

from __future__ import annotations

import logging

from django.db import OperationalError

from shizhu.engines.plan.importing import import_file
from shizhu.engines.plan.logic.reading import FileUnreadable
from shizhu.engines.plan.models import Upload
from shizhu.kernel import files
from shizhu.kernel.models import Area, Organisation, Person

logger = logging.getLogger(__name__)
LARGEST = 30_000_000
State = Upload.State


def keep(county: str, name: str, content: bytes, *, code: str, by: Person) -> Upload:
    """Keep a file to be read; `read` does the rest."""
    kept = files.store(
        content, name=name, media_type="application/octet-stream",
        organisation=Organisation.objects.get(county_id=county, code=county),
        area=Area.objects.get(county_id=county, code=county), by=by,
    )  # fmt: skip
    return Upload.objects.create(county_id=county, code=code, file=kept, person=by)


def read(number: int) -> None:
    """Read a kept file into its plan; what is wrong with it is kept where its person looks."""
    upload = Upload.objects.select_related("file", "county", "person").filter(pk=number).first()
    if upload is None or upload.state != State.WAITING:
        return

    def told(done: int, total: int) -> None:
        Upload.objects.filter(pk=number).update(done=done, total=total)

    content = files.path_of(upload.file).read_bytes()
    try:
        plan = import_file(upload.county, upload.file.name, content, code=upload.code, by=upload.person, told=told)
    except FileUnreadable as error:
        Upload.objects.filter(pk=number).update(state=State.FAILED, fault=error.reason)
    except OperationalError:
        raise  # the database is away: the job is tried again
    except Exception:
        logger.exception("plan upload %d", number)
        give_up(number)
    else:
        Upload.objects.filter(pk=number).update(state=State.DONE, plan=plan)


def give_up(number: int) -> None:
    """It cannot be read, for a reason that is ours."""
    Upload.objects.filter(pk=number).update(state=State.FAILED, fault="")
