"""The door of the records engine."""

from __future__ import annotations

from shizhu.engines.records.batches import Unfit as Unfeasible
from shizhu.engines.records.batches import begin as begin_work
from shizhu.engines.records.batches import end as end_work
from shizhu.engines.records.batches import keep as keep_made
from shizhu.engines.records.batches import kind as add_work
from shizhu.engines.records.batches import progress as tell_progress
from shizhu.engines.records.batches import start as start_work
from shizhu.engines.records.catalogue import UnknownRegister, register_of, registers
from shizhu.engines.records.collections import (
    ANY,
    WHOSE,
    Collection,
    Feature,
    Found,
    Table,
    Wanted,
    add_collections,
    by_columns,
    collection_of,
    whose,
)
from shizhu.engines.records.collections import own_field as property_of
from shizhu.engines.records.contacts import Kept, Reached, contacts, kept
from shizhu.engines.records.contracts import (
    Box,
    Change,
    Entry,
    FieldChange,
    NoRecord,
    Page,
    Place,
    Query,
    Refused,
    StaleRecord,
)
from shizhu.engines.records.datasets import subject_of
from shizhu.engines.records.describing import Description, add_descriptions
from shizhu.engines.records.duplicates import prepare as prepare_duplicates
from shizhu.engines.records.expiring import Expiring, expiring
from shizhu.engines.records.facts import facts
from shizhu.engines.records.facts import files as files_of
from shizhu.engines.records.grid import Cell, cells, gridded
from shizhu.engines.records.http.ogc.landing import Part, add_part
from shizhu.engines.records.http.ogc.openapi import operation as read_operation
from shizhu.engines.records.http.running import work_file, work_page
from shizhu.engines.records.indexes import THINNED, prepare_registers
from shizhu.engines.records.logic.cql2 import Cql2Error
from shizhu.engines.records.logic.cql2_sql import Column, condition
from shizhu.engines.records.logic.places import read as read_geometry
from shizhu.engines.records.logic.privacy import PURPOSES, masked
from shizhu.engines.records.logic.register import Field, Kind, Register
from shizhu.engines.records.logic.values import Problem
from shizhu.engines.records.looks import unmask
from shizhu.engines.records.merging import keys_of, merge, survivor_of, undo
from shizhu.engines.records.models import Batch
from shizhu.engines.records.panels import Panel
from shizhu.engines.records.panels import add as add_panel
from shizhu.engines.records.past import cells_at, placed_at
from shizhu.engines.records.queries import count, get, get_by_id, history, query, related, scan, titles
from shizhu.engines.records.references import KNOWN as KNOWN_REFERENCES
from shizhu.engines.records.references import Choice, Reference
from shizhu.engines.records.references import add as add_reference
from shizhu.engines.records.references import fault as reference_fault
from shizhu.engines.records.references import find as find_reference
from shizhu.engines.records.references import seen as seen_references
from shizhu.engines.records.revising import revise
from shizhu.engines.records.searching import prepare as prepare_search
from shizhu.engines.records.spatial import Spot, true
from shizhu.engines.records.store import CHANGED, create, load_demo, move, restore, revert, update, withdraw
from shizhu.engines.records.tables import XLSX, Unreadable
from shizhu.engines.records.tables import Writer as TableWriter
from shizhu.engines.records.tables import sent as sent_rows
from shizhu.engines.records.tables import written as written_table
from shizhu.engines.records.tabulate import TOWN, Said, Subject, dataset, filtered, offered, problems, tabulate
from shizhu.engines.records.tallying import Tally, tally
from shizhu.engines.records.tasks import follow

__all__ = [
    "ANY",
    "CHANGED",
    "KNOWN_REFERENCES",
    "PURPOSES",
    "THINNED",
    "TOWN",
    "WHOSE",
    "XLSX",
    "Batch",
    "Box",
    "Cell",
    "Change",
    "Choice",
    "Collection",
    "Column",
    "Cql2Error",
    "Description",
    "Entry",
    "Expiring",
    "Feature",
    "Field",
    "FieldChange",
    "Found",
    "Kept",
    "Kind",
    "NoRecord",
    "Page",
    "Panel",
    "Part",
    "Place",
    "Problem",
    "Query",
    "Reached",
    "Reference",
    "Refused",
    "Register",
    "Said",
    "Spot",
    "StaleRecord",
    "Subject",
    "Table",
    "TableWriter",
    "Tally",
    "Unfeasible",
    "UnknownRegister",
    "Unreadable",
    "Wanted",
    "add_collections",
    "add_descriptions",
    "add_panel",
    "add_part",
    "add_reference",
    "add_work",
    "begin_work",
    "by_columns",
    "cells",
    "cells_at",
    "collection_of",
    "condition",
    "contacts",
    "count",
    "create",
    "dataset",
    "end_work",
    "expiring",
    "facts",
    "files_of",
    "filtered",
    "find_reference",
    "follow",
    "get",
    "get_by_id",
    "gridded",
    "history",
    "keep_made",
    "kept",
    "keys_of",
    "load_demo",
    "masked",
    "merge",
    "move",
    "offered",
    "placed_at",
    "prepare_duplicates",
    "prepare_registers",
    "prepare_search",
    "problems",
    "property_of",
    "query",
    "read_geometry",
    "read_operation",
    "reference_fault",
    "register_of",
    "registers",
    "related",
    "restore",
    "revert",
    "revise",
    "scan",
    "seen_references",
    "sent_rows",
    "start_work",
    "subject_of",
    "survivor_of",
    "tabulate",
    "tally",
    "tell_progress",
    "titles",
    "true",
    "undo",
    "unmask",
    "update",
    "whose",
    "withdraw",
    "work_file",
    "work_page",
    "written_table",
]  # fmt: skip
