"""XML from a stranger: no DTD, so no entities, nothing fetched, comments and processing instructions left out."""

from __future__ import annotations

from typing import Any

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types


class MarkupError(ValueError):
    """Bytes that are no such XML: the value found and the rule it breaks."""

    def __init__(self, value: object, rule: str) -> None:
        super().__init__(f"{value!r} {rule}")
        self.value, self.rule = value, rule


def read(xml: bytes, what: str) -> Any:
    """The root element (lxml) of what is called so, as `a flow`; blanks before it are passed. Raises MarkupError."""
    options = {"resolve_entities": False, "load_dtd": False, "no_network": True}
    try:
        root = etree.fromstring(xml.lstrip(), etree.XMLParser(remove_comments=True, remove_pis=True, **options))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise MarkupError(str(error), "is no readable XML") from None
    document = root.getroottree().docinfo
    if document.internalDTD is not None or document.externalDTD is not None:
        raise MarkupError(document.doctype, f"must be left out: {what} has no DTD")
    return root


def written(root: Any) -> str:
    """An element and all it holds as text."""
    text: str = etree.tostring(root, encoding="unicode")
    return text
