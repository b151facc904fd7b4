"""The platform's packages; docs/architecture.md describes each of them."""
