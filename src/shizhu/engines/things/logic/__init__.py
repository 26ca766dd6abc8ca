"""Pure parts: message forms, decoding to readings."""
