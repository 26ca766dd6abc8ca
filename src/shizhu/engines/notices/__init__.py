"""Notices (通知): what people and machines are told, by which channel, and what became of it."""
