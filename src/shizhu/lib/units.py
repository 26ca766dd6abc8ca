"""Units by their UCUM codes (The Unified Code for Units of Measure 2.2, case sensitive)."""

from __future__ import annotations

import re

WORD = re.compile(r"\S+")
PREFIXES = ("", *WORD.findall("Y Z E P T G M k h da d c m u n p f a Ki Mi Gi"))
METRIC = frozenset(
    WORD.findall(
        "m s g rad K C cd mol sr Hz N Pa J W A V F Ohm S Wb Cel T H lm lx Bq Gy Sv l L ar t bar u eV eq osm kat cal B "
        "Np bit By Bd m[H2O] m[Hg] B[SPL] [iU] g% st"
    )
)
OTHER = frozenset(
    WORD.findall(
        "10* 10^ % [ppth] [ppm] [ppb] [pptr] [pi] deg gon ' '' min h d wk mo a mo_s mo_j mo_g a_t a_j a_g atm [g] [pH] "
        "[degF] [c] [ft_i] [in_i] [mi_i] [nmi_i] [kn_i] [lb_av] [HP] [CFU] [FNU] [NTU] sph circ"
    )
)
OURS = frozenset({"[CNY]"})  # money, which UCUM leaves out: yuan
_ANNOTATION = re.compile(r"\{[\x21-\x7a|~]*\}")
_PART = re.compile(r"(10[*^]|(?:\[[^\]]*\]|[^\d+\-\[\]])+)([+-]?\d+)?")


def is_known(code: str) -> bool:
    """Whether a code is well formed and of units known here; more are added when a declaration needs them."""
    bare = _ANNOTATION.sub("", re.sub(rf"(^|[./(]){_ANNOTATION.pattern}", r"\g<1>1", code))
    parts = re.split(r"[./]", re.sub(r"\(([^()]+)\)", r"\1", bare))
    if len(parts) > 1 and bare.startswith("/"):
        parts = parts[1:]
    return all(part.isascii() and (part.isdigit() or _is_unit(part)) for part in parts)


def _is_unit(part: str) -> bool:
    match = _PART.fullmatch(part)
    if match is None:
        return False
    atom = match[1]
    is_prefixed = any(atom.startswith(prefix) and atom[len(prefix) :] in METRIC for prefix in PREFIXES)
    return is_prefixed or atom in OTHER or atom in OURS
