"""What things do every night: closed days move to files."""

from shizhu.engines.things import archive
from shizhu.kernel import jobs

jobs.daily("things.archive", 1, 30, archive.night)
