"""What alarms do every minute."""

from shizhu.engines.alarms import caring
from shizhu.kernel import jobs

jobs.every_minute("alarms.every_minute", caring.every_minute)
