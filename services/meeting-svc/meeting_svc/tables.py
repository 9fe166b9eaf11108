"""Imports every noun's table, so that one metadata has them all and every noun is mapped."""

from meeting_svc.circular import table as circular_table
from meeting_svc.decision import table as decision_table
from meeting_svc.meeting import table as meeting_table
from meeting_svc.meeting_plan import table as meeting_plan_table
from meeting_svc.minutes import table as minutes_table
from meeting_svc.planning_request import table as planning_request_table
from meeting_svc.topic import table as topic_table

TABLES = [
    circular_table,
    decision_table,
    meeting_table,
    meeting_plan_table,
    minutes_table,
    planning_request_table,
    topic_table,
]
