"""Alarms (告警): rules judged on event time, one open alarm per rule and source."""
