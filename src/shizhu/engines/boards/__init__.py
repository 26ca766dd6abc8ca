"""Boards: numbers of every engine, declared, on wall, desk and phone, and as a report in Word."""
