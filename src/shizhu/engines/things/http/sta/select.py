"""One SQL statement per request: PostgreSQL makes the JSON of the whole answer, nested entities included.

A statement gives one row with one text: the answer, or NULL where there is none (204); no row, or `found` false: 404.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from shizhu.engines.things.http.sta import filters
from shizhu.engines.things.http.sta.entities import SETS, EntitySet, Kind, Navigation
from shizhu.engines.things.http.sta.errors import bad
from shizhu.engines.things.http.sta.formats import STREAMS
from shizhu.engines.things.http.sta.options import Expansion, Options
from shizhu.engines.things.http.sta.paths import ID, ResourcePath, Step
from shizhu.engines.things.http.sta.pieces import Piece
from shizhu.engines.things.http.sta.scope import Caller, Key, Scope, UnknownName, condition, target_link, visible
from shizhu.engines.things.http.sta.sql import Sql, bind, join, literal, sql

SELF = "@iot.selfLink"
REFERENCE = (Piece(SELF, "$ref"),)
PAGE = """
SELECT string_agg(CASE WHEN {e}.place <= {size} THEN {body} END, ',') AS items, count(*) AS found,
       max(CASE WHEN {e}.place = {size} THEN {token} END) AS token
FROM (
  SELECT {e}.*, row_number() OVER () AS place
  FROM (SELECT {e}.*{keys} FROM {source} WHERE {where} ORDER BY {order} LIMIT {size} + 1 OFFSET {skip}) {e}
) {e}
"""
# The one row of each of many, as latest values are asked for: nothing is put together.
PAGE_OF_ONE = """
SELECT {body} AS items, {e}.found, {token} AS token
FROM (
  SELECT {e}.*, lead(2, 1, 1) OVER () AS found
  FROM (SELECT {e}.*{keys} FROM {source} WHERE {where} ORDER BY {order} LIMIT 2 OFFSET {skip}) {e} LIMIT 1
) {e}
"""
# What `options.keys_of` reads.
NEXT = "encode(convert_to('[' || concat_ws(',', {keys}) || ']', 'UTF8'), 'hex')"
KEY_TEXT = "coalesce(to_json({key}::text)::text, 'null')"
PLAIN_KEYS = {  # of types whose text an address takes, but for two signs
    "bigint": "{key}::text",
    "timestamptz": "translate({key}::text, ' +', '_~')",
    "double precision": "translate({key}::text, '+', '~')",
}
COLLECTION = """
SELECT {found}, concat('{', {count} || ',', CASE WHEN p.found > {size} THEN {link} || p.token || '",' END,
  '"value":[', p.items, ']}'), p.found > {size}, p.token, {reached}
FROM ({page}) p
"""
NESTED = """
(SELECT concat({count} || ',', CASE WHEN p.found > {size} THEN concat({next}, p.token, '",') END, {name},
  '[', p.items, ']') FROM ({page}) p)
