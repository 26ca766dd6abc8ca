"""What the kernel does every night, and every minute."""

from shizhu.kernel import events, jobs, signin

jobs.daily("kernel.forget_done", 3, 10, events.forget_done)
jobs.daily("kernel.forget_sign_ins", 3, 15, signin.forget_old)
jobs.every_minute("kernel.begin_again", jobs.begin_again)
