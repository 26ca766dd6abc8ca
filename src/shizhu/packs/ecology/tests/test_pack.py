"""The pack ecology shows what every pack must."""

from shizhu.kernel.testing import PackTests


class TestEcology(PackTests):
    pass
