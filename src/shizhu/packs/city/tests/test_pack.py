"""The pack city shows what every pack must."""

from shizhu.kernel.testing import PackTests


class TestCity(PackTests):
    pass
