"""What the cases engine does when a time has come."""

from shizhu.engines.cases import concerns, happening, waits
from shizhu.kernel import jobs

jobs.at(waits.RING, happening.ring)
jobs.daily("cases.forget", 3, 20, concerns.forget)
