"""Full-width letters, digits and signs (Unicode FF01–FF5E) as narrow ones, sign for sign: places in a text stay."""

NARROW = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
