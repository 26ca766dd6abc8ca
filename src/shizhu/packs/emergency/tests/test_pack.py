"""The pack emergency shows what every pack must."""

from shizhu.kernel.testing import PackTests


class TestEmergency(PackTests):
    pass
