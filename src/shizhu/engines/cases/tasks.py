"""What the cases engine does when a time has come."""

from shizhu.engines.cases import acting, bulletins, concerns, duties, happening, needs, rollcalls, telling, timed, waits
from shizhu.kernel import jobs

jobs.at(waits.RING, happening.ring)
jobs.at(waits.AGAIN, happening.bring_again)
jobs.at(telling.MEETING, telling.remind)
jobs.at(telling.SUPERVISED, acting.overran)
jobs.at(bulletins.DUE, bulletins.overdue)
jobs.at(needs.LATE, needs.late)
jobs.every_minute("cases.open_due", timed.every_minute)
jobs.every_minute("cases.change_shifts", duties.change_shifts)
jobs.every_minute("cases.call_on", rollcalls.go_on)
jobs.daily("cases.call_contacts", 10, 0, rollcalls.by_timetable)
jobs.daily("cases.forget", 3, 20, concerns.forget)
