"""The platform: one room a package; docs/architecture.md is the map."""