"""
NESTED_ONE = "coalesce({nested}, concat({count} || ',', {name}, '[]'))"
COUNT = "(SELECT count(*) FROM {source} WHERE {every})"


@dataclass(frozen=True)
class Reader:
    """Makes statements for one caller. `root` is the address of the service, checked to be free of quotes."""

    caller: Caller
    root: str
    as_of: str = ""
    until: Sql | None = None  # only rows of the path's last collection (`e`) that meet this are on the page
    more: int = 0  # rows that are counted without being there

    def statement(self, path: ResourcePath, options: Options, reached: Sql | None = None) -> Sql:
        """The statement that answers a GET; raises Refused for options that do not fit.

        Of a collection there are more columns: whether a page follows, the keys of the last row, and `reached`.
        """
        step = path.last
        if path.is_reference:
            options = replace(options, select=REFERENCE, expand=())
        if options.format and not path.is_of_entities:
            raise options.format.fault("entities have it: not one property, an address or a count")
        if options.format and options.format.text == "dataArray":
            options = _by_stream(path, options)
        if not step.is_single:
            return self._collection(path, options, reached or Sql("NULL"))
        single = replace(options, select=None, expand=(), format=None, as_of=None)
        if single != Options():
            raise bad(f"{', '.join(single.texts()) or '$skip'}: only $select and $expand go with one entity")
        return self._single(path, options)

    def _single(self, path: ResourcePath, options: Options) -> Sql:
        entity = path.last.entity
        is_whole = path.attribute is None and not path.is_id
        json = self.body(entity, "e", options, 0) if is_whole else _value(path)
        source = sql(f"{entity.table} e WHERE e.id = {{id}}", id=self.key(path.steps))
        where = join(" AND ", [source, self.condition(entity, "e")])
        return sql("SELECT TRUE, {json} FROM {where}", json=json, where=where)

    def condition(self, entity: EntitySet, alias: str, *, is_page: bool = True) -> Sql:
        """The entity's own condition."""
        return condition(entity, alias, self.as_of, is_page=is_page)

    def key(self, steps: tuple[Step, ...]) -> Sql:
        """The id of the one entity a path leads to, as a subquery; NULL if it does not exist for the caller."""
        *before, step = steps
        navigation = step.navigation
        if navigation and not navigation.is_many:
            parent = self.key(tuple(before))
            table = before[-1].entity.table
            value = sql(navigation.value, e="p")
            where = join(" AND ", [sql("p.id = {parent}", parent=parent), self.condition(before[-1].entity, "p")])
            found = sql(f"(SELECT {{value}} FROM {table} p WHERE {{where}})", value=value, where=where)
            if not step.entity.condition:
                return found
            where = sql("e.id = {found} AND {condition}", found=found, condition=self.condition(step.entity, "e"))
            return sql(f"(SELECT e.id FROM {step.entity.table} e WHERE {{where}})", where=where)
        conditions = [sql("e.id = {key}", key=bind(step.key, "bigint")), *self._hanging(step, tuple(before), "e")]
        where = join(" AND ", [*conditions, self.condition(step.entity, "e")])
        return sql(f"(SELECT e.id FROM {step.entity.table} e WHERE {{where}})", where=where)

    def _hanging(self, step: Step, before: tuple[Step, ...], alias: str) -> list[Sql]:
        """Conditions that a row is where the path says, and visible."""
        if step.navigation is None:
            return [visible(step.entity, alias, self.caller)]
        link = sql(
            step.navigation.where, e=alias, id="(SELECT id FROM parent)" if step.key is None else self.key(before)
        )
        return [link, Sql() if step.navigation.is_inherited else visible(step.entity, alias, self.caller)]

    def _collection(self, path: ResourcePath, options: Options, reached: Sql) -> Sql:
        *before, step = path.steps
        lead = _lead(step.navigation, "e", "(SELECT id FROM parent)")
        found = "(SELECT id FROM parent) IS NOT NULL" if before else "TRUE"
        options = replace(options, is_counted=options.is_counted or path.is_count)
        page, count = self._page(step.entity, "e", options, self._hanging(step, tuple(before), "e"), 0, lead)
        is_array = options.format is not None and options.format.text == "dataArray"
        said = replace(options, expand=()) if is_array else options  # what was not asked for is not in the link
        address = f"{self.root}/{_address(path)}?{said.link()}"
        made = sql(
            COLLECTION, page=page, size=str(options.size), link=member("@iot.nextLink", address),
            count=sql(f"{member('@iot.count')} || {{n}}", n=count) if count else "NULL",
            found=found, reached=reached,
        )  # fmt: skip
        if path.is_count:
            made = sql("SELECT {found}, ({n})::text, FALSE, NULL, {reached}", found=found, n=count, reached=reached)
        if not before:
            return made
        return sql("WITH parent AS MATERIALIZED (SELECT {id} AS id) {rest}", id=self.key(tuple(before)), rest=made)

    def ids(self, path: ResourcePath, options: Options) -> Sql:
        """The ids of the rows of a collection that fit the filter; other options do not go with it."""
        if replace(options, filter=None) != Options():
            raise bad("DELETE takes a $filter, and no other option")
        *before, step = path.steps
        scope = Scope(step.entity, "e", self.caller)
        where = [*self._hanging(step, tuple(before), "e"), condition(step.entity, "e")]
        if options.filter:
            where.append(filters.condition(options.filter, scope))
        found = sql(
            f"SELECT e.id FROM {step.entity.table} e{{joins}} WHERE {{where}}",
            joins=scope.single_joins(), where=join(" AND ", where) or Sql("TRUE"),
        )  # fmt: skip
        if not before:
            return found
        return sql("WITH parent AS MATERIALIZED (SELECT {id} AS id) {rest}", id=self.key(tuple(before)), rest=found)

    def _page(
        self, entity: EntitySet, alias: str, options: Options, where: list[Sql], depth: int, lead: list[Key]
    ) -> tuple[Sql, Sql]:
        """The rows of one page as `items`, `found`, `token`; and the count of all, if it is wanted."""
        scope = Scope(entity, alias, self.caller, self.as_of)
        conditions = [*where, filters.condition(options.filter, scope) if options.filter else Sql()]
        keys = _keys(scope, options, lead)
        source = sql(f"{entity.table} {alias}{{joins}}", joins=scope.single_joins())
        columns = join("", [sql(f", {{key}} AS {alias}k{n}", key=key.sql) for n, key in enumerate(keys)])
        shown = [*conditions, self.condition(entity, alias), _after(keys, options.token)]
        if depth == 0 and self.until:
            shown.append(self.until)
        page = sql(
            PAGE_OF_ONE if depth and options.size == 1 else PAGE, e=alias, keys=columns, source=source,
            size=str(options.size), skip=str(options.skip),
            where=join(" AND ", shown) or Sql("TRUE"),
            order=join(", ", [Sql(f"{alias}k{n}{' DESC' if key.is_descending else ''}") for n, key in enumerate(keys)]),
            body=self.body(entity, alias, options, depth),
            token=_token(keys, alias),
        )  # fmt: skip
        count = self._count(entity, alias, source, conditions)
        if depth == 0 and self.more:
            count = sql("({count} + {more})", count=count, more=bind(self.more, "bigint"))
        return page, count if options.is_counted else Sql()

    def _count(self, entity: EntitySet, alias: str, source: Sql, conditions: list[Sql]) -> Sql:
        """How many rows of the source meet the conditions and the entity's own."""

        def of(*more: Sql) -> Sql:
            return sql(COUNT, source=source, every=join(" AND ", [*conditions, *more]) or Sql("TRUE"))

        if entity.outside and not self.as_of:  # an index alone tells both
            return sql("({all} - {less})", all=of(), less=of(sql(entity.outside, e=alias)))
        return of(self.condition(entity, alias, is_page=False))

    def body(self, entity: EntitySet, alias: str, options: Options, depth: int) -> Sql:
        """The JSON text of one entity."""
        expanded = {expansion.name.text for expansion in options.expand}
        own = f"{self.root}/{entity.name}("
        pieces = {
            ID: Sql(f"{member(ID)} || {alias}.id"),
            SELF: Sql(f"{member(SELF, own)} || {alias}.id || ')\"'"),
            **{name: sql(f"{member(name)} || {{x}}", x=sql(p.json, e=alias)) for name, p in entity.properties.items()},
        }
        links = {name: _link(navigation, own, alias) for name, navigation in entity.navigation.items()}
        if options.select is None:
            chosen = [*pieces.values(), *(link for name, link in links.items() if name not in expanded)]
        else:
            chosen = list(_selected(entity, options.select, {**pieces, **links}))
        chosen += [self._expanded(entity, alias, expansion, depth + 1) for expansion in options.expand]
        return sql("concat('{', concat_ws(',', {all}), '}')", all=join(", ", chosen or [Sql("NULL")]))

    def _expanded(self, entity: EntitySet, alias: str, expansion: Expansion, depth: int) -> Sql:
        navigation = entity.navigation.get(expansion.name.text)
        if navigation is None:
            known = ", ".join(entity.navigation)
            raise expansion.name.fault(f"{entity.entity} has no {expansion.name.text!r} to expand; it has {known}")
        target, child, options = SETS[navigation.target], f"e{depth}", expansion.options
        if not navigation.is_many:
            return self._expanded_one(navigation, alias, child, expansion, depth)
        conditions = [target_link(navigation, child, alias)]
        if not navigation.is_inherited:
            conditions.append(visible(target, child, self.caller))
        page, count = self._page(target, child, options, conditions, depth, _lead(navigation, child, f"{alias}.id"))
        name = navigation.name
        next_ = member(f"{name}@iot.nextLink", f"{self.root}/{entity.name}(")
        counted = sql(f"{member(f'{name}@iot.count')} || {{n}}", n=count) if count else "NULL"
        nested = sql(
            NESTED, page=page, size=str(options.size), name=member(name), count=counted,
            next=f"{next_}, {alias}.id, {literal(f')/{name}?{options.link()}')}",
        )  # fmt: skip
        return sql(NESTED_ONE, nested=nested, count=counted, name=member(name)) if options.size == 1 else nested

    def _expanded_one(self, navigation: Navigation, alias: str, child: str, expansion: Expansion, depth: int) -> Sql:
        options = replace(expansion.options, select=None, expand=())
        if options != Options():
            raise expansion.name.fault(f"{navigation.name} is one entity: only $select and $expand go with it")
        target = SETS[navigation.target]
        where = join(" AND ", [target_link(navigation, child, alias), self.condition(target, child)])
        return sql(
            f"{member(navigation.name)} || (SELECT {{body}} FROM {target.table} {child} WHERE {{where}})",
            body=self.body(target, child, expansion.options, depth), where=where,
        )  # fmt: skip


