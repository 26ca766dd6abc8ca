"""Where the tokens stand, as little as Spiff must know to go on. Its own serializer keeps the whole history of a case.

A row is [spec, Spiff's state, spec it came from, rows inside a sub-process, number of the token], None where unneeded.
Spiff's state is a number: 8 waiting, 16 ready, 32 started, 256 cancelled (arrived at a join before the last one did).
"""

from typing import Any, TypeAlias

from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.specs.control import _EndJoin
from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from shizhu.engines.cases.logic.program import Join, Program

Rows: TypeAlias = list[list[Any]]

STANDING = TaskState.WAITING | TaskState.READY | TaskState.STARTED
TOKEN = "token"  # noqa: S105 - key under which a task keeps the number of its token


def pack(workflow: Any) -> Rows:
    """Rows of the tokens in a workflow, in the order of its tree."""
    return [_row(task) for task in _tree(workflow.task_tree) if _stands(task)]


def unpack(program: Program, rows: Rows, engine: object) -> Any:
    """Workflow with its tokens where the rows say."""
    workflow = BpmnWorkflow(program.spec, program.inner, script_engine=engine, deserializing=True)
    _place(workflow, rows)
    return workflow


def _tree(root: Any) -> list[Any]:
    found, waiting = [], [root]
    while waiting:
        task = waiting.pop()
        found.append(task)
        waiting += reversed(task.children)
    return found


def _stands(task: Any) -> bool:
    if isinstance(task.task_spec, Join) and task.has_state(TaskState.CANCELLED):
        return True
    # A token that came to an end event waits in Spiff's EndJoin for all others; that join asks only who is left.
    return bool(task.has_state(STANDING)) and not isinstance(task.task_spec, _EndJoin)


def _row(task: Any) -> list[Any]:
    origin = task.parent.task_spec.name if isinstance(task.task_spec, Join) else None
    inside = task.workflow.top_workflow.subprocesses.get(task.id)
    return [task.task_spec.name, task.state, origin, pack(inside) if inside else None, task.internal_data.get(TOKEN)]


def _place(workflow: Any, rows: Rows) -> None:
    specs = workflow.spec.task_specs
    root = workflow.task_tree = Task(workflow, workflow.spec.start, state=TaskState.COMPLETED)
    for name, state, origin, inside, number in rows:
        before = Task(workflow, specs[origin], root, TaskState.COMPLETED) if origin else root
        task = Task(workflow, specs[name], before, state)
        if number is not None:
            task.internal_data[TOKEN] = number
        if inside is not None:
            _place_inside(task, inside)
        task.task_spec._predict(task, mask=TaskState.NOT_FINISHED_MASK)  # noqa: SLF001 - as Spiff itself does at start


def _place_inside(task: Any, rows: Rows) -> None:
    top = task.workflow.top_workflow
    inner = BpmnSubWorkflow(top.subprocess_specs[task.task_spec.spec], task.id, top, deserializing=True)
    top.subprocesses[task.id] = inner
    inner.completed_event.connect(task.task_spec._on_subworkflow_completed, task)  # noqa: SLF001 - as Spiff itself does
    _place(inner, rows)
