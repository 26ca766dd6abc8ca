"""The pack innovation shows what every pack must."""

from shizhu.kernel.testing import PackTests


class TestInnovation(PackTests):
    pass
