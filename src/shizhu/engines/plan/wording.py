"""An index and an issued evaluation in words: how it is scored, and the report as an official Word document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.plan.indexes import Index
from shizhu.engines.plan.logic.index import judgements
from shizhu.engines.plan.models import Evaluation
from shizhu.kernel import documents, official
from shizhu.kernel.documents import Heading, Table, day
from shizhu.kernel.text import label
from shizhu.kernel.wordcharts import Chart, Series

WORD = documents.MEDIA_TYPE
CHARTED = 15  # subjects in the chart of the report


def way(index: Index) -> list[str]:
    """How scores are made, one sentence each."""
    body = index.body
    told = sentences(index.scheme.normalise, body.get("weights", "given"), index.scheme.combine, body)
    return [*told, *_consistency(judgements(body), body["groups"])]


def _consistency(compared: Mapping[str, Any], groups: Mapping[str, Any]) -> list[str]:
    names = {f"groups.{key}": label(group["title"]) for key, group in groups.items()}
    all_ = _("Between groups")
    said = "；".join(
        f"{names.get(place, all_)} λmax {told['largest']:.3f}，CI {told['index']:.3f}，CR {told['ratio']:.3f}"
        for place, told in compared.items()
    )
    return [_("Consistency of the judgements: %s (consistent below CR 0.1).") % said] if said else []


def sentences(normalise: str, weights: str, combine: str, body: Any) -> list[str]:
    """What the method does with a value, where weights come from, how they are put together, what is missing."""
    values = {
        "min-max": _("Each value is set between the worst (0) and the best (100) of all."),
        "goal": _("Each value is set against its goal: reached is 100."),
        "growth": _(
            "Each value is set against the base year, which is 100; the most is 1000, as for what fell to 0 or came "
            "into its band."
        ),
    }
    if combine == "topsis":
        values["min-max"] = _("Values are taken as they are, the column of each item made of length 1.")
    from_ = {
        "given": _("Weights are as declared."),
        "ahp": _("Weights come from pairwise judgements (AHP)."),
        "entropy": _("Weights come from the data: items in which the subjects differ more weigh more (entropy)."),
    }
    together = {
        "sum": _("The score is the weighted mean."),
        "topsis": _("The score is the nearness to the best and the distance from the worst (TOPSIS)."),
    }
    least = 100 if combine == "topsis" else round(100 * body.get("least", 0.8))
    missing = _("A missing value is no zero; below %d %% of the weight there is no rank.") % least
    return [values[normalise], from_[weights], together[combine], missing]


def report(evaluation: Evaluation) -> bytes:
    """The evaluation as a Word document after GB/T 9704: result, chart, method, every value, the hash."""
    issued = timezone.localtime(evaluation.issued_at)
    front = official.Front(
        head=evaluation.title,
        number=_("No. %(number)s of %(year)s") % {"number": evaluation.pk, "year": issued.year},
        issuer=evaluation.county.name,
        day=day(issued),
        title=_("%(title)s: result of %(year)s") % {"title": evaluation.title, "year": evaluation.year},
    )
    return official.official(front, _parts(evaluation))


def apart(frozen: Any, subject: str) -> str:
    """The rank of a subject among its peers, with the name of their group; empty without one."""
    peers = frozen.get("peers", {"ranks": {}})
    rank = peers["ranks"].get(subject)
    return f"{label(peers['titles'][peers['of'][subject]])} {rank}" if rank else ""


def _parts(evaluation: Evaluation) -> Iterator[official.Part]:
    frozen = evaluation.frozen
    rows = [row for row in frozen["result"]["rows"] if row["rank"]]
    names = frozen["subjects"]
    if evaluation.is_simulated:
        yield _("This report holds simulated values and is no statement about any real place.")
    yield Heading(_("Result"))
    first = {"number": len(rows), "best": names[rows[0]["subject"]], "score": f"{rows[0]['score']:.2f}"}
    yield _("%(number)d subjects were ranked. First is %(best)s with %(score)s points.") % first
    heads, widths = [_("Rank"), _("Name"), _("Score"), _("Class")], [2, 6, 4, 3.6]
    cells = [[str(row["rank"]), names[row["subject"]], f"{row['score']:.2f}", row["class_"] or "—"] for row in rows]
    if "peers" in frozen:
        heads, widths = [*heads, _("Rank in its group")], [1.6, 5.4, 3, 2.8, 2.8]
        cells = [[*told, apart(frozen, row["subject"]) or "—"] for told, row in zip(cells, rows, strict=True)]
    yield Table(cells, heads, widths)
    left = [names[row["subject"]] for row in frozen["result"]["rows"] if not row["rank"]]
    if left:
        yield _("Not ranked for want of values: %s.") % "、".join(left)
    top = rows[:CHARTED]
    chart = Series(_("Score"), tuple(round(row["score"], 2) for row in top))
    names_of = tuple(names[row["subject"]] for row in top)
    yield Chart("ranking", names_of, (chart,), _("The first %d") % len(top), height=14 + 8 * len(top))
    yield Heading(_("Method"))
    scheme = frozen["scheme"]
    way_ = sentences(scheme["normalise"], frozen.get("weighing", scheme["weights"]), scheme["combine"], scheme)
    yield "".join([*way_, *_consistency(frozen.get("compare", {}), frozen["groups"])])
    yield _("Source of the scheme: %s") % frozen["source"]
    yield Table(
        [
            (label(group["title"]), label(frozen["items"][key]["title"]), frozen["items"][key]["unit"],
             f"{100 * frozen['result']['weights'][key]:.2f}")
            for group in frozen["groups"].values() for key in group["items"]
        ],
        (_("Group"), _("Item"), _("Unit"), _("Weight %")), (4, 6.6, 2.5, 2.5),
    )  # fmt: skip
    yield Heading(_("Check"))
    yield _("Data, method and result are in the package for checking. SHA-256: %s") % evaluation.digest
