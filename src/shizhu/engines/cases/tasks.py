"""What the cases engine does when a time has come."""

from shizhu.engines.cases import concerns, happening, telling, timed, waits
from shizhu.kernel import jobs

jobs.at(waits.RING, happening.ring)
jobs.at(telling.MEETING, telling.remind)
jobs.every_minute("cases.open_due", timed.every_minute)
jobs.daily("cases.forget", 3, 20, concerns.forget)
