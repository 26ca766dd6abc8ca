"""Reports of the day and the month before are made every morning."""

from shizhu.engines.boards import reports
from shizhu.kernel import jobs

jobs.daily("boards.reports", 6, 30, reports.make_due)
