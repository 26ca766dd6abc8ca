"""What notices do every minute."""

from shizhu.engines.notices import telling
from shizhu.kernel import jobs

jobs.every_minute("notices.send_due", telling.send_due)
