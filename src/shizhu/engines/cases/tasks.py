"""What the cases engine does when a time has come."""

from shizhu.engines.cases import happening, waits
from shizhu.kernel import jobs

jobs.at(waits.RING, happening.ring)