def member(name: str, begin: str = "") -> str:
    """The text constant `"name":`, with the beginning of a JSON string if that is the value."""
    return literal(f'"{name}":' + (f'"{begin}' if begin else ""))


def _link(navigation: Navigation, own: str, alias: str) -> Sql:
    """The address of what a navigation leads to, as a member; NULL where it leads nowhere."""
    link = f"{member(f'{navigation.name}@iot.navigationLink', own)} || {alias}.id || ')/{navigation.name}\"'"
    return Sql(link) if navigation.exists == "TRUE" else sql(f"CASE WHEN {navigation.exists} THEN {link} END", e=alias)


def _lead(navigation: Navigation | None, alias: str, parent: str) -> list[Key]:
    """What the rows a navigation leads to are sorted by, if they have an order there."""
    order = navigation.order if navigation else ()
    return [Key(sql(value, e=alias, id=parent), type_, is_nullable=False) for value, type_ in order]


def _by_stream(path: ResourcePath, options: Options) -> Options:
    """What a dataArray is made of: Observations with the ids of their Datastreams."""
    if path.last.entity.name != "Observations" or path.last.is_single:
        raise bad("$resultFormat: a dataArray is made of Observations: ask for a collection of them", 0)
    if options.expand:
        raise options.expand[0].name.fault("a dataArray has no place for other entities")
    ids = (Expansion(Piece(name, "$expand"), Options(select=(Piece("id", "$select"),))) for name in STREAMS)
    return replace(options, expand=tuple(ids))


