"""What the kernel does every night."""

from shizhu.kernel import events, jobs

jobs.daily("kernel.forget_done", 3, 10, events.forget_done)
