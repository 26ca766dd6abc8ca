"""The pack rivers shows what every pack must."""

from shizhu.kernel.testing import PackTests


class TestRivers(PackTests):
    pass