def _address(path: ResourcePath) -> str:
    names = (f"{step.navigation.name if step.navigation else step.entity.name}" for step in path.steps)
    keys = ("" if step.key is None else f"({step.key})" for step in path.steps)
    return "/".join(map("".join, zip(names, keys, strict=True))) + ("/$ref" if path.is_reference else "")


def _value(path: ResourcePath) -> Sql:
    """One property as JSON `{"name": …}`, or raw; NULL if it has no value."""
    name = path.attribute.name if path.attribute else ID
    json = sql(path.attribute.json, e="e") if path.attribute else Sql("e.id::text")
    if path.within:
        json = sql("(({json})::jsonb #> {path})::text", json=json, path=bind(list(path.within), "text[]"))
    if path.is_value:
        return sql("({json})::jsonb #>> '{}'", json=json)
    shown = sql("nullif({json}, 'null')", json=json)
    if path.within:
        named = sql("to_json({name})::text || ':'", name=bind(path.name, "text"))
        return sql("'{' || {name} || {json} || '}'", name=named, json=shown)
    if path.attribute and path.attribute.kind in {Kind.JSON, Kind.RESULT}:
        shown = json
    return sql(f"'{{' || {member(name)} || {{json}} || '}}'", json=shown)


def _selected(entity: EntitySet, select: Iterable[Piece], pieces: dict[str, Sql]) -> Iterable[Sql]:
    wanted = []
    for piece in select:
        name = ID if piece.text == "id" else piece.text
        if name not in pieces:
            known = ", ".join((*entity.properties, *entity.navigation))
            raise piece.fault(f"{entity.entity} has no {piece.text!r} to select; it has id, {known}")
        wanted.append(name)
    return (pieces[name] for name in pieces if name in wanted)


