"""What alarms do every minute, and at night."""

from shizhu.engines.alarms import bindings, caring, edges
from shizhu.engines.alarms.warnings import issuing, reaching
from shizhu.kernel import jobs

jobs.every_minute("alarms.every_minute", caring.every_minute)
jobs.every_minute("alarms.look_at_edges", edges.every_minute)
jobs.every_minute("alarms.expire_warnings", issuing.expire)
jobs.at(reaching.WIDEN, reaching.widen)
jobs.daily("alarms.bind", 3, 40, bindings.bind_all)  # shapes drawn anew, and properties written by others
