"""The pack hall shows what every pack must."""

from shizhu.kernel.testing import PackTests


class TestHall(PackTests):
    pass
