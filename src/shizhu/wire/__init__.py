"""Pure codecs between bytes and messages, no Django, no I/O: one module per device protocol."""
