"""The service hall (政务服务): parallel approvals of several departments."""
