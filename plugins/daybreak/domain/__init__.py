"""The rules, pure: standard library only, frozen values, and ``now`` is always an argument."""
