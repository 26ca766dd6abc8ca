"""The plan engine (规划): clauses, indicators, tasks and what came of them."""