def _keys(scope: Scope, options: Options, lead: list[Key]) -> list[Key]:
    """What to sort by: as asked (or by `lead`), then by what tells rows with equal keys apart."""
    keys = [] if options.orderby else lead
    for order in options.orderby:
        try:
            found = scope.keys(order.path.text.replace("@iot.id", "id").split("/"))
        except UnknownName as unknown:
            names = order.path.text.split("/")
            raise order.path.fault(str(unknown), len("/".join((*names[: unknown.index], "")))) from None
        keys = [*keys, *(replace(key, is_descending=order.is_descending) for key in found)]
    last = keys[-1].is_descending if keys else False
    known = {key.sql.text for key in keys}
    rest = (Key(sql(value, e=scope.alias), type_, is_nullable=False) for value, type_ in scope.entity.order)
    return keys + [replace(key, is_descending=last) for key in rest if key.sql.text not in known]


def _token(keys: list[Key], alias: str) -> Sql:
    """What the address of the next page ends with: the keys of the row under that alias."""
    is_plain = all(key.type in PLAIN_KEYS for key in keys)
    texts = [sql(PLAIN_KEYS[key.type] if is_plain else KEY_TEXT, key=f"{alias}k{n}") for n, key in enumerate(keys)]
    if not is_plain:
        return sql(NEXT, keys=join(", ", texts))
    given = [
        sql("coalesce({text}, '')", text=text) if key.is_nullable else text
        for key, text in zip(keys, texts, strict=True)
    ]
    return join(" || ',' || ", given)


def _after(keys: list[Key], token: tuple[str | None, ...]) -> Sql:
    """The rows that come after the one whose keys the token has."""
    if not token:
        return Sql()
    if len(token) != len(keys):
        raise bad("$skiptoken: it belongs to another $orderby", 0)
    values = [bind(text, key.type) for text, key in zip(token, keys, strict=True)]
    if not any(key.is_nullable for key in keys) and len({key.is_descending for key in keys}) == 1:
        sign = "<" if keys[0].is_descending else ">"  # whole rows: an index finds the place
        return sql(
            "({keys}) " + sign + " ({values})", keys=join(", ", [k.sql for k in keys]), values=join(", ", values)
        )
    after = Sql("FALSE")
    for key, text, value in reversed(list(zip(keys, token, values, strict=True))):
        later = _later(key, text, value)
        same = sql("{key} IS NOT DISTINCT FROM {value}", key=key.sql, value=value)
        after = sql("({later} OR ({same} AND {after}))", later=later, same=same, after=after)
    return after


def _later(key: Key, text: str | None, value: Sql) -> Sql:
    """NULL comes last upwards and first downwards."""
    if text is None:
        return sql("{key} IS NOT NULL", key=key.sql) if key.is_descending else Sql("FALSE")
    if key.is_descending:
        return sql("{key} < {value}", key=key.sql, value=value)
    return sql("({key} > {value} OR {key} IS NULL)", key=key.sql, value=value)
