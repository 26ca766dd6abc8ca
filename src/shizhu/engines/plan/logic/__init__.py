"""Pure logic of the plan engine: no Django, no files, no network."""
