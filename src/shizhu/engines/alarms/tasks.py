"""What alarms do every minute."""

from shizhu.engines.alarms import caring, edges
from shizhu.engines.alarms.warnings import issuing, reaching
from shizhu.kernel import jobs

jobs.every_minute("alarms.every_minute", caring.every_minute)
jobs.every_minute("alarms.look_at_edges", edges.every_minute)
jobs.every_minute("alarms.expire_warnings", issuing.expire)
jobs.at(reaching.WIDEN, reaching.widen)
