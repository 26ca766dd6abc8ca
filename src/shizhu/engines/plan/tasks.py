"""What the plan does every night: a new day is due for more, though nothing happened."""

from shizhu.engines.plan import computing
from shizhu.kernel import jobs

jobs.daily("plan.compute_all", 0, 20, computing.compute_all)
