"""What notices do every minute, and every morning."""

from shizhu.engines.notices import expiring, telling
from shizhu.kernel import jobs

jobs.every_minute("notices.send_due", telling.send_due)
jobs.daily("notices.remind_expiring", 8, 20, expiring.remind_all)
