"""The token core of cases: which step of a BPMN 2.0 flow comes next. Pure: no database, no clock, no person.

    flow = parse(xml, key="lemonade")
    state = start(flow, {"cups": 2})
    state = complete(flow, state, state.tokens[0].id, {"good": True})

**What a flow reads and writes.** A case is one JSON document. FEEL in a flow sees its keys as names. The answer given
at a user task lies under `answers.<id of the task>`, the last one where a task is done again; so does what came with a
message. A field of an answer is known by its bare name too, where the document has no such key (the last one given).
A script or business rule task writes to the key that its `resultVariable` names, a multi-instance activity its list of
results, and outputs of activities to theirs. Inside an activity its inputs and the item it is about are known.

**What a flow may hold.** Everything of `reading.KINDS`, with the events of `events.py`. Manual and plain tasks,
milestones and services that nobody is named for are passed at once. What cannot run but harms nothing (annotations,
data, lanes, other pools) becomes a note. Anything else is refused by FlowError, all faults at once. Nothing of a file
is ever executed but FEEL.
"""

from shizhu.engines.cases.logic.engine import complete, happen, next_time, start
from shizhu.engines.cases.logic.flow import Flow, FlowError, Note, StaleToken, Step
from shizhu.engines.cases.logic.parsing import parse
from shizhu.engines.cases.logic.state import Kit, Passed, State, Thrown, Token, Wait, load, shifted

__all__ = [
    "Flow",
    "FlowError",
    "Kit",
    "Note",
    "Passed",
    "StaleToken",
    "State",
    "Step",
    "Thrown",
    "Token",
    "Wait",
    "complete",
    "happen",
    "load",
    "next_time",
    "parse",
    "shifted",
    "start",
]
