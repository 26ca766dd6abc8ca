"""Maps (一张图): one map of declared layers, filled by whoever knows the features."""
