"""What the kernel does every night, and every minute."""

from shizhu.kernel import events, files, jobs, signin

jobs.daily("kernel.forget_done", 3, 10, events.forget_done)
jobs.daily("kernel.forget_sign_ins", 3, 15, signin.forget_old)
jobs.daily("kernel.sweep_files", 3, 50, files.sweep)
jobs.every_minute("kernel.begin_again", jobs.begin_again)
