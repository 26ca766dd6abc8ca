"""The token core of cases: which step of a BPMN 2.0 flow comes next. Pure: no database, no clock, no person.

    flow = parse(xml, key="lemonade")
    state = start(flow, {"cups": 2})
    state = complete(flow, state, state.tokens[0].id, {"good": True})

**What a flow reads and writes.** A case is one JSON document. FEEL in a flow sees its keys as names. The answer given
at a user task lies under `answers.<id of the task>`, the last one where a task is done again. A script task writes the
value of its FEEL expression to the key that its `camunda:resultVariable` names. Nothing else is written.

**What a flow may hold.** Start, end and terminate events, user, script (FEEL), manual and plain tasks, milestones (a
throw event without a trigger), exclusive and parallel gateways, embedded sub-processes. Manual and plain tasks and
milestones are passed at once. What cannot run but harms nothing (annotations, data, lanes, other pools) becomes a note.
Anything else is refused by FlowError. No Python in a file is ever executed: Spiff is given the graph alone.
"""

from shizhu.engines.cases.logic.flow import Flow, FlowError, Note, StaleToken, Step
from shizhu.engines.cases.logic.parsing import parse
from shizhu.engines.cases.logic.state import Passed, State, Token, complete, load, start

__all__ = [
    "Flow",
    "FlowError",
    "Note",
    "Passed",
    "StaleToken",
    "State",
    "Step",
    "Token",
    "complete",
    "load",
    "parse",
    "start",
]
