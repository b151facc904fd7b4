"""The platform in containers, tried for real on an engine: `make test-containers`."""
