"""Records (登记簿): registers that packs declare, their typed rows in JSONB, history, OGC API – Features."""
